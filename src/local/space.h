/* Free room on the data directory's file system, and the reserve below which bodies are refused.
 *
 * A body that has begun has its told length promised to it until it is written, so that many at once
 * do not eat the reserve together. Crossing the reserve is logged once in each direction. Any thread. */
#ifndef LOCAL_SPACE_H
#define LOCAL_SPACE_H

#include "base/fault.h"
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct space {
	int fd;
	uint64_t reserve_bytes;
	_Atomic uint64_t promised_bytes;
	_Atomic bool low;
};

/* Tell the gauge of free bytes, and the log at a crossing, what is free now; without a write nobody else does. */
void space_measure(struct space *s);
/* Promise `bytes` to a body.  Errors: DISK_FULL the rest would be below the reserve; STORAGE_FAILED */
enum status space_take(struct space *s, uint64_t bytes, struct fault *why) MUST_CHECK;
/* Take back what was promised: it is written, or will not come. */
void space_give(struct space *s, uint64_t bytes);
/* Whether new rows may be made. Rows may use most of the reserve, but not the last of it, which
 * belongs to deletes, the sweep and the log. */
bool space_for_rows(struct space *s);

#endif
