/* Faults as S3 errors: code, HTTP status and XML body. */
#ifndef S3_ERROR_H
#define S3_ERROR_H

#include "base/fault.h"
#include "s3/call.h"

#define HOST_ID "tintype" /* x-amz-id-2 */

/* The S3 code and the HTTP status of a fault. Every code of fault.def has one; what cannot happen
 * here is InternalError. */
const char *error_code(enum fault_code code);
int error_http_status(enum fault_code code);
/* The message of the response: the fault's own, or a fixed one where that could reveal internals. */
struct str error_message(const struct fault *why);
/* Start the answer over and fill it with the error. c: the call, whose details are added; NULL when
 * there is none. With the arena full a body of fixed text goes out. */
void error_answer(struct request_context *x, const struct s3_call *c, const struct fault *why);

#endif
