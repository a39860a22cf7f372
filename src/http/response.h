/* The pure parser of HTTP/1.1 response heads and chunked bodies: bytes and an arena in, a struct out.
 * Source: RFC 9112. */
#ifndef HTTP_RESPONSE_H
#define HTTP_RESPONSE_H

#include "base/message.h"

struct http_response {
	int status;
	const struct header *headers;
	size_t n_headers;
	struct str body;
	bool has_length, chunked, close;
	uint64_t length;
};

#endif
