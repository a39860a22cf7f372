/* The last checks, in a table of fixed size: an id has a few places by its digest, and uses its
 * own or one whose check is over a second old. Where all are younger the answer is no, so that the
 * promise holds however many images are asked for, and so that many readers cannot grow the memory
 * or the number of checks without bound. Two ids of one digest share a place, which only costs a wait. */
#include "base/rate_limit.h"

#include "base/hash.h"
#include "base/mem.h"

#include <pthread.h>

#define SETS 1024u /* a power of two */
#define WAYS 4u
#define APART_MS 1000

struct recheck {
	uint64_t digest; /* 0: free */
	int64_t at_ms;
};

struct rate_limit {
	pthread_mutex_t lock;
	struct recheck sets[SETS][WAYS];
};

static uint64_t digest_of(struct str id)
{
	uint64_t h = hash_fnv64(HASH_FNV64, id);
	return h == 0 ? 1 : h;
}

struct rate_limit *rate_limit_new(void)
{
	struct rate_limit *g = mem_new(1, sizeof(*g));
	if (g != NULL)
		pthread_mutex_init(&g->lock, NULL);
	return g;
}

void rate_limit_free(struct rate_limit **g)
{
	if (*g == NULL)
		return;
	pthread_mutex_destroy(&(*g)->lock);
	mem_free(*g);
	*g = NULL;
}

static bool is_expired(const struct recheck *place, int64_t now_ms)
{
	return place->digest == 0 || now_ms - place->at_ms >= APART_MS;
}

/* The place of this digest, else one that is free; NULL when none is. */
static struct recheck *find_slot(struct recheck *set, uint64_t digest, int64_t now_ms)
{
	struct recheck *spare = NULL;
	for (size_t i = 0; i < WAYS; i++) {
		if (set[i].digest == digest)
			return &set[i];
		if (is_expired(&set[i], now_ms))
			spare = &set[i];
	}
	return spare;
}

bool rate_limit_take(struct rate_limit *g, struct str image_id, int64_t now_ms)
{
	assert(g != NULL);
	uint64_t digest = digest_of(image_id);
	pthread_mutex_lock(&g->lock);
	struct recheck *place = find_slot(g->sets[digest >> 32 & (SETS - 1)], digest, now_ms);
	bool allowed = place != NULL && is_expired(place, now_ms);
	if (allowed)
		*place = (struct recheck){ digest, now_ms };
	pthread_mutex_unlock(&g->lock);
	return allowed;
}
