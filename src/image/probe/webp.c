/* WebP: a RIFF file whose first chunk has the size: VP8 (lossy), VP8L (lossless) or VP8X (extended:
 * canvas, animation, EXIF). All of the RIFF size must be there; what follows it is free. An extended file is walked with the rules
 * by which libwebp's demuxer, which the browsers use, accepts one: frames are counted, and pictures must have the size that was announced, so
 * that the canvas is the most that a decoder needs. Beyond that demuxer, readers should fail where VP8X, ICCP, ANIM and the
 * picture's chunks are not in this order (RFC 9649 2.7); EXIF, XMP and unknown chunks may be anywhere. ANIM and ANMF do not count in a file
 * that is not animated (2.7.1.1).
 * Source: RFC 9649 2 (container), 3.4 (VP8L header); RFC 6386 9.1 (VP8 frame header). */
#include "image/probe/formats.h"

#define FLAGS_KNOWN 0x3e

struct webp_chunk {
	uint32_t name;
	struct str data;
};

struct size {
	uint32_t width, height;
};

struct webp_reader {
	struct str chunks;
	size_t at;
	bool animated;   /* by the flag of VP8X */
	bool parameters; /* an ANIM was there */
	bool exif;
};

static enum probe_result next_chunk(struct str bytes, size_t *at, struct webp_chunk *out, struct probe *p)
{
	if (!has(bytes, *at, 8))
		return probe_cut(p);
	size_t size = le32(bytes, *at + 4);
	if (!has(bytes, *at + 8, size))
		return probe_cut(p);
	out->name = le32(bytes, *at);
	out->data = str_slice(bytes, *at + 8, *at + 8 + size);
	*at += 8 + size + (size & 1);
	return PROBE_OK;
}

/* RFC 6386 9.1: a tag of 24 bits (0 for a key frame, 3 bits of version, shown or not, length of the first partition), a
 * start code, then 14 bits for each side. The second partition needs a byte. */
static enum probe_result read_lossy(struct str data, struct size *out, struct probe *p)
{
	if (data.n < 10)
		return probe_bad(p, "its VP8 data are too short");
	uint32_t tag = le24(data, 0), first = tag >> 5;
	if (tag & 1 || le24(data, 3) != 0x2a019d)
		return probe_bad(p, "its VP8 data do not begin with a key frame");
	if ((tag >> 1 & 7) > 3 || (tag & 0x10) == 0)
		return probe_bad(p, "its VP8 frame is of an unknown version or not to be shown");
	if (first == 0 || first >= data.n - 10)
		return probe_bad(p, "the parts of its VP8 data do not fit");
	*out = (struct size){ le16(data, 6) & 0x3fff, le16(data, 8) & 0x3fff };
	if (out->width == 0 || out->height == 0)
		return probe_bad(p, "its width or height is 0");
	return PROBE_OK;
}

/* RFC 9649 3.4: 0x2f, width - 1 and height - 1 in 14 bits each, one bit for alpha, three of version 0; then the pixels. */
static enum probe_result read_lossless(struct str data, struct size *out, struct probe *p)
{
	if (data.n <= 5)
		return probe_bad(p, "its VP8L data are too short");
	uint32_t bits = le32(data, 1);
	if (byte_at(data, 0) != 0x2f || bits >> 29 != 0)
		return probe_bad(p, "its VP8L data do not begin with the signature");
	*out = (struct size){ (bits & 0x3fff) + 1, (bits >> 14 & 0x3fff) + 1 };
	return PROBE_OK;
}

/* The picture at *at: VP8L, or VP8 with at most an ALPH right before it. */
static enum probe_result read_picture(struct str chunks, size_t *at, struct size *out, struct probe *p)
{
	struct webp_chunk c;
	enum probe_result result = next_chunk(chunks, at, &c, p);
	bool alpha = result == PROBE_OK && c.name == WEBP_ALPH;
	/* 2.7.1.2: reserved, preprocessing, filter and compression in two bits each; then the alpha data, a byte for each
	 * pixel if they are not compressed. libwebp, unlike 2.7.1.2, does not ignore the reserved bits. */
	uint32_t bits = alpha && c.data.n >= 2 ? byte_at(c.data, 0) : 0xff;
	uint64_t raw_pixels = (bits & 3) == 0 ? c.data.n - 1 : UINT64_MAX;
	if (alpha && ((bits & 3) > 1 || (bits >> 4 & 3) > 1 || bits >> 6 != 0))
		return probe_bad(p, "its alpha data are broken");
	if (alpha)
		result = next_chunk(chunks, at, &c, p);
	if (result != PROBE_OK)
		return result;
	if (c.name == WEBP_VP8) {
		result = read_lossy(c.data, out, p);
		bool cut = result == PROBE_OK && (uint64_t)out->width * out->height > raw_pixels;
		return cut ? probe_bad(p, "its alpha data are too short") : result;
	}
	if (c.name != WEBP_VP8L || alpha)
		return probe_bad(p, alpha ? "its alpha data are not followed by VP8 data" : "a frame does not begin with its picture");
	return read_lossless(c.data, out, p);
}

/* 2.7.1.1: x / 2, y / 2, width - 1, height - 1, duration in 24 bits each, flags; then the picture and chunks of other kinds. */
static enum probe_result read_frame(struct str data, struct probe *out)
{
	struct webp_chunk c;
	struct size real = { 0, 0 };
	size_t at = 16;
	if (data.n < 16)
		return probe_bad(out, "a frame's header is too short");
	struct size announced = { le24(data, 6) + 1, le24(data, 9) + 1 };
	if (2 * le24(data, 0) + announced.width > out->width || 2 * le24(data, 3) + announced.height > out->height)
		return probe_bad(out, "a frame lies outside the image");
	enum probe_result result = read_picture(data, &at, &real, out);
	if (result == PROBE_OK && (real.width != announced.width || real.height != announced.height))
		return probe_bad(out, "a frame's picture is not of the frame's size");
	while (result == PROBE_OK && at < data.n) {
		result = next_chunk(data, &at, &c, out);
		if (result == PROBE_OK &&
			(c.name == WEBP_VP8 || c.name == WEBP_VP8L || c.name == WEBP_VP8X || c.name == WEBP_ALPH || c.name == WEBP_ANMF))
			return probe_bad(out, "a frame has more than one picture");
	}
	out->frames++;
	return result;
}

/* At w->at. */
static enum probe_result read_still(struct webp_reader *w, struct probe *out)
{
	assert(w->at <= w->chunks.n);
	struct size real = { 0, 0 };
	if (w->animated || w->parameters)
		return probe_bad(out, "it has a picture outside the frames of its animation");
	if (out->frames > 0)
		return probe_bad(out, "it has two pictures");
	enum probe_result result = read_picture(w->chunks, &w->at, &real, out);
	if (result == PROBE_OK && (real.width != out->width || real.height != out->height))
		return probe_bad(out, "its picture is not of the canvas's size");
	out->frames = 1;
	return result;
}

static enum probe_result read_chunk(struct webp_reader *w, struct probe *out)
{
	struct webp_chunk c;
	size_t next = w->at;
	enum probe_result result = next_chunk(w->chunks, &next, &c, out);
	if (result == PROBE_OK && (c.name == WEBP_ALPH || c.name == WEBP_VP8 || c.name == WEBP_VP8L))
		return read_still(w, out);
	w->at = next;
	if (result != PROBE_OK)
		return result;
	if (c.name == WEBP_VP8X)
		return probe_bad(out, "it has two VP8X chunks");
	if (c.name == WEBP_ANIM && c.data.n < 6)
		return probe_bad(out, "its ANIM chunk is too short");
	if (c.name == WEBP_ANIM && w->animated && w->parameters)
		return probe_bad(out, "it has two ANIM chunks");
	if (c.name == WEBP_ICCP && (w->parameters || out->frames > 0))
		return probe_bad(out, "its colour profile comes too late");
	w->parameters |= c.name == WEBP_ANIM;
	if (c.name == WEBP_ANMF && !w->parameters)
		return probe_bad(out, "a frame comes before the ANIM chunk");
	if (c.name == WEBP_ANMF && w->animated)
		return read_frame(c.data, out);
	if (c.name == WEBP_EXIF && !w->exif) {           /* further ones do not count, 2.7.1.5 */
		const struct str prefix = { "Exif\0\0", 6 }; /* JPEG's, which some writers put before the TIFF structure */
		out->orientation = exif_orientation(str_starts_with(c.data, prefix) ? str_slice(c.data, prefix.n, c.data.n) : c.data);
	}
	w->exif |= c.name == WEBP_EXIF;
	return PROBE_OK;
}

/* 2.7: flags, 24 reserved bits, then canvas width - 1 and height - 1 in 24 bits each. */
static enum probe_result read_extended(struct webp_reader *w, struct str data, struct probe *out)
{
	if (data.n != 10)
		return probe_bad(out, "its VP8X chunk has a wrong length");
	if (byte_at(data, 0) & ~(uint32_t)FLAGS_KNOWN)
		return probe_bad(out, "its VP8X chunk has an unknown flag");
	w->animated = byte_at(data, 0) & WEBP_FLAG_ANIMATION;
	out->width = le24(data, 4) + 1;
	out->height = le24(data, 7) + 1;
	if ((uint64_t)out->width * out->height > UINT32_MAX)
		return probe_bad(out, "its canvas is larger than the format allows");
	enum probe_result result = PROBE_OK;
	while (result == PROBE_OK && w->at < w->chunks.n)
		result = read_chunk(w, out);
	if (result == PROBE_OK && out->frames == 0)
		return probe_bad(out, "it has no picture");
	return result;
}

enum probe_result probe_webp(struct str bytes, struct probe *out)
{
	assert(out != NULL && out->type == PROBE_WEBP && bytes.n >= 12);
	size_t riff_end = 8 + (size_t)le32(bytes, 4);
	struct webp_reader w = { .chunks = str_slice(bytes, 12, riff_end) };
	struct size size = { 0, 0 };
	struct webp_chunk c;
	if (riff_end < 12 + 8)
		return probe_bad(out, "its RIFF size is too small");
	if (bytes.n < riff_end)
		return probe_cut(out);
	enum probe_result result = next_chunk(w.chunks, &w.at, &c, out);
	if (result != PROBE_OK)
		return result;
	if (c.name == WEBP_VP8X)
		return read_extended(&w, c.data, out);
	if (c.name != WEBP_VP8 && c.name != WEBP_VP8L)
		return probe_bad(out, "its first chunk is not an image");
	result = c.name == WEBP_VP8 ? read_lossy(c.data, &size, out) : read_lossless(c.data, &size, out);
	out->width = size.width;
	out->height = size.height;
	out->frames = 1;
	return result;
}
