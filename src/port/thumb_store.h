/* Port: where thumbnails are kept. They can be made again from their images, so that a store may drop any of them, and a write may be
 * lost. Each has a name among those of its image: the variant of its delivery link. Any thread. */
#ifndef PORT_THUMB_STORE_H
#define PORT_THUMB_STORE_H

#include "port/bucket_store.h"

#define THUMB_NAME_MAX 47

struct thumb_store;

struct thumb_store_ops {
	bool finds_without_waiting; /* reactors may call find */
	enum status (*find)(struct thumb_store *, struct str id, struct str name, struct arena *, struct object_file *out, struct fault *);
	enum status (*keep)(struct thumb_store *, struct str id, struct str name, struct str bytes, struct fault *);
	void (*remove)(struct thumb_store *, struct str id);
	enum status (*measure)(struct thumb_store *, struct str id, uint64_t *bytes, struct fault *);
};
struct thumb_store {
	const struct thumb_store_ops *ops;
};

/* Open one. info has size and modified_ms; its other members are empty.
 * out     on OK the caller closes it. A size of 0: making it failed, which was remembered
 * Errors  NO_SUCH_KEY; STORAGE_FAILED; UPSTREAM_FAILED */
MUST_CHECK static inline enum status thumb_find(
	struct thumb_store *s, struct str id, struct str name, struct arena *a, struct object_file *out, struct fault *why)
{
	return s->ops->find(s, id, name, a, out, why);
}

/* Keep one, in place of one of that name; others may be dropped for it. No bytes: remember that it cannot be made.
 * name    1..THUMB_NAME_MAX of a-z, 0-9, '-' and '.'
 * Errors  DISK_FULL; STORAGE_FAILED; UPSTREAM_FAILED; OUT_OF_MEMORY */
MUST_CHECK static inline enum status thumb_keep(struct thumb_store *s, struct str id, struct str name, struct str bytes, struct fault *why)
{
	assert(name.n >= 1 && name.n <= THUMB_NAME_MAX);
	return s->ops->keep(s, id, name, bytes, why);
}

/* How many bytes all of an image have together.  Errors: STORAGE_FAILED; UPSTREAM_FAILED */
MUST_CHECK static inline enum status thumb_measure(struct thumb_store *s, struct str id, uint64_t *bytes, struct fault *why)
{
	assert(bytes != NULL);
	return s->ops->measure(s, id, bytes, why);
}

/* Remove all of an image. What fails is left to the limit of the store. */
static inline void thumb_remove(struct thumb_store *s, struct str id)
{
	s->ops->remove(s, id);
}

#endif
