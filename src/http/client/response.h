/* The pure parser of HTTP/1.1 response heads: bytes and an arena in, a struct out.
 *
 * Strict where leniency has cost others: lines end in CRLF, no folded lines, one Content-Length,
 * no transfer coding but exactly `chunked`, never both. Everything is bounded. The caller
 * calls response_head_size until there is a head, then response_parse_head; chunked bodies are for
 * http/chunk_reader.h.
 * Source: RFC 9112 4 to 7. */
#ifndef HTTP_CLIENT_RESPONSE_H
#define HTTP_CLIENT_RESPONSE_H

#include "base/fault.h"
#include "http/message.h"

#define RESPONSE_HEAD_MAX 32768
#define RESPONSE_HEADERS_MAX 128

struct http_response {
	int status;                   /* 100..599 */
	const struct header *headers; /* in the order sent; values trimmed */
	size_t n_headers;
	struct str body; /* empty where it went to a sink */
	bool has_length, chunked, close;
	uint64_t length; /* Content-Length's value, also for HEAD, whose body is not sent */
};

/* The bytes of the head at the start of `bytes`, its blank line included; 0: not complete yet. */
size_t response_head_size(struct str bytes);
/* Parse one whole head, as response_head_size measured it. Names and values borrow from `head`.
 * Errors  UPSTREAM_FAILED not HTTP/1.x, or framing headers that contradict; TOO_MUCH headers */
enum status response_parse_head(struct arena *a, struct str head, struct http_response *out, struct fault *why) MUST_CHECK;
/* The first header of this name (ASCII case aside); {NULL, 0} when there is none. */
struct str response_header(const struct http_response *r, struct str name);

#endif
