/* Checksums of whole objects and of multipart uploads, as the protocol writes them. Pure but for memory;
 * any thread.  Source: Amazon S3 User Guide, "Checking object integrity". */
#ifndef S3_CHECKSUMS_H
#define S3_CHECKSUMS_H

#include "base/fault.h"
#include "base/hash.h"
#include "port/object_meta.h"
#include "s3/call.h"

/* Append <ChecksumX> and <ChecksumType>, or nothing where none is stored. */
void sums_write(struct buf *b, const struct object_checksum *sum);
/* <ChecksumX> alone, as parts have it. */
void sums_write_value(struct buf *b, const struct object_checksum *sum);
/* COMPOSITE or FULL_OBJECT, as x-amz-checksum-type has it. */
struct str sums_type(bool composite);
/* Append <ChecksumAlgorithm> and <ChecksumType>, or nothing where there is none. */
void sums_write_kind(struct buf *b, enum checksum_kind kind, bool composite);
/* x-amz-checksum-algorithm and x-amz-checksum-type of a multipart upload.
 * out     kind and composite; no value
 * Errors  REQUEST_INVALID no such algorithm, a type it does not have, a type alone */
enum status sums_read_requested(struct s3_call *c, struct object_checksum *out, struct fault *why) MUST_CHECK;
/* The algorithm alone, of an object in one piece.  Errors: as above */
enum status sums_read_algorithm(struct s3_call *c, enum checksum_kind *out, struct fault *why) MUST_CHECK;
/* The base64 of a sum. */
struct str sums_text(struct arena *a, enum checksum_kind kind, const unsigned char *sum);
/* The ETag of a body: its MD5 in hex, without quotes. */
struct str sums_etag(struct arena *a, const unsigned char md5[MD5_BYTES]);
/* The sum of an object from those of its parts, which all have one: composite, or CRCs combined.
 * Errors  INTERNAL a part has none; OUT_OF_MEMORY; TOO_MUCH */
enum status sums_of_parts(
	struct arena *a, const struct object_part *parts, size_t n, struct object_checksum *out, struct fault *why) MUST_CHECK;
/* The ETag of an object in parts: hex MD5 of the parts' MD5s, "-N" at its end.
 * Errors  PART_INVALID an ETag is no MD5; OUT_OF_MEMORY; TOO_MUCH */
enum status sums_etag_of_parts(struct arena *a, const struct object_part *parts, size_t n, struct str *out, struct fault *why) MUST_CHECK;

#endif
