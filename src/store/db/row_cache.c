/* See row_cache.h. A slot is chosen by the id's hash; rows that collide replace each other. */
#include "store/db/row_cache.h"

#include "base/hash.h"

#define COPY_BYTES ((size_t)8 << 10)

static struct row_cache_slot *slot_of(struct row_cache *c, struct str id)
{
	return &c->slots[(hash_fnv64(HASH_FNV64, id) >> 32) % ROW_CACHE_SLOTS];
}

void row_cache_init(struct row_cache *c)
{
	*c = (struct row_cache){ .generation = 1 };
	pthread_mutex_init(&c->lock, NULL);
}

void row_cache_deinit(struct row_cache *c)
{
	for (size_t i = 0; i < ROW_CACHE_SLOTS; i++)
		arena_deinit(&c->slots[i].arena);
	pthread_mutex_destroy(&c->lock);
}

void row_cache_clear(struct row_cache *c)
{
	atomic_fetch_add(&c->generation, 1);
}

uint64_t row_cache_generation(struct row_cache *c)
{
	return atomic_load(&c->generation);
}

bool row_cache_find(struct row_cache *c, struct str id, struct arena *a, struct image_row *out)
{
	struct row_cache_slot *slot = slot_of(c, id);

	pthread_mutex_lock(&c->lock);
	bool found = slot->generation == row_cache_generation(c) && str_equal(slot->row.image_id, id);
	if (found)
		*out = image_row_dup(&slot->row, a);
	pthread_mutex_unlock(&c->lock);
	return found;
}

void row_cache_offer(struct row_cache *c, uint64_t generation, const struct image_row *row)
{
	struct row_cache_slot *slot = slot_of(c, row->image_id);

	pthread_mutex_lock(&c->lock);
	arena_deinit(&slot->arena);
	arena_init(&slot->arena, COPY_BYTES);
	slot->row = image_row_dup(row, &slot->arena);
	slot->generation = arena_ok(&slot->arena) ? generation : 0;
	pthread_mutex_unlock(&c->lock);
}
