/* CORS of the storage door: the preflight, and the headers on every other answer. */
#ifndef S3_CORS_H
#define S3_CORS_H

#include "s3/call.h"

/* Answer an OPTIONS request; needs no signature, as browsers send none.
 * Errors  REQUEST_INVALID no preflight; ACCESS_DENIED origin or method not allowed */
enum status s3_cors_preflight(struct call *c, struct fault *why) MUST_CHECK;
/* Add to any answer what lets a page of the request's Origin read it; nothing without an Origin that may. */
void s3_cors_headers(const struct s3 *s, struct exchange *x);

#endif
