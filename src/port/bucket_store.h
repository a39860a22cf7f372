/* Port: what the S3 protocol needs from the embedded store beyond object_store: bodies that stream
 * in, files that are sent by descriptor, and an object and its image row in one commit.
 *
 * A body arrives as `begin`, any number of `write`, then `finish` or `abandon`. begin and write do
 * not wait for the disk's sync and may run on a reactor; view and finish may sync, and finish commits: workers only;
 * start_finish completes a small body without waiting.
 * Until finish returns OK the object is not visible; after a failure nothing of it is left. An
 * incoming belongs to one thread at a time; all else is for any thread. */
#ifndef PORT_BUCKET_STORE_H
#define PORT_BUCKET_STORE_H

#include "base/fault.h"
#include "port/image_table.h"
#include "port/object_meta.h"
#include "port/object_store.h"

#include <unistd.h>

struct bucket_store;
struct incoming;

/* An object that is opened for reading, by descriptor or with all its bytes in memory. Deleting the object
 * does not affect it. The caller closes it, or takes over the descriptor or the hold. */
struct object_file {
	struct object_info info; /* in the call's arena, or kept by the hold */
	struct object_meta meta; /* as info */
	int fd;                  /* -1: see bytes */
	struct str bytes;        /* with fd < 0: the whole object */
	struct body_hold *hold;  /* keeps info, meta, bytes and fd; NULL: they are the arena's, and fd the caller's */
};

static inline void object_file_close(struct object_file *f)
{
	if (f->hold != NULL)
		f->hold->release(f->hold);
	else if (f->fd >= 0)
		close(f->fd);
	*f = (struct object_file){ .fd = -1 };
}

/* Preconditions on the existing object, checked in the commit itself. Zeroed: none. */
struct object_condition {
	bool absent;     /* If-None-Match: *; else PRECONDITION */
	struct str etag; /* If-Match, hex or "*"; else PRECONDITION, and NO_SUCH_KEY when there is none */
};

/* What finish shall commit: an object, or one part of a multipart upload, which replaces that part. */
struct object_commit {
	struct str bucket, key; /* a key that object_key_check accepts: whoever reads it from a request checks it */
	struct str upload_id;   /* "": an object */
	uint32_t part_number;   /* with upload_id: 1..PART_NUMBER_MAX */
	struct str content_type;
	struct object_meta meta; /* of a part only the checksum */
	struct object_condition condition;
	/* NULL: a plain object, which replaces. Else the row is resolved in the same commit, only if it is
	 * pending, and the object must not be there yet; with `replaces` both as table_resolve has it, over the object that is there. */
	const struct resolution *resolve;
	const struct image_row *insert; /* with resolve: NULL, or the pending row, which is added first in the same commit */
	struct arena *arena;
	struct image_row *now; /* as table_resolve's; may be NULL when resolve is */
};

struct bucket_store_ops {
	enum status (*begin)(struct bucket_store *, uint64_t expected_bytes, struct incoming **out, struct fault *);
	enum status (*write)(struct incoming *, const void *p, size_t n, struct fault *);
	enum status (*patch)(struct incoming *, uint64_t at, const void *p, size_t n, struct fault *);
	enum status (*view)(struct incoming *, struct str *bytes, unsigned char md5[16], struct fault *);
	enum status (*finish)(struct incoming **, const struct object_commit *, struct fault *);
	void (*abandon)(struct incoming **);
	enum status (*open)(struct bucket_store *, struct str bucket, struct str key, struct arena *, struct object_file *out, struct fault *);
	void (*start_finish)(struct incoming **, const struct object_commit *, struct write_completion *);
};
struct bucket_store {
	const struct bucket_store_ops *ops;
};
struct incoming {
	const struct bucket_store_ops *ops; /* the adapter's own fields follow */
};

/* Begin a body.  expected_bytes: the announced length, 0 when not known.
 * Errors  DISK_FULL the free space less expected_bytes is below the reserve; STORAGE_FAILED */
MUST_CHECK static inline enum status bucket_begin(struct bucket_store *s, uint64_t expected_bytes, struct incoming **out, struct fault *why)
{
	return s->ops->begin(s, expected_bytes, out, why);
}

/* Append.  Errors: DISK_FULL; STORAGE_FAILED (sticky: finish fails too) */
MUST_CHECK static inline enum status bucket_write(struct incoming *in, const void *p, size_t n, struct fault *why)
{
	assert(n == 0 || p != NULL);
	return in->ops->write(in, p, n, why);
}

/* Write these bytes over those that were written at this offset. Not on a reactor, and not after the first view.  Errors: DISK_FULL; STORAGE_FAILED (sticky) */
MUST_CHECK static inline enum status bucket_patch(struct incoming *in, uint64_t at, const void *p, size_t n, struct fault *why)
{
	assert(n > 0 && p != NULL);
	return in->ops->patch(in, at, p, n, why);
}

/* All bytes so far, mapped read-only until finish or abandon, and their MD5. May be repeated. Nothing may be written after it.
 * Errors   DISK_FULL; STORAGE_FAILED (sticky)
 * Threads  workers; reactors for a body that bucket_start_finish takes */
MUST_CHECK static inline enum status bucket_view(struct incoming *in, struct str *bytes, unsigned char md5[16], struct fault *why)
{
	return in->ops->view(in, bytes, md5, why);
}

/* Sync, commit, and only then return OK. *in is released and set to NULL in any case but STATE_CHANGED, where it stays to
 * be viewed again, which gives new bytes for those of the first view, and abandoned.
 * Errors  those of table_resolve; DISK_FULL; STORAGE_FAILED; NO_SUCH_BUCKET; NO_SUCH_UPLOAD; PRECONDITION;
 *         NO_SUCH_KEY (condition) */
MUST_CHECK static inline enum status bucket_finish(struct incoming **in, const struct object_commit *c, struct fault *why)
{
	assert(*in != NULL);
	return (*in)->ops->finish(in, c, why);
}

/* Discard the body and remove what was written. Accepts NULL and a NULL inside; sets *in to NULL. */
static inline void bucket_abandon(struct incoming **in)
{
	if (in != NULL && *in != NULL)
		(*in)->ops->abandon(in);
}

/* Errors  NO_SUCH_KEY; NO_SUCH_BUCKET; STORAGE_FAILED */
MUST_CHECK static inline enum status bucket_open(
	struct bucket_store *s, struct str bucket, struct str key, struct arena *a, struct object_file *out, struct fault *why)
{
	return s->ops->open(s, bucket, key, a, out, why);
}

/* A body of at most this many bytes that was started with its length may be completed by bucket_start_finish. */
#define BUCKET_SMALL_BYTES 16384

/* As bucket_finish, without waiting: `w->done` is called exactly once, on any thread, perhaps before this
 * returns. The commit, what it borrows and `w` stay good until then. *in is set to NULL at once.
 * Does not block for a body that was started with an expected length of at most BUCKET_SMALL_BYTES and kept to it;
 * reactors may call it. */
static inline void bucket_start_finish(struct incoming **in, const struct object_commit *c, struct write_completion *w)
{
	assert(*in != NULL && w->done != NULL);
	(*in)->ops->start_finish(in, c, w);
}

#endif
