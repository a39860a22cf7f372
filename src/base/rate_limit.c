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
	int64_t since_us; /* of a window: its begin; of a bucket: when it will be full again */
	unsigned n;       /* in this window; of a bucket 1; 0: free */
};

struct rate_limit {
	pthread_mutex_t lock;
	unsigned most;
	int64_t window_us;
	bool is_bucket;
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
	l->window_us = window_ms * 1000;
	random_bytes(&l->seed, sizeof(l->seed));
	return l;
}

struct rate_limit *rate_limit_new_bucket(unsigned most, int64_t window_ms)
{
	assert(most <= window_ms * 1000);
	struct rate_limit *l = rate_limit_new(most, window_ms);
	if (l != NULL)
		l->is_bucket = true;
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

/* What says nothing any more: a window that is over, a bucket that is full. */
static bool is_over(const struct rate_limit *l, const struct rate_count *place, int64_t now_us)
{
	return now_us >= place->since_us + (l->is_bucket ? 0 : l->window_us);
}

/* The place of this digest, else one that is free; NULL: there is none. */
static struct rate_count *find_place(struct rate_limit *l, uint64_t digest, int64_t now_us)
{
	struct rate_count *set = l->sets[digest * UINT64_C(0x9e3779b97f4a7c15) >> (64 - SET_BITS)], *found = NULL;
	for (size_t i = 0; i < WAYS; i++) {
		assert(set[i].n <= l->most);
		if (set[i].n > 0 && is_over(l, &set[i], now_us))
			set[i].n = 0;
		if (set[i].n > 0 && set[i].digest == digest)
			return &set[i];
		if (set[i].n == 0)
			found = &set[i];
	}
	return found;
}

/* 0: now, and it is counted; else how long until then. */
static int64_t count_in_window(struct rate_limit *l, struct rate_count *place, int64_t now_us)
{
	if (place->n == l->most)
		return place->since_us + l->window_us - now_us;
	place->n++;
	return 0;
}

/* A bucket is known by the time when it will be full: each token takes an interval more. */
static int64_t take_token(const struct rate_limit *l, struct rate_count *place, int64_t now_us)
{
	int64_t interval_us = l->window_us / l->most, full_us = place->since_us + interval_us;
	if (full_us - now_us > interval_us * l->most)
		return full_us - now_us - interval_us * l->most;
	place->since_us = full_us;
	place->n = 1;
	return 0;
}

bool rate_limit_take_or_wait(struct rate_limit *l, struct str name, int64_t now_ms, int64_t *wait_ms)
{
	assert(l != NULL && wait_ms != NULL);
	uint64_t digest = hash_fnv64(l->seed, name);
	int64_t now_us = now_ms * 1000, wait_us = l->window_us;
	pthread_mutex_lock(&l->lock);
	struct rate_count *place = find_place(l, digest, now_us);
	if (place != NULL && place->n == 0)
		*place = (struct rate_count){ digest, now_us, 0 };
	if (place != NULL)
		wait_us = l->is_bucket ? take_token(l, place, now_us) : count_in_window(l, place, now_us);
	pthread_mutex_unlock(&l->lock);
	if (wait_us > 0)
		*wait_ms = (wait_us + 999) / 1000;
	return wait_us == 0;
}

bool rate_limit_take(struct rate_limit *l, struct str name, int64_t now_ms)
{
	int64_t unused;
	return rate_limit_take_or_wait(l, name, now_ms, &unused);
}
