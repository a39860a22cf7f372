/* Receiving an aws-chunked body: the framing is removed, and chunk signatures, lengths and the trailer are compared
 * with what the request announced. One thread at a time.
 * Source: as chunked.h. */
#ifndef S3_WIRE_BODY_STREAM_H
#define S3_WIRE_BODY_STREAM_H

#include "base/fault.h"
#include "s3/wire/chunked.h"
#include "s3/wire/digests.h"
#include "sigv4/chunk.h"

#define CHUNK_MIN_BYTES 8192 /* of each signed chunk but the last, as S3 */

struct body_stream {
	struct chunked parser;
	struct digests *digests; /* borrowed: given the trailer's checksum */
	struct arena *arena;
	bool signed_chunks, has_trailer;
	struct chunk_chain chain;
	struct hash chunk_sum;           /* of the current chunk, then of the trailer's lines */
	char signature[SIGNATURE_CHARS]; /* that the chunk must have */
	bool trailer_signed;             /* the trailer's signature was received, and is correct */
	bool checksum_seen;              /* the announced line of the trailer was received */
	bool ended;
	uint64_t given; /* x-amz-decoded-content-length */
	uint64_t got;   /* of all chunks that have started */
	uint64_t chunks;
};

/* Begin, after the request was verified.
 * auth      of a PAYLOAD_ that is chunked
 * given     x-amz-decoded-content-length
 * secret    of its key, borrowed for the call
 * Errors    REQUEST_INVALID a trailer without x-amz-trailer, or the other way round */
enum status stream_begin(
	struct body_stream *s, const struct parsed_signature *auth, struct str secret, uint64_t given, struct fault *why) MUST_CHECK;
/* Consume some of *piece. bytes: those of the object; "" when there are none yet.
 * Errors  CHUNK_INVALID framing; CHUNK_TOO_SMALL; SIGNATURE_WRONG; BODY_CUT more than was given; TRAILER_MALFORMED;
 *         CHECKSUM_INVALID; OUT_OF_MEMORY */
enum status stream_next(struct body_stream *s, struct str *piece, struct str *bytes, struct fault *why) MUST_CHECK;
/* The body has ended: check that it was complete.  Errors: BODY_CUT; TRAILER_MALFORMED; SIGNATURE_WRONG */
enum status stream_end(struct body_stream *s, struct fault *why) MUST_CHECK;
/* Wipe the sum and the key; at any time, any number of times, safe on a zeroed one. */
void stream_drop(struct body_stream *s);

#endif
