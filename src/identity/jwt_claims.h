/* The payload of a token whose signature is valid: the rules for its claims, and what is taken from it. Pure; any thread.
 * Source: RFC 7519 4.1; RFC 8725 3.8 to 3.12; RFC 9068 4; OpenID Connect Core 1.0, 3.1.3.7 */
#ifndef IDENTITY_JWT_CLAIMS_H
#define IDENTITY_JWT_CLAIMS_H

#include "identity/jwt.h"

/* payload    decoded
 * is_access  the header says that it is an access token
 * out        written only on JWT_VALID */
enum jwt_cause jwt_claims_read(
	struct str payload, const struct jwt_rules *rules, int64_t now_s, bool is_access, struct arena *a, struct jwt_claims *out) MUST_CHECK;

#endif
