/* CORS of the storage handler: the preflight, and the headers of every other response, both by the bucket's
 * configuration. */
#ifndef S3_CORS_H
#define S3_CORS_H

#include "base/fault.h"
#include "s3/call.h"

/* Answer an OPTIONS request; requires no signature, as browsers send none.
 * Errors  REQUEST_INVALID no preflight; CORS_FORBIDDEN origin, method or header not allowed; NO_SUCH_BUCKET */
enum status s3_cors_preflight(struct s3_call *c, struct fault *why) MUST_CHECK;
/* Add the headers that let a page of the request's Origin read the response; none if it is not allowed.
 * c   NULL: the request was refused before its address was read */
void s3_cors_headers(const struct s3 *s, struct request_context *x, const struct s3_call *c);

#endif
