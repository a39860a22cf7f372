/* Port: buckets, and which objects they hold. What the S3 protocol needs from the embedded store in addition to the
 * bodies of bucket_store and the multipart uploads of part_store.
 *
 * Changes are atomic and durable when the call returns OK. Calls block on the disk: workers only, but for
 * `info` and `list_objects`, which read an index and may run wherever a short read may. Any thread. Results
 * live in the arena of the call.
 * Source: Amazon S3 API, CreateBucket, DeleteBucket, ListBuckets, ListObjectsV2, DeleteObjects, PutBucketCors. */
#ifndef PORT_BUCKET_CATALOG_H
#define PORT_BUCKET_CATALOG_H

#include "base/arena.h"
#include "base/fault.h"
#include "port/object_meta.h"
#include "port/object_store.h"

struct bucket_info {
	struct str name;
	struct str owner; /* the user who created it */
	int64_t created_ms;
	struct str cors; /* what set_cors was given; "": none */
};

struct bucket_page {
	struct bucket_info *buckets; /* in the order of their names */
	size_t n;
	bool more; /* continue after the last name */
};

struct object_query {
	struct str bucket;
	struct str prefix;    /* "": all */
	struct str delimiter; /* "": none; any length */
	struct str after;     /* keys, and common prefixes, after this one in byte order; "": from the start. A common
	                              prefix that `after` begins with, or is, has been given already and is ignored */
	uint32_t limit;       /* 0..1000, of objects and common prefixes together; 0: `more` stays false */
};

/* An object, or, where info.etag is empty, a common prefix in info.key. */
struct listed {
	struct object_info info;
	enum checksum_kind checksum; /* what is stored with it */
	bool composite;
};

struct listing {
	struct listed *entries; /* in byte order of their keys */
	size_t n;
	bool more; /* there is at least one more; continue after the last entry's key */
};

/* One object to remove, and the result. */
struct object_removal {
	struct str key;
	struct str if_etag; /* "": unconditional; "*": if it is there; else hex */
	enum status status; /* written: OK also when there was none */
	struct fault why;   /* written when status is not OK: PRECONDITION, NO_SUCH_KEY (conditional, none there) */
};
#define REMOVALS_MAX 1000

struct bucket_catalog;

struct bucket_catalog_ops {
	enum status (*create)(struct bucket_catalog *, struct str name, struct str owner, struct fault *);
	enum status (*info)(struct bucket_catalog *, struct str name, struct arena *, struct bucket_info *out, struct fault *);
	enum status (*remove)(struct bucket_catalog *, struct str name, struct fault *);
	enum status (*list)(struct bucket_catalog *, struct str owner, struct str after, uint32_t limit, struct arena *,
		struct bucket_page *out, struct fault *);
	enum status (*set_cors)(struct bucket_catalog *, struct str name, struct str cors, struct fault *);
	enum status (*list_objects)(struct bucket_catalog *, const struct object_query *, struct arena *, struct listing *out, struct fault *);
	enum status (*remove_objects)(struct bucket_catalog *, struct str bucket, struct object_removal *all, size_t n, struct fault *);
};
struct bucket_catalog {
	const struct bucket_catalog_ops *ops;
};

/* The caller checks names.  Errors: BUCKET_EXISTS whoever owns it; DISK_FULL; STORAGE_FAILED */
MUST_CHECK static inline enum status catalog_create(struct bucket_catalog *c, struct str name, struct str owner, struct fault *why)
{
	assert(name.n > 0 && owner.n > 0);
	return c->ops->create(c, name, owner, why);
}

/* Errors  NO_SUCH_BUCKET; STORAGE_FAILED */
MUST_CHECK static inline enum status catalog_info(
	struct bucket_catalog *c, struct str name, struct arena *a, struct bucket_info *out, struct fault *why)
{
	return c->ops->info(c, name, a, out, why);
}

/* Incomplete multipart uploads are removed with it. The image bucket cannot be deleted.
 * Errors  NO_SUCH_BUCKET; BUCKET_NOT_EMPTY; ACCESS_DENIED the bucket of the images; DISK_FULL; STORAGE_FAILED */
MUST_CHECK static inline enum status catalog_remove(struct bucket_catalog *c, struct str name, struct fault *why)
{
	return c->ops->remove(c, name, why);
}

/* One owner's buckets, or with "" those of all, after the name `after`.  limit: 1..10000.  Errors: STORAGE_FAILED */
MUST_CHECK static inline enum status catalog_list(struct bucket_catalog *c, struct str owner, struct str after, uint32_t limit,
	struct arena *a, struct bucket_page *out, struct fault *why)
{
	assert(limit >= 1 && limit <= 10000);
	return c->ops->list(c, owner, after, limit, a, out, why);
}

/* Store a text with the bucket; "" removes it.  Errors: NO_SUCH_BUCKET; DISK_FULL; STORAGE_FAILED */
MUST_CHECK static inline enum status catalog_set_cors(struct bucket_catalog *c, struct str name, struct str cors, struct fault *why)
{
	return c->ops->set_cors(c, name, cors, why);
}

/* The cost depends on the size of the result, not of the bucket or of a common prefix.
 * Errors  NO_SUCH_BUCKET; TOO_MUCH the arena is full; STORAGE_FAILED */
MUST_CHECK static inline enum status catalog_list_objects(
	struct bucket_catalog *c, const struct object_query *q, struct arena *a, struct listing *out, struct fault *why)
{
	assert(q->limit <= 1000);
	return c->ops->list_objects(c, q, a, out, why);
}

/* Remove up to REMOVALS_MAX objects in one commit. The caller excludes keys of images.
 * Errors  NO_SUCH_BUCKET; DISK_FULL; STORAGE_FAILED: nothing was removed. A removal that fails alone says so in its row. */
MUST_CHECK static inline enum status catalog_remove_objects(
	struct bucket_catalog *c, struct str bucket, struct object_removal *all, size_t n, struct fault *why)
{
	assert(n <= REMOVALS_MAX);
	return c->ops->remove_objects(c, bucket, all, n, why);
}

#endif
