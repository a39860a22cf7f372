/* The POST policy: the signed JSON document that says what a browser form may upload.
 * Pure; any thread.  Source: Amazon S3 API, "POST Policy". */
#ifndef SIGV4_POLICY_H
#define SIGV4_POLICY_H

#include "base/fault.h"
#include "sigv4/verify.h"

struct post_policy {
	int64_t expiration_ms;
	bool has_range;
	uint64_t min_size, max_size; /* content-length-range */
	void *conditions;            /* policy.c's own, in the arena */
	size_t n_conditions;
};

/* Check the form's signature over its policy field. fields: names compared without case.
 * Errors  NOT_SIGNED; AUTH_MALFORMED; SIGNATURE_WRONG; SIGNATURE_EXPIRED */
enum status policy_signature(
	struct arena *a, const struct header *fields, size_t n, struct parsed_signature *out, struct fault *why) MUST_CHECK;
enum status policy_verify(const struct header *fields, size_t n, const struct parsed_signature *c, const struct verify_context *ctx,
	struct fault *why) MUST_CHECK;
/* Read the document (base64 already undone).  Errors: POLICY_MALFORMED, the text says where */
enum status policy_parse(struct arena *a, struct str document, struct post_policy *out, struct fault *why) MUST_CHECK;
/* Check that it has not expired, that each condition holds, and that every field is in the policy but
 * x-amz-signature, policy, file and x-ignore-*. `bucket` is checked against the given one whether it is a field or not,
 * so a policy without a condition on it is valid for none. A field that is sent twice is a violation.
 * Errors  POLICY_EXPIRED; POLICY_VIOLATED, the text names the condition or the field */
enum status policy_check(
	const struct post_policy *p, const struct header *fields, size_t n, struct str bucket, int64_t now_ms, struct fault *why) MUST_CHECK;

#endif
