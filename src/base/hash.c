/* Digests and MACs over OpenSSL.
 *
 * They use the MD5_*, SHA1_* and SHA256_* functions, which OpenSSL 3 marks as deprecated and keeps: the same assembler as that of
 * EVP, on a context of the caller. EVP would take a context from the heap for each digest, and its first one, with which OpenSSL
 * loads its configuration and registers all its algorithms, takes 1.8 MB of memory and as long as all the rest of a start. So
 * nothing is kept per thread and nothing can fail.
 * Source: RFC 1321, RFC 6234, RFC 2104, RFC 9562 5.4. */
#define OPENSSL_API_COMPAT 0x10100000L /* MD5_Init and its kin without deprecation warnings */
#include "base/hash.h"
#include "base/codec.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/md5.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define HMAC_BLOCK 64 /* RFC 2104: B, the block of SHA-256 */

_Static_assert(sizeof(MD5_CTX) <= sizeof((struct hash *)0)->context, "the context of MD5");
_Static_assert(sizeof(SHA_CTX) <= sizeof((struct hash *)0)->context, "the context of SHA-1");
_Static_assert(sizeof(SHA256_CTX) <= sizeof((struct hash *)0)->context, "the context of SHA-256");

void hash_init(struct hash *h, enum hash_kind kind)
{
	assert(h != NULL);
	h->kind = kind;
	switch (kind) {
	case HASH_MD5:
		MD5_Init((void *)h->context);
		return;
	case HASH_SHA1:
		SHA1_Init((void *)h->context);
		return;
	case HASH_SHA256:
		SHA256_Init((void *)h->context);
		return;
	}
}

void hash_update(struct hash *h, const void *p, size_t n)
{
	switch (h->kind) {
	case HASH_MD5:
		MD5_Update((void *)h->context, p, n);
		return;
	case HASH_SHA1:
		SHA1_Update((void *)h->context, p, n);
		return;
	case HASH_SHA256:
		SHA256_Update((void *)h->context, p, n);
		return;
	}
}

void hash_final(struct hash *h, unsigned char *out)
{
	assert(out != NULL);
	switch (h->kind) {
	case HASH_MD5:
		MD5_Final(out, (void *)h->context);
		break;
	case HASH_SHA1:
		SHA1_Final(out, (void *)h->context);
		break;
	case HASH_SHA256:
		SHA256_Final(out, (void *)h->context);
		break;
	}
	OPENSSL_cleanse(h->context, sizeof h->context);
}

void sha256(struct str data, unsigned char out[SHA256_BYTES])
{
	SHA256_CTX ctx;
	SHA256_Init(&ctx);
	SHA256_Update(&ctx, data.p, data.n);
	SHA256_Final(out, &ctx);
}

void sha256_hex(struct str data, char out[2 * SHA256_BYTES + 1])
{
	unsigned char digest[SHA256_BYTES];
	sha256(data, digest);
	hex_encode(digest, sizeof digest, out);
}

/* H((key xor pad), data), the half of HMAC that is done twice. */
static void hash_padded(const unsigned char key[HMAC_BLOCK], unsigned char pad, struct str data, unsigned char out[SHA256_BYTES])
{
	SHA256_CTX ctx;
	unsigned char block[HMAC_BLOCK];
	for (size_t i = 0; i < HMAC_BLOCK; i++)
		block[i] = key[i] ^ pad;
	SHA256_Init(&ctx);
	SHA256_Update(&ctx, block, sizeof block);
	SHA256_Update(&ctx, data.p, data.n);
	SHA256_Final(out, &ctx);
	OPENSSL_cleanse(&ctx, sizeof ctx);
	OPENSSL_cleanse(block, sizeof block);
}

void hmac_sha256(struct str key, struct str data, unsigned char out[SHA256_BYTES])
{
	/* RFC 2104 2: keys longer than B bytes are hashed first, shorter ones filled with zeros. */
	unsigned char padded[HMAC_BLOCK] = { 0 };
	unsigned char inner[SHA256_BYTES];
	if (key.n > HMAC_BLOCK)
		sha256(key, padded);
	else if (key.n > 0)
		memcpy(padded, key.p, key.n);
	hash_padded(padded, 0x36, data, inner);
	hash_padded(padded, 0x5c, (struct str){ (const char *)inner, sizeof inner }, out);
	OPENSSL_cleanse(padded, sizeof padded);
	OPENSSL_cleanse(inner, sizeof inner);
}

bool secret_equal(struct str a, struct str b)
{
	/* Of different lengths b is compared with itself, so that the time says nothing of a. */
	bool same_length = a.n == b.n;
	bool same_bytes = CRYPTO_memcmp(same_length ? a.p : b.p, b.p, b.n) == 0;
	return same_length && same_bytes;
}

void secret_wipe(void *p, size_t n)
{
	OPENSSL_cleanse(p, n);
}

void random_bytes(void *out, size_t n)
{
	char *p = out;
	while (n > 0) {
		ssize_t got = getrandom(p, n, 0);
		if (got < 0 && errno != EINTR) {
			fputs("the system has no source of randomness\n", stderr);
			abort();
		}
		if (got < 0)
			continue;
		p += got;
		n -= (size_t)got;
	}
}

uint64_t hash_fnv64(uint64_t from, struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		from = (from ^ (unsigned char)s.p[i]) * UINT64_C(0x100000001b3);
	return from;
}

uint32_t hash_fnv32(struct str s)
{
	uint32_t h = UINT32_C(2166136261);
	for (size_t i = 0; i < s.n; i++)
		h = (h ^ (unsigned char)s.p[i]) * UINT32_C(16777619);
	return h;
}

/* Where the dashes of a UUID stand: 8-4-4-4-12. */
static bool is_dash_place(size_t i)
{
	return i == 8 || i == 13 || i == 18 || i == 23;
}

void uuid_v4(char out[UUID_CHARS + 1])
{
	unsigned char bytes[UUID_BYTES];
	random_bytes(bytes, sizeof bytes);
	uuid_of_bytes(bytes, out);
}

void uuid_of_bytes(const unsigned char given[UUID_BYTES], char out[UUID_CHARS + 1])
{
	unsigned char bytes[UUID_BYTES];
	char hex[2 * sizeof bytes + 1];
	memcpy(bytes, given, sizeof bytes);
	bytes[6] = (unsigned char)((bytes[6] & 0x0f) | 0x40); /* version 4 */
	bytes[8] = (unsigned char)((bytes[8] & 0x3f) | 0x80); /* variant 10 */
	hex_encode(bytes, sizeof bytes, hex);
	for (size_t i = 0, from = 0; i < UUID_CHARS; i++)
		out[i] = is_dash_place(i) ? '-' : hex[from++];
	out[UUID_CHARS] = '\0';
}

struct str uuid_dup(struct arena *a, const unsigned char bytes[UUID_BYTES])
{
	char text[UUID_CHARS + 1];
	uuid_of_bytes(bytes, text);
	return str_dup(a, (struct str){ text, UUID_CHARS });
}

bool uuid_valid(struct str s)
{
	if (s.n != UUID_CHARS)
		return false;
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];
		if (is_dash_place(i) ? c != '-' : !((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f')))
			return false;
	}
	return s.p[14] == '4' && (s.p[19] == '8' || s.p[19] == '9' || s.p[19] == 'a' || s.p[19] == 'b');
}

bool uuid_to_bytes(struct str s, unsigned char out[UUID_BYTES])
{
	char hex[2 * UUID_BYTES];
	size_t n = 0;
	if (!uuid_valid(s))
		return false;
	for (size_t i = 0; i < s.n; i++)
		if (!is_dash_place(i))
			hex[n++] = s.p[i];
	return hex_decode((struct str){ hex, n }, out, UUID_BYTES);
}
