/* Port: multipart uploads. The bytes of a part arrive as bucket_store's bodies, whose commit names upload and
 * part in place of an object; this is the rest.
 *
 * Changes are atomic and durable when the call returns OK. Calls block on the disk: workers only, but for `find`. Any
 * thread. Results live in the arena of the call.
 * Source: Amazon S3 API, CreateMultipartUpload, CompleteMultipartUpload, ListParts, ListMultipartUploads. */
#ifndef PORT_PART_STORE_H
#define PORT_PART_STORE_H

#include "base/fault.h"
#include "port/bucket_store.h"

/* An upload that was started and is neither completed nor aborted. */
struct part_upload {
	struct str id;          /* opaque, ASCII, safe in a URL; given by start */
	struct str bucket, key; /* as of an object_commit */
	struct str owner;       /* the user who created it */
	int64_t begun_ms;
	struct str content_type;
	struct object_meta meta; /* headers; checksum: kind and composite as asked for, no value */
};

struct part_upload_query {
	struct str bucket, prefix, delimiter;
	struct str after_key; /* "": from the start */
	struct str after_id;  /* with after_key: uploads of that key after this id too; "": the key is ignored */
	uint32_t limit;       /* 0..1000, of uploads and common prefixes together; 0: `more` stays false */
};

/* An upload, or, where upload.id is empty, a common prefix in upload.key. */
struct part_upload_page {
	struct part_upload *uploads; /* by key, then by creation time */
	size_t n;
	bool more;
};

struct part_page {
	struct object_part *parts; /* by number */
	size_t n;
	bool more;
};

/* The object that complete makes of an upload. */
struct part_completion {
	struct str bucket, key, id;
	const struct object_part *parts; /* number and etag of those that make the object, rising; none is missing */
	size_t n_parts;
	struct str etag;         /* of the object: hex, "-N" at its end */
	struct object_meta meta; /* of the object, parts included */
	struct object_condition condition;
};

struct part_store;

struct part_store_ops {
	enum status (*start)(struct part_store *, const struct part_upload *, struct arena *, struct str *id, struct fault *);
	enum status (*find)(
		struct part_store *, struct str bucket, struct str key, struct str id, struct arena *, struct part_upload *out, struct fault *);
	enum status (*list_uploads)(
		struct part_store *, const struct part_upload_query *, struct arena *, struct part_upload_page *out, struct fault *);
	enum status (*list_parts)(
		struct part_store *, struct str id, uint32_t after, uint32_t limit, struct arena *, struct part_page *out, struct fault *);
	enum status (*complete)(struct part_store *, const struct part_completion *, struct arena *, struct object_info *out, struct fault *);
	enum status (*abort)(struct part_store *, struct str bucket, struct str key, struct str id, struct fault *);
	enum status (*end_older)(struct part_store *, int64_t before_ms, uint32_t *ended, struct fault *);
};
struct part_store {
	const struct part_store_ops *ops;
};

/* Begin. u: all but id and begun_ms.  Errors: NO_SUCH_BUCKET; DISK_FULL; STORAGE_FAILED */
MUST_CHECK static inline enum status parts_start(
	struct part_store *s, const struct part_upload *u, struct arena *a, struct str *id, struct fault *why)
{
	return s->ops->start(s, u, a, id, why);
}

/* Errors  NO_SUCH_UPLOAD no such id, or of another bucket or key; STORAGE_FAILED */
MUST_CHECK static inline enum status parts_find(
	struct part_store *s, struct str bucket, struct str key, struct str id, struct arena *a, struct part_upload *out, struct fault *why)
{
	return s->ops->find(s, bucket, key, id, a, out, why);
}

/* Errors  NO_SUCH_BUCKET; TOO_MUCH; STORAGE_FAILED */
MUST_CHECK static inline enum status parts_list_uploads(
	struct part_store *s, const struct part_upload_query *q, struct arena *a, struct part_upload_page *out, struct fault *why)
{
	assert(q->limit <= 1000);
	return s->ops->list_uploads(s, q, a, out, why);
}

/* The parts after number `after` (0: from the first).
 * limit   0..10000; with 0 `more` stays false
 * Errors  NO_SUCH_UPLOAD; STORAGE_FAILED */
MUST_CHECK static inline enum status parts_list(
	struct part_store *s, struct str id, uint32_t after, uint32_t limit, struct arena *a, struct part_page *out, struct fault *why)
{
	assert(limit <= PART_NUMBER_MAX);
	return s->ops->list_parts(s, id, after, limit, a, out, why);
}

/* Make one object of the parts (at least one) and end the upload; it may take as long as copying them. Parts that
 * are not named are removed. Of two concurrent calls one succeeds. A recently completed upload may be completed again with the
 * same ETag and gives the same result.
 * out     the object as it then is
 * Errors  NO_SUCH_UPLOAD; PART_INVALID a part is missing or has another ETag; PRECONDITION; NO_SUCH_KEY (condition); DISK_FULL;
 *         STORAGE_FAILED: the upload is as it was */
MUST_CHECK static inline enum status parts_complete(
	struct part_store *s, const struct part_completion *c, struct arena *a, struct object_info *out, struct fault *why)
{
	assert(c->n_parts >= 1 && c->n_parts <= PART_NUMBER_MAX && c->etag.n > 0);
	return s->ops->complete(s, c, a, out, why);
}

/* Remove the upload and its parts.  Errors: NO_SUCH_UPLOAD; DISK_FULL; STORAGE_FAILED */
MUST_CHECK static inline enum status parts_abort(struct part_store *s, struct str bucket, struct str key, struct str id, struct fault *why)
{
	return s->ops->abort(s, bucket, key, id, why);
}

/* Abort all uploads that were created before a time, so that abandoned ones do not fill the disk.
 * ended   how many; written on a failure too.  Errors: DISK_FULL; STORAGE_FAILED */
MUST_CHECK static inline enum status parts_end_older(struct part_store *s, int64_t before_ms, uint32_t *ended, struct fault *why)
{
	return s->ops->end_older(s, before_ms, ended, why);
}

#endif
