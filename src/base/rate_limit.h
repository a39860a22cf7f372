/* How often something may happen for one name, such as an image or a client's address: a number of times in each
 * window, or in the long run. Memory is fixed: names are remembered by a digest, and only while their window lasts. */
#ifndef BASE_RATE_LIMIT_H
#define BASE_RATE_LIMIT_H

#include "base/str.h"

struct rate_limit;

/* NULL: memory failed.
 * most       times in a window, at least 1
 * window_ms  from the first time on */
struct rate_limit *rate_limit_new(unsigned most, int64_t window_ms);
/* The same as a token bucket: `most` times at once, and then once for each window_ms / most that has passed. */
struct rate_limit *rate_limit_new_bucket(unsigned most, int64_t window_ms);
/* Accepts NULL inside. */
void rate_limit_free(struct rate_limit **l);
/* Whether it may happen now; if so, it is counted. With more names at once than the table has places, some of
 * them have to wait though they did nothing.
 * name    "": unknown, which is one name like any other
 * now_ms  of the monotonic clock
 * Threads any */
bool rate_limit_take(struct rate_limit *l, struct str name, int64_t now_ms) MUST_CHECK;
/* The same.  wait_ms: written if it may not happen: how long until it may, at the most */
bool rate_limit_take_or_wait(struct rate_limit *l, struct str name, int64_t now_ms, int64_t *wait_ms) MUST_CHECK;

#endif
