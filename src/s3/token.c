/* A token is the last key, with the beginning of a hash of scope and key before it, in base64 for URLs. It
 * is no secret and grants nothing: the hash only finds what was cut or made up. */
#include "s3/token.h"

#include "base/codec.h"
#include "base/hash.h"
#include "base/object_key.h"
#include "s3/parameters.h"

#include <string.h>

#define CHECK_BYTES 8

static void check_bytes(struct str scope, struct str last, unsigned char out[SHA256_BYTES])
{
	struct hash h;
	hash_init(&h, HASH_SHA256);
	hash_update(&h, scope.p, scope.n);
	hash_update(&h, "/", 1);
	hash_update(&h, last.p, last.n);
	if (!hash_final(&h, out))
		memset(out, 0, SHA256_BYTES);
}

struct str token_write(struct arena *a, struct str scope, struct str last)
{
	unsigned char check[SHA256_BYTES];
	struct buf raw, text;
	check_bytes(scope, last, check);
	buf_init_arena(&raw, a, CHECK_BYTES + OBJECT_KEY_MAX_BYTES);
	buf_put(&raw, (struct str){ (const char *)check, CHECK_BYTES });
	buf_put(&raw, last);
	buf_init_arena(&text, a, 2 * (CHECK_BYTES + OBJECT_KEY_MAX_BYTES));
	base64url_encode(&text, buf_str(&raw));
	return buf_ok(&raw) && buf_ok(&text) ? buf_str(&text) : (struct str){ 0 };
}

bool token_decode(struct arena *a, struct str scope, struct str token, struct str *last)
{
	unsigned char check[SHA256_BYTES];
	struct str raw;
	if (token.n > 2 * (CHECK_BYTES + OBJECT_KEY_MAX_BYTES) || !base64url_decode(a, token, &raw) || raw.n < CHECK_BYTES)
		return false;
	*last = str_slice(raw, CHECK_BYTES, raw.n);
	check_bytes(scope, *last, check);
	return memcmp(check, raw.p, CHECK_BYTES) == 0;
}

enum status token_read(struct s3_call *c, struct str scope, struct str token, struct str *last, struct fault *why)
{
	if (token_decode(&c->x->arena, scope, token, last))
		return OK;
	return argument_fault(c, "continuation-token", token, "The continuation token provided is incorrect", why);
}
