/* Tokens that were verified, by their SHA-256, so that a token which comes with every request is verified once.
 *
 * An entry holds until the token expires, without any allowance for clocks, and for the keys that it was verified with: with others it is
 * not found. Invalid tokens are never entered. The size is fixed; where there is no room, one of the same set of places goes. Any thread. */
#ifndef IDENTITY_TOKEN_CACHE_H
#define IDENTITY_TOKEN_CACHE_H

#include "identity/jwt.h"

struct token_cache;

/* entries  how many there may be; rounded up to a power of two. NULL: memory failed */
struct token_cache *token_cache_new(size_t entries);
void token_cache_free(struct token_cache **at);

/* out    written only on true; its texts live in the arena
 * false  not there, expired, verified with other keys, or the arena is full */
bool token_cache_get(struct token_cache *c, const unsigned char digest[SHA256_BYTES], const struct jwk_set *keys, int64_t now_ms,
	struct arena *a, struct jwt_claims *out) MUST_CHECK;
/* Enter a token that was verified with these keys. One whose texts are long is not entered. */
void token_cache_put(
	struct token_cache *c, const unsigned char digest[SHA256_BYTES], const struct jwk_set *keys, const struct jwt_claims *claims);

#endif
