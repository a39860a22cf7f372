/* The answer of ListObjectsV2: XML in, a page of objects out. Pure.
 * Source: Amazon S3 API, ListObjectsV2. */
#ifndef AWS_LISTING_H
#define AWS_LISTING_H

#include "base/fault.h"
#include "port/object_store.h"

/* At most `max` objects are taken; more of them is an error. Keys are decoded where the document says that they are
 * encoded; content types are not told. A document type declaration is refused.
 * Errors  UPSTREAM_FAILED not such a document; TOO_MUCH */
enum status listing_parse(struct str xml, uint32_t max, struct arena *a, struct object_page *out, struct fault *why) MUST_CHECK;

#endif
