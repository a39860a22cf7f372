/* The strict parser of request heads. Pure: bytes in, pieces that borrow from them out.
 *
 * Strict where leniency lets two parsers of one connection disagree: lines end in CR LF, none is folded, names
 * are tokens, no bare CR or LF, no NUL, no control character. framing.h interprets the headers.
 * Source: RFC 9112 2.2, 3, 5, 9.3; RFC 9110 5.5, 5.6.2 */
#ifndef HTTP_SERVER_HEAD_PARSER_H
#define HTTP_SERVER_HEAD_PARSER_H

#include "http/message.h"

#define HEAD_MAX_BYTES ((size_t)32 << 10)

/* The state of the search for a head's end; zeroed before its first byte. */
struct head_search {
	size_t line, at; /* where the line begins that is not whole yet, and how far was searched */
	size_t lines;    /* whole ones, the request line among them */
};

/* What a head says about the connection. */
struct head {
	struct str method, target;
	const struct header *headers;
	size_t n_headers;
	bool keeps_alive; /* the client requires the connection to stay open */
	bool closes;      /* Connection has `close` */
	bool is_old;      /* HTTP/1.0 */
};

/* Find the end of the head at the start of `in`.
 * size    its bytes with the empty line; 0: continue when more has arrived
 * Errors  BAD_FRAMING; TARGET_TOO_LONG, HEAD_TOO_LARGE beyond HEAD_MAX_BYTES */
enum status head_find(struct head_search *s, struct str in, size_t *size, struct fault *why) MUST_CHECK;
/* Parse a head as it was found, or the lines of one that was refused as far as they are whole.
 * raw     borrowed by *out
 * lines   as the search counted them; 0: not even the request line is whole
 * out     on a failure too: what could be read before it, and else empty
 * Errors  BAD_FRAMING; BAD_VERSION not HTTP/1.x; TOO_MUCH the arena is full */
enum status head_parse(struct arena *a, struct str raw, size_t lines, struct head *out, struct fault *why) MUST_CHECK;

#endif
