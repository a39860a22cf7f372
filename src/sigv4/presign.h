/* Presigned URLs and POST forms: the signing side of query authentication and of browser uploads.
 * Pure; any thread.  Source: Amazon S3 API, "Authenticating Requests: Using Query Parameters",
 * "Browser-Based Uploads Using POST". */
#ifndef SIGV4_PRESIGN_H
#define SIGV4_PRESIGN_H

#include "base/fault.h"
#include "sigv4/sign.h"

struct presign_input {
	struct str method;
	struct str base_url;          /* "http://127.0.0.1:9000", no slash at the end */
	struct str path;              /* decoded: "/bucket/key" */
	const struct header *headers; /* signed next to host; x-amz-content-sha256 gives the payload's hash */
	size_t n_headers;
	const struct header *query; /* further parameters, decoded */
	size_t n_query;
	int64_t now_ms;
	uint32_t expires_s; /* 1..604800 */
};

/* The whole URL. Errors: INVALID_INPUT bad base_url, expires_s out of range; TOO_MUCH */
enum status presign_url(
	const struct sigv4_key *key, const struct presign_input *in, struct arena *a, struct str *url, struct fault *why) MUST_CHECK;

struct post_policy_input {
	struct str bucket, key;
	struct str content_type;
	uint64_t min_size, max_size;
	int64_t now_ms;
	uint32_t expires_s;
};
/* The fields of the form in the order to send them: key, Content-Type, x-amz-algorithm,
 * x-amz-credential, x-amz-date, x-amz-security-token where the key has one, policy, x-amz-signature. Room for
 * POST_FIELDS of them.
 * Errors  TOO_MUCH */
#define POST_FIELDS 8
enum status presign_post(const struct sigv4_key *key, const struct post_policy_input *in, struct arena *a,
	struct header fields[POST_FIELDS], size_t *n, struct fault *why) MUST_CHECK;

#endif
