/* The rows of multipart uploads, as the commit thread writes them, and the ids by which clients name them:
 * the row's number and a secret, in hex, so that an id needs no index and cannot be guessed. */
#ifndef STORE_DB_UPLOADS_H
#define STORE_DB_UPLOADS_H

#include "base/fault.h"
#include "store/db/rows.h"
#include "port/part_store.h"

#define UPLOAD_SECRET_BYTES 16

struct upload_id {
	int64_t n;
	unsigned char secret[UPLOAD_SECRET_BYTES];
};

/* false: not one of ours. */
bool upload_id_read(struct str text, struct upload_id *out) MUST_CHECK;
/* In the arena; {NULL, 0} when it is full. */
struct str upload_id_write(const struct upload_id *id, struct arena *a);
/* Bind the id to the first two parameters. It stays good until the statement is reset. */
void upload_id_bind(sqlite3_stmt *s, const struct upload_id *id);

enum status no_such_upload(struct fault *why);
enum status no_such_bucket(struct fault *why);

/* Check that the upload exists, and is of this bucket and key.  Errors: NO_SUCH_UPLOAD; the writer's */
enum status uploads_find(struct writer *w, const struct upload_id *id, const struct object_place *at, struct fault *why) MUST_CHECK;
/* Keep a part of an upload that was found, in place of one with its number.  Errors: the writer's */
enum status uploads_put_part(
	struct writer *w, const struct upload_id *id, const struct object_commit *c, struct new_body *a, bool *trashed) MUST_CHECK;
/* Remove an upload and its parts. Nothing when there is none.  Errors: the writer's */
enum status uploads_end(struct writer *w, int64_t n, bool *trashed) MUST_CHECK;

#endif
