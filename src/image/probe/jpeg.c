/* JPEG: walk the marker segments to the end of the image (EOI); what follows it is free. The frame header
 * (SOF) has the size, the first EXIF segment before the image data has the orientation. Of each segment up to
 * the first scan the parts are checked without which no decoder of a browser shows anything; after
 * it, where a decoder has a picture already, only lengths count. Bytes between segments that are no marker are skipped,
 * as decoders do.
 * Source: ITU T.81 B.1.1 (markers, fill bytes), B.2.2 (frame header), B.2.3 (scan header), B.2.4 (tables). */
#include "image/probe/formats.h"

#include <string.h>

#define SIDE_MAX 65500 /* libjpeg's JPEG_MAX_DIMENSION, which every browser has */
#define COMPONENTS_MAX 4
#define FACTOR_MAX 4
#define BLOCKS_MAX 10 /* B.2.3: of an interleaved scan's MCU */
#define TABLES 4

struct component {
	uint32_t id, blocks, table;
};

struct jpeg_reader {
	struct str bytes;
	size_t at;
	struct component components[COMPONENTS_MAX];
	uint32_t n_components; /* 0: no frame header yet */
	uint32_t tables;       /* a bit for each quantisation table that is defined */
	bool scan, data;       /* a scan header was there; entropy-coded data follow the last one */
	bool exif;
};

/* B.1.1.2: 0xff, any number of fill bytes 0xff, then a code; 0xff 0x00 is a byte of data. false: the bytes end first. */
static bool find_marker(struct jpeg_reader *w, uint32_t *marker)
{
	assert(w->at <= w->bytes.n);
	for (;;) {
		const char *ff = memchr(w->bytes.p + w->at, 0xff, w->bytes.n - w->at);
		if (ff == NULL)
			return false;
		size_t at = (size_t)(ff - w->bytes.p);
		w->data |= at > w->at;
		for (; has(w->bytes, at, 1) && byte_at(w->bytes, at) == 0xff; at++)
			;
		if (!has(w->bytes, at, 1))
			return false;
		*marker = byte_at(w->bytes, at);
		w->data |= *marker == 0;
		w->at = at + 1;
		if (!jpeg_is_alone(*marker))
			return true;
	}
}

/* A length below its own two bytes is an error where the content counts; else decoders take it for 2. */
static enum probe_result read_segment(struct jpeg_reader *w, uint32_t marker, struct str *data, struct probe *out)
{
	if (!has(w->bytes, w->at, 2))
		return probe_cut(out);
	size_t length = be16(w->bytes, w->at);
	if (length < 2 && !jpeg_is_free(marker))
		return probe_bad(out, "a segment is shorter than its length field");
	if (length < 2)
		length = 2;
	if (!has(w->bytes, w->at, length))
		return probe_cut(out);
	*data = str_slice(w->bytes, w->at + 2, w->at + length);
	w->at += length;
	return PROBE_OK;
}

/* B.2.2: precision, lines, samples per line, components, three bytes for each of them. A height of 0, which DNL
 * after the first scan would give, is allowed, never written, and not decoded by browsers. */
static enum probe_result read_frame(struct jpeg_reader *w, uint32_t marker, struct str data, struct probe *out)
{
	if (w->n_components != 0)
		return probe_bad(out, "it has two frame headers before its data");
	if (marker != SOF0 && marker != SOF1 && marker != SOF2 && marker != SOF9 && marker != SOF10)
		return probe_bad(out, "it is lossless or hierarchical, which browsers do not show");
	if (data.n < 6 || byte_at(data, 5) == 0 || data.n != 6 + 3 * (size_t)byte_at(data, 5))
		return probe_bad(out, "its frame header has a wrong length");
	if (byte_at(data, 0) != 8)
		return probe_bad(out, "its samples do not have 8 bits, and browsers show no others");
	if (byte_at(data, 5) > COMPONENTS_MAX || byte_at(data, 5) == 2)
		return probe_bad(out, "it does not have 1, 3 or 4 colour components");
	out->height = be16(data, 1);
	out->width = be16(data, 3);
	out->frames = 1;
	if (out->width == 0 || out->height == 0)
		return probe_bad(out, out->width == 0 ? "its width is 0" : "its height is 0");
	if (out->width > SIDE_MAX || out->height > SIDE_MAX)
		return probe_bad(out, "its width or height is over 65500");
	/* B.2.2: id, sampling factors in four bits each, quantisation table. */
	w->n_components = byte_at(data, 5);
	for (uint32_t i = 0; i < w->n_components; i++) {
		size_t at = 6 + 3 * (size_t)i;
		uint32_t across = byte_at(data, at + 1) >> 4, down = byte_at(data, at + 1) & 15;
		if (across < 1 || across > FACTOR_MAX || down < 1 || down > FACTOR_MAX)
			return probe_bad(out, "its sampling factors are not between 1 and 4");
		w->components[i] = (struct component){ byte_at(data, at), across * down, byte_at(data, at + 2) };
	}
	return PROBE_OK;
}

/* B.2.4.1: precision and number in four bits each, then 64 values of one or two bytes. */
bool jpeg_quantisation_valid(struct str data, uint32_t *tables)
{
	assert(tables != NULL);
	for (size_t at = 0; at < data.n;) {
		uint32_t number = byte_at(data, at) & 15;
		size_t length = 1 + (byte_at(data, at) >> 4 == 0 ? 64 : 128);
		if (number >= TABLES || !has(data, at, length))
			return false;
		*tables |= 1u << number;
		at += length;
	}
	return true;
}

/* B.2.4.2: class and number in four bits each, how many codes there are of each length, a byte for each code. */
bool jpeg_huffman_valid(struct str data)
{
	for (size_t at = 0; at < data.n;) {
		size_t codes = 0;
		for (size_t i = 1; i <= 16 && has(data, at, 17); i++)
			codes += byte_at(data, at + i);
		if (codes > 256 || (byte_at(data, at) & 0xec) != 0 || !has(data, at, 17 + codes))
			return false;
		at += 17 + codes;
	}
	return true;
}

/* The frame's component of this id that the scan does not have already; NULL: there is none. */
static const struct component *find_component(const struct jpeg_reader *w, uint32_t id, uint32_t *used)
{
	for (uint32_t i = 0; i < w->n_components; i++)
		if (w->components[i].id == id && (*used & 1u << i) == 0) {
			*used |= 1u << i;
			return &w->components[i];
		}
	return NULL;
}

/* B.2.3: the number of components, two bytes for each, three bytes more (which cameras fill wrongly: not read). */
static enum probe_result read_scan(struct jpeg_reader *w, struct str data, struct probe *out)
{
	assert(w->n_components <= COMPONENTS_MAX);
	uint32_t used = 0, blocks = 0;
	if (w->n_components == 0)
		return probe_bad(out, "its data come before its frame header");
	if (data.n < 1 || byte_at(data, 0) == 0 || data.n != 4 + 2 * (size_t)byte_at(data, 0))
		return probe_bad(out, "its scan header has a wrong length");
	for (uint32_t i = 0; i < byte_at(data, 0); i++) {
		const struct component *c = find_component(w, byte_at(data, 1 + 2 * (size_t)i), &used);
		if (c == NULL)
			return probe_bad(out, "a scan has a colour component that the frame header does not have");
		if (c->table >= TABLES || (w->tables & 1u << c->table) == 0)
			return probe_bad(out, "a quantisation table is missing");
		blocks += c->blocks;
	}
	if (byte_at(data, 0) > 1 && blocks > BLOCKS_MAX)
		return probe_bad(out, "its sampling factors are too large together");
	w->scan = true;
	w->data = false;
	return PROBE_OK;
}

static enum probe_result read_content(struct jpeg_reader *w, uint32_t marker, struct str data, struct probe *out)
{
	if (marker == SOS)
		return read_scan(w, data, out);
	if (marker == DQT)
		return jpeg_quantisation_valid(data, &w->tables) ? PROBE_OK : probe_bad(out, "a quantisation table is broken");
	if (marker == DHT)
		return jpeg_huffman_valid(data) ? PROBE_OK : probe_bad(out, "a Huffman table is broken");
	if (marker == DRI && data.n != 2)
		return probe_bad(out, "its restart interval has a wrong length");
	if (marker == APP1) {
		const struct str exif = { "Exif\0\0", 6 };
		if (w->scan || w->exif || !str_starts_with(data, exif))
			return PROBE_OK;
		out->orientation = exif_orientation(str_slice(data, exif.n, data.n));
		w->exif = true;
		return PROBE_OK;
	}
	if (w->scan || jpeg_is_free(marker) || marker == DRI || marker == DAC || marker == DNL)
		return PROBE_OK;
	return jpeg_is_frame(marker) ? read_frame(w, marker, data, out) : probe_bad(out, "it has a segment of an unknown kind");
}

enum probe_result probe_jpeg(struct str bytes, struct probe *out)
{
	assert(out != NULL && out->type == PROBE_JPEG && bytes.n >= 3);
	struct jpeg_reader w = { .bytes = bytes, .at = 2 };
	enum probe_result result = PROBE_OK;
	while (result == PROBE_OK) {
		uint32_t marker = 0;
		struct str data;
		if (!find_marker(&w, &marker))
			return probe_cut(out);
		if (w.scan && !w.data)
			return probe_bad(out, "a scan has no data");
		if (marker == EOI)
			return w.scan ? PROBE_OK : probe_bad(out, "it has no image data before its end");
		if (marker == SOI)
			return probe_bad(out, "another image begins before it ends");
		result = read_segment(&w, marker, &data, out);
		if (result == PROBE_OK)
			result = read_content(&w, marker, data, out);
	}
	return result;
}
