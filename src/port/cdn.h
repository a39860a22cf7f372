/* Port: a CDN in front of the bucket of a remote store. It serves what is below images/ and thumbs/ to those who have a signed URL,
 * and what is below public/ to anyone; it fetches objects from the bucket itself, and keeps them for a while.
 *
 * Keys: as of the object store, of characters that a URL has as they are. Any thread. Results live in the arena of the call. */
#ifndef PORT_CDN_H
#define PORT_CDN_H

#include "base/fault.h"
#include "base/str.h"

struct cdn_link {
	struct str key;
	int64_t expires_s;       /* a Unix time in seconds */
	struct str disposition;  /* "": none; else the response's Content-Disposition */
	struct str content_type; /* "": that of the object; else the response's Content-Type */
};

struct cdn_copy {
	struct str from, to;     /* keys of the bucket */
	struct str etag;         /* "": whatever is there; else only the object that has it is copied */
	struct str content_type; /* of the copy, whose headers are these alone */
	struct str disposition;  /* "": none */
	struct str cache_control;
};

struct cdn;

struct cdn_ops {
	enum status (*sign)(struct cdn *, const struct cdn_link *, struct arena *, struct str *url, struct fault *);
	enum status (*copy)(struct cdn *, const struct cdn_copy *, struct fault *);
	enum status (*invalidate)(struct cdn *, struct str path, struct fault *);
};
struct cdn {
	const struct cdn_ops *ops;
	struct str url; /* scheme, host and port: what all its URLs begin with */
};

/* Make a URL that anyone may read one object with until it expires. The same link always has the same URL. Only computes.
 * Errors  INTERNAL this program has no key; OUT_OF_MEMORY; TOO_MUCH */
MUST_CHECK static inline enum status cdn_sign(struct cdn *c, const struct cdn_link *l, struct arena *a, struct str *url, struct fault *why)
{
	assert(l->key.n > 0 && l->expires_s > 0);
	return c->ops->sign(c, l, a, url, why);
}

/* The plain address of an object, which needs a signature unless it is below public/. {NULL, 0} when the arena is full. */
static inline struct str cdn_address(const struct cdn *c, struct str key, struct arena *a)
{
	return STR_CONCAT(a, c->url, STR("/"), key);
}

/* Copy an object within the bucket, in place of what is there. Blocks.
 * Errors  NO_SUCH_KEY; PRECONDITION the object has another ETag; UPSTREAM_FAILED */
MUST_CHECK static inline enum status cdn_copy(struct cdn *c, const struct cdn_copy *what, struct fault *why)
{
	assert(what->from.n > 0 && what->to.n > 0 && what->content_type.n > 0);
	return c->ops->copy(c, what, why);
}

/* Have the CDN forget what it keeps of a path; within minutes it does. Blocks.
 * path    begins with '/'; a '*' at its end means all that begin so
 * Errors  OVERLOADED too many are in progress; UPSTREAM_FAILED */
MUST_CHECK static inline enum status cdn_invalidate(struct cdn *c, struct str path, struct fault *why)
{
	assert(str_starts_with(path, STR("/")));
	return c->ops->invalidate(c, path, why);
}

#endif
