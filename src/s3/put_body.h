/* Storing a body, from its first byte to its verdict: shared by PUT and POST. */
#ifndef S3_PUT_BODY_H
#define S3_PUT_BODY_H

#include "base/fault.h"
#include "image/intake.h"
#include "s3/call.h"
#include "s3/wire/digests.h"
#include "s3/wire/body_stream.h"

#define OBJECT_MAX_BYTES ((uint64_t)5 * 1024 * 1024 * 1024) /* of one PUT, as S3 */

struct s3_upload {
	struct incoming *in;   /* NULL before upload_begin and after the end */
	struct image_row slot; /* when the key is an image's */
	struct image_intake intake;
	struct received_bytes image; /* by upload_finish */
	struct str content_type;     /* of a plain object; an image's is detected from its bytes */
	struct object_meta meta;     /* the stored headers; upload_check adds the checksum */
	struct object_condition condition;
	struct str upload_id; /* of a part; "": an object */
	uint32_t part_number;
	uint64_t min_bytes, max_bytes;
	uint64_t received;
	struct digests digests;
	enum checksum_kind default_kind; /* what is summed where the client gave no checksum */
	struct body_stream *stream;      /* of an aws-chunked body; else NULL */
	bool counted;                    /* its outcome is in the metrics; also set before a body is started */
	/* kept by put_body_commit until the commit is done */
	struct write_completion wait;
	struct object_commit commit;
	struct s3_call *call;
	void (*done)(struct s3_call *c, enum status st, const struct fault *why);
	struct str etag;  /* hex, of what is stored */
	bool sum_changed; /* the stored bytes have another checksum than those that were received: not returned */
};

/* Make the call's upload with the metadata that is among the headers of a request or the fields of a form; none for an image.
 * Errors  those of object_headers_refuse and object_headers_read */
enum status upload_make(struct s3_call *c, const struct header_index *headers, struct fault *why) MUST_CHECK;
/* Check that the call's key may be written, and reserve space. The call's upload must be set, with its limits, digests and type.
 * expected_bytes   the announced length, 0 when not known
 * Errors  SLOT_ENDED; NO_SUCH_BUCKET; PRECONDITION; NO_SUCH_KEY (condition); BODY_TOO_LARGE; DISK_FULL; STORAGE_FAILED */
enum status upload_begin(struct s3_call *c, uint64_t expected_bytes, struct fault *why) MUST_CHECK;
/* Append a piece, with no framing in it.  Errors: BODY_TOO_LARGE; DISK_FULL; STORAGE_FAILED */
enum status upload_write(struct s3_call *c, struct str piece, struct fault *why) MUST_CHECK;
/* The body is complete: check, verify and commit it. OK when it is durable, or was already. Sets etag and the
 * checksum of meta.
 * Errors  BODY_CUT; DIGEST_WRONG; PAYLOAD_HASH_WRONG; CHECKSUM_WRONG; TRAILER_MALFORMED; OBJECT_TOO_SMALL; IMAGE_REJECTED;
 *         SLOT_TAKEN; SLOT_ENDED; PRECONDITION; NO_SUCH_KEY (condition); NO_SUCH_UPLOAD; NO_SUCH_BUCKET; DISK_FULL;
 *         STORAGE_FAILED */
enum status upload_finish(struct s3_call *c, struct fault *why) MUST_CHECK;
/* The same for a plain object of at most BUCKET_SMALL_BYTES, started with its length, without waiting: `done` is
 * called once, on any thread, perhaps before this returns. */
void put_body_commit(struct s3_call *c, void (*done)(struct s3_call *c, enum status st, const struct fault *why));
/* Discard what is not committed. At any time, any number of times. */
void put_body_drop(struct s3_call *c);

#endif
