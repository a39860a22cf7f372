/* From bytes to a resolved row: reach the verdict, make it durable, and decide what a second upload gets. One rule for
 * both engines: the embedded store verifies a body before it commits it, a remote store has the object already. */
#ifndef IMAGE_VERIFY_H
#define IMAGE_VERIFY_H

#include "base/fault.h"
#include "image/product.h"
#include "image/verdict.h"

/* A body that was sent to a slot, whose engine stores it only when it has passed. */
struct slot_body {
	struct received_bytes what;
	bool is_new;  /* the slot is not in the table yet: `commit` adds it */
	bool counted; /* set by verify_body: the outcome is in the metrics */
	/* Make the object and its row durable in one commit. After STATE_CHANGED `compare` must still work.
	 * now     the row as it is afterwards, on OK and on STATE_CHANGED
	 * Errors  those of bucket_finish */
	enum status (*commit)(struct slot_body *, const struct resolution *, struct image_row *now, struct fault *why);
	/* Compare the body with the object that is there, byte by byte.  Errors: NO_SUCH_KEY; STORAGE_FAILED */
	enum status (*compare)(struct slot_body *, bool *same, struct fault *why);
};

/* Verify a body and resolve its slot by the verdict. The same bytes as are there already: OK, and nothing changes.
 * slot    as verdict_check_slot gave it: pending or uploaded
 * now     the row as it is afterwards; its texts live in `a`, or are the slot's
 * Errors  IMAGE_REJECTED the row is rejected durably, the body is the caller's to discard; SLOT_TAKEN other bytes were
 *         uploaded first; SLOT_ENDED rejected or deleted in the meantime; those of bucket_finish, with the row unchanged */
enum status verify_body(struct product *p, const struct image_row *slot, struct slot_body *b, struct arena *a, struct image_row *now,
	struct fault *why) MUST_CHECK;

/* Find what of an object's bytes is to be stored, by the product's rules: in `what` with what they were, as many where there is
 * nothing to remove, else fewer, in `kept`. An object that was replaced by the server before keeps what its row says about it.
 * kept    empty, and as large as the object and some KiB
 * what    has bytes, and etag of these
 * Errors  OUT_OF_MEMORY; TOO_MUCH */
enum status verify_strip(struct product *p, const struct image_row *row, struct arena *a, struct buf *kept, struct received_bytes *what,
	struct fault *why) MUST_CHECK;

/* Read the object of a pending row, verify it, resolve the row; rejected bytes are removed. What can identify a person is removed
 * from an accepted one, which is replaced then: the row has its new ETag and size before, and is uploaded after that.
 * row     pending; or uploaded, where its object was found to be another one since
 * now_ms  the time of the verdict
 * now     the row as it is afterwards, whichever call resolved it: uploaded or rejected; lives in `a`
 * Errors  NO_SUCH_KEY no object is there; NO_SUCH_IMAGE the row is gone; other errors of the ports, with the row
 *         unchanged unless only the removal of the rejected bytes failed, which the sweep retries */
enum status verify_object(
	struct product *p, const struct image_row *row, int64_t now_ms, struct arena *a, struct image_row *now, struct fault *why) MUST_CHECK;

/* Whether the object that is there is the one that the uploaded row reports. An ETag alone does not say so, since two
 * bodies may have the same MD5: the time of the write must be the same too. */
bool verify_is_current(const struct product *p, const struct image_row *row, const struct object_info *there);
/* Ask the store whether it is, and verify and resolve again where it is another one.
 * Parameters and errors as above; now is a copy of the row where nothing changed */
enum status verify_again(
	struct product *p, const struct image_row *row, int64_t now_ms, struct arena *a, struct image_row *now, struct fault *why) MUST_CHECK;

#endif
