/* x-amz-copy-source and x-amz-copy-source-range. Pure; any thread.
 * Source: Amazon S3 API, CopyObject, UploadPartCopy. */
#ifndef S3_WIRE_COPY_SOURCE_H
#define S3_WIRE_COPY_SOURCE_H

#include "base/arena.h"
#include "base/fault.h"
#include "base/str.h"

struct copy_source {
	struct str bucket, key; /* decoded */
	struct str version;     /* {NULL, 0}: none is named */
};

/* [/]bucket/key[?versionId=id], percent-encoded, the slashes too or not.
 * Errors  ARGUMENT_INVALID; KEY_TOO_LONG; KEY_INVALID; TOO_MUCH */
enum status copy_source_parse(struct arena *a, struct str value, struct copy_source *out, struct fault *why) MUST_CHECK;
/* bytes=first-last, both there. An object of `size` bytes must have them.
 * Errors  ARGUMENT_INVALID */
enum status copy_range_parse(struct str value, uint64_t size, uint64_t *first, uint64_t *length, struct fault *why) MUST_CHECK;

#endif
