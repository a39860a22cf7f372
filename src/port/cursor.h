/* The opaque cursor of a list: a version, the place of the last row given out, and a check that recognises what we did not write, or
 * wrote for another list. Pure; any thread. */
#ifndef PORT_CURSOR_H
#define PORT_CURSOR_H

#include "base/arena.h"
#include "base/fault.h"
#include "base/str.h"

#define CURSOR_TEXT_MAX 64

/* The place is a number of at least 0, or a text of 1..CURSOR_TEXT_MAX bytes.
 * list    which list it is, in any form: a cursor is good for the same alone
 * returns {NULL, 0} when the arena is full */
struct str cursor_write(int64_t n, struct str list, struct arena *a);
struct str cursor_write_text(struct str text, struct str list, struct arena *a);
/* Set the fault BAD_CURSOR, with the message for the client, and return its status. */
enum status bad_cursor(struct fault *why);
/* Errors  BAD_CURSOR; TOO_MUCH */
enum status cursor_read(struct str cursor, struct str list, struct arena *a, int64_t *n, struct fault *why) MUST_CHECK;
enum status cursor_read_text(struct str cursor, struct str list, struct arena *a, struct str *text, struct fault *why) MUST_CHECK;

#endif
