/* The rows of objects, and object_store on them. */
#ifndef STORE_TABLES_OBJECTS_H
#define STORE_TABLES_OBJECTS_H

#include "base/fault.h"
#include "store/db/group_commit.h"
#include "port/bucket_store.h"

/* Within a change: remove the row if it is there.  Errors: the writer's */
enum status objects_remove(struct writer *w, int64_t bucket, struct str key) MUST_CHECK;
/* Read OBJECT_COLUMNS; texts are copied.  Errors: TOO_MUCH */
enum status objects_read_info(sqlite3_stmt *s, struct arena *a, struct object_info *out, struct fault *why) MUST_CHECK;

/* One object's row, and what it points to: of a file the number alone. */
struct object_found {
	struct object_file object;
	uint64_t file;
	unsigned flags;
};

struct engine;
/* Read the row of an object.
 * name    bucket and key
 * whole   metadata, and bytes that are in the database, too
 * Errors  NO_SUCH_KEY; NO_SUCH_BUCKET; TOO_MUCH; STORAGE_FAILED, also where something of it is missing in the database */
enum status objects_find(
	struct engine *e, const struct str name[2], bool whole, struct arena *a, struct object_found *out, struct fault *why) MUST_CHECK;

#endif
