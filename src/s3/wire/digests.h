/* The announced digests of a body, to be compared with what was received: Content-MD5, the signed hash, and one checksum, in a header
 * or announced for the trailer. And the running sums. One thread at a time.
 * Source: Amazon S3 User Guide, "Checking object integrity"; RFC 1864. */
#ifndef S3_WIRE_DIGESTS_H
#define S3_WIRE_DIGESTS_H

#include "base/fault.h"
#include "base/hash.h"
#include "http/message.h"
#include "port/object_meta.h"

struct digests {
	bool has_md5;
	unsigned char md5[MD5_BYTES];
	struct str sha256;       /* hex, signed with the request; "": none */
	enum checksum_kind kind; /* of the checksum that was given or requested; NONE: none */
	bool in_trailer;         /* its value comes after the body */
	bool given;              /* its value is here */
	unsigned char value[CHECKSUM_BYTES_MAX];
	struct hash running_sha256;
	struct checksum running;
};

/* Read the headers, or the fields of a form, that give digests. Those in the query of a presigned URL are
 * ignored: AWS SDKs sign the checksum of an empty body there, whatever the body will be.
 * sha256   is not changed
 * Errors   DIGEST_INVALID Content-MD5; CHECKSUM_INVALID a malformed value; REQUEST_INVALID several checksums, an
 *          algorithm that is not known or has no value with it, a trailer that cannot be announced */
enum status digests_read(struct arena *a, const struct header_index *headers, struct digests *d, struct fault *why) MUST_CHECK;
/* Content-MD5 alone.  Errors: DIGEST_INVALID */
enum status digests_read_md5(struct arena *a, const struct header_index *headers, struct digests *d, struct fault *why) MUST_CHECK;
/* Begin to sum. default_kind: what is summed where no checksum was given; may be NONE. */
void digests_start(struct digests *d, enum checksum_kind default_kind);
void digests_update(struct digests *d, struct str piece);
/* Set the value from the trailer.  Errors: CHECKSUM_INVALID */
enum status digests_set(struct arena *a, struct digests *d, struct str value, struct fault *why) MUST_CHECK;
/* The body is complete: compare, and return what is to be stored. Finishes the sums.
 * md5      of the body
 * stored   value in the arena; kind NONE when nothing was summed
 * Errors   DIGEST_WRONG; PAYLOAD_HASH_WRONG; CHECKSUM_WRONG; OUT_OF_MEMORY */
enum status digests_check(
	struct arena *a, struct digests *d, const unsigned char md5[MD5_BYTES], struct object_checksum *stored, struct fault *why) MUST_CHECK;

#endif
