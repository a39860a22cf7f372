/* Chunk signatures. The strings to sign of chunks and of the trailer are made in one place: they differ in the first line,
 * and only that of a chunk has the hash of an empty text. */
#include "sigv4/chunk.h"

#include "base/codec.h"

#include <string.h>

#define TEXT_MAX 512
#define HASH_OF_NOTHING "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\n"

void chunk_chain_init(struct chunk_chain *c, const struct parsed_signature *auth, struct str secret)
{
	assert(c != NULL);
	assert(auth != NULL);
	*c = (struct chunk_chain){ .amz_date = auth->amz_date, .scope = auth->scope };
	signing_key(secret, &auth->scope, c->key);
	struct str seed = str_slice(auth->signature, 0, SIGNATURE_CHARS);
	memcpy(c->last, seed.p, seed.n);
}

bool chunk_chain_next(struct chunk_chain *c, bool trailer, const unsigned char digest[SHA256_BYTES], struct str signature)
{
	assert(c != NULL);
	assert(digest != NULL);
	char memory[TEXT_MAX], hex[2 * SHA256_BYTES + 1];
	struct buf text;
	buf_init_fixed(&text, memory, sizeof memory);
	hex_encode(digest, SHA256_BYTES, hex);
	BUF_PUT(&text, trailer ? STR("AWS4-HMAC-SHA256-TRAILER\n") : STR("AWS4-HMAC-SHA256-PAYLOAD\n"), c->amz_date, STR("\n"), c->scope.day,
		STR("/"), c->scope.region, STR("/"), c->scope.service, STR("/aws4_request\n"), { c->last, SIGNATURE_CHARS }, STR("\n"),
		trailer ? STR("") : STR(HASH_OF_NOTHING), { hex, 2 * SHA256_BYTES });
	signature_of(c->key, buf_str(&text), c->last);
	return buf_ok(&text) && secret_equal(signature, (struct str){ c->last, SIGNATURE_CHARS });
}

void chunk_chain_deinit(struct chunk_chain *c)
{
	secret_wipe(c, sizeof *c);
}
