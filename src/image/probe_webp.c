/* WebP: a RIFF file whose first chunk has the size: VP8 (lossy), VP8L (lossless) or VP8X (extended:
 * canvas, animation, EXIF). A whole file must hold all of its RIFF size; an extended one is walked:
 * frames are counted, EXIF is read, and pictures must have the size that was told, so that the canvas
 * is the most that a decoder will need.
 * Source: RFC 9649 2 (container), 3.4 (VP8L header); RFC 6386 9.1 (VP8 frame header). */
#include "image/probe_parts.h"

#define NAME(a, b, c, d) ((uint32_t)(a) | (uint32_t)(b) << 8 | (uint32_t)(c) << 16 | (uint32_t)(d) << 24)
#define VP8 NAME('V', 'P', '8', ' ')
#define VP8L NAME('V', 'P', '8', 'L')
#define VP8X NAME('V', 'P', '8', 'X')
#define ANMF NAME('A', 'N', 'M', 'F')
#define EXIF NAME('E', 'X', 'I', 'F')
#define FLAG_ANIMATION 0x02

struct chunk {
	uint32_t name;
	size_t size;         /* as told */
	struct str data;     /* as much of it as there is */
};

struct size {
	uint32_t width, height;
};

static enum probe_result next_chunk(struct str bytes, size_t *at, struct chunk *out)
{
	if (!has(bytes, *at, 8))
		return PROBE_NEED_MORE;
	out->name = le32(bytes, *at);
	out->size = le32(bytes, *at + 4);
	out->data = str_slice(bytes, *at + 8, *at + 8 + out->size);
	*at += 8 + out->size + (out->size & 1);
	return PROBE_OK;
}

/* RFC 6386 9.1: a tag whose lowest bit is 0 for a key frame, a start code, then 14 bits each. */
static enum probe_result read_lossy(const struct chunk *c, struct size *out, struct probe *p)
{
	if (c->size < 10)
		return probe_bad(p, "its VP8 data are too short");
	if (c->data.n < 10)
		return PROBE_NEED_MORE;
	if (byte_at(c->data, 0) & 1 || le24(c->data, 3) != 0x2a019d)
		return probe_bad(p, "its VP8 data do not begin with a key frame");
	*out = (struct size){ le16(c->data, 6) & 0x3fff, le16(c->data, 8) & 0x3fff };
	return PROBE_OK;
}

/* RFC 9649 3.4: 0x2f, width - 1 and height - 1 in 14 bits each, one bit for alpha, three of version 0. */
static enum probe_result read_lossless(const struct chunk *c, struct size *out, struct probe *p)
{
	if (c->size < 5)
		return probe_bad(p, "its VP8L data are too short");
	if (c->data.n < 5)
		return PROBE_NEED_MORE;
	uint32_t bits = le32(c->data, 1);
	if (byte_at(c->data, 0) != 0x2f || bits >> 29 != 0)
		return probe_bad(p, "its VP8L data do not begin with the signature");
	*out = (struct size){ (bits & 0x3fff) + 1, (bits >> 14 & 0x3fff) + 1 };
	return PROBE_OK;
}

static enum probe_result read_picture(const struct chunk *c, struct size *out, struct probe *p)
{
	return c->name == VP8 ? read_lossy(c, out, p) : read_lossless(c, out, p);
}

/* 2.7.1.1: the picture of a frame stands in chunks of its own, behind an ALPH at most. */
static enum probe_result check_frame_picture(struct str chunks, struct size told, struct probe *out)
{
	struct chunk c;
	struct size real;
	for (size_t at = 0; next_chunk(chunks, &at, &c) == PROBE_OK;) {
		if (c.name != VP8 && c.name != VP8L)
			continue;
		enum probe_result result = read_picture(&c, &real, out);
		if (result == PROBE_OK && (real.width != told.width || real.height != told.height))
			return probe_bad(out, "a frame's picture is not of the frame's size");
		return result;
	}
	return probe_bad(out, "a frame has no picture");
}

/* 2.7.1.1: x / 2, y / 2, width - 1, height - 1, duration in 24 bits each, flags, then chunks. */
static enum probe_result read_frame(struct str data, struct probe *out)
{
	if (data.n < 16)
		return probe_bad(out, "a frame's header is too short");
	struct size told = { le24(data, 6) + 1, le24(data, 9) + 1 };
	if (2 * le24(data, 0) + told.width > out->width || 2 * le24(data, 3) + told.height > out->height)
		return probe_bad(out, "a frame lies outside the image");
	out->frames++;
	return check_frame_picture(str_slice(data, 16, data.n), told, out);
}

static enum probe_result read_still(const struct chunk *c, struct probe *out)
{
	struct size real;
	enum probe_result result = read_picture(c, &real, out);
	if (result != PROBE_OK)
		return result;
	if (real.width != out->width || real.height != out->height)
		return probe_bad(out, "its picture is not of the canvas's size");
	out->frames = 1;
	return PROBE_OK;
}

/* EXIF holds a TIFF structure; some writers put JPEG's six bytes before it. */
static uint32_t read_exif(struct str data)
{
	const struct str prefix = { "Exif\0\0", 6 };
	return exif_orientation(str_starts_with(data, prefix) ? str_slice(data, prefix.n, data.n) : data);
}

static enum probe_result read_chunk(const struct chunk *c, bool animated, struct probe *out)
{
	if (c->name == EXIF)
		out->orientation = read_exif(c->data);
	if (c->name == ANMF && animated)
		return read_frame(c->data, out);
	if ((c->name == VP8 || c->name == VP8L) && !animated)
		return read_still(c, out);
	return PROBE_OK;
}

static enum probe_result walk(struct str chunks, size_t at, bool animated, struct probe *out)
{
	struct chunk c;
	enum probe_result result = PROBE_OK;
	out->frames = 0;
	while (result == PROBE_OK && at < chunks.n) {
		result = next_chunk(chunks, &at, &c);
		if (result == PROBE_OK && c.data.n < c.size)
			return PROBE_NEED_MORE;
		if (result == PROBE_OK)
			result = read_chunk(&c, animated, out);
	}
	if (result == PROBE_OK && out->frames == 0)
		return probe_bad(out, "it has no picture");
	return result;
}

/* 2.7: flags, 24 reserved bits, then canvas width - 1 and height - 1 in 24 bits each. */
static enum probe_result read_extended(struct str chunks, size_t at, const struct chunk *c, bool whole, struct probe *out)
{
	if (c->size < 10)
		return probe_bad(out, "its VP8X chunk is too short");
	if (c->data.n < 10)
		return PROBE_NEED_MORE;
	bool animated = byte_at(c->data, 0) & FLAG_ANIMATION;
	out->width = le24(c->data, 4) + 1;
	out->height = le24(c->data, 7) + 1;
	out->frames = animated ? 0 : 1;
	if ((uint64_t)out->width * out->height > UINT32_MAX)
		return probe_bad(out, "its canvas is larger than the format allows");
	return whole ? walk(chunks, at, animated, out) : PROBE_OK;
}

static enum probe_result read_simple(const struct chunk *c, bool whole, struct probe *out)
{
	struct size size;
	enum probe_result result = read_picture(c, &size, out);
	if (result != PROBE_OK)
		return result;
	out->width = size.width;
	out->height = size.height;
	out->frames = 1;
	if (size.width == 0 || size.height == 0)
		return probe_bad(out, "its width or height is 0");
	return whole && c->data.n < c->size ? PROBE_NEED_MORE : PROBE_OK;
}

enum probe_result probe_webp(struct str bytes, bool whole, struct probe *out)
{
	size_t riff_end = 8 + (size_t)le32(bytes, 4), at = 0;
	struct chunk c;
	if (riff_end < 12 + 8)
		return probe_bad(out, "its RIFF size is too small");
	if (whole && bytes.n < riff_end)
		return PROBE_NEED_MORE;
	struct str chunks = str_slice(bytes, 12, riff_end);
	enum probe_result result = next_chunk(chunks, &at, &c);
	if (result != PROBE_OK)
		return result;
	if (c.name == VP8X)
		return read_extended(chunks, at, &c, whole, out);
	if (c.name == VP8 || c.name == VP8L)
		return read_simple(&c, whole, out);
	return probe_bad(out, "its first chunk is no image");
}
