/* PNG: the header chunk has the size; chunks before the image data may tell the number of frames
 * (APNG) and the orientation. A whole file is walked to IEND: every chunk must fit, image data must be
 * there, and no frame of an animation may reach beyond the image.
 * Source: PNG (Third Edition) 5 (chunks), 11.2.1 (IHDR), 11.3.6 (acTL, fcTL, eXIf). */
#include "image/probe_parts.h"

#define NAME(a, b, c, d) ((uint32_t)(a) << 24 | (uint32_t)(b) << 16 | (uint32_t)(c) << 8 | (uint32_t)(d))
#define LENGTH_MAX 0x7fffffffu
#define FRAME_BYTES 12    /* length, name and CRC around a chunk's data */
#define IHDR_BYTES 13

struct chunk {
	uint32_t name;
	struct str data;
};

struct walk {
	bool palette;        /* a palette is needed and has not come yet */
	bool data;           /* an IDAT has come */
};

/* The CRC of a chunk's name and data, bit by bit: only IHDR's seventeen bytes are worth it. */
static uint32_t crc_of(struct str s)
{
	uint32_t crc = UINT32_MAX;
	for (size_t i = 0; i < s.n; i++) {
		crc ^= byte_at(s, i);
		for (int bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? 0xedb88320u : 0);
	}
	return ~crc;
}

/* The bit depths of each colour type, 11.2.1; a depth is its own bit. */
static bool depth_allowed(uint32_t colour, uint32_t depth)
{
	static const uint32_t depths[] = { 1 | 2 | 4 | 8 | 16, 0, 8 | 16, 1 | 2 | 4 | 8, 8 | 16, 0, 8 | 16 };
	bool single = depth != 0 && (depth & (depth - 1)) == 0;
	return colour < COUNT_OF(depths) && single && (depths[colour] & depth) != 0;
}

static enum probe_result read_header(struct str bytes, struct walk *w, struct probe *out)
{
	struct str named = str_slice(bytes, 12, 16 + IHDR_BYTES);
	if (be32(bytes, 8) != IHDR_BYTES || be32(bytes, 12) != NAME('I', 'H', 'D', 'R'))
		return probe_bad(out, "its first chunk is not IHDR");
	if (crc_of(named) != be32(bytes, 16 + IHDR_BYTES))
		return probe_bad(out, "the checksum of its header is wrong");
	struct str data = str_slice(named, 4, named.n);
	out->width = be32(data, 0);
	out->height = be32(data, 4);
	if (out->width == 0 || out->height == 0 || out->width > LENGTH_MAX || out->height > LENGTH_MAX)
		return probe_bad(out, "its width or height is out of range");
	if (!depth_allowed(byte_at(data, 9), byte_at(data, 8)))
		return probe_bad(out, "its colour type and bit depth do not go together");
	if (byte_at(data, 10) != 0 || byte_at(data, 11) != 0 || byte_at(data, 12) > 1)
		return probe_bad(out, "its compression, filter or interlace method is unknown");
	w->palette = byte_at(data, 9) == 3;
	out->frames = 1;
	return PROBE_OK;
}

static bool is_name(uint32_t name)
{
	for (int shift = 0; shift < 32; shift += 8) {
		uint32_t letter = (name >> shift & 0xff) | 0x20;
		if (letter < 'a' || letter > 'z')
			return false;
	}
	return true;
}

/* Give the name before the data are there, so that a prefix can stop at the first IDAT. */
static enum probe_result next_chunk(struct str bytes, size_t *at, struct chunk *out, struct probe *p)
{
	if (!has(bytes, *at, 8))
		return PROBE_NEED_MORE;
	size_t length = be32(bytes, *at);
	out->name = be32(bytes, *at + 4);
	out->data = (struct str){ NULL, 0 };
	if (length > LENGTH_MAX || !is_name(out->name))
		return probe_bad(p, "a chunk's length or name is not possible");
	if (has(bytes, *at, FRAME_BYTES + length))
		out->data = str_slice(bytes, *at + 8, *at + 8 + length);
	else if (out->name != NAME('I', 'D', 'A', 'T'))
		return PROBE_NEED_MORE;
	*at += FRAME_BYTES + length;
	return PROBE_OK;
}

static enum probe_result read_animation(struct str data, const struct walk *w, struct probe *out)
{
	if (w->data)
		return PROBE_OK;   /* behind the image data it does not count */
	if (data.n != 8 || be32(data, 0) == 0 || be32(data, 0) > LENGTH_MAX)
		return probe_bad(out, "its animation chunk is wrong");
	out->frames = be32(data, 0);
	return PROBE_OK;
}

static enum probe_result read_frame(struct str data, struct probe *out)
{
	if (data.n != 26)
		return probe_bad(out, "a frame's header has a wrong length");
	uint64_t right = (uint64_t)be32(data, 12) + be32(data, 4), bottom = (uint64_t)be32(data, 16) + be32(data, 8);
	if (right > out->width || bottom > out->height)
		return probe_bad(out, "a frame lies outside the image");
	return PROBE_OK;
}

static enum probe_result read_chunk(const struct chunk *c, struct walk *w, struct probe *out)
{
	switch (c->name) {
	case NAME('I', 'H', 'D', 'R'):
		return probe_bad(out, "it has two headers");
	case NAME('P', 'L', 'T', 'E'):
		w->palette = false;
		return PROBE_OK;
	case NAME('a', 'c', 'T', 'L'):
		return read_animation(c->data, w, out);
	case NAME('f', 'c', 'T', 'L'):
		return read_frame(c->data, out);
	case NAME('e', 'X', 'I', 'f'):
		out->orientation = exif_orientation(c->data);
		return PROBE_OK;
	case NAME('I', 'D', 'A', 'T'):
		w->data = true;
		return w->palette ? probe_bad(out, "its palette is missing") : PROBE_OK;
	default:
		return PROBE_OK;
	}
}

enum probe_result probe_png(struct str bytes, bool whole, struct probe *out)
{
	struct walk w = { 0 };
	struct chunk c;
	size_t at = 8 + FRAME_BYTES + IHDR_BYTES;
	if (!has(bytes, 0, at))
		return PROBE_NEED_MORE;
	enum probe_result result = read_header(bytes, &w, out);
	while (result == PROBE_OK) {
		result = next_chunk(bytes, &at, &c, out);
		if (result == PROBE_OK && c.name == NAME('I', 'E', 'N', 'D'))
			return w.data ? PROBE_OK : probe_bad(out, "it has no image data");
		if (result == PROBE_OK)
			result = read_chunk(&c, &w, out);
		if (result == PROBE_OK && w.data && !whole)
			return PROBE_OK;
	}
	return result;
}
