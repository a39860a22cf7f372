/* Keys made by OpenSSL while a test runs, their JWK sets, and tokens signed with them: what an issuer does. */
#ifndef TEST_IDENTITY_TOKENS_H
#define TEST_IDENTITY_TOKENS_H

#include "base/arena.h"
#include "base/str.h"

#include <openssl/evp.h>

/* Their kid is their name. */
enum token_key { TOKEN_RSA, TOKEN_RSA_OTHER, TOKEN_P256, TOKEN_ED25519, TOKEN_RSA_SHORT, TOKEN_P384 };
#define TOKEN_KEYS 6

struct token_keys {
	EVP_PKEY *keys[TOKEN_KEYS];
};

void token_keys_make(struct token_keys *k);
void token_keys_free(struct token_keys *k);
const char *token_key_name(enum token_key which);

/* The public key as a JWK; `more` are members that follow the others, each with a comma before it. */
struct str token_jwk(struct arena *a, const struct token_keys *k, enum token_key which, const char *more);
/* {"keys":[...]} of n keys. */
struct str token_set(struct arena *a, const struct token_keys *k, const enum token_key *which, size_t n);
/* base64url of both with a dot between them, and a dot with the signature: by RS256, PS256, ES256, EdDSA, HS256 (then `secret`). */
struct str token_sign(struct arena *a, EVP_PKEY *key, const char *alg, struct str header, struct str payload);
struct str token_sign_secret(struct arena *a, struct str secret, struct str header, struct str payload);
/* The public key in PEM. */
struct str token_pem(struct arena *a, EVP_PKEY *key);
struct str token_base64url(struct arena *a, struct str bytes);
/* s with the first `from` as `to`; fails the test where there is none. */
struct str token_replace(struct arena *a, struct str s, const char *from, const char *to);

#endif
