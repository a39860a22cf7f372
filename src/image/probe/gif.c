/* GIF: walk the blocks and count the frames. The size is that of the logical screen; the first frame may enlarge
 * it, as browsers do, and later ones are clipped to it, so that the size is the most that a decoder needs. Many real
 * files have no trailer, or other bytes in its place: after a whole frame the image ends there.
 * Source: GIF89a, 15 (data sub-blocks), 18 (logical screen), 20 (image descriptor), 22 (image data), 23..26 (extensions), 27. */
#include "image/probe/formats.h"

#define CODE_SIZE_MAX 8

struct gif_reader {
	struct str bytes;
	size_t at;
	bool pixels; /* a frame has an area and data */
};

/* Skip sub-blocks, each with its length in front, up to the empty one. */
static enum probe_result skip_blocks(struct gif_reader *w, struct probe *out)
{
	while (has(w->bytes, w->at, 1)) {
		size_t length = byte_at(w->bytes, w->at);
		w->at += 1 + length;
		if (length == 0)
			return PROBE_OK;
	}
	return probe_cut(out);
}

static void grow_canvas(uint32_t *side, uint32_t end)
{
	if (end > *side)
		*side = end;
}

static enum probe_result read_image(struct gif_reader *w, struct probe *out)
{
	size_t at = w->at;
	if (!has(w->bytes, at, GIF_DESCRIPTOR_BYTES))
		return probe_cut(out);
	uint32_t width = le16(w->bytes, at + 4), height = le16(w->bytes, at + 6);
	if (out->frames == 0) {
		grow_canvas(&out->width, le16(w->bytes, at) + width);
		grow_canvas(&out->height, le16(w->bytes, at + 2) + height);
	}
	at += GIF_DESCRIPTOR_BYTES + gif_colour_table(byte_at(w->bytes, at + 8));
	if (!has(w->bytes, at, 2))
		return probe_cut(out);
	if (byte_at(w->bytes, at) > CODE_SIZE_MAX)
		return probe_bad(out, "a frame's code size is not possible");
	w->pixels |= width > 0 && height > 0 && byte_at(w->bytes, at + 1) > 0;
	w->at = at + 1;
	out->frames++;
	return skip_blocks(w, out);
}

static enum probe_result finish_gif(const struct gif_reader *w, struct probe *out)
{
	if (out->frames == 0)
		return probe_bad(out, "it has no frame");
	if (out->width == 0 || out->height == 0)
		return probe_bad(out, "its width or height is 0");
	return w->pixels ? PROBE_OK : probe_bad(out, "its frames have no pixels");
}

enum probe_result probe_gif(struct str bytes, struct probe *out)
{
	assert(out != NULL && out->type == PROBE_GIF);
	if (!has(bytes, 0, GIF_SCREEN_BYTES))
		return probe_cut(out);
	struct gif_reader w = { .bytes = bytes, .at = GIF_SCREEN_BYTES + gif_colour_table(byte_at(bytes, 10)) };
	enum probe_result result = PROBE_OK;
	out->width = le16(bytes, 6);
	out->height = le16(bytes, 8);
	while (result == PROBE_OK && has(bytes, w.at, 1)) {
		uint32_t block = byte_at(bytes, w.at++);
		if (block != GIF_EXTENSION && block != GIF_IMAGE)
			return finish_gif(&w, out);
		w.at += block == GIF_EXTENSION; /* the label */
		result = block == GIF_IMAGE ? read_image(&w, out) : skip_blocks(&w, out);
	}
	if (result != PROBE_OK)
		return result;
	return out->frames == 0 ? probe_cut(out) : finish_gif(&w, out);
}
