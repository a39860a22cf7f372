/* Continuation tokens: where a list continues, opaque to clients and checked when they come back.
 * Pure; any thread. */
#ifndef S3_TOKEN_H
#define S3_TOKEN_H

#include "base/fault.h"
#include "s3/call.h"

/* scope   what the token is good for: a bucket's name; "": the list of buckets
 * Gives {NULL, 0} when the arena is full. */
struct str token_write(struct arena *a, struct str scope, struct str last);
/* Errors  ARGUMENT_INVALID no token, or one of another scope */
enum status token_read(struct s3_call *c, struct str scope, struct str token, struct str *last, struct fault *why) MUST_CHECK;
bool token_decode(struct arena *a, struct str scope, struct str token, struct str *last) MUST_CHECK;

#endif
