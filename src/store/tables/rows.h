/* The rows of objects as the commit thread writes them: what is there, what replaces it, and how the bytes of removed ones
 * are released. Bytes are a file, or are in the database; either way they have a number. */
#ifndef STORE_TABLES_ROWS_H
#define STORE_TABLES_ROWS_H

#include "base/fault.h"
#include "store/db/group_commit.h"
#include "store/tables/meta.h"
#include "port/bucket_store.h"

/* A body that is ready for its row: a file of incoming/ that is synced, or bytes for the database. */
struct new_body {
	bool inlined; /* bytes; the file's number is given in the commit */
	struct str bytes;
	uint64_t file;
	uint64_t size;
	struct str etag;
	int64_t modified_ms;
	unsigned checksum_flags; /* meta_flags */
	struct str meta;         /* meta_encode; of an object alone */
};

/* Where an object goes. */
struct object_place {
	int64_t bucket;
	struct str key, content_type;
};

/* Stored bytes that have a row. */
struct stored {
	bool there;
	int64_t file;
	unsigned flags;
};

/* *id is 0 when there is none.  Errors: the writer's */
enum status rows_find_bucket(struct writer *w, struct str name, int64_t *id) MUST_CHECK;
enum status no_such_bucket(struct fault *why);
/* *id is never 0.  Errors: NO_SUCH_BUCKET; the writer's */
enum status rows_need_bucket(struct writer *w, struct str name, int64_t *id, struct fault *why) MUST_CHECK;
/* Whether this batch may make rows.  Errors: DISK_FULL */
enum status rows_check_room(const struct writer *w, struct fault *why) MUST_CHECK;
/* The bytes that a row names, of a query whose first columns are file and flags.  row: whether there is one */
struct stored rows_read_stored(sqlite3_stmt *s, bool row);
/* Find an object and check that the condition holds (NULL: none).  Errors: PRECONDITION; NO_SUCH_KEY; the writer's */
enum status rows_find_object(
	struct writer *w, const struct object_place *at, const struct object_condition *c, struct stored *out, struct fault *why) MUST_CHECK;
/* Run a query of one number, which gives no row.  Errors: the writer's */
enum status rows_run(struct writer *w, enum db_query_id q, int64_t n) MUST_CHECK;
/* Drop bytes whose row is removed or gets others: at once where they are in the database, else by the trash. Nothing when
 * they are not there.  Errors: the writer's */
enum status rows_drop(struct writer *w, const struct stored *s) MUST_CHECK;
/* Store a body that goes into the database under a new number; nothing for one that is a file.  Errors: the writer's */
enum status rows_add_body(struct writer *w, struct new_body *a) MUST_CHECK;
/* Write the object's row over `old`, whose bytes go.  Errors: the writer's */
enum status rows_put_object(struct writer *w, const struct object_place *at, struct new_body *a, const struct stored *old) MUST_CHECK;
/* Remove an object that was found; nothing when it is not there.  Errors: the writer's */
enum status rows_remove_object(struct writer *w, const struct object_place *at, const struct stored *old) MUST_CHECK;

#endif
