/* The commit of a body: an object, an image's object with its row, or a part of an upload; waited for or
 * not. The caller that has the body prepares it; the commit thread applies it, and ends it where no caller waits. */
#ifndef STORE_TABLES_COMMIT_H
#define STORE_TABLES_COMMIT_H

#include "base/fault.h"
#include "store/tables/images.h"
#include "store/tables/rows.h"

struct engine;

struct commit_change {
	struct change change;
	const struct object_commit *commit;
	struct new_body arrival;
	struct resolving resolving;
	struct buf meta; /* the encoded metadata */
};

/* Fill in a change for the commit thread; commit and the arrival's texts stay good until commit_end. On a failure
 * nothing is to be ended.
 * Errors  OUT_OF_MEMORY; TOO_MUCH more metadata than META_MAX_BYTES */
enum status commit_prepare(
	struct commit_change *cc, const struct object_commit *c, const struct new_body *arrival, struct fault *why) MUST_CHECK;
/* Once it is committed or has failed: notify the publisher, free. Does not block on the disk. */
void commit_end(struct engine *e, struct commit_change *cc);
/* All of it, waited for.  Errors: those of bucket_finish */
enum status commit_run(struct engine *e, const struct object_commit *c, const struct new_body *arrival, struct fault *why) MUST_CHECK;

#endif
