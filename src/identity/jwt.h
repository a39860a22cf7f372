/* Verification of JSON Web Tokens, signed (JWS) in the compact form. Pure: bytes, keys, rules and the time in, claims out.
 *
 * Refuses what other libraries read in different ways: members that appear twice, base64url that is not canonical, critical extensions,
 * algorithms of another family than the key's. Nothing of the payload is looked at before the signature holds. jwt.c has the form
 * and the header, jwt_signature.c the algorithms, jwt_claims.c the rules for the payload. Threads: any.
 * Source: RFC 7515, RFC 7519, RFC 7518 3, RFC 8037 3.1, RFC 8725, RFC 9068 */
#ifndef IDENTITY_JWT_H
#define IDENTITY_JWT_H

#include "identity/jwk.h"
#include "identity/owner.h"

#define JWT_MAX_BYTES 16384
#define JWT_HEADER_MAX_BYTES 4096 /* as it is in the token */
#define JWT_NEST_MAX 16
#define JWT_AHEAD_MAX_S ((int64_t)400 * 86400)

enum jwt_cause {
#define CAUSE(name, meaning) JWT_##name,
#include "identity/jwt_cause.def"
#undef CAUSE
	JWT_CAUSES
};

enum jwt_algorithm { JWT_RS256, JWT_PS256, JWT_ES256, JWT_EDDSA, JWT_HS256 };
#define JWT_ALGORITHMS 5
/* The algorithm of this name, RFC 9864's "Ed25519" included; false: unknown. */
bool jwt_algorithm_parse(struct str name, enum jwt_algorithm *out) MUST_CHECK;

enum jwt_kind { JWT_ACCESS, JWT_ID, JWT_ANY };

struct jwt_rules {
	struct str issuer;
	struct str audiences;        /* with commas; "": any */
	struct str parties;          /* with commas; "": any. One of the two is not empty */
	bool allows[JWT_ALGORITHMS]; /* by enum jwt_algorithm */
	enum jwt_kind kind;
	int64_t skew_s;            /* 0 to 300 */
	const char *subject_claim; /* "sub" */
	struct str admin_pointer;  /* RFC 6901, to where admin_value must be; "": nobody is an administrator */
	struct str admin_value;
};

/* The texts live in the arena. */
struct jwt_claims {
	struct str subject;
	struct str name;   /* "" where there is none */
	struct str scopes; /* words with a blank between them */
	bool is_admin;
	int64_t expires_s;
};

/* Verify one token.
 * token   at most any length; may hold any byte
 * keys    a set of keys, or a secret, with which HS256 alone is accepted
 * out     written only on JWT_VALID
 * Result  JWT_VALID, or the first check that failed */
enum jwt_cause jwt_verify(struct str token, const struct jwk_set *keys, const struct jwt_rules *rules, int64_t now_s, struct arena *a,
	struct jwt_claims *out) MUST_CHECK;
/* For the log. */
const char *jwt_cause_text(enum jwt_cause cause);
/* Whether it could be otherwise with newer keys of the issuer. */
static inline bool jwt_needs_newer_keys(enum jwt_cause cause)
{
	return cause == JWT_KID_UNKNOWN;
}

#endif
