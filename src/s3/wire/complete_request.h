/* The body of CompleteMultipartUpload, and its comparison with the stored parts. Pure; any thread.
 * Source: Amazon S3 API, CompleteMultipartUpload. */
#ifndef S3_WIRE_COMPLETE_REQUEST_H
#define S3_WIRE_COMPLETE_REQUEST_H

#include "base/arena.h"
#include "base/fault.h"
#include "port/object_meta.h"

struct part_list {
	struct object_part *parts;
	size_t n;
};

/* Read the list that the client sends: number, ETag without quotes, checksum if there is one.
 * Errors  XML_MALFORMED empty too; PART_ORDER not rising; ARGUMENT_INVALID a malformed number; TOO_MUCH */
enum status complete_request_read(struct arena *a, struct str xml, struct part_list *out, struct fault *why) MUST_CHECK;
/* Compare it with the stored parts; both are sorted by number. Sizes and checksums are filled in from those.
 * wanted  kind and composite of the upload
 * bad     written on PART_INVALID and PART_TOO_SMALL: the part that it is about
 * Errors  PART_INVALID missing, other ETag, other checksum; REQUEST_INVALID a checksum is missing;
 *         PART_TOO_SMALL one that is not the last */
enum status complete_request_match(struct part_list *given, const struct part_list *there, const struct object_checksum *wanted,
	const struct object_part **bad, struct fault *why) MUST_CHECK;

#endif
