/* Faults as S3 errors: code, HTTP status and XML body. */
#ifndef S3_ERROR_H
#define S3_ERROR_H

#include "base/fault.h"
#include "s3/call.h"

#define HOST_ID "tintype" /* x-amz-id-2 */

/* The S3 code and the HTTP status of a fault. Every code of fault.def has them; one that cannot occur here is
 * InternalError. */
const char *error_code(enum fault_code code);
int error_http_status(enum fault_code code);
/* The message of the response: the fault's own, or a fixed one where that could reveal internals. */
struct str error_message(const struct fault *why);
/* Discard the response so far and make it this error. If the arena is full, its body is a fixed text.
 * c   the call, whose details are added; NULL: none */
void error_answer(struct request_context *x, const struct s3_call *c, const struct fault *why);

#endif
