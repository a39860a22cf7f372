/* Inside sigv4/: what presigned requests and POST forms have in common: the credential with its
 * scope, and the date. The messages are those of S3. */
#ifndef SIGV4_SCOPE_H
#define SIGV4_SCOPE_H

#include "base/fault.h"
#include "sigv4/verify.h"

/* A malformed signature: AUTH_MALFORMED with S3's message for the parameter or field `name`, or, if that is empty,
 * AUTH_HEADER_MALFORMED with the one for the Authorization header. */
enum status scope_malformed(struct str name, struct fault *why, const char *fmt, ...) PRINTF(3, 4);
/* Read "ACCESS-KEY/DAY/REGION/SERVICE/aws4_request"; `name` is the parameter's or field's, "": the header.
 * Errors  as scope_malformed */
enum status credential_parse(struct str text, struct str name, struct parsed_signature *out, struct fault *why) MUST_CHECK;
/* Read the date, which must be of the credential's day: call after credential_parse.
 * Errors  AUTH_MALFORMED */
enum status date_parse(struct str text, struct str name, struct parsed_signature *out, struct fault *why) MUST_CHECK;
/* Errors  as scope_malformed: the region or service is not ours; the text names ours */
enum status scope_check(const struct parsed_signature *c, const struct verify_context *ctx, struct str name, struct fault *why) MUST_CHECK;
/* Errors  SIGNATURE_EXPIRED more than SIGV4_SKEW_MS in the future, or more than lifetime_s ago */
enum status date_check(const struct parsed_signature *c, int64_t now_ms, int64_t lifetime_s, struct fault *why) MUST_CHECK;
/* Whether a list of signed headers has no more names than are read.  Errors: as scope_malformed */
enum status signed_list_check(struct str list, struct str name, struct fault *why) MUST_CHECK;
/* 64 hex digits of any case. */
bool payload_is_hash(struct str s);
/* Whether the request's signature is that of `text` by the scope's key. In constant time. */
bool signature_fits(const struct parsed_signature *c, const struct sigv4_scope *scope, struct str secret, struct str text);
/* The same by the request's own scope.  Errors: SIGNATURE_WRONG */
enum status signature_check(const struct parsed_signature *c, struct str secret, struct str text, struct fault *why) MUST_CHECK;
enum status signature_wrong(struct fault *why);

#endif
