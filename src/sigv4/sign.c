/* String to sign, signing key and signature.
 *
 * A signing key is four HMACs deep and the same for a whole day, so each thread keeps its last few.
 * The tag of an entry is all that the key depends on, each text with its length before it; tags hold
 * the secret, so they are compared in constant time and wiped with the keys when the thread ends. A
 * text too long for a tag is not cached. */
#include "sigv4/sign.h"

#include "base/codec.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define TAG_BYTES 256
#define CACHED_KEYS 4
#define HMAC_BLOCK 64

struct tag {
	char bytes[TAG_BYTES];
	size_t n; /* 0: nothing here */
};

struct cached_key {
	struct tag tag;
	unsigned char key[SHA256_BYTES];
};

struct key_cache {
	struct cached_key keys[CACHED_KEYS];
	size_t next;
};

static _Thread_local struct key_cache cache;
static pthread_key_t at_thread_end;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void wipe_cache(void *p)
{
	secret_wipe(p, sizeof(struct key_cache));
}

static void make_thread_key(void)
{
	int failed = pthread_key_create(&at_thread_end, wipe_cache);
	assert(failed == 0);
	(void)failed;
}

static bool put_tag(struct tag *t, struct str s)
{
	if (s.n > UINT8_MAX || t->n + 1 + s.n > TAG_BYTES)
		return false;
	t->bytes[t->n++] = (char)(unsigned char)s.n;
	if (s.n > 0)
		memcpy(t->bytes + t->n, s.p, s.n);
	t->n += s.n;
	return true;
}

static void keep_key(const struct tag *tag, const unsigned char key[SHA256_BYTES])
{
	pthread_once(&once, make_thread_key);
	/* Nothing may be cached unless it will be wiped. */
	if (pthread_setspecific(at_thread_end, &cache) != 0)
		return;
	struct cached_key *slot = &cache.keys[cache.next];
	cache.next = (cache.next + 1) % CACHED_KEYS;
	slot->tag = *tag;
	memcpy(slot->key, key, SHA256_BYTES);
}

/* HMAC uses the digest of a key that is longer than a block: so no length needs memory. */
static size_t first_key(struct str secret, unsigned char out[HMAC_BLOCK])
{
	if (secret.n + 4 <= HMAC_BLOCK) {
		memcpy(out, "AWS4", 4);
		if (secret.n > 0)
			memcpy(out + 4, secret.p, secret.n);
		return secret.n + 4;
	}
	struct hash h;
	hash_init(&h, HASH_SHA256);
	hash_update(&h, "AWS4", 4);
	hash_update(&h, secret.p, secret.n);
	hash_final(&h, out);
	return SHA256_BYTES;
}

static void derive_key(struct str secret, const struct sigv4_scope *scope, unsigned char key[SHA256_BYTES])
{
	const struct str steps[] = { scope->day, scope->region, scope->service, STR("aws4_request") };
	unsigned char k[HMAC_BLOCK];
	size_t n = first_key(secret, k);
	for (size_t i = 0; i < COUNT_OF(steps); i++) {
		unsigned char next[SHA256_BYTES];
		hmac_sha256((struct str){ (const char *)k, n }, steps[i], next);
		memcpy(k, next, SHA256_BYTES);
		secret_wipe(next, sizeof next);
		n = SHA256_BYTES;
	}
	memcpy(key, k, SHA256_BYTES);
	secret_wipe(k, sizeof k);
}

void signing_key(struct str secret, const struct sigv4_scope *scope, unsigned char key[SHA256_BYTES])
{
	assert(scope != NULL);
	struct tag tag = { .n = 0 };
	bool keepable = put_tag(&tag, scope->day) && put_tag(&tag, scope->region) && put_tag(&tag, scope->service) && put_tag(&tag, secret);
	const struct cached_key *known = NULL;
	for (size_t i = 0; i < CACHED_KEYS && keepable && known == NULL; i++) {
		const struct tag *t = &cache.keys[i].tag;
		if (t->n == tag.n && secret_equal((struct str){ t->bytes, t->n }, (struct str){ tag.bytes, tag.n }))
			known = &cache.keys[i];
	}
	if (known != NULL)
		memcpy(key, known->key, SHA256_BYTES);
	else
		derive_key(secret, scope, key);
	if (keepable && known == NULL)
		keep_key(&tag, key);
	secret_wipe(&tag, sizeof tag);
}

void string_to_sign(struct str amz_date, const struct sigv4_scope *scope, struct str canonical, struct buf *out)
{
	assert(scope != NULL);
	assert(out != NULL);
	char hash[2 * SHA256_BYTES + 1];
	sha256_hex(canonical, hash);
	BUF_PUT(out, STR("AWS4-HMAC-SHA256\n"), amz_date, STR("\n"), scope->day, STR("/"), scope->region, STR("/"), scope->service,
		STR("/aws4_request\n"), { hash, 2 * SHA256_BYTES });
}

void signature_of(const unsigned char key[SHA256_BYTES], struct str text, char out[SIGNATURE_CHARS + 1])
{
	unsigned char mac[SHA256_BYTES];
	hmac_sha256((struct str){ (const char *)key, SHA256_BYTES }, text, mac);
	hex_encode(mac, sizeof mac, out);
	secret_wipe(mac, sizeof mac);
}

void signature_by_secret(struct str secret, const struct sigv4_scope *scope, struct str text, char out[SIGNATURE_CHARS + 1])
{
	assert(scope != NULL);
	unsigned char key[SHA256_BYTES];
	signing_key(secret, scope, key);
	signature_of(key, text, out);
	secret_wipe(key, sizeof key);
}

struct str sign_text(struct str secret, const struct sigv4_scope *scope, struct str text, struct arena *a)
{
	assert(a != NULL);
	char signature[SIGNATURE_CHARS + 1];
	signature_by_secret(secret, scope, text, signature);
	return str_dup(a, (struct str){ signature, SIGNATURE_CHARS });
}

static int compare_names(const void *x, const void *y)
{
	return str_compare(*(const struct str *)x, *(const struct str *)y);
}

struct str signed_header_names(struct arena *a, const struct header *headers, size_t n)
{
	assert(a != NULL);
	assert(n == 0 || headers != NULL);
	struct str *names = arena_array(a, n, sizeof *names);
	if (names == NULL)
		return STR("");
	for (size_t i = 0; i < n; i++)
		names[i] = str_lower(a, headers[i].name);
	qsort(names, n, sizeof *names, compare_names);
	struct buf b;
	buf_init_arena(&b, a, 64 * 1024);
	for (size_t i = 0; i < n; i++) {
		if (i > 0 && str_equal(names[i], names[i - 1]))
			continue;
		if (i > 0)
			buf_put_char(&b, ';');
		buf_put(&b, names[i]);
	}
	return buf_str(&b);
}
