/* The rows of objects, and object_store on them. */
#ifndef STORE_DB_OBJECTS_H
#define STORE_DB_OBJECTS_H

#include "base/fault.h"
#include "store/db/group_commit.h"
#include "port/bucket_store.h"

/* Within a change: remove the row if it is there.  Errors: the writer's */
enum status objects_remove(struct writer *w, int64_t bucket, struct str key) MUST_CHECK;
/* Read OBJECT_COLUMNS; texts are copied.  Errors: TOO_MUCH */
enum status objects_read_info(sqlite3_stmt *s, struct arena *a, struct object_info *out, struct fault *why) MUST_CHECK;

#endif
