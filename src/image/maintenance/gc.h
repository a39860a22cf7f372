/* The sweep, in parts, because their cost differs. gc_run processes the rows that are due
 * and costs in proportion to their number: once a minute. gc_orphans lists every object under images/ and
 * reads its row, gc_thumbs those under thumbs/, gc_copies those under public/: once a day. All are idempotent, continue past what fails, and work in steps of bounded
 * memory; one sweep at a time. They block: a thread of their own, or a worker. */
#ifndef IMAGE_MAINTENANCE_GC_H
#define IMAGE_MAINTENANCE_GC_H

#include "base/fault.h"
#include "image/product.h"

struct gc_result {
	uint64_t ended;      /* pending rows that expired */
	uint64_t forgotten;  /* rejected rows that were deleted */
	uint64_t reconciled; /* objects that were missed and passed verification */
	uint64_t rejected;   /* ... and did not pass; their bytes are removed */
	uint64_t orphans;    /* orphaned objects and thumbnails that were removed */
	uint64_t copies;     /* images that are gone or private, and whose public copies were removed */
};

/* What of it is done. */
struct gc_limits {
	/* Called before each row or object, since each may take as long as a timeout of the engine; true ends the sweep early. NULL: never */
	bool (*stop)(void *arg);
	void *stop_arg;
	/* Of gc_orphans, gc_thumbs and gc_copies: */
	struct str prefix; /* only objects whose image ids begin with this; "": all */
	struct str start;  /* where among those to begin, as what follows the prefix; then those before it. "": at the first */
};

/* Expire what is due at now_ms: a pending row unless its object is there and is verified, a rejected row
 * with what is left of its bytes.
 * limits  NULL: none
 * out     counts are added to it, on failure too: the caller zeroes it, and may add up all parts
 * Errors  those of the ports: the first that failed; the rest was still tried */
enum status gc_run(struct product *p, int64_t now_ms, const struct gc_limits *limits, struct gc_result *out, struct fault *why) MUST_CHECK;
/* Go through the objects under images/: verify those whose row is pending or has other bytes, remove those whose row is
 * rejected, and orphans once they are orphan_ttl_s old; make the copies of public images that a CDN is to serve and that are missing; where a
 * queue has thumbnails made, ask for those that are missing.
 * Parameters as above. */
enum status gc_orphans(
	struct product *p, int64_t now_ms, const struct gc_limits *limits, struct gc_result *out, struct fault *why) MUST_CHECK;
/* Go through the thumbnails that a remote store has, thumbs/<image id>/<variant>, and remove those of images that are gone or rejected,
 * once they are orphan_ttl_s old: a deletion that was cut off between row and thumbnails leaves them. Nothing is done for the embedded store,
 * which removes them itself. Parameters as above. */
enum status gc_thumbs(
	struct product *p, int64_t now_ms, const struct gc_limits *limits, struct gc_result *out, struct fault *why) MUST_CHECK;
/* Go through the copies that a CDN serves, public/<image id>/<variant>, and remove those of images that are gone, private or rejected.
 * Without a CDN nothing is done. Parameters as above. */
enum status gc_copies(
	struct product *p, int64_t now_ms, const struct gc_limits *limits, struct gc_result *out, struct fault *why) MUST_CHECK;
/* Log what was done, if anything was, and count it. */
void gc_report(const struct gc_result *done);

#endif
