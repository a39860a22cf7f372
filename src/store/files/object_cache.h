/* Objects that are requested often, kept open: their answers need neither the database nor a path. A file stays a
 * descriptor, which is sent by sendfile(2): it costs less than a copy from a mapping, whose pages the receiver's processor has
 * in its cache. What is in the database is small and copied. A table of fixed size: at most OBJECT_CACHE_SLOTS descriptors.
 *
 * Nothing stale is ever returned: every commit that removes or replaces an object calls
 * object_cache_clear before its waiters are notified, which voids the whole cache. An object that
 * a response still holds stays open until it is released.
 * Threads: any, but for init and deinit. */
#ifndef STORE_FILES_OBJECT_CACHE_H
#define STORE_FILES_OBJECT_CACHE_H

#include "port/bucket_store.h"

#include <pthread.h>
#include <stdatomic.h>

#define OBJECT_CACHE_SLOTS 64
#define OBJECT_CACHE_MAX_BYTES ((uint64_t)256 * 1024)

struct cached_object;

struct object_cache_slot {
	uint64_t asked_for;           /* the name that was asked for last, hashed */
	struct cached_object *object; /* NULL: none */
};

struct object_cache {
	pthread_mutex_t lock;
	atomic_uint_fast64_t generation;
	struct object_cache_slot slots[OBJECT_CACHE_SLOTS];
};

void object_cache_init(struct object_cache *h);
void object_cache_deinit(struct object_cache *h);
/* Void all that is kept. */
void object_cache_clear(struct object_cache *h);
/* Which generation an object belongs to whose row is read after this call. */
uint64_t object_cache_generation(struct object_cache *h);
/* name: bucket and key. true: *out is filled in, held for the caller. */
bool object_cache_find(struct object_cache *h, const struct str name[2], struct object_file *out) MUST_CHECK;
/* Offer an object that was opened: the second time in a row that its slot sees it, it is cached. */
void object_cache_offer(struct object_cache *h, uint64_t generation, const struct str name[2], const struct object_file *f);

#endif
