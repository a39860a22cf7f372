/* An image that comes with the request that asks for it to be kept: no slot precedes its bytes. They are received first; its row is
 * made when all are there, so that a body which is cut leaves nothing.
 *
 * With the embedded store the body takes the way of a PUT, and object and row are one commit. For a remote store it is kept in
 * a file without a name, since a store must be told the length first; then it is stored and verified as by image_service_complete.
 * One thread at a time; begin and write wait for no sync and may run on a reactor, finish blocks. */
#ifndef IMAGE_DIRECT_UPLOAD_H
#define IMAGE_DIRECT_UPLOAD_H

#include "base/fault.h"
#include "base/spool.h"
#include "image/intake.h"
#include "image/slot.h"
#include "port/bucket_store.h"

struct direct_upload {
	/* the caller's */
	struct product *product;
	struct bucket_store *buckets; /* of the embedded store; NULL: the store is remote */
	struct str bucket;            /* with buckets: of the images */
	struct arena *arena;
	uint64_t reserve_bytes; /* without buckets: that stay free where temporary files are */
	/* its own */
	struct incoming *in;
	struct image_intake intake;
	struct spool spool;
	struct received_bytes what;
	uint64_t received;
	bool counted; /* its outcome is in the metrics; also set before it is begun */
};

struct direct_request {
	struct slot_request slot; /* file_type: as declared, "": not; file_name "": made of the type that is found. No size, no form */
	struct client_addr caller;
	struct str request_id;
};

/* Prepare for the bytes.
 * expected_bytes  at least the announced length, 0: not known
 * Errors          DISK_FULL; STORAGE_FAILED */
enum status direct_upload_begin(struct direct_upload *u, uint64_t expected_bytes, struct fault *why) MUST_CHECK;
/* Append.  Errors: IMAGE_TOO_LARGE; DISK_FULL; STORAGE_FAILED */
enum status direct_upload_write(struct direct_upload *u, struct str piece, struct fault *why) MUST_CHECK;
/* All bytes were given: find their type, and make the row. Called once.
 * slot    out: with the row, which is not in the table yet, and its delete token
 * Errors  IMAGE_EMPTY; TYPE_NOT_ALLOWED; BAD_FIELD the file's name; those of intake_end and spool_view */
enum status direct_upload_end(struct direct_upload *u, const struct direct_request *r, struct slot *slot, struct fault *why) MUST_CHECK;
/* Verify and store, with the row of direct_upload_end.
 * resumes  on a remote store: that row is in the table and pending, by an earlier request with the same Idempotency-Key
 * now      out: the row as it is afterwards, on OK and on IMAGE_REJECTED
 * Errors   IMAGE_REJECTED, which the row says too. Otherwise nothing is left, but with an Idempotency-Key and a remote store a pending
 *          row, with which the repeated request goes on: IMAGE_EXISTS or STATE_CHANGED a row or an object is there; DISK_FULL;
 *          STORAGE_FAILED; UPSTREAM_FAILED; those of the renderer */
enum status direct_upload_store(
	struct direct_upload *u, const struct image_row *row, bool resumes, struct image_row *now, struct fault *why) MUST_CHECK;
/* The image is there by an earlier request: what was received is not needed, and counts as repeated. */
void direct_upload_repeated(struct direct_upload *u);
/* Discard what is not committed. Safe on one that was not begun; any number of times. */
void direct_upload_drop(struct direct_upload *u);

#endif
