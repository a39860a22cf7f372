/* The rows of objects, and object_store on them. */
#ifndef LOCAL_OBJECTS_H
#define LOCAL_OBJECTS_H

#include "local/committer.h"
#include "port/bucket_store.h"

struct engine;

extern const struct object_store_ops objects_ops;

/* A body that is written and synced, ready for its row. */
struct arrival {
	uint64_t file;
	uint64_t size;
	struct str etag;
	int64_t modified_ms;
};

/* Commit the row, and settle an image with it if the commit says so. A file that it replaces goes to the trash.
 * Errors  those of bucket_finish */
enum status objects_commit(struct engine *e, const struct object_commit *c, const struct arrival *arrival, struct fault *why) MUST_CHECK;
/* Within a change: remove the row if it is there; its file goes to the trash and *trashed is set.  Errors: the writer's */
enum status objects_remove(struct writer *w, int64_t bucket, struct str key, bool *trashed) MUST_CHECK;
/* bucket_open and bucket_exists. */
enum status objects_open(struct bucket_store *s, struct str bucket, struct str key, struct arena *a, struct object_file *out, struct fault *why) MUST_CHECK;
enum status objects_has_bucket(struct bucket_store *s, struct str bucket, struct fault *why) MUST_CHECK;
/* 1..1024 bytes of UTF-8 without U+0000.  Errors: KEY_TOO_LONG; KEY_INVALID */
enum status objects_check_key(struct str key, struct fault *why) MUST_CHECK;

#endif
