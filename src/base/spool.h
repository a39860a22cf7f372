/* Bytes that come in and are kept in a file without a name, until they are closed: whatever happens, nothing is left of them.
 * One thread at a time. */
#ifndef BASE_SPOOL_H
#define BASE_SPOOL_H

#include "base/fault.h"
#include "base/str.h"

struct spool {
	bool is_open;
	int fd;
	uint64_t size;
	struct str view; /* mapped; NULL: not yet */
};

/* Make an empty file in the directory for temporary files: TMPDIR, else /tmp.
 * out     written in any case; closed unless OK
 * Errors  STORAGE_FAILED; DISK_FULL */
enum status spool_open(struct spool *out, struct fault *why) MUST_CHECK;
/* Append. Waits for no sync.  Errors: DISK_FULL; STORAGE_FAILED */
enum status spool_write(struct spool *s, struct str bytes, struct fault *why) MUST_CHECK;
/* All bytes, mapped read-only until spool_close. Nothing may be written after it.  Errors: OUT_OF_MEMORY */
enum status spool_view(struct spool *s, struct str *bytes, struct fault *why) MUST_CHECK;
/* Give the file's room back to the disk. Safe on a zeroed one; any number of times. */
void spool_close(struct spool *s);

#endif
