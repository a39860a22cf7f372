/* Deleting a user: everything that is an owner's, after user_block has ended its new slots. The images go one by one, as if each was
 * deleted, then the owner's row and what waits in the outbox for it. What was begun is resumed by the gc, from the list of blocked
 * owners, however often the server is stopped in between. Blocks on the ports: workers and the gc thread. */
#ifndef IMAGE_ERASURE_H
#define IMAGE_ERASURE_H

#include "base/fault.h"
#include "image/product.h"

struct erasure_result {
	uint64_t images; /* that were deleted */
	uint64_t owners; /* of whom nothing is left */
};

/* Delete everything of one owner, who is blocked.
 * stop     called before each image; true ends it early, and the gc goes on with it; NULL: never
 * out      counts are added to it, on failure too
 * Errors   NO_SUCH_USER; STATE_CHANGED the owner is not blocked, or images came in the meantime; those of the ports: the first that
 *          failed; the rest was still tried */
enum status erasure_run(
	struct product *p, struct str owner, bool (*stop)(void *), void *stop_arg, struct erasure_result *out, struct fault *why) MUST_CHECK;
/* The same for every blocked owner. Images that came in the meantime are left to the next time.  Errors: as above */
enum status erasure_resume(
	struct product *p, bool (*stop)(void *), void *stop_arg, struct erasure_result *out, struct fault *why) MUST_CHECK;

#endif
