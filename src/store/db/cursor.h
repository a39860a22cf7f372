/* The opaque cursor of a list: a version, the number of the last row given out, and a check that
 * recognises what we did not write. Pure; any thread. */
#ifndef STORE_DB_CURSOR_H
#define STORE_DB_CURSOR_H

#include "base/arena.h"
#include "base/fault.h"
#include "base/str.h"

/* {NULL, 0} when the arena is full. */
struct str cursor_write(int64_t seq, struct arena *a);
/* Errors  BAD_CURSOR */
enum status cursor_read(struct str text, struct arena *a, int64_t *seq, struct fault *why) MUST_CHECK;

#endif
