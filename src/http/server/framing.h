/* Where a request's body ends, from its headers alone: unambiguous, or the request is refused. */
#ifndef HTTP_SERVER_FRAMING_H
#define HTTP_SERVER_FRAMING_H

#include "base/fault.h"
#include "http/message.h"

struct framing {
	bool has_length; /* a Content-Length was sent */
	uint64_t length; /* its value */
	bool chunked;
	bool expects_continue;
	struct str host; /* the one Host header; {NULL, 0}: there is none */
};

/* The parts of the target. An absolute target's authority replaces Host. */
struct target {
	struct str path;      /* before '?', still encoded; "*" as it is, also of OPTIONS with an absolute target that has no path */
	struct str query;     /* after '?'; {NULL, 0} when there is none */
	struct str authority; /* of "http://authority/path"; "" when the target is only a path */
	bool is_https;        /* of "https://authority/path" */
};

/* Read the framing headers.
 * headers  of a whole head
 * Errors  BAD_FRAMING more than one Content-Length, Host, Transfer-Encoding, Expect or Authorization; an invalid Host; length and coding both;
 *         a length that is not a number; a list of codings that does not end in chunked. BAD_CODING another coding before chunked.
 *         The body's end is not known then: the connection must be closed.
 * Source  RFC 9112 3.2, 5.1, 6.1 to 6.3; RFC 9110 5.6.2, 10.1.1 */
enum status framing_read(const struct header_index *headers, struct framing *out, struct fault *why) MUST_CHECK;
/* Cut the target.  Errors: BAD_FRAMING neither a path, an http URL nor the "*" of OPTIONS, or it has a blank or a control character.
 * Source  RFC 9112 3.2; RFC 9110 4.2.1, 4.2.4 */
enum status framing_cut_target(struct str method, struct str target, struct target *out, struct fault *why) MUST_CHECK;

#endif
