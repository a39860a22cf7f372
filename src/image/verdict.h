/* The rules for bytes that reach images/: which keys accept them, whether they pass, and what a second upload
 * means. What is done by these rules, on either engine, is in verify.h. */
#ifndef IMAGE_VERDICT_H
#define IMAGE_VERDICT_H

#include "base/fault.h"
#include "image/product.h"

/* The id in an image key (images/<uuid>.<extension>), borrowed from it; "" for any other key. */
struct str image_id_of_key(struct str key);
/* Read the row of this id and check that the key may be uploaded to. An uploaded row is accepted, since the
 * same bytes may be sent again.
 * id      image_id_of_key of the key
 * Errors  SLOT_ENDED no such slot, rejected, or past its ends_ms; STORAGE_FAILED */
enum status verdict_check_slot(
	struct product *p, struct str id, struct str key, int64_t now_ms, struct arena *a, struct image_row *row, struct fault *why) MUST_CHECK;
/* What was received, complete and with correct digests. */
struct received_bytes {
	struct str bytes;
	uint64_t size;       /* of an object over the limit, whose bytes were not read; 0: bytes.n */
	struct str etag;     /* hex MD5; borrowed by the resolution */
	int64_t modified_ms; /* of the object, by its store; 0: not certain */
	int64_t now_ms;
};

/* Verify a whole body and fill in the resolution: uploaded, or rejected with a sentence that says why.
 * A type that the probe does not know (a setting allows it) is accepted as declared, unless the bytes
 * are an image that it knows. Pure but for the sentence, which lives in `a`.
 * row     the slot, borrowed by the resolution */
void verdict_of_bytes(const struct image_rules *rules, const struct image_row *row, const struct received_bytes *what, struct arena *a,
	struct resolution *out);
/* SLOT_TAKEN: another image was uploaded here. */
enum status verdict_taken(struct fault *why);
/* The result of an upload whose row is not pending any more. OK: an image of this size and MD5 is there, which may
 * still have other bytes.
 * Errors  SLOT_TAKEN another file is there, verified or not; SLOT_ENDED it was rejected */
enum status verdict_of_repeat(const struct image_row *now, uint64_t size, struct str etag, struct fault *why) MUST_CHECK;

#endif
