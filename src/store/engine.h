/* The engine's parts in one struct, for the files of this folder. */
#ifndef STORE_ENGINE_H
#define STORE_ENGINE_H

#include "store/db/group_commit.h"
#include "store/keys/credentials.h"
#include "store/files/object_cache.h"
#include "store/store.h"
#include "store/files/publisher.h"
#include "store/db/read_pool.h"
#include "store/files/space.h"
#include "store/files/tree.h"
#include <stddef.h>

struct engine {
	struct object_store store;
	struct image_table table;
	struct bucket_store buckets;
	struct bucket_catalog catalog;
	struct part_store parts;
	struct admin_query admin_query;
	size_t small_bytes;
	char *dir; /* absolute */
	char *db_path;
	char *bucket, *region, *public_url;
	int dir_fd, lock_fd, db_fd;
	struct tree tree;
	struct space space;
	struct read_pool read_pool;
	struct object_cache object_cache;
	struct group_commit group_commit;
	struct publisher publisher;
	struct credentials keys;
};

static inline struct engine *engine_of_store(struct object_store *s)
{
	return (struct engine *)((char *)s - offsetof(struct engine, store));
}

static inline struct engine *engine_of_table(struct image_table *t)
{
	return (struct engine *)((char *)t - offsetof(struct engine, table));
}

static inline struct engine *engine_of_admin_query(struct admin_query *i)
{
	return (struct engine *)((char *)i - offsetof(struct engine, admin_query));
}

static inline struct engine *engine_of_buckets(struct bucket_store *b)
{
	return (struct engine *)((char *)b - offsetof(struct engine, buckets));
}

static inline struct engine *engine_of_catalog(struct bucket_catalog *c)
{
	return (struct engine *)((char *)c - offsetof(struct engine, catalog));
}

static inline struct engine *engine_of_parts(struct part_store *p)
{
	return (struct engine *)((char *)p - offsetof(struct engine, parts));
}

#endif
