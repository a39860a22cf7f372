/* The answer of ListObjectVersions: XML in, a page of versions out, delete markers among them. Pure.
 * Source: Amazon S3 API, ListObjectVersions. */
#ifndef AWS_VERSIONS_H
#define AWS_VERSIONS_H

#include "base/arena.h"
#include "base/fault.h"
#include "base/str.h"

struct version {
	struct str key, id;
	bool latest;               /* what a GET without a version finds */
};

struct version_page {
	struct version *versions;
	size_t n;
};

/* At most `max` versions are taken; more of them is an error. Keys are decoded where the document says that they are
 * encoded. A document type declaration is refused.
 * Errors  UPSTREAM_FAILED not such a document; TOO_MUCH */
enum status versions_parse(struct str xml, uint32_t max, struct arena *a, struct version_page *out, struct fault *why) MUST_CHECK;

#endif
