/* What an issuer says of itself: its document of OpenID Connect Discovery. Pure; any thread.
 * Source: OpenID Connect Discovery 1.0, 3 and 4; RFC 8414 */
#ifndef IDENTITY_DISCOVERY_H
#define IDENTITY_DISCOVERY_H

#include "base/fault.h"
#include "base/str.h"

#define DISCOVERY_MAX_BYTES ((size_t)256 << 10)
#define DISCOVERY_AGE_DEFAULT_MS (10 * 60 * (int64_t)1000)
#define DISCOVERY_AGE_MIN_MS (5 * 60 * (int64_t)1000)
#define DISCOVERY_AGE_MAX_MS (24 * 3600 * (int64_t)1000)

/* The texts live in the arena; "" where the document has none. */
struct discovery {
	struct str jwks_url;
	struct str authorize_url, token_url, logout_url, revoke_url;
};

/* Whether it is a URL that keys and tokens may be fetched from: https, or http on this machine; visible ASCII, without user and
 * fragment. */
bool discovery_url_valid(struct str url);
/* Where the document of an issuer is. {NULL, 0}: the arena is full. */
struct str discovery_url(struct str issuer, struct arena *a);
/* Read the document.
 * issuer  what it must have as `issuer`, byte for byte
 * out     written only on OK. jwks_url is valid; the others are "" where they are not
 * Errors  INVALID_INPUT with a sentence; OUT_OF_MEMORY; TOO_MUCH */
enum status discovery_read(struct str json, struct str issuer, struct arena *a, struct discovery *out, struct fault *why) MUST_CHECK;
/* Where users of an issuer sign out; "": nowhere. Amazon Cognito's document does not say it: it is next to where they sign in.
 * is_cognito  whether it takes Cognito's parameters
 * Source      Amazon Cognito Developer Guide, "Logout endpoint" */
struct str discovery_logout_url(const struct discovery *d, struct str issuer, struct arena *a, bool *is_cognito);
/* How long keys that came with this Cache-Control may be used before they are fetched again: its max-age, from DISCOVERY_AGE_MIN_MS to
 * DISCOVERY_AGE_MAX_MS; DISCOVERY_AGE_DEFAULT_MS where there is none. */
int64_t discovery_age_ms(struct str cache_control);

#endif
