/* The aws-chunked framing inside a body, as a stream of events, for bodies that come in pieces of any size.
 * Pure: no allocation, bounded memory (this struct) and bounded work per byte. body_stream.h interprets the events
 * and verifies the signatures.
 * Source: Amazon S3 API, "Transferring Payload in Multiple Chunks", "... Including Trailing Headers". */
#ifndef S3_WIRE_CHUNKED_H
#define S3_WIRE_CHUNKED_H

#include "base/str.h"

#define CHUNKED_LINE_MAX 1024 /* of a chunk's head or a trailer's line */
#define CHUNKED_TRAILERS_MAX 16
#define CHUNKED_AFTER_MAX 8 /* bytes of line ends after the end */

enum chunked_event {
	CHUNKED_MORE,      /* all input is used: give more, or the body is cut when there is none */
	CHUNKED_CHUNK,     /* a chunk begins: size and signature are set; of size 0: the last, it has ended already */
	CHUNKED_DATA,      /* bytes of the chunk */
	CHUNKED_CHUNK_END, /* the end of a chunk of size > 0 */
	CHUNKED_TRAILER,   /* a line of the trailer: name and value are set */
	CHUNKED_END,       /* the end of the body */
	CHUNKED_BAD,       /* malformed: `why` says what is wrong; permanent */
};

enum chunked_state { CHUNK_HEAD, CHUNK_DATA, CHUNK_CR, CHUNK_LF, TRAILER_LINE, CHUNKED_OVER, CHUNKED_IS_BAD };

struct chunked {
	uint64_t size;          /* of the chunk that began last */
	struct str signature;   /* its chunk-signature; "": none; borrowed until the next call */
	struct str name, value; /* of the trailer's line; borrowed as that */
	const char *why;
	bool in_trailer; /* the malformed part is a line of the trailer */

	/* the parser's own */
	enum chunked_state state;
	bool signed_trailer; /* an empty line ends the trailer only after x-amz-trailer-signature */
	bool signature_seen;
	uint64_t left;
	size_t trailers;
	size_t after;
	size_t line_n;
	char line[CHUNKED_LINE_MAX];
};

/* signed_trailer   the trailer ends with x-amz-trailer-signature */
void chunked_init(struct chunked *c, bool signed_trailer);
/* The next event of *in, which is advanced past what was used. data: set on CHUNKED_DATA, borrowed from *in. */
enum chunked_event chunked_next(struct chunked *c, struct str *in, struct str *data);

#endif
