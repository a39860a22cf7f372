/* A small HTTP/1.1 client over sockets and OpenSSL: one connection, one request at a time, with
 * keep-alive, deadlines, bounded bodies and no redirects. Blocks; one thread per client.
 *
 * Retrying is up to the caller, except in one case that only the client can detect: a kept-alive
 * connection that the server has closed in the meantime. No Expect is sent; instead the client watches for a
 * response while it sends the body; an early one stops the sending and is returned.
 * Source: RFC 9110, RFC 9112. */
#ifndef HTTP_CLIENT_CLIENT_H
#define HTTP_CLIENT_CLIENT_H

#include "base/fault.h"
#include "http/message.h"
#include "http/client/response.h"

struct http_client;
struct sockaddr;

/* Whether a host's address, with the port, may be connected to. Not OK: the request fails with `why`, before anything is opened. */
typedef enum status http_address_fn(void *arg, const struct sockaddr *at, struct fault *why);

struct http_request {
	struct str method;
	struct str url;               /* http://host[:port]/path?query or https://, visible ASCII, no fragment */
	const struct header *headers; /* not Host, Content-Length, Transfer-Encoding or Connection: the client sets those */
	size_t n_headers;
	struct str body; /* used when there is no body_file */
	bool body_file;  /* body_length bytes from the start of body_fd, a regular file; borrowed */
	int body_fd;
	uint64_t body_length;
	int64_t connect_timeout_ms;     /* 0: 10 s; name, TCP and TLS together */
	int64_t idle_timeout_ms;        /* 0: 60 s without a byte either way */
	int64_t total_timeout_ms;       /* 0: none; of all together, reopening included */
	uint64_t max_response_bytes;    /* 0: 16 MiB; more: TOO_MUCH, before it is read where the answer says its length;
	                                   bodies of other statuses than 2xx may always have 64 KiB */
	bool cut_response;              /* what is longer than max_response_bytes, of any status, is cut there and no failure; the
	                                   connection is closed then */
	bool once;                      /* never retried by the client itself */
	bool repeatable;                /* may be repeated whatever its method: the server knows it again */
	http_address_fn *check_address; /* of each address of a host, before the first is connected to; NULL: all may be */
	void *check_arg;
	int cancel_fd;          /* once it is readable, the request fails with DEADLINE, except while a name is resolved; 0: none */
	struct str authorities; /* certificates in PEM to trust in place of the system's; those of the client's first
	                                   https request hold. $AWS_CA_BUNDLE wins */
	bool sink_file;         /* a 2xx body is written to sink_fd instead of memory */
	int sink_fd;
	void (*progress)(void *arg, uint64_t sent_bytes); /* of the body, from its start; may be NULL */
	void *progress_arg;
};

/* NULL: memory failed. Nothing is opened yet. */
struct http_client *http_client_new(void);
void http_client_free(struct http_client **c);
/* Send and wait for the whole response, which lives in `a`. Any status is OK; 1xx are ignored. A kept connection
 * that the server closed before any byte of the response arrived is reopened once, for requests that may be repeated
 * (GET, HEAD, PUT, DELETE, OPTIONS, and what is repeatable). A name is resolved for each connection, and what is connected
 * to is one of the addresses that were checked.
 * Errors  INVALID_INPUT bad URL, method or header; UPSTREAM_FAILED with a sentence; DEADLINE; TOO_MUCH;
 *         STORAGE_FAILED the sink, or the body's file; check_address's code */
enum status http_send(
	struct http_client *c, const struct http_request *r, struct arena *a, struct http_response *out, struct fault *why) MUST_CHECK;

/* Open the connection that this request would use, or check that the kept one is open, without sending anything.
 * Errors  INVALID_INPUT; UPSTREAM_FAILED; DEADLINE; TOO_MUCH */
enum status http_connect(struct http_client *c, const struct http_request *r, struct arena *a, struct fault *why) MUST_CHECK;
/* Whether any byte of the last request may have reached the server. */
bool http_client_sent(const struct http_client *c);

#endif
