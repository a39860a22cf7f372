/* The counts, in a table of fixed size: a name has a few places by its digest, and uses its own or one whose window
 * is over. Where none is, the answer is no, so that the limit holds however many names there are, and so that
 * many names cannot grow the memory or push out the counts of others. Two names of one digest share a
 * place, which only costs a wait. The digest begins with a random seed: clients do not choose whom they share with. */
#include "base/rate_limit.h"

#include "base/hash.h"
#include "base/mem.h"

#include <pthread.h>

#define SET_BITS 10
#define SETS (1u << SET_BITS)
#define WAYS 4u

struct rate_count {
	uint64_t digest;
	int64_t began_ms;
	unsigned n; /* 0: free */
};

struct rate_limit {
	pthread_mutex_t lock;
	unsigned most;
	int64_t window_ms;
	uint64_t seed;
	struct rate_count sets[SETS][WAYS];
};

struct rate_limit *rate_limit_new(unsigned most, int64_t window_ms)
{
	assert(most > 0 && window_ms > 0);
	struct rate_limit *l = mem_new(1, sizeof(*l));
	if (l == NULL)
		return NULL;
	pthread_mutex_init(&l->lock, NULL);
	l->most = most;
	l->window_ms = window_ms;
	random_bytes(&l->seed, sizeof(l->seed));
	return l;
}

void rate_limit_free(struct rate_limit **l)
{
	assert(l != NULL);
	if (*l == NULL)
		return;
	pthread_mutex_destroy(&(*l)->lock);
	mem_free(*l);
	*l = NULL;
}

/* The place of this digest, else one that is free; NULL: there is none. */
static struct rate_count *find_place(struct rate_limit *l, uint64_t digest, int64_t now_ms)
{
	struct rate_count *set = l->sets[digest * UINT64_C(0x9e3779b97f4a7c15) >> (64 - SET_BITS)], *found = NULL;
	for (size_t i = 0; i < WAYS; i++) {
		assert(set[i].n <= l->most);
		if (set[i].n > 0 && now_ms - set[i].began_ms >= l->window_ms)
			set[i].n = 0;
		if (set[i].n > 0 && set[i].digest == digest)
			return &set[i];
		if (set[i].n == 0)
			found = &set[i];
	}
	return found;
}

bool rate_limit_take(struct rate_limit *l, struct str name, int64_t now_ms)
{
	assert(l != NULL);
	uint64_t digest = hash_fnv64(l->seed, name);
	pthread_mutex_lock(&l->lock);
	struct rate_count *place = find_place(l, digest, now_ms);
	bool allowed = place != NULL && place->n < l->most;
	if (allowed && place->n == 0)
		*place = (struct rate_count){ digest, now_ms, 0 };
	if (allowed)
		place->n++;
	pthread_mutex_unlock(&l->lock);
	return allowed;
}
