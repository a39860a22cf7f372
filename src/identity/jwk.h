/* JSON Web Key sets: the public keys of an issuer, checked once when they are imported. A key that cannot or must not be used stays
 * in the set with its flaw, so that a token that names it is refused for that reason and not as one of an unknown key.
 *
 * OpenSSL accepts RSA keys of 17 bits, and the exponent 1, with which anyone can sign; so sizes are checked here. A set may also be one
 * secret, for HS256; never both. Pure; a set is not changed once it is made, so any thread may verify with it.
 * Source: RFC 7517; RFC 7518 6; RFC 8037 2; RFC 8725 3.5 */
#ifndef IDENTITY_JWK_H
#define IDENTITY_JWK_H

#include "base/fault.h"
#include "base/hash.h"
#include "base/str.h"

#define JWK_SET_MAX_BYTES ((size_t)256 << 10)
#define JWK_SET_MAX_KEYS 64
#define JWK_KID_MAX_BYTES 256
#define JWK_SECRET_MIN_BYTES 32

enum jwk_type { JWK_RSA, JWK_P256, JWK_ED25519 };

enum jwk_flaw {
#define FLAW(name, meaning) JWK_##name,
#include "identity/jwk_flaw.def"
#undef FLAW
	JWK_FLAWS
};

struct evp_pkey_st;
struct evp_md_ctx_st;
struct jwk {
	enum jwk_flaw flaw; /* JWK_USABLE, or why it is not */
	enum jwk_type type; /* of a usable one */
	bool has_kid;
	struct str kid;
	struct str alg; /* the only algorithm that it is for; "": any of its type */
	struct evp_pkey_st *key;
	struct evp_md_ctx_st *verification; /* of a usable one, begun with SHA-256 where the type has a digest: to be copied, never used */
};

struct jwk_set; /* counts its holders */

/* Import a set.
 * json    borrowed for the call
 * out     one hold on a new set; written only on OK
 * Errors  INVALID_INPUT not a set, too many keys, or none of them usable; OUT_OF_MEMORY */
enum status jwk_set_new(struct str json, struct jwk_set **out, struct fault *why) MUST_CHECK;
/* A set that is a secret, which is copied: at least JWK_SECRET_MIN_BYTES. NULL: memory failed. */
struct jwk_set *jwk_set_of_secret(struct str secret);
/* One more hold on the set; gives it. */
struct jwk_set *jwk_set_hold(struct jwk_set *set);
/* Give up a hold; the last one frees the set. Accepts NULL inside. */
void jwk_set_free(struct jwk_set **at);

size_t jwk_set_count(const struct jwk_set *set);
const struct jwk *jwk_set_at(const struct jwk_set *set, size_t i);
/* {NULL, 0}: it is a set of keys. */
struct str jwk_set_secret(const struct jwk_set *set);
/* The SHA-256 of the text or secret that it was made of: sets that differ have different ones. */
const unsigned char *jwk_set_digest(const struct jwk_set *set);
/* For the log: "RSA key under 2048 bits". */
const char *jwk_flaw_text(enum jwk_flaw flaw);

#endif
