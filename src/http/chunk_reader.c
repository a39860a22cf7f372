/* See chunk_reader.h. A table of the grammar: in a state a byte, or one of a kind, leads to the next state. Data itself
 * is not walked over. */
#include "http/chunk_reader.h"
#include "base/codec.h"
#include "http/text.h"

/* RFC 9112 7.1: chunk = chunk-size [ chunk-ext ] CRLF chunk-data CRLF; the last one's size is 0, and trailers and
 * CRLF follow. 7.1.1: chunk-ext = *( BWS ";" BWS chunk-ext-name [ BWS "=" BWS ( token / quoted-string ) ] ) */
static const struct {
	enum chunk_state from;
	unsigned kinds; /* 0: exactly `byte` */
	char byte;
	enum chunk_state to;
} transitions[] = {
	{ CHUNK_SIZE, CHAR_HEX, 0, CHUNK_SIZE },
	{ CHUNK_SIZE, 0, '\r', CHUNK_SIZE_LF },
	{ CHUNK_SIZE_LF, 0, '\n', CHUNK_DATA },
	{ CHUNK_DATA_CR, 0, '\r', CHUNK_DATA_LF },
	{ CHUNK_DATA_LF, 0, '\n', CHUNK_SIZE },
	{ CHUNK_TRAILER_START, 0, '\r', CHUNK_END_LF },
	{ CHUNK_END_LF, 0, '\n', CHUNK_DONE },

	{ CHUNK_SIZE, CHAR_BLANK, 0, CHUNK_EXT_BEFORE },
	{ CHUNK_SIZE, 0, ';', CHUNK_EXT_START },
	{ CHUNK_EXT_BEFORE, CHAR_BLANK, 0, CHUNK_EXT_BEFORE },
	{ CHUNK_EXT_BEFORE, 0, ';', CHUNK_EXT_START },
	{ CHUNK_EXT_START, CHAR_BLANK, 0, CHUNK_EXT_START },
	{ CHUNK_EXT_START, CHAR_TOKEN, 0, CHUNK_EXT_NAME },
	{ CHUNK_EXT_NAME, CHAR_TOKEN, 0, CHUNK_EXT_NAME },
	{ CHUNK_EXT_NAME, CHAR_BLANK, 0, CHUNK_EXT_NAME_END },
	{ CHUNK_EXT_NAME, 0, '=', CHUNK_EXT_EQUALS },
	{ CHUNK_EXT_NAME, 0, ';', CHUNK_EXT_START },
	{ CHUNK_EXT_NAME, 0, '\r', CHUNK_SIZE_LF },
	{ CHUNK_EXT_NAME_END, CHAR_BLANK, 0, CHUNK_EXT_NAME_END },
	{ CHUNK_EXT_NAME_END, 0, '=', CHUNK_EXT_EQUALS },
	{ CHUNK_EXT_NAME_END, 0, ';', CHUNK_EXT_START },
	{ CHUNK_EXT_EQUALS, CHAR_BLANK, 0, CHUNK_EXT_EQUALS },
	{ CHUNK_EXT_EQUALS, CHAR_TOKEN, 0, CHUNK_EXT_TOKEN },
	{ CHUNK_EXT_EQUALS, 0, '"', CHUNK_EXT_QUOTED },
	{ CHUNK_EXT_TOKEN, CHAR_TOKEN, 0, CHUNK_EXT_TOKEN },
	{ CHUNK_EXT_TOKEN, CHAR_BLANK, 0, CHUNK_EXT_BEFORE },
	{ CHUNK_EXT_TOKEN, 0, ';', CHUNK_EXT_START },
	{ CHUNK_EXT_TOKEN, 0, '\r', CHUNK_SIZE_LF },
	{ CHUNK_EXT_QUOTED, 0, '"', CHUNK_EXT_QUOTED_END },
	{ CHUNK_EXT_QUOTED, 0, '\\', CHUNK_EXT_ESCAPE },
	{ CHUNK_EXT_QUOTED, CHAR_VALUE, 0, CHUNK_EXT_QUOTED },
	{ CHUNK_EXT_ESCAPE, CHAR_VALUE, 0, CHUNK_EXT_QUOTED },
	{ CHUNK_EXT_QUOTED_END, CHAR_BLANK, 0, CHUNK_EXT_BEFORE },
	{ CHUNK_EXT_QUOTED_END, 0, ';', CHUNK_EXT_START },
	{ CHUNK_EXT_QUOTED_END, 0, '\r', CHUNK_SIZE_LF },

	{ CHUNK_TRAILER_START, CHAR_TOKEN, 0, CHUNK_TRAILER_NAME },
	{ CHUNK_TRAILER_NAME, CHAR_TOKEN, 0, CHUNK_TRAILER_NAME },
	{ CHUNK_TRAILER_NAME, 0, ':', CHUNK_TRAILER_VALUE },
	{ CHUNK_TRAILER_VALUE, CHAR_VALUE, 0, CHUNK_TRAILER_VALUE },
	{ CHUNK_TRAILER_VALUE, 0, '\r', CHUNK_TRAILER_LF },
	{ CHUNK_TRAILER_LF, 0, '\n', CHUNK_TRAILER_START },
};

static bool follow_byte(struct chunk_reader *c, char byte)
{
	for (size_t i = 0; i < COUNT_OF(transitions); i++)
		if (transitions[i].from == c->state &&
			(transitions[i].kinds != 0 ? http_is_char(byte, transitions[i].kinds) : byte == transitions[i].byte)) {
			c->state = transitions[i].to;
			return true;
		}
	return false;
}

/* Take one byte of what is not data.  false: it is not allowed here */
static bool take_byte(struct chunk_reader *c, char byte)
{
	enum chunk_state from = c->state;
	if (!follow_byte(c, byte))
		return false;
	if (from == CHUNK_SIZE && c->state == CHUNK_SIZE) {
		c->left = c->left << 4 | (unsigned)hex_digit(byte);
		return ++c->digits <= CHUNK_DIGITS_MAX;
	}
	if (from == CHUNK_SIZE)
		return c->digits > 0;
	if (c->state == CHUNK_DATA) {
		c->state = c->left > 0 ? CHUNK_DATA : CHUNK_TRAILER_START;
		c->digits = 0;
		return true;
	}
	bool is_extra = (from > CHUNK_SIZE && from < CHUNK_SIZE_LF) || (from >= CHUNK_TRAILER_START && from < CHUNK_END_LF);
	return !is_extra || ++c->extra_bytes <= CHUNK_EXTRA_MAX_BYTES;
}

bool chunk_reader_next(struct chunk_reader *c, struct str *in, struct str *piece)
{
	assert(in != NULL);
	assert(piece != NULL);
	assert(c->state <= CHUNK_DONE);
	*piece = (struct str){ NULL, 0 };
	while (in->n > 0 && c->state != CHUNK_DATA && c->state != CHUNK_DONE) {
		if (!take_byte(c, in->p[0]))
			return false;
		*in = (struct str){ in->p + 1, in->n - 1 };
	}
	if (c->state != CHUNK_DATA || in->n == 0)
		return true;
	*piece = str_slice(*in, 0, c->left < in->n ? (size_t)c->left : in->n);
	*in = str_slice(*in, piece->n, in->n);
	c->left -= piece->n;
	if (c->left == 0)
		c->state = CHUNK_DATA_CR;
	return true;
}
