/* What an image's bytes go through on their way into the embedded store: they are counted and hashed as they were received,
 * and stored without what can identify a person. One thread at a time. */
#ifndef IMAGE_INTAKE_H
#define IMAGE_INTAKE_H

#include "base/fault.h"
#include "base/hash.h"
#include "image/strip/strip.h"
#include "image/verdict.h"
#include "port/bucket_store.h"

struct image_intake {
	bool strips, wants_md5;
	unsigned keep; /* a set of enum keep_metadata */
	struct strip strip;
	struct hash sha256;
	struct hash md5; /* of the bytes if it was requested */
	uint64_t received;
	unsigned char received_md5[MD5_BYTES]; /* by intake_end, if it was requested */
};

/* strips     false: the bytes are stored as they come
 * keep       of what is removed, for the row: a set of enum keep_metadata
 * wants_md5  of the bytes as received */
void intake_begin(struct image_intake *i, bool strips, unsigned keep, bool wants_md5);
/* Take the next bytes of any number.  Errors: those of bucket_write */
enum status intake_write(struct image_intake *i, struct incoming *in, struct str piece, struct fault *why) MUST_CHECK;
/* All bytes were given: write what is left, and say in `out` what was received; its other members stay. Waits for the disk's
 * page cache only. Called once.
 * a       for the texts in `out`
 * Errors  those of bucket_write and bucket_patch; OUT_OF_MEMORY */
enum status intake_end(
	struct image_intake *i, struct incoming *in, struct arena *a, struct received_bytes *out, struct fault *why) MUST_CHECK;
/* Safe on a zeroed one; any number of times. */
void intake_drop(struct image_intake *i);

#endif
