/* A table of sets with a few places each, found by the first bytes of the digest, which nobody can choose for a valid token. The texts of
 * an entry are one block on the heap. See token_cache.h. */
#include "identity/token_cache.h"

#include "base/arena.h"
#include "base/mem.h"

#include <pthread.h>
#include <string.h>

#define WAYS 4
#define TEXTS_MAX_BYTES 2048

struct cached_token {
	unsigned char digest[SHA256_BYTES], keys[SHA256_BYTES];
	struct jwt_claims claims; /* its texts are in `texts` */
	char *texts;              /* NULL: the place is free */
	uint64_t entered;         /* the number of the entry */
};

struct token_cache {
	pthread_mutex_t lock;
	size_t sets; /* a power of two */
	uint64_t entered;
	struct cached_token places[][WAYS];
};

struct token_cache *token_cache_new(size_t entries)
{
	assert(entries > 0 && entries <= (size_t)1 << 20);
	size_t sets = 1;
	while (sets * WAYS < entries)
		sets *= 2;
	struct token_cache *c = mem_new(1, sizeof *c + sets * sizeof c->places[0]);
	if (c == NULL)
		return NULL;
	pthread_mutex_init(&c->lock, NULL);
	c->sets = sets;
	return c;
}

void token_cache_free(struct token_cache **at)
{
	assert(at != NULL);
	struct token_cache *c = *at;
	if (c == NULL)
		return;
	for (size_t i = 0; i < c->sets * WAYS; i++)
		mem_free(c->places[i / WAYS][i % WAYS].texts);
	pthread_mutex_destroy(&c->lock);
	mem_free(c);
	*at = NULL;
}

static struct cached_token *set_of(struct token_cache *c, const unsigned char digest[SHA256_BYTES])
{
	uint64_t first;
	memcpy(&first, digest, sizeof first);
	return c->places[first & (c->sets - 1)];
}

static bool same_digest(const unsigned char *a, const unsigned char *b)
{
	return str_equal((struct str){ (const char *)a, SHA256_BYTES }, (struct str){ (const char *)b, SHA256_BYTES });
}

bool token_cache_get(struct token_cache *c, const unsigned char digest[SHA256_BYTES], const struct jwk_set *keys, int64_t now_ms,
	struct arena *a, struct jwt_claims *out)
{
	assert(c != NULL && digest != NULL && keys != NULL && a != NULL && out != NULL);
	bool found = false;
	pthread_mutex_lock(&c->lock);
	struct cached_token *set = set_of(c, digest);
	for (size_t i = 0; i < WAYS && !found; i++) {
		const struct cached_token *t = &set[i];
		if (t->texts == NULL || !same_digest(t->digest, digest) || !same_digest(t->keys, jwk_set_digest(keys)))
			continue;
		if (t->claims.expires_s * 1000 <= now_ms)
			continue;
		struct jwt_claims claims = t->claims;
		claims.subject = str_dup(a, claims.subject);
		claims.name = str_dup(a, claims.name);
		claims.scopes = str_dup(a, claims.scopes);
		found = arena_ok(a);
		if (found)
			*out = claims;
	}
	pthread_mutex_unlock(&c->lock);
	return found;
}

/* The place of this token, else a free one, else the one that was entered first. */
static struct cached_token *choose_place(struct cached_token *set, const unsigned char *digest)
{
	struct cached_token *place = set;
	for (size_t i = 0; i < WAYS; i++) {
		if (set[i].texts != NULL && same_digest(set[i].digest, digest))
			return &set[i];
		if (place->texts != NULL && (set[i].texts == NULL || set[i].entered < place->entered))
			place = &set[i];
	}
	return place;
}

/* Copy the text to *to, which moves after it. */
static struct str move_text(struct str text, char **to)
{
	struct str moved = { *to, text.n };
	if (text.n > 0)
		memcpy(*to, text.p, text.n);
	*to += text.n;
	return moved;
}

void token_cache_put(
	struct token_cache *c, const unsigned char digest[SHA256_BYTES], const struct jwk_set *keys, const struct jwt_claims *claims)
{
	assert(c != NULL && digest != NULL && keys != NULL && claims != NULL);
	size_t n = claims->subject.n + claims->name.n + claims->scopes.n;
	char *texts = n <= TEXTS_MAX_BYTES ? mem_new(n, 1) : NULL, *at = texts;
	if (texts == NULL)
		return;
	struct jwt_claims copy = *claims;
	copy.subject = move_text(claims->subject, &at);
	copy.name = move_text(claims->name, &at);
	copy.scopes = move_text(claims->scopes, &at);
	pthread_mutex_lock(&c->lock);
	struct cached_token *place = choose_place(set_of(c, digest), digest);
	char *old = place->texts;
	*place = (struct cached_token){ .claims = copy, .texts = texts, .entered = ++c->entered };
	memcpy(place->digest, digest, SHA256_BYTES);
	memcpy(place->keys, jwk_set_digest(keys), SHA256_BYTES);
	pthread_mutex_unlock(&c->lock);
	mem_free(old);
}
