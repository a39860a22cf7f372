/* How often a pending image may be verified again because a client reads it: once a second. A client
 * that polls for its upload must not make the server fetch the object each time. */
#ifndef BASE_RATE_LIMIT_H
#define BASE_RATE_LIMIT_H

#include "base/str.h"

struct rate_limit;

/* NULL: memory failed. */
struct rate_limit *rate_limit_new(void);
/* Accepts NULL inside. */
void rate_limit_free(struct rate_limit **g);
/* Whether it may be verified now; if so, this is recorded. With more concurrent images than the table
 * holds, some must wait.
 * now_ms  of the monotonic clock
 * Threads any */
bool rate_limit_take(struct rate_limit *g, struct str image_id, int64_t now_ms) MUST_CHECK;

#endif
