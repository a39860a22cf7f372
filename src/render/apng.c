/* See apng.h. Checksums are not checked again: libpng has done so for all chunks. */
#include "render/apng.h"

#include "image/probe/formats.h"

#include <string.h>
#include <zlib.h>

#define SIGNATURE_BYTES 8
#define CHUNK_HEAD 8
#define CHUNK_CRC 4
#define CONTROL_BYTES 26 /* fcTL */

enum { ACTL = 0x6163544c, IHDR = 0x49484452, IDAT = 0x49444154, IEND = 0x49454e44, FCTL = 0x6663544c, FDAT = 0x66644154 };

struct apng {
	struct decoding *d;
	z_stream inflate;
	bool inflating;
	bool ended;         /* the frame's stream has */
	bool before_pixels; /* no IDAT yet: an fcTL here is the default image's */
	uint32_t announced, frames;
	unsigned bits; /* a pixel */
	bool interlaced;
	uint64_t expected, produced; /* bytes of the frame, with a filter byte a row */
};

static bool read_header(struct apng *p, uint64_t at)
{
	static const unsigned CHANNELS[] = { 1, 0, 3, 1, 2, 0, 4 };
	unsigned char head[13];
	if (!input_read(p->d->in, at, head, sizeof head) || head[9] >= COUNT_OF(CHANNELS))
		return false;
	p->bits = CHANNELS[head[9]] * head[8];
	p->interlaced = head[12] != 0;
	return p->bits > 0;
}

static uint64_t rows_bytes(const struct apng *p, uint64_t width, uint64_t height)
{
	assert(p->bits >= 1 && p->bits <= 4 * 255);
	return width == 0 ? 0 : height * (1 + (width * p->bits + 7) / 8);
}

/* Bytes of a frame's rows, over the seven passes when interlaced. */
static uint64_t frame_bytes(const struct apng *p, uint64_t width, uint64_t height)
{
	static const struct {
		unsigned left, top, right, down;
	} PASSES[] = { { 0, 0, 8, 8 }, { 4, 0, 8, 8 }, { 0, 4, 4, 8 }, { 2, 0, 4, 4 }, { 0, 2, 2, 4 }, { 1, 0, 2, 2 }, { 0, 1, 1, 2 } };
	if (!p->interlaced)
		return rows_bytes(p, width, height);
	uint64_t sum = 0;
	for (size_t i = 0; i < COUNT_OF(PASSES); i++)
		sum += rows_bytes(p, (width + PASSES[i].right - 1 - PASSES[i].left) / PASSES[i].right,
			(height + PASSES[i].down - 1 - PASSES[i].top) / PASSES[i].down);
	return sum;
}

static bool end_frame(struct apng *p)
{
	return p->expected == 0 || p->produced >= p->expected;
}

/* false: the frame does not fit, or the one before is bad, or over a limit. */
static bool begin_frame(struct apng *p, uint64_t at)
{
	unsigned char control[CONTROL_BYTES];
	if (!input_read(p->d->in, at, control, sizeof control) || !end_frame(p))
		return false;
	struct str s = { (const char *)control, sizeof control };
	uint64_t width = be32(s, 4), height = be32(s, 8), x = be32(s, 12), y = be32(s, 16);
	if (width == 0 || height == 0 || x + width > p->d->answer->width || y + height > p->d->answer->height)
		return false;
	if (!decoding_frame(p->d, (uint32_t)width, (uint32_t)height) || inflateReset(&p->inflate) != Z_OK)
		return false;
	p->expected = frame_bytes(p, width, height);
	p->produced = 0;
	p->ended = false;
	return true;
}

/* n bytes of the frame from `at` on. Too many pixels are normal and ignored. */
static bool inflate_piece(struct apng *p, uint64_t at, uint64_t n)
{
	unsigned char out[16 << 10];
	while (n > 0 && !p->ended && p->produced < p->expected) {
		struct str piece = input_at(p->d->in, at);
		if (piece.n == 0)
			return false;
		piece.n = piece.n < n ? piece.n : (size_t)n;
		p->inflate.next_in = (unsigned char *)piece.p;
		p->inflate.avail_in = (unsigned)piece.n;
		do {
			p->inflate.next_out = out;
			p->inflate.avail_out = sizeof out;
			int result = inflate(&p->inflate, Z_NO_FLUSH);
			p->produced += sizeof out - p->inflate.avail_out;
			p->ended = result == Z_STREAM_END;
			if (result != Z_OK && result != Z_STREAM_END && result != Z_BUF_ERROR)
				return false;
		} while (!p->ended && p->inflate.avail_out == 0 && p->produced < p->expected);
		at += piece.n;
		n -= piece.n;
	}
	return true;
}

/* Only the first one counts, as in browsers. */
static bool read_announced(struct apng *p, uint64_t at)
{
	unsigned char number[4];
	bool good = input_read(p->d->in, at, number, sizeof number);
	if (good && p->announced == 0)
		p->announced = be32((struct str){ (const char *)number, sizeof number }, 0);
	return good;
}

static bool check_chunk(struct apng *p, uint32_t name, uint64_t at, uint32_t n)
{
	switch (name) {
	case IHDR:
		return n == 13 && read_header(p, at);
	case IDAT:
		p->before_pixels = false;
		return true;
	case ACTL:
		return read_announced(p, at);
	case FCTL:
		p->frames++;
		return p->before_pixels || (n == CONTROL_BYTES && begin_frame(p, at));
	case FDAT:
		return n >= 4 && p->expected > 0 && inflate_piece(p, at + 4, n - 4);
	}
	return true;
}

void apng_check(struct decoding *d)
{
	assert(d->answer->width > 0);
	struct apng p = { .d = d, .before_pixels = true };
	uint64_t at = SIGNATURE_BYTES;
	unsigned char head[CHUNK_HEAD];
	uint32_t name = 0;
	if (inflateInit(&p.inflate) != Z_OK) {
		decoding_note(d, RENDER_TOO_MUCH_MEMORY);
		return;
	}
	bool good = true;
	while (good && name != IEND && input_read(d->in, at, head, sizeof head)) {
		struct str s = { (const char *)head, sizeof head };
		uint32_t n = be32(s, 0);
		name = be32(s, 4);
		good = check_chunk(&p, name, at + CHUNK_HEAD, n);
		at += (uint64_t)CHUNK_HEAD + n + CHUNK_CRC;
	}
	if (!good || !end_frame(&p) || p.frames < p.announced)
		decoding_note(d, RENDER_LATER_FRAME);
	(void)inflateEnd(&p.inflate);
}
