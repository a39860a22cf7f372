/* Port: the object store. What the product needs from S3, on the local disk or any S3 endpoint, for
 * one bucket that the adapter knows.
 *
 * Writes are atomic (a whole object or none) and durable when the call returns OK. A put replaces.
 * Calls block but for presign and form, which only compute. Any thread. Results live in
 * the arena of the call. Keys: 1..1024 bytes of UTF-8 without U+0000.
 * Source: Amazon S3 API reference; Signature Version 4, query authentication and POST policy. */
#ifndef PORT_OBJECT_STORE_H
#define PORT_OBJECT_STORE_H

#include "base/fault.h"
#include "http/message.h"

struct object_info {
	struct str key;
	uint64_t size;
	struct str etag; /* hex MD5 of the bytes, no quotes */
	struct str content_type;
	int64_t modified_ms;
};

struct object {
	struct object_info info;
	struct str body;
};

struct object_page {
	struct object_info *objects;
	size_t n;
	bool more; /* continue after the last key */
};

struct presign_request {
	struct str method; /* "GET", "HEAD" or "PUT" */
	struct str key;
	int64_t now_ms;
	int64_t signed_ms;            /* the time of the signature, at most now_ms; 0: now_ms. URLs of one time are the same */
	uint32_t expires_s;           /* 1..604800, from the time of the signature */
	const struct header *headers; /* signed next to host: what the client must send so */
	size_t n_headers;
	struct str disposition;   /* "": none; else response-content-disposition */
	struct str content_type;  /* "": none; else response-content-type */
	struct str cache_control; /* "": the store's choice; else response-cache-control */
};

struct presigned {
	struct str url;             /* with the signature */
	struct str address;         /* the object's plain address, which returns 403 */
	int64_t expires_ms;         /* earlier than requested if the store's own credentials expire earlier */
	const struct header *added; /* what the store signed beyond the request's headers: the client must send it too */
	size_t n_added;
};

struct form_request {
	struct str key;
	struct str content_type;     /* exact */
	uint64_t min_size, max_size; /* content-length-range */
	int64_t now_ms;
	uint32_t expires_s;
};

struct post_form {
	struct str url;              /* where to POST: the bucket's address */
	struct str address;          /* the object's plain address */
	const struct header *fields; /* in order; the client adds `file` last */
	size_t n_fields;
	int64_t expires_ms; /* as presigned's */
};

struct object_store;

struct object_store_ops {
	enum status (*put)(struct object_store *, struct str key, struct str content_type, struct str body, struct fault *);
	enum status (*get)(struct object_store *, struct str key, uint64_t max_size, struct arena *, struct object *out, struct fault *);
	enum status (*head)(struct object_store *, struct str key, struct arena *, struct object_info *out, struct fault *);
	enum status (*remove)(struct object_store *, struct str key, struct fault *);
	enum status (*list)(struct object_store *, struct str prefix, struct str after, uint32_t limit, struct arena *, struct object_page *out,
		struct fault *);
	enum status (*presign)(struct object_store *, const struct presign_request *, struct arena *, struct presigned *out, struct fault *);
	enum status (*form)(struct object_store *, const struct form_request *, struct arena *, struct post_form *out, struct fault *);
	enum status (*remove_versions)(struct object_store *, struct str key, struct fault *); /* NULL: it keeps none */
};
struct object_store {
	const struct object_store_ops *ops;
};

/* Errors  KEY_TOO_LONG; KEY_INVALID; DISK_FULL; STORAGE_FAILED; UPSTREAM_FAILED */
MUST_CHECK static inline enum status store_put(
	struct object_store *s, struct str key, struct str content_type, struct str body, struct fault *why)
{
	assert(body.n == 0 || body.p != NULL);
	return s->ops->put(s, key, content_type, body, why);
}

/* The whole object.  Errors: NO_SUCH_KEY; IMAGE_TOO_LARGE more than max_size, nothing is read; STORAGE_FAILED */
MUST_CHECK static inline enum status store_get(
	struct object_store *s, struct str key, uint64_t max_size, struct arena *a, struct object *out, struct fault *why)
{
	assert(a != NULL && out != NULL);
	return s->ops->get(s, key, max_size, a, out, why);
}

/* Errors  NO_SUCH_KEY; STORAGE_FAILED */
MUST_CHECK static inline enum status store_head(
	struct object_store *s, struct str key, struct arena *a, struct object_info *out, struct fault *why)
{
	assert(a != NULL && out != NULL);
	return s->ops->head(s, key, a, out, why);
}

/* OK too when there is no such object.  Errors: STORAGE_FAILED */
MUST_CHECK static inline enum status store_remove(struct object_store *s, struct str key, struct fault *why)
{
	return s->ops->remove(s, key, why);
}

/* Remove what a store keeps of earlier versions of an object. A put does it itself; this is for one that was cut off.
 * Errors  STORAGE_FAILED; UPSTREAM_FAILED */
MUST_CHECK static inline enum status store_remove_versions(struct object_store *s, struct str key, struct fault *why)
{
	return s->ops->remove_versions == NULL ? OK : s->ops->remove_versions(s, key, why);
}

/* A remote store gives no content types here: they are empty.
 * Keys that begin with prefix and come after `after` ("": from the start), in byte order, at most limit (1..1000). */
MUST_CHECK static inline enum status store_list(struct object_store *s, struct str prefix, struct str after, uint32_t limit,
	struct arena *a, struct object_page *out, struct fault *why)
{
	assert(limit >= 1 && limit <= 1000);
	return s->ops->list(s, prefix, after, limit, a, out, why);
}

static inline int64_t presign_time_ms(const struct presign_request *r)
{
	return r->signed_ms > 0 ? r->signed_ms : r->now_ms;
}

/* A URL that lets its holder do one thing with one key for a while. Headers that are listed are signed. */
MUST_CHECK static inline enum status store_presign(
	struct object_store *s, const struct presign_request *r, struct arena *a, struct presigned *out, struct fault *why)
{
	assert(r->expires_s >= 1 && r->expires_s <= 604800 && r->signed_ms <= r->now_ms);
	return s->ops->presign(s, r, a, out, why);
}

/* A browser form that lets its holder upload one key for a while; every field is in the signed policy. */
MUST_CHECK static inline enum status store_form(
	struct object_store *s, const struct form_request *r, struct arena *a, struct post_form *out, struct fault *why)
{
	assert(r->expires_s >= 1 && r->min_size <= r->max_size);
	return s->ops->form(s, r, a, out, why);
}

#endif
