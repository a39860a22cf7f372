/* PNG: walk the chunks to IEND; what follows it is free. The header chunk has the size, eXIf before the image data
 * the orientation. The chunks without which nothing is shown are checked: checksums of header, palette and image data,
 * the palette's length, the head of the compressed data, no critical chunk that is unknown. An animation
 * (acTL before the image data) must have the frames that it announces; broken chunks of one that is not
 * announced do not count, since the image is then a still one.
 * Source: PNG (Third Edition) 5 (chunks), 10.1 (zlib), 11.2 (critical chunks), 11.3.6 (acTL, fcTL, fdAT), 13.1; RFC 1950 2.2. */
#include "image/probe/formats.h"

#include "base/checksum.h"

#define INDEXED 3

struct png_chunk {
	uint32_t name, crc;
	struct str named; /* name and data, which the CRC is of */
	struct str data;
};

struct animation {
	uint32_t announced; /* acTL's number of frames; 0: no animation */
	uint32_t frames, sequence;
	bool open;       /* the last fcTL has no data yet */
	bool separate;   /* its data come in fdAT */
	const char *why; /* the first rule that is broken */
};

struct png_reader {
	bool indexed, palette, exif;
	bool data_over; /* another chunk came after IDAT */
	uint64_t data_bytes;
	uint32_t zlib; /* the first two bytes of the image data */
	struct animation animation;
};

uint32_t png_crc(struct str named)
{
	unsigned char crc[CHECKSUM_BYTES_MAX];
	struct checksum sum;
	checksum_init(&sum, CHECKSUM_CRC32);
	checksum_update(&sum, named.p, named.n);
	checksum_final(&sum, crc);
	return be32((struct str){ (const char *)crc, 4 }, 0);
}

static bool is_intact(const struct png_chunk *c)
{
	assert(c->named.n == c->data.n + 4);
	return png_crc(c->named) == c->crc;
}

/* The bit depths of each colour type, 11.2.1; a depth is its own bit. */
static bool depth_allowed(uint32_t colour, uint32_t depth)
{
	static const uint32_t depths[] = { 1 | 2 | 4 | 8 | 16, 0, 8 | 16, 1 | 2 | 4 | 8, 8 | 16, 0, 8 | 16 };
	bool single = depth != 0 && (depth & (depth - 1)) == 0;
	return colour < COUNT_OF(depths) && single && (depths[colour] & depth) != 0;
}

bool png_is_name(uint32_t name)
{
	for (int shift = 0; shift < 32; shift += 8) {
		uint32_t letter = (name >> shift & 0xff) | 0x20;
		if (letter < 'a' || letter > 'z')
			return false;
	}
	return true;
}

static enum probe_result next_chunk(struct str bytes, size_t *at, struct png_chunk *out, struct probe *p)
{
	if (!has(bytes, *at, 8))
		return probe_cut(p);
	size_t length = be32(bytes, *at);
	out->name = be32(bytes, *at + 4);
	if (length > PNG_LENGTH_MAX || !png_is_name(out->name))
		return probe_bad(p, "a chunk's length or name is not possible");
	if (!has(bytes, *at, PNG_FRAME_BYTES + length))
		return probe_cut(p);
	out->named = str_slice(bytes, *at + 4, *at + 8 + length);
	out->data = str_slice(out->named, 4, out->named.n);
	out->crc = be32(bytes, *at + 8 + length);
	*at += PNG_FRAME_BYTES + length;
	return PROBE_OK;
}

static enum probe_result read_header(struct str bytes, size_t *at, struct png_reader *w, struct probe *out)
{
	struct png_chunk c;
	if (!has(bytes, *at, PNG_FRAME_BYTES + PNG_IHDR_BYTES))
		return probe_cut(out);
	if (be32(bytes, *at) != PNG_IHDR_BYTES || be32(bytes, *at + 4) != PNG_NAME('I', 'H', 'D', 'R'))
		return probe_bad(out, "its first chunk is not IHDR");
	enum probe_result result = next_chunk(bytes, at, &c, out);
	assert(result == PROBE_OK);
	if (!is_intact(&c))
		return probe_bad(out, "the checksum of its header is wrong");
	out->width = be32(c.data, 0);
	out->height = be32(c.data, 4);
	if (out->width == 0 || out->height == 0 || out->width > PNG_LENGTH_MAX || out->height > PNG_LENGTH_MAX)
		return probe_bad(out, "its width or height is out of range");
	if (!depth_allowed(byte_at(c.data, 9), byte_at(c.data, 8)))
		return probe_bad(out, "its colour type and bit depth do not go together");
	if (byte_at(c.data, 10) != 0 || byte_at(c.data, 11) != 0 || byte_at(c.data, 12) > 1)
		return probe_bad(out, "its compression, filter or interlace method is unknown");
	w->indexed = byte_at(c.data, 9) == INDEXED;
	out->frames = 1;
	return result;
}

static enum probe_result read_palette(const struct png_chunk *c, struct png_reader *w, struct probe *out)
{
	if (!is_intact(c))
		return probe_bad(out, "the checksum of its palette is wrong");
	if (w->data_bytes > 0)
		return PROBE_OK; /* after the image data it does not count */
	if (w->palette)
		return probe_bad(out, "it has two palettes");
	if (c->data.n == 0 || c->data.n > 3 * 256 || c->data.n % 3 != 0)
		return probe_bad(out, "its palette has a wrong length");
	w->palette = true;
	return PROBE_OK;
}

static enum probe_result read_data(const struct png_chunk *c, struct png_reader *w, struct probe *out)
{
	if (!is_intact(c))
		return probe_bad(out, "the checksum of its image data is wrong");
	if (w->indexed && !w->palette)
		return probe_bad(out, "its palette is missing");
	if (w->data_over)
		return probe_bad(out, "another chunk is between its image data");
	for (size_t i = 0; i < c->data.n && w->data_bytes + i < 2; i++)
		w->zlib = w->zlib << 8 | byte_at(c->data, i);
	w->data_bytes += c->data.n;
	if (!w->animation.separate)
		w->animation.open = false;
	return PROBE_OK;
}

/* Only the first rule that is broken is kept: it counts if there is an animation. */
static void check_order(struct animation *a, bool kept, const char *why)
{
	if (!kept && a->why == NULL)
		a->why = why;
}

static void expect_sequence(struct animation *a, struct str data)
{
	check_order(a, data.n >= 4 && be32(data, 0) == a->sequence, "the parts of its animation are out of order");
	a->sequence++;
}

static void read_animation(const struct png_chunk *c, struct png_reader *w)
{
	if (w->data_bytes > 0 || w->animation.announced != 0 || c->data.n != 8 || be32(c->data, 0) > PNG_LENGTH_MAX || !is_intact(c))
		return;
	w->animation.announced = be32(c->data, 0);
}

/* 11.3.6.2: sequence number, width, height, x, y, delay in two parts, dispose and blend operation. The image
 * data are the first frame's if its fcTL comes before them; then it is of the image's size. */
static void read_frame(struct str data, struct png_reader *w, const struct probe *image)
{
	struct animation *a = &w->animation;
	check_order(a, !a->open, "a frame of its animation has no data");
	expect_sequence(a, data);
	a->frames++;
	a->open = true;
	a->separate = w->data_bytes > 0;
	check_order(a, data.n == 26, "a frame's header has a wrong length");
	if (data.n != 26)
		return;
	uint32_t width = be32(data, 4), height = be32(data, 8), x = be32(data, 12), y = be32(data, 16);
	check_order(a, width > 0 && height > 0, "a frame's width or height is 0");
	check_order(a, (uint64_t)x + width <= image->width && (uint64_t)y + height <= image->height, "a frame lies outside the image");
	check_order(a, a->separate || (width == image->width && height == image->height), "its first frame is smaller than the image");
	check_order(a, byte_at(data, 24) <= 2 && byte_at(data, 25) <= 1, "a frame's dispose or blend operation is unknown");
}

static void read_frame_data(struct str data, struct png_reader *w)
{
	struct animation *a = &w->animation;
	check_order(a, a->separate, "its animation has data without a frame");
	expect_sequence(a, data);
	a->open &= data.n <= 4;
}

static enum probe_result read_chunk(const struct png_chunk *c, struct png_reader *w, struct probe *out)
{
	if (c->name == PNG_NAME('I', 'D', 'A', 'T'))
		return read_data(c, w, out);
	w->data_over = w->data_bytes > 0;
	switch (c->name) {
	case PNG_NAME('I', 'H', 'D', 'R'):
		return probe_bad(out, "it has two headers");
	case PNG_NAME('P', 'L', 'T', 'E'):
		return read_palette(c, w, out);
	case PNG_NAME('a', 'c', 'T', 'L'):
		read_animation(c, w);
		return PROBE_OK;
	case PNG_NAME('f', 'c', 'T', 'L'):
		read_frame(c->data, w, out);
		return PROBE_OK;
	case PNG_NAME('f', 'd', 'A', 'T'):
		read_frame_data(c->data, w);
		return PROBE_OK;
	case PNG_NAME('e', 'X', 'I', 'f'):
		if (w->data_bytes == 0 && !w->exif && is_intact(c)) /* elsewhere no browser applies it */
			out->orientation = exif_orientation(c->data);
		w->exif = true;
		return PROBE_OK;
	default:
		return c->name & PNG_ANCILLARY ? PROBE_OK : probe_bad(out, "it has a critical chunk of an unknown kind");
	}
}

static enum probe_result finish_png(struct png_reader *w, struct probe *out)
{
	struct animation *a = &w->animation;
	if (w->data_bytes <= 2)
		return probe_bad(out, "it has no image data");
	/* RFC 1950 2.2: method 8, a window of at most 32 KiB, no preset dictionary, a multiple of 31. */
	if ((w->zlib >> 8 & 15) != 8 || w->zlib >> 12 > 7 || (w->zlib & 0x20) != 0 || w->zlib % 31 != 0)
		return probe_bad(out, "its image data are not compressed as PNG's are");
	if (a->announced == 0)
		return PROBE_OK;
	check_order(a, !a->open, "a frame of its animation has no data");
	check_order(a, a->frames == a->announced, "its animation does not have the number of frames that it announces");
	out->frames = a->frames;
	return a->why == NULL ? PROBE_OK : probe_bad(out, a->why);
}

enum probe_result probe_png(struct str bytes, struct probe *out)
{
	assert(out != NULL && out->type == PROBE_PNG);
	struct png_reader w = { 0 };
	struct png_chunk c;
	size_t at = 8;
	enum probe_result result = read_header(bytes, &at, &w, out);
	while (result == PROBE_OK) {
		result = next_chunk(bytes, &at, &c, out);
		if (result == PROBE_OK && c.name == PNG_NAME('I', 'E', 'N', 'D'))
			return finish_png(&w, out);
		if (result == PROBE_OK)
			result = read_chunk(&c, &w, out);
	}
	return result;
}
