/* Authentication: signatures against the key ring. */
#ifndef S3_AUTH_H
#define S3_AUTH_H

#include "base/fault.h"
#include "s3/call.h"

/* Check the signature, in the query or in the Authorization header, and set the call's parsed signature and key.
 * Errors  NOT_SIGNED; NO_SUCH_BUCKET of an unsigned request; AUTH_MALFORMED; AUTH_HEADER_MALFORMED; ACCESS_KEY_UNKNOWN; SESSION_TOKEN_INVALID; SIGNATURE_WRONG;
 *         SIGNATURE_EXPIRED; CLOCK_SKEWED; HEADER_UNSIGNED; ARGUMENT_INVALID signed in two ways, or in none that is known;
 *         REQUEST_INVALID Signature Version 2, no x-amz-content-sha256, or a chunked body where content-length is signed;
 *         TOO_MUCH */
enum status auth_request(struct s3_call *c, struct fault *why) MUST_CHECK;
/* The error for a request signed by Signature Version 2. Returns REQUEST_INVALID's status. */
enum status auth_old_version(struct fault *why) MUST_CHECK;
/* The key of the call's signature.  Errors: ACCESS_KEY_UNKNOWN */
enum status auth_find_key(struct s3_call *c, struct fault *why) MUST_CHECK;
/* What the call's signature is verified against, once its key is found. */
struct verify_context auth_context(const struct s3_call *c, int64_t now_ms);

#endif
