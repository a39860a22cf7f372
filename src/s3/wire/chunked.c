/* The parser of aws-chunked:
 *
 *   SIZE-IN-HEX[;chunk-signature=HEX] CR LF  data CR LF  ...  0[;chunk-signature=HEX] CR LF
 *   [name:value CR LF] ... [x-amz-trailer-signature:HEX CR LF] CR LF
 *
 * Lines of the trailer may end in LF alone, an empty one may precede the trailer's signature, and empty ones may
 * follow the end: MinIO's clients send them. Other extensions of a chunk's head are ignored. */
#include "s3/wire/chunked.h"

#include "base/codec.h"

#include <string.h>

#define SIZE_DIGITS_MAX 16

void chunked_init(struct chunked *c, bool signed_trailer)
{
	assert(c != NULL);
	*c = (struct chunked){ .signed_trailer = signed_trailer };
}

static enum chunked_event mark_malformed(struct chunked *c, const char *why)
{
	c->in_trailer = c->state == TRAILER_LINE;
	c->state = CHUNKED_IS_BAD;
	c->why = why;
	return CHUNKED_BAD;
}

static bool read_size(struct str s, uint64_t *out)
{
	uint64_t size = 0;
	for (size_t i = 0; i < s.n; i++) {
		int digit = hex_digit(s.p[i]);
		if (digit < 0)
			return false;
		size = size << 4 | (uint64_t)digit;
	}
	*out = size;
	return s.n > 0 && s.n <= SIZE_DIGITS_MAX;
}

static enum chunked_event read_head(struct chunked *c, struct str line)
{
	struct str size = str_cut(&line, ';');
	c->signature = (struct str){ 0 };
	if (!read_size(size, &c->size))
		return mark_malformed(c, "a chunk's size is not a number in hex");
	while (line.p != NULL) {
		struct str value = str_cut(&line, ';'), name = str_cut(&value, '=');
		if (!str_equal(str_trim(name), STR("chunk-signature")))
			continue;
		if (c->signature.n > 0)
			return mark_malformed(c, "a chunk has two signatures");
		c->signature = str_trim(value);
	}
	c->left = c->size;
	c->state = c->size > 0 ? CHUNK_DATA : TRAILER_LINE;
	return CHUNKED_CHUNK;
}

/* The line without its end, once it is whole. A chunk's head must end in CR LF. */
static enum chunked_event skip_line(struct chunked *c, struct str *in)
{
	while (in->n > 0) {
		char byte = str_take(in, 1).p[0];
		if (byte != '\n') {
			if (c->line_n == sizeof c->line)
				return mark_malformed(c, "a line of the framing is too long");
			c->line[c->line_n++] = byte;
			continue;
		}
		struct str line = { c->line, c->line_n };
		bool has_cr = str_ends_with(line, STR("\r"));
		c->line_n = 0;
		line.n -= has_cr;
		if (str_find_char(line, '\r') < line.n || str_find_char(line, '\0') < line.n)
			return mark_malformed(c, "a line of the framing holds a control character");
		if (c->state == TRAILER_LINE) {
			if (line.n == 0 && c->signed_trailer && !c->signature_seen)
				return ++c->trailers > CHUNKED_TRAILERS_MAX ? mark_malformed(c, "the trailer has too many lines") : CHUNKED_MORE;
			if (line.n == 0) {
				c->state = CHUNKED_OVER;
				return CHUNKED_END;
			}
			if (++c->trailers > CHUNKED_TRAILERS_MAX)
				return mark_malformed(c, "the trailer has too many lines");
			size_t colon = str_find_char(line, ':');
			if (colon == 0 || colon == line.n)
				return mark_malformed(c, "a line of the trailer is not NAME:VALUE");
			c->name = str_slice(line, 0, colon);
			c->value = str_trim(str_slice(line, colon + 1, line.n));
			c->signature_seen |= str_equal_nocase(c->name, STR("x-amz-trailer-signature"));
			return CHUNKED_TRAILER;
		}
		return has_cr ? read_head(c, line) : mark_malformed(c, "a chunk's head does not end in CR LF");
	}
	return CHUNKED_MORE;
}

static enum chunked_event step_state(struct chunked *c, struct str *in, struct str *data)
{
	switch (c->state) {
	case CHUNK_HEAD:
	case TRAILER_LINE:
		return skip_line(c, in);
	case CHUNK_DATA:
		*data = str_take(in, in->n < c->left ? in->n : (size_t)c->left);
		c->left -= data->n;
		if (c->left == 0)
			c->state = CHUNK_CR;
		return CHUNKED_DATA;
	case CHUNK_CR:
	case CHUNK_LF:
		if (str_take(in, 1).p[0] != (c->state == CHUNK_CR ? '\r' : '\n'))
			return mark_malformed(c, "a chunk does not end where its size says");
		c->state = c->state == CHUNK_CR ? CHUNK_LF : CHUNK_HEAD;
		return c->state == CHUNK_HEAD ? CHUNKED_CHUNK_END : CHUNKED_MORE;
	case CHUNKED_OVER:
		/* after the end: a few line ends */
		if (str_find_char(STR("\r\n"), str_take(in, 1).p[0]) == 2 || ++c->after > CHUNKED_AFTER_MAX)
			return mark_malformed(c, "something follows the last chunk");
		return CHUNKED_MORE;
	case CHUNKED_IS_BAD:
		break;
	}
	return CHUNKED_BAD;
}

enum chunked_event chunked_next(struct chunked *c, struct str *in, struct str *data)
{
	assert(c != NULL && c->line_n <= sizeof(c->line));
	assert(in != NULL && data != NULL);
	enum chunked_event event = CHUNKED_MORE;
	while (event == CHUNKED_MORE && in->n > 0)
		event = step_state(c, in, data);
	return event;
}
