/* The responses of ListObjectsV2 and ListObjectVersions: XML in, a page of objects or of versions out. Pure.
 * Keys are decoded where the document says that they are encoded. A document type declaration is refused.
 * Source: Amazon S3 API, ListObjectsV2 and ListObjectVersions. */
#ifndef AWS_LISTING_H
#define AWS_LISTING_H

#include "base/fault.h"
#include "port/object_store.h"

/* At most `max` objects are taken; more of them is an error. Content types are left empty.
 * Errors  UPSTREAM_FAILED not such a document; TOO_MUCH */
enum status listing_parse(struct str xml, uint32_t max, struct arena *a, struct object_page *out, struct fault *why) MUST_CHECK;

struct version {
	struct str key, id;
	bool latest; /* what a GET without a version finds */
};

struct version_page {
	struct version *versions;
	size_t n;
};

/* At most `max` versions and delete markers are taken; more of them is an error.
 * Errors  UPSTREAM_FAILED not such a document; TOO_MUCH */
enum status versions_parse(struct str xml, uint32_t max, struct arena *a, struct version_page *out, struct fault *why) MUST_CHECK;

#endif
