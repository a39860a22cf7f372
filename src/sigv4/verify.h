/* Signature Version 4, the verifying side: parse the signature of a request, then check it.
 * Two steps, so that the caller finds the key between them. Pure; any thread. Comparison is in
 * constant time.  Source: as presign.h. */
#ifndef SIGV4_VERIFY_H
#define SIGV4_VERIFY_H

#include "base/fault.h"
#include "sigv4/sign.h"

#define SIGV4_SKEW_MS (15 * 60 * 1000)

/* How a request signs its body. */
enum sigv4_payload {
	PAYLOAD_UNSIGNED,
	PAYLOAD_HASH,             /* payload_hash is the body's */
	PAYLOAD_UNSIGNED_TRAILER, /* aws-chunked, checksum in the trailer */
	PAYLOAD_CHUNKS,           /* aws-chunked, each chunk signed: chunk.h */
	PAYLOAD_CHUNKS_TRAILER,   /* the same, and the trailer too */
};

struct parsed_signature {
	bool in_header; /* in the Authorization header; else in the query, or a form */
	struct str access_key;
	struct sigv4_scope scope;
	struct str amz_date;
	struct str date_text; /* in a header: the date as it was sent */
	int64_t date_ms;
	uint32_t expires_s; /* of the query, 0..604800; 0 has expired at once */
	struct str signed_headers;
	struct str signature;
	enum sigv4_payload payload;
	struct str payload_hash; /* as it is signed: what the header (not the parameter) x-amz-content-sha256 says. With
	                                 PAYLOAD_HASH 64 hex digits of any case, that the caller must hold the body against */
};

struct verify_context {
	struct str region, service; /* what the scope must name */
	int64_t now_ms;
	struct str secret; /* of the access key */
};

/* Whether the query holds any of the parameters of query authentication (X-Amz-*, SigV4). */
bool signature_present(const struct request *r);
/* Read and check the form of X-Amz-Algorithm, -Credential, -Date, -Expires, -SignedHeaders, -Signature,
 * each exactly once.
 * Errors  NOT_SIGNED; AUTH_MALFORMED (the text says which and what it must be); TOO_MUCH */
enum status signature_parse(const struct request *r, struct parsed_signature *out, struct fault *why) MUST_CHECK;
/* Whether there is an Authorization header that is not empty. */
bool auth_header_present(const struct request *r);
/* Read the Authorization header, the date and x-amz-content-sha256 (payload_hash is "" when it was not sent).
 * Errors  NOT_SIGNED no such header, or no date that can be read; AUTH_HEADER_MALFORMED; ARGUMENT_INVALID another kind of
 *         authorization, or a malformed payload hash; REQUEST_INVALID Signature Version 2 */
enum status auth_header_parse(const struct request *r, struct parsed_signature *out, struct fault *why) MUST_CHECK;
/* Check scope, time (in the query expiry, and SIGV4_SKEW_MS into the future; in a header SIGV4_SKEW_MS either way), that host
 * and every x-amz-* header is signed, then the signature.
 * Errors  AUTH_MALFORMED, or AUTH_HEADER_MALFORMED, wrong region or service, the text names the right one; SIGNATURE_EXPIRED
 *         "Request has expired" / "Request is not valid yet"; CLOCK_SKEWED; REQUEST_INVALID no x-amz-content-sha256 next to
 *         an Authorization header; HEADER_UNSIGNED; SIGNATURE_WRONG; TOO_MUCH */
enum status signature_verify(
	const struct request *r, const struct parsed_signature *c, const struct verify_context *ctx, struct fault *why) MUST_CHECK;

/* What development mode adds to SIGNATURE_WRONG. The texts are empty when they are over 8 KiB. */
struct sigv4_diagnosis {
	struct str canonical_request;
	struct str string_to_sign;
	struct str mistake; /* a sentence naming the usual mistake that makes the signature match; "": none found */
};
/* Try the table of usual mistakes. Costs some dozens of signatures: development mode only. */
void signature_explain(
	const struct request *r, const struct parsed_signature *c, const struct verify_context *ctx, struct sigv4_diagnosis *out);

#endif
