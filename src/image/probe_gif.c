/* GIF: the size stands in the logical screen at the front, which is all that a prefix tells. A whole
 * file is walked block by block to its trailer and its frames are counted; no frame may reach beyond
 * the screen, so that the size is the most that a decoder will need.
 * Source: GIF89a, 15 (data sub-blocks), 18 (logical screen), 20 (image descriptor), 23..26 (extensions), 27. */
#include "image/probe_parts.h"

#define SCREEN_BYTES 13
#define CODE_SIZE_MAX 8

enum block { EXTENSION = 0x21, IMAGE = 0x2c, TRAILER = 0x3b };

/* The bytes of the colour table that a packed field tells of. */
static size_t colour_table(uint32_t packed)
{
	return packed & 0x80 ? (size_t)3 << ((packed & 7) + 1) : 0;
}

/* Pass over sub-blocks, each with its length in front, up to the empty one. */
static enum probe_result skip_blocks(struct str bytes, size_t *at)
{
	while (has(bytes, *at, 1)) {
		size_t length = byte_at(bytes, *at);
		*at += 1 + length;
		if (length == 0)
			return PROBE_OK;
	}
	return PROBE_NEED_MORE;
}

static enum probe_result read_image(struct str bytes, size_t *at, struct probe *out)
{
	if (!has(bytes, *at, 9))
		return PROBE_NEED_MORE;
	uint32_t right = le16(bytes, *at) + le16(bytes, *at + 4), bottom = le16(bytes, *at + 2) + le16(bytes, *at + 6);
	if (right > out->width || bottom > out->height)
		return probe_bad(out, "a frame lies outside the image");
	*at += 9 + colour_table(byte_at(bytes, *at + 8));
	if (!has(bytes, *at, 1))
		return PROBE_NEED_MORE;
	if (byte_at(bytes, *at) > CODE_SIZE_MAX)
		return probe_bad(out, "a frame's code size is not possible");
	++*at;
	out->frames++;
	return skip_blocks(bytes, at);
}

static enum probe_result walk(struct str bytes, size_t at, struct probe *out)
{
	enum probe_result result = PROBE_OK;
	while (result == PROBE_OK && has(bytes, at, 1)) {
		switch (byte_at(bytes, at++)) {
		case TRAILER:
			return out->frames > 0 ? PROBE_OK : probe_bad(out, "it has no frame");
		case EXTENSION:
			at++;   /* the label */
			result = skip_blocks(bytes, &at);
			break;
		case IMAGE:
			result = read_image(bytes, &at, out);
			break;
		default:
			return probe_bad(out, "a block is of an unknown kind");
		}
	}
	return result == PROBE_OK ? PROBE_NEED_MORE : result;
}

enum probe_result probe_gif(struct str bytes, bool whole, struct probe *out)
{
	if (!has(bytes, 0, SCREEN_BYTES))
		return PROBE_NEED_MORE;
	out->width = le16(bytes, 6);
	out->height = le16(bytes, 8);
	if (out->width == 0 || out->height == 0)
		return probe_bad(out, "its width or height is 0");
	if (!whole)
		return PROBE_OK;
	return walk(bytes, SCREEN_BYTES + colour_table(byte_at(bytes, 10)), out);
}
