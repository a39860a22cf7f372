/* Who sent a token: JSON Web Tokens of one OpenID Connect issuer, verified here with the issuer's keys.
 *
 * issuer.h gets the keys and keeps them, jwt.h verifies a token with them, token_cache.h remembers those that are valid, until they
 * expire or the keys change. Where the keys must be fetched first, a caller that may not wait is told so (IDENTITY_REFRESHING),
 * and asks again on a thread that may. */
#ifndef IDENTITY_IDENTITY_H
#define IDENTITY_IDENTITY_H

#include "base/fault.h"
#include "base/str.h"

struct identity;

struct identity_options {
	struct str issuer;      /* as it is in the tokens, byte for byte; 1 to 255 bytes */
	struct str audiences;   /* with commas: `aud`, or the `client_id` of tokens without one, must be among these; "": any */
	struct str parties;     /* with commas: `azp` must be among these; "": any. One of the two is needed */
	struct str algorithms;  /* with commas, of RS256, PS256, ES256, EdDSA, HS256 */
	struct str secret;      /* for HS256: at least 32 bytes, and no other algorithm; "": keys */
	struct str keys;        /* a JWK set, or the name of a file with one; "": it is fetched from the issuer */
	const char *subject;    /* the claim that names the subject, such as sub */
	struct str admin;       /* a JSON pointer, '=' and a value: which tokens are an administrator's; "": none */
	struct str token;       /* "access", "id" or "any" */
	uint64_t skew_s;        /* how far the clocks may differ */
	struct str client_id;   /* of the page, which then signs users in; "": it does not */
	struct str scope;       /* what the page asks for */
	struct str authorities; /* certificates in PEM to trust in place of the system's; "": the system's */
	bool has_thread;        /* keep the keys fresh on a thread; false: they are fetched by the callers that may wait */
};

/* Whose token it is. The texts live in the arena of the call. */
struct identity_caller {
	struct str issuer, subject;
	struct str owner;  /* see owner.h */
	struct str name;   /* for people; "" where the token has none */
	struct str scopes; /* words with blanks between them */
	bool is_admin;
	int64_t expires_ms;
};

/* Check the options, read the file of keys, and start the thread if there is one. It does not wait for the issuer. The texts are
 * borrowed and outlive it.
 * out     written only on OK
 * Errors  BAD_SETTING with a sentence that names the setting; OUT_OF_MEMORY */
enum status identity_new(const struct identity_options *o, struct identity **out, struct fault *why) MUST_CHECK;
void identity_free(struct identity **at);

/* Fetch the issuer's keys and document now, if there are none yet and it was not tried just before. Waits up to 5 s; where they are fixed,
 * nothing.  Errors: IDENTITY_UNREACHABLE */
enum status identity_prefetch(struct identity *i, struct fault *why) MUST_CHECK;

/* Verify a token.
 * token     what follows "Bearer"
 * may_wait  false: never blocks; true: waits up to 5 s for keys that are needed first
 * out       written only on OK
 * Errors    TOKEN_INVALID "expired" or "not valid", with the reason in the fault's cause; IDENTITY_UNREACHABLE the issuer's keys
 *           could not be fetched yet; IDENTITY_REFRESHING not where may_wait is true: ask again on a thread that may wait; TOO_MUCH,
 *           OUT_OF_MEMORY
 * Threads   any, unless it has no thread: then one at a time */
enum status identity_verify(struct identity *i, struct str token, int64_t now_ms, bool may_wait, struct arena *a,
	struct identity_caller *out, struct fault *why) MUST_CHECK;

/* Whether a token was refused for having expired alone: it is one of the issuer's, so whoever sends it does not guess. */
bool identity_has_expired(const struct fault *why);

/* What a page needs in order to sign users in at the issuer. The texts live in the arena, or in the identity. */
struct identity_sign_in {
	struct str issuer, client_id, scope;
	struct str audience; /* whom the tokens are for, where that is not the client itself; "" */
	struct str authorize_url, token_url;
	struct str logout_url, revoke_url; /* "": the issuer has none */
	bool is_cognito;                   /* the logout takes Cognito's parameters */
	bool sends_id_token;               /* ID tokens are what this server accepts */
};
/* Never blocks.
 * out    written only on true
 * false  no client is set, or the issuer's document has not been fetched yet */
bool identity_sign_in(struct identity *i, struct arena *a, struct identity_sign_in *out) MUST_CHECK;

#endif
