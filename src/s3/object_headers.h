/* What a client sends with an object besides its bytes: the headers that are stored and returned, and
 * the preconditions on the existing object. */
#ifndef S3_OBJECT_HEADERS_H
#define S3_OBJECT_HEADERS_H

#include "base/fault.h"
#include "s3/call.h"

/* Read them from a request's headers, or the fields of a form.
 * type    the content type, or S3's default
 * meta    its headers are set, nothing else
 * Errors  ARGUMENT_INVALID; META_TOO_LARGE; TOO_MUCH */
enum status object_headers_read(
	struct arena *a, const struct header_index *headers, struct str *type, struct object_meta *meta, struct fault *why) MUST_CHECK;
/* If-Match and If-None-Match of a write.  Errors: NOT_IMPLEMENTED If-None-Match of another value than '*' */
enum status object_headers_condition(struct s3_call *c, struct object_condition *out, struct fault *why) MUST_CHECK;
/* Headers that request unsupported features: encryption, tags, locks, storage classes.
 * Errors  NOT_IMPLEMENTED; STORAGE_CLASS_INVALID */
enum status object_headers_refuse(const struct header_index *headers, struct fault *why) MUST_CHECK;

#endif
