/* Inside sigv4/: what presigned requests and POST forms have in common: the credential with its
 * scope, and the date. The sentences are S3's. */
#ifndef SIGV4_SCOPE_H
#define SIGV4_SCOPE_H

#include "sigv4/verify.h"

/* Read "ACCESS-KEY/DAY/REGION/SERVICE/aws4_request" into the claim; `name` is the parameter's or field's.
 * Errors  AUTH_MALFORMED */
enum status credential_parse(struct str text, struct str name, struct sigv4_claim *out, struct fault *why) MUST_CHECK;
/* Read the date, which must be of the credential's day: call after credential_parse.
 * Errors  AUTH_MALFORMED */
enum status date_parse(struct str text, struct str name, struct sigv4_claim *out, struct fault *why) MUST_CHECK;
/* Errors  AUTH_MALFORMED the region or service is not ours; the text names ours */
enum status scope_check(const struct sigv4_claim *c, const struct verify_context *ctx, struct str name, struct fault *why) MUST_CHECK;
/* Errors  SIGNATURE_EXPIRED more than SIGV4_SKEW_MS in the future, or more than lifetime_s ago */
enum status date_check(const struct sigv4_claim *c, int64_t now_ms, int64_t lifetime_s, struct fault *why) MUST_CHECK;
/* Compare the signature of `text` with the claim's, in constant time.  Errors: SIGNATURE_WRONG */
enum status signature_check(const struct sigv4_claim *c, struct str secret, struct str text, struct fault *why) MUST_CHECK;
enum status signature_wrong(struct fault *why);

#endif
