/* The verdict and the commit of an image's body that the embedded store has received: by PUT, by form, or with the request that
 * makes its row. One rule for all of them. */
#ifndef IMAGE_BODY_COMMIT_H
#define IMAGE_BODY_COMMIT_H

#include "base/fault.h"
#include "image/verify.h"
#include "port/bucket_store.h"

struct body_commit {
	struct slot_body port; /* `what` is set but for now_ms: bytes as bucket_view gives them, etag their MD5 */
	struct bucket_store *buckets;
	struct incoming **in;         /* whole; NULL inside after the commit, else still the caller's to abandon */
	struct object_commit object;  /* bucket, key, meta, condition and arena are set */
	const struct image_row *slot; /* set by body_commit_run */
};

/* Verify the body, and store it with its row if it passes: verify_body. Logs the outcome.
 * now      the row as it is afterwards, also when it was rejected
 * Errors   those of verify_body
 * Threads  workers; blocks on the disk and the renderer */
enum status body_commit_run(
	struct product *p, const struct image_row *slot, struct body_commit *b, struct image_row *now, struct fault *why) MUST_CHECK;

#endif
