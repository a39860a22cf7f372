/* See object_cache.h. A slot is chosen by the name's hash; the name itself is compared before anything is given
 * out. An object is counted: one for its slot, one for each answer that it is in. */
#include "store/files/object_cache.h"

#include "base/hash.h"
#include "base/mem.h"
#include "store/tables/meta.h"

#include <assert.h>
#include <fcntl.h>
#include <unistd.h>

/* Of what is copied of one object; one that has more (of thousands of parts) is not kept. */
#define CACHE_COPY_BYTES ((size_t)64 * 1024)

struct cached_object {
	struct body_hold hold;
	atomic_uint holders;
	uint64_t generation;
	struct arena arena; /* the bucket's name, info, meta, and bytes that are in no file */
	struct object_info info;
	struct object_meta meta;
	struct str bucket;
	struct str bytes;
	int fd; /* -1: see bytes */
};

/* Spreads names over the slots. Names that collide replace each other. */
static uint64_t hash_name(const struct str name[2])
{
	return hash_fnv64(hash_fnv64(HASH_FNV64, name[0]) * 31, name[1]);
}

static struct object_cache_slot *slot_of(struct object_cache *h, uint64_t hash)
{
	return &h->slots[(hash >> 32) % OBJECT_CACHE_SLOTS];
}

static void release_object(struct body_hold *hold)
{
	struct cached_object *o = (struct cached_object *)hold;

	unsigned holders = atomic_fetch_sub(&o->holders, 1);

	assert(holders > 0);
	if (holders != 1)
		return;
	if (o->fd >= 0)
		close(o->fd);
	arena_deinit(&o->arena);
	mem_free(o);
}

static struct cached_object *keep_object(uint64_t generation, const struct str name[2], const struct object_file *f)
{
	const struct object_info *info = &f->info;
	struct cached_object *o = mem_new(1, sizeof *o);

	if (o == NULL)
		return NULL;
	o->hold.release = release_object;
	atomic_init(&o->holders, 1);
	o->generation = generation;
	arena_init(&o->arena, CACHE_COPY_BYTES);
	o->bucket = str_dup(&o->arena, name[0]);
	o->info = (struct object_info){ str_dup(&o->arena, name[1]), info->size, str_dup(&o->arena, info->etag),
		str_dup(&o->arena, info->content_type), info->modified_ms };
	o->meta = meta_dup(&f->meta, &o->arena);
	o->bytes = str_dup(&o->arena, f->bytes);
	o->fd = f->fd >= 0 ? fcntl(f->fd, F_DUPFD_CLOEXEC, 0) : -1;
	if ((f->fd < 0 || o->fd >= 0) && arena_ok(&o->arena))
		return o;
	release_object(&o->hold);
	return NULL;
}

void object_cache_init(struct object_cache *h)
{
	*h = (struct object_cache){ .generation = 1 };
	pthread_mutex_init(&h->lock, NULL);
}

void object_cache_deinit(struct object_cache *h)
{
	for (size_t i = 0; i < OBJECT_CACHE_SLOTS; i++) {
		if (h->slots[i].object != NULL)
			release_object(&h->slots[i].object->hold);
		h->slots[i].object = NULL;
	}
	pthread_mutex_destroy(&h->lock);
}

void object_cache_clear(struct object_cache *h)
{
	atomic_fetch_add(&h->generation, 1);
}

uint64_t object_cache_generation(struct object_cache *h)
{
	return atomic_load(&h->generation);
}

bool object_cache_find(struct object_cache *h, const struct str name[2], struct object_file *out)
{
	struct object_cache_slot *slot = slot_of(h, hash_name(name));

	pthread_mutex_lock(&h->lock);
	struct cached_object *o = slot->object;
	bool found =
		o != NULL && o->generation == object_cache_generation(h) && str_equal(o->info.key, name[1]) && str_equal(o->bucket, name[0]);
	if (found)
		atomic_fetch_add(&o->holders, 1);
	pthread_mutex_unlock(&h->lock);
	if (found)
		*out = (struct object_file){ .info = o->info, .meta = o->meta, .fd = o->fd, .bytes = o->bytes, .hold = &o->hold };
	return found;
}

void object_cache_offer(struct object_cache *h, uint64_t generation, const struct str name[2], const struct object_file *f)
{
	uint64_t hash = hash_name(name);
	struct object_cache_slot *slot = slot_of(h, hash);

	assert(f->fd >= 0 || f->bytes.n == f->info.size);
	if (f->info.size == 0 || f->info.size > OBJECT_CACHE_MAX_BYTES)
		return;
	/* Only what the slot was asked for the last time too. */
	pthread_mutex_lock(&h->lock);
	bool again = slot->asked_for == hash;
	slot->asked_for = hash;
	pthread_mutex_unlock(&h->lock);
	struct cached_object *fresh = again ? keep_object(generation, name, f) : NULL;
	if (fresh == NULL)
		return;
	pthread_mutex_lock(&h->lock);
	struct cached_object *old = slot->object;
	slot->object = fresh;
	pthread_mutex_unlock(&h->lock);
	if (old != NULL)
		release_object(&old->hold);
}
