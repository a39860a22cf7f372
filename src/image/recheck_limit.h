/* How often a pending image may be verified again because a client reads it: once a second. A client
 * that polls for its upload must not make the server fetch the object each time. */
#ifndef IMAGE_RECHECK_LIMIT_H
#define IMAGE_RECHECK_LIMIT_H

#include "base/str.h"

struct recheck_limit;

/* NULL: memory failed. */
struct recheck_limit *recheck_limit_new(void);
/* Accepts NULL inside. */
void recheck_limit_free(struct recheck_limit **g);
/* Whether it may be verified now; if so, this is recorded. With more concurrent images than the table
 * holds, some must wait.
 * now_ms  of the monotonic clock
 * Threads any */
bool recheck_allowed(struct recheck_limit *g, struct str image_id, int64_t now_ms) MUST_CHECK;

#endif
