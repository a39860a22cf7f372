/* bucket_catalog on SQLite: buckets in catalog.c, lists in listing.c. What a call changes is applied by the
 * commit thread; the caller waits for it. */
#ifndef STORE_DB_CATALOG_H
#define STORE_DB_CATALOG_H

#include "base/fault.h"
#include "port/bucket_catalog.h"

extern const struct bucket_catalog_ops catalog_ops;

/* catalog_list_objects. */
enum status listing_objects(
	struct bucket_catalog *c, const struct object_query *q, struct arena *a, struct listing *out, struct fault *why) MUST_CHECK;

#endif
