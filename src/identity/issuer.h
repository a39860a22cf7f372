/* The keys of an issuer, as they are now: fetched, kept, and fetched again before they are old or when a token names a key that is not
 * among them.
 *
 * At most one fetch runs at a time, and after each one none begins for a cooldown, so that tokens with invented names of keys cost
 * the issuer a request in that time and not one each. A fetch that fails leaves the keys that are there, for up to a day. No
 * redirects; what is longer than 256 KiB is refused.
 * Source: OpenID Connect Discovery 1.0, 4; RFC 9111 5.2.2.1 (max-age) */
#ifndef IDENTITY_ISSUER_H
#define IDENTITY_ISSUER_H

#include "identity/discovery.h"
#include "identity/jwk.h"

#define ISSUER_COOLDOWN_MS 30000
#define ISSUER_WAIT_MS 5000  /* how long a caller waits for a fetch, and a fetch may take */
#define ISSUER_WAITERS_MAX 8 /* more are refused at once: they would take the workers of others */
#define ISSUER_KEEP_MS ((int64_t)24 * 3600 * 1000)

struct issuer;

struct issuer_options {
	struct str url;         /* the issuer, see discovery_url_valid; borrowed, as authorities */
	struct str authorities; /* see http/client/client.h */
	bool has_thread;        /* fetch on a thread of its own; false: callers that may wait do it themselves, one at a time */
	int64_t cooldown_ms;    /* 0: ISSUER_COOLDOWN_MS */
};

/* Start; the first fetch begins at once on the thread, and does not hold up the caller. NULL: no memory or no thread. */
struct issuer *issuer_new(const struct issuer_options *o);
/* Waits for a fetch that runs. Accepts NULL inside. */
void issuer_free(struct issuer **at);

/* Give the keys, with a hold that the caller gives up with jwk_set_free.
 * may_wait  false: never blocks
 * out       written only on OK
 * Errors    IDENTITY_UNREACHABLE there are none yet, or none that are less than a day old; IDENTITY_REFRESHING only where may_wait is
 *           false: they must be fetched first
 * Threads   any */
enum status issuer_keys(struct issuer *i, bool may_wait, struct jwk_set **out, struct fault *why) MUST_CHECK;
/* The same after a token was found to name a key that is not in `*keys`: replaces them and their hold by newer ones.
 * keys    stays as it is unless OK
 * newer   false: the issuer has no others, or was asked within the cooldown
 * Errors  as issuer_keys, and IDENTITY_UNREACHABLE the issuer could not be asked */
enum status issuer_newer_keys(struct issuer *i, bool may_wait, struct jwk_set **keys, bool *newer, struct fault *why) MUST_CHECK;
/* What the issuer's document says, as it was fetched with the keys. Never blocks.
 * out    written only on true; lives in the arena
 * false  it has not been fetched yet, or the arena is full */
bool issuer_document(struct issuer *i, struct arena *a, struct discovery *out) MUST_CHECK;

#endif
