/* Digests and MACs over OpenSSL.
 *
 * Streaming hashes (a body's MD5) go through EVP with algorithms fetched once. The one-shots are on
 * the path of every request, several times each, and EVP costs them more than the hashing: a
 * context from the heap and provider calls. They use the SHA256_* functions, which
 * OpenSSL 3 marks as deprecated and keeps; they run the same assembler on a context on the stack.
 * So nothing is kept per thread and nothing can fail.
 * Source: RFC 1321, RFC 6234, RFC 2104, RFC 9562 5.4. */
#define OPENSSL_API_COMPAT 0x10100000L /* SHA256_Init and its kin without deprecation warnings */
#include "base/hash.h"
#include "base/codec.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/sha.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define HMAC_BLOCK 64 /* RFC 2104: B, the block of SHA-256 */

static EVP_MD *algorithms[HASH_KINDS]; /* by enum hash_kind; never freed, the program ends with them */
static pthread_once_t init_once = PTHREAD_ONCE_INIT;

static void fetch_algorithms(void)
{
	algorithms[HASH_MD5] = EVP_MD_fetch(NULL, "MD5", NULL);
	algorithms[HASH_SHA1] = EVP_MD_fetch(NULL, "SHA1", NULL);
	algorithms[HASH_SHA256] = EVP_MD_fetch(NULL, "SHA2-256", NULL);
	if (algorithms[HASH_MD5] != NULL && algorithms[HASH_SHA1] != NULL && algorithms[HASH_SHA256] != NULL)
		return;
	fputs("OpenSSL offers no MD5, SHA-1 or SHA-256; all are needed\n", stderr);
	abort();
}

void crypto_init(void)
{
	pthread_once(&init_once, fetch_algorithms);
}

void hash_init(struct hash *h, enum hash_kind kind)
{
	assert(h != NULL);
	assert(algorithms[kind] != NULL); /* crypto_init comes first */
	h->ctx = EVP_MD_CTX_new();
	h->bad = h->ctx == NULL || EVP_DigestInit_ex2(h->ctx, algorithms[kind], NULL) != 1;
}

void hash_update(struct hash *h, const void *p, size_t n)
{
	if (!h->bad && EVP_DigestUpdate(h->ctx, p, n) != 1)
		h->bad = true;
}

bool hash_final(struct hash *h, unsigned char *out)
{
	assert(out != NULL);
	bool good = !h->bad && EVP_DigestFinal_ex(h->ctx, out, NULL) == 1;
	hash_deinit(h);
	return good;
}

void hash_deinit(struct hash *h)
{
	EVP_MD_CTX_free(h->ctx);
	*h = (struct hash){ .ctx = NULL, .bad = true };
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
