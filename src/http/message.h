/* An HTTP request as a handler gets it, and the response that it fills in. Independent of the
 * transport: a socket here, a Lambda event elsewhere. Everything borrowed lives in the request's
 * arena, for as long as the request. Belongs to one thread at a time. */
#ifndef HTTP_MESSAGE_H
#define HTTP_MESSAGE_H

#include "base/arena.h"
#include "base/fault.h"
#include "base/str.h"
#include "http/client_addr.h"

struct header {
	struct str name;
	struct str value;
};

#define HEADER_HASHES 64

/* Where the headers of each name are: a look-up compares those of one hash only. */
struct header_index {
	const struct header *headers; /* borrowed; their names must not change */
	size_t n;
	bool may_repeat;               /* false: no two of them have the same name */
	uint16_t *next;                /* of each header: the place, from 1, of the next with the same hash; 0: none */
	uint16_t first[HEADER_HASHES]; /* of each hash: the place of its first */
};

/* One pair of a query string, decoded and as it was sent. `a` is as `a=`. */
struct query_pair {
	struct str name, value;
	struct str raw_name, raw_value;
};

struct query {
	const struct query_pair *pairs; /* in the order sent; repeated names stay */
	size_t n;
};

struct request {
	struct arena *arena;
	struct str id;             /* the server's request id */
	struct client_addr client; /* who sent it, behind trusted proxies and the gateway of AWS; all zero: unknown */
	struct str method;         /* as sent, case kept */
	struct str target;         /* as sent: path, and query after the first '?' */
	struct str path;           /* the target before '?', still encoded */
	struct query query;        /* see query_parse */
	const struct header *headers;
	size_t n_headers;
	struct header_index by_name; /* of headers, see request_index; while it is of others, look-ups go through all headers */
	struct str body;             /* whole, for handlers that collect it; else empty */
	bool has_length;             /* a Content-Length was sent */
	uint64_t length;             /* its value */
	bool chunked;
	bool expects_continue;
};

/* Keeps the bytes of a body in place; the holder calls release once, on any thread. */
struct body_hold {
	void (*release)(struct body_hold *);
};

#define ANSWER_HEADERS_MAX 32

struct answer {
	int status; /* HTTP status; 0: not answered yet */
	struct header headers[ANSWER_HEADERS_MAX];
	size_t n_headers;
	const struct header *more; /* sent after headers; borrowed from the arena or from what hold keeps; any number */
	size_t n_more;
	struct str body;        /* used when fd < 0 */
	struct body_hold *hold; /* keeps the body and fd, if they are not the arena's and the answer's; owned by the answer; NULL: none */
	int fd;                 /* >= 0: the body is fd_length bytes from fd_offset; owned by the answer unless there is a hold */
	uint64_t fd_offset, fd_length;
	bool close;   /* close the connection after this response */
	bool is_poll; /* loaded by a page for what it shows: logged at the debug level */
	/* for the log and the metrics */
	const char *route; /* static: "POST /upload"; NULL: none matched */
	struct str image_id;
	struct fault fault; /* code NONE unless it failed */
};

/* The first header of this name (ASCII case aside); {NULL, 0} when there is none. */
struct str header_find(const struct header *headers, size_t n, struct str name);
/* Index the headers, of which there are fewer than UINT16_MAX.
 * out     written only on OK; lives in `a`
 * Errors  TOO_MUCH the arena is full */
enum status header_index_make(
	struct arena *a, const struct header *headers, size_t n, struct header_index *out, struct fault *why) MUST_CHECK;
/* As header_find. Of an empty index there is none. */
struct str header_index_find(const struct header_index *x, struct str name);
/* Index r->headers, after they were set.  Errors: TOO_MUCH the arena is full */
enum status request_index(struct arena *a, struct request *r, struct fault *why) MUST_CHECK;
/* As header_find, by the index where the request has one. */
struct str request_header(const struct request *r, struct str name);
/* The first pair of this name, compared decoded and with case; NULL when there is none. */
const struct query_pair *query_find(const struct query *q, struct str name);
/* Parse what is after '?'. Empty pairs ("&&") are dropped. '+' is a blank, as in forms and in S3, though not in RFC 3986.
 * Errors: INVALID_INPUT bad %XX; TOO_MUCH more than 256 pairs or the arena is full.
 * Pure. */
enum status query_parse(struct arena *a, struct str raw, struct query *out, struct fault *why) MUST_CHECK;

/* Whether a response of this status reports a failure of the server, for the operator. 501 does not: the client requested
 * an unsupported feature. */
bool http_is_failure(int status);
/* No status, no headers, fd -1. */
void answer_init(struct answer *ans);
/* Append; names and values are borrowed from the request's arena or static. More than
 * ANSWER_HEADERS_MAX is a bug (assert). A value with CR, LF or NUL is a bug too. */
void answer_header(struct answer *ans, struct str name, struct str value);
/* Close the file or release the hold, and clear `more`, which the hold may have kept: the response has no body then. */
void answer_drop_body(struct answer *ans);
/* Close the file and release the body, if any, and start over. */
void answer_reset(struct answer *ans);

#endif
