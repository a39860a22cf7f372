/* One AWS service at one endpoint: signs calls with SigV4, sends them over kept connections,
 * and retries what may be retried, with jitter, within the caller's deadline. Any thread;
 * each call has a connection of the pool to itself. Blocks. */
#ifndef AWS_SERVICE_H
#define AWS_SERVICE_H

#include "base/fault.h"
#include "aws/credentials.h"
#include "http/client/client.h"

struct aws_service;

struct aws_service_options {
	struct str service; /* "s3", "dynamodb": as in the credential scope */
	struct str region;
	struct str endpoint;     /* AWS_ENDPOINT_URL...; "": the service's own regional one */
	bool global;             /* its own endpoint has no region in its name */
	struct aws_chain *chain; /* borrowed */
};

struct aws_call {
	struct str method;
	struct str host_prefix;     /* "bucket." for virtual-hosted S3; "" */
	struct str path;            /* decoded: "/", "/bucket/key" */
	const struct header *query; /* decoded pairs */
	size_t n_query;
	const struct header *headers;
	size_t n_headers;
	struct str body;
	int64_t deadline_ms; /* clock_mono_ms() by which the response must be there; 0: 10 s from now. The thread's deadline applies too */
	bool repeatable;     /* idempotent: may be sent again when it is unknown whether it arrived */
	uint64_t max_response_bytes; /* of a 2xx answer; 0: 16 MiB */
	unsigned *sent;              /* how often it may have reached the service; may be NULL. Over 1: what a condition refuses may be
	                               this call's own work */
};

/* NULL: memory failed. Texts are copied. */
struct aws_service *aws_service_new(const struct aws_service_options *o);
void aws_service_free(struct aws_service **s);
/* Open a connection (name, TCP, TLS) and keep it, so that the first call finds it warm.
 * host_prefix  of these calls, see struct aws_call */
enum status aws_service_warm(struct aws_service *s, struct str host_prefix, struct fault *why) MUST_CHECK;
/* Sign, send, wait; any HTTP status is OK but 5xx and throttling. Those, and lost connections, are retried within
 * the deadline, unless the call is not repeatable and may have been done; one whose credentials are refused is sent once more if others may be
 * available.
 * Errors   UPSTREAM_FAILED, the cause has the last response; OVERLOADED still throttled at the deadline; DEADLINE; TOO_MUCH, of
 *          the answer too */
enum status aws_service_call(
	struct aws_service *s, const struct aws_call *c, struct arena *a, struct http_response *out, struct fault *why) MUST_CHECK;
/* Wait as between the retries of a call, for those that only the caller can recognise.
 * attempt  0 for the first; each wait is up to twice as long as the last
 * false    the deadline comes first */
bool aws_wait_before_retry(unsigned attempt, int64_t deadline_ms);
/* "https://dynamodb.eu-west-1.amazonaws.com" or the endpoint that was set, with the prefix before the host's name. Borrowed
 * from the service, or in `a`. */
struct str aws_service_url(const struct aws_service *s, struct str host_prefix, struct arena *a);
struct aws_chain *aws_service_chain(const struct aws_service *s);

#endif
