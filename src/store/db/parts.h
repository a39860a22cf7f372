/* part_store on SQLite and the tree: uploads and parts are rows, the bytes of parts are bodies like those of
 * objects; complete.c makes one body of them. What a call changes is applied by the commit thread. */
#ifndef STORE_DB_PARTS_H
#define STORE_DB_PARTS_H

#include "base/fault.h"
#include "store/db/uploads.h"

extern const struct part_store_ops parts_ops;

/* parts_complete. */
enum status complete_upload(
	struct part_store *p, const struct part_completion *c, struct arena *a, struct object_info *out, struct fault *why) MUST_CHECK;

#endif
