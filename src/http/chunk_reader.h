/* The reader of chunked bodies, of requests and of responses alike. Pure and strict: exactly the grammar of
 * RFC 9112 7.1, lines that end in CR LF alone, and a limit on everything that is not data. The pieces borrow from the
 * bytes that are passed in, which may be split anywhere. */
#ifndef HTTP_CHUNK_READER_H
#define HTTP_CHUNK_READER_H

#include "base/str.h"

#define CHUNK_DIGITS_MAX 15u
#define CHUNK_EXTRA_MAX_BYTES 8192u /* of extensions and trailers, over the whole body */

enum chunk_state {
	CHUNK_SIZE,
	CHUNK_EXT_BEFORE,
	CHUNK_EXT_START,
	CHUNK_EXT_NAME,
	CHUNK_EXT_NAME_END,
	CHUNK_EXT_EQUALS,
	CHUNK_EXT_TOKEN,
	CHUNK_EXT_QUOTED,
	CHUNK_EXT_ESCAPE,
	CHUNK_EXT_QUOTED_END,
	CHUNK_SIZE_LF,
	CHUNK_DATA,
	CHUNK_DATA_CR,
	CHUNK_DATA_LF,
	CHUNK_TRAILER_START,
	CHUNK_TRAILER_NAME,
	CHUNK_TRAILER_VALUE,
	CHUNK_TRAILER_LF,
	CHUNK_END_LF,
	CHUNK_DONE
};

/* The state of a chunked body; zeroed at its start. */
struct chunk_reader {
	enum chunk_state state;
	uint64_t left;        /* of the chunk */
	unsigned digits;      /* of its size */
	unsigned extra_bytes; /* of extensions and trailers so far */
};

/* Take the next piece of data; *in moves after it.
 * piece    empty: `in` is used up, or the body is whole (state is CHUNK_DONE, and *in is what follows it)
 * Returns  false: malformed, or over the limits; the end of the body is then unknown */
bool chunk_reader_next(struct chunk_reader *c, struct str *in, struct str *piece) MUST_CHECK;

#endif
