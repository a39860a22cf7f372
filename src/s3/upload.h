/* A body on its way into the store, from its first byte to its verdict: what PUT and POST share. */
#ifndef S3_UPLOAD_H
#define S3_UPLOAD_H

#include "base/hash.h"
#include "s3/call.h"

#define OBJECT_MAX_BYTES ((uint64_t)5 * 1024 * 1024 * 1024)   /* of one PUT, as S3 */

struct upload {
	struct incoming *in;           /* NULL before upload_begin and when it is over */
	struct image_row slot;         /* when the key is an image's */
	struct str content_type;       /* of a plain object; an image's is found in its bytes */
	uint64_t min_bytes, max_bytes;
	uint64_t received;
	bool only_if_absent;           /* If-None-Match: * */
	bool has_md5;
	unsigned char md5[MD5_BYTES];
	struct str sha256;             /* hex; "": not told */
	bool counted;                  /* its outcome is in the metrics; so it is before a body is begun */
};

/* Admit the call's key, and reserve room. The call's upload must be set, with its limits, digests and type.
 * expected_bytes   what was told, 0 when not known
 * Errors  SLOT_ENDED; NO_SUCH_BUCKET; PRECONDITION; BODY_TOO_LARGE; DISK_FULL; STORAGE_FAILED */
enum status upload_begin(struct call *c, uint64_t expected_bytes, struct fault *why) MUST_CHECK;
/* Append a piece.  Errors: BODY_TOO_LARGE; DISK_FULL; STORAGE_FAILED */
enum status upload_write(struct call *c, struct str piece, struct fault *why) MUST_CHECK;
/* The body is whole: check it, judge it, commit it. OK when it is there for good, or was already.
 * etag   hex, in the arena
 * Errors  DIGEST_WRONG; OBJECT_TOO_SMALL; IMAGE_REJECTED; SLOT_TAKEN; SLOT_ENDED; PRECONDITION;
 *         DISK_FULL; STORAGE_FAILED */
enum status upload_finish(struct call *c, struct str *etag, struct fault *why) MUST_CHECK;
/* Forget what is not committed. At any time, any number of times. */
void upload_drop(struct call *c);

#endif
