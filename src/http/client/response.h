/* The pure parser of HTTP/1.1 response heads and chunked bodies: bytes and an arena in, a struct out.
 *
 * Strict where leniency has cost others: lines end in CRLF, no folded lines, one Content-Length,
 * no transfer coding but exactly `chunked`, never both. Everything is bounded. Whoever moves the
 * bytes asks response_head_size until there is a head, response_parse_head, and for a chunked body
 * response_next_chunk over each piece that arrives.
 * Source: RFC 9112 4 to 7. */
#ifndef HTTP_CLIENT_RESPONSE_H
#define HTTP_CLIENT_RESPONSE_H

#include "base/fault.h"
#include "http/message.h"

#define RESPONSE_HEAD_MAX 32768
#define RESPONSE_HEADERS_MAX 128

struct http_response {
	int status;                     /* 100..599 */
	const struct header *headers;   /* in the order sent; values trimmed */
	size_t n_headers;
	struct str body;                /* empty where it went to a sink */
	bool has_length, chunked, close;
	uint64_t length;                /* Content-Length's value; of the body that a HEAD has not */
};

/* The bytes of the head at the start of `bytes`, its blank line included; 0: not whole yet. */
size_t response_head_size(struct str bytes);
/* Parse one whole head, as response_head_size measured it. Names and values borrow from `head`.
 * Errors  UPSTREAM_FAILED not HTTP/1.x, or framing headers that contradict; TOO_MUCH headers */
enum status response_parse_head(struct arena *a, struct str head, struct http_response *out, struct fault *why) MUST_CHECK;
/* The first header of this name (ASCII case aside); {NULL, 0} when there is none. */
struct str response_header(const struct http_response *r, struct str name);

enum chunk_state {
	CHUNK_SIZE,
	CHUNK_EXTENSION,
	CHUNK_SIZE_LF,
	CHUNK_DATA,
	CHUNK_DATA_CR,
	CHUNK_DATA_LF,
	CHUNK_TRAILER_START,
	CHUNK_TRAILER,
	CHUNK_TRAILER_LF,
	CHUNK_END_LF,
	CHUNK_DONE,
};

/* Where a chunked body stands; zeroed at its start. */
struct response_chunks {
	enum chunk_state state;
	uint64_t left;          /* of the chunk */
	unsigned digits;        /* of its size, so far */
	unsigned line_bytes;    /* of extensions and trailers, over the whole body */
};

/* Take the next piece of data: *in moves on, *piece borrows from it. An empty piece means that `in` is used up or
 * that state is CHUNK_DONE; what then is left in `in` is not the body's.
 * Errors  UPSTREAM_FAILED malformed chunks; TOO_MUCH extensions and trailers over 8 KiB */
enum status response_next_chunk(struct response_chunks *c, struct str *in, struct str *piece, struct fault *why) MUST_CHECK;

#endif
