/* A small HTTP/1.1 client over sockets and OpenSSL: one connection, one request at a time, with
 * keep-alive, deadlines, bounded bodies and no redirects. Blocks; one thread per client.
 * Source: RFC 9110, RFC 9112. */
#ifndef HTTP_CLIENT_H
#define HTTP_CLIENT_H

#include "base/message.h"
#include "http/response.h"

struct http_client;

struct http_request {
	struct str method;
	struct str url;                 /* http://host[:port]/path?query or https:// */
	const struct header *headers;   /* Host, Content-Length and Connection are set by the client */
	size_t n_headers;
	struct str body;                /* used when body_fd < 0 */
	int body_fd;                    /* >= 0: body_length bytes from its start; borrowed */
	uint64_t body_length;
	int64_t connect_timeout_ms;     /* 0: 10 s */
	int64_t idle_timeout_ms;        /* 0: 60 s without a byte either way */
	uint64_t max_response_bytes;    /* 0: 16 MiB; more: TOO_MUCH */
	int sink_fd;                    /* >= 0: a 2xx body is written there in place of memory */
	void (*progress)(void *arg, uint64_t sent_bytes);   /* may be NULL */
	void *progress_arg;
};

struct http_client *http_client_new(void);
void http_client_free(struct http_client **c);
/* Send and wait for the whole answer, which lives in `a`. A connection that the server closed before any byte
 * of the answer came is opened anew once, for requests that may be repeated (GET, HEAD, PUT, DELETE).
 * Errors  INVALID_INPUT bad URL; UPSTREAM_FAILED with a sentence; DEADLINE; TOO_MUCH; STORAGE_FAILED the sink */
enum status http_send(struct http_client *c, const struct http_request *r, struct arena *a, struct http_response *out, struct fault *why) MUST_CHECK;

#endif
