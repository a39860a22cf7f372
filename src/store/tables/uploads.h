/* The rows of multipart uploads, as the commit thread writes them, and the ids by which clients name them:
 * the row's number and a secret, in hex, so that an id needs no index and cannot be guessed. */
#ifndef STORE_TABLES_UPLOADS_H
#define STORE_TABLES_UPLOADS_H

#include "base/fault.h"
#include "store/tables/rows.h"
#include "port/part_store.h"

#define UPLOAD_SECRET_BYTES 16
/* Parts that one commit removes at most. */
#define UPLOADS_PARTS_STEP 250

struct upload_id {
	int64_t n;
	unsigned char secret[UPLOAD_SECRET_BYTES];
};

/* false: not one of ours. */
bool upload_id_read(struct str text, struct upload_id *out) MUST_CHECK;
/* In the arena; {NULL, 0} when it is full. */
struct str upload_id_write(const struct upload_id *id, struct arena *a);
/* The secret as a parameter; borrowed from the id. */
struct db_value upload_secret(const struct upload_id *id);

enum status no_such_upload(struct fault *why);

/* Check that the upload exists, and is of this bucket and key.  Errors: NO_SUCH_UPLOAD; the writer's */
enum status uploads_find(struct writer *w, const struct upload_id *id, const struct object_place *at, struct fault *why) MUST_CHECK;
/* Keep a part of an upload that was found, in place of one with its number.  Errors: the writer's */
enum status uploads_put_part(struct writer *w, const struct upload_id *id, const struct object_commit *c, struct new_body *a) MUST_CHECK;
/* Remove an upload that is there. Its parts are named by nothing any more, and left to the publisher.  Errors: the writer's */
enum status uploads_end(struct writer *w, int64_t n) MUST_CHECK;
/* Remove up to UPLOADS_PARTS_STEP parts of an upload that was ended, then, when none is left, its row of the trash, so that
 * commits of others come in between.  Errors: the writer's */
enum status uploads_remove_parts(struct writer *w, int64_t n) MUST_CHECK;

#endif
