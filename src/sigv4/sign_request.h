/* Signing in the Authorization header: how our own calls to a service are signed.
 * Pure; any thread.  Source: AWS, "Create a signed AWS API request"; Amazon S3 API, "Authenticating
 * Requests: Using the Authorization Header". */
#ifndef SIGV4_SIGN_REQUEST_H
#define SIGV4_SIGN_REQUEST_H

#include "base/fault.h"
#include "sigv4/sign.h"

struct sign_request_input {
	struct str method;
	struct str base_url;          /* "https://dynamodb.eu-west-1.amazonaws.com", no slash at the end */
	struct str path;              /* decoded: "/", "/bucket/key"; encoded once, never normalized */
	const struct header *headers; /* to be sent, all signed; not host, x-amz-date, x-amz-security-token, authorization */
	size_t n_headers;
	const struct header *query; /* decoded */
	size_t n_query;
	struct str body;
	bool send_hash; /* send x-amz-content-sha256, as S3 requires it */
	int64_t now_ms;
};

/* What goes over the wire: host is not among the headers, it follows from the URL. */
struct signed_request {
	struct str url;
	const struct header *headers; /* the input's first */
	size_t n_headers;
};

/* Errors  INVALID_INPUT bad base_url; TOO_MUCH */
enum status sign_request(const struct sigv4_key *key, const struct sign_request_input *in, struct arena *a, struct signed_request *out,
	struct fault *why) MUST_CHECK;

#endif
