/* JPEG: walk the marker segments to the end of the image (EOI); what follows it is free. The frame header
 * (SOF) has the size, the first EXIF segment before the image data has the orientation. What is refused is what
 * libjpeg-turbo, which the browsers use, gives up on before it has a row of pixels: a file of one scan is shown as its data
 * come, so that the kinds of the segments after them do not count; one of several scans is read to its end first. A table counts
 * when a scan uses it, since it may be replaced before. Bytes between segments that are no marker are skipped, as decoders do.
 * Source: ITU T.81 B.1.1 (markers, fill bytes), B.2.2 (frame header), B.2.3 (scan header), B.2.4 (tables), C.2 (Huffman
 * codes), G.1.1.1 (progressive scans); libjpeg-turbo 2.1.5, jdmarker.c, jdinput.c, jdhuff.c, jdphuff.c, jdsample.c. */
#include "image/probe/formats.h"

#include <string.h>

#define SIDE_MAX 65500 /* libjpeg's JPEG_MAX_DIMENSION, which every browser has */
#define COMPONENTS_MAX 4
#define FACTOR_MAX 4
#define BLOCKS_MAX 10 /* B.2.3: of an interleaved scan's MCU */
#define TABLES 4
#define HUFFMAN_DEFAULT 0x30003 /* tables 0 and 1 of both classes: K.3's, where a sequential file defines none */
#define LOW_BIT_MAX 13          /* G.1.1.1.2: of the coefficients of a progressive scan */

struct component {
	uint32_t id, across, down, table;
};

struct jpeg_reader {
	struct str bytes;
	size_t at;
	struct component components[COMPONENTS_MAX];
	uint32_t n_components; /* 0: no frame header yet */
	uint32_t tables;       /* a bit for each quantisation table that is defined */
	struct jpeg_huffman huffman;
	bool progressive, arithmetic;
	bool scan, data; /* a scan header was there; entropy-coded data follow the last one */
	bool several;    /* the first scan was not the whole image */
	bool restart;    /* there is a restart interval */
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
		if (!jpeg_is_alone(*marker, w->scan && w->restart))
			return true;
	}
}

/* A length below its own two bytes is an error where the content counts; else decoders take it for 2. */
static enum probe_result read_segment(struct jpeg_reader *w, uint32_t marker, struct str *data, struct probe *out)
{
	if (!has(w->bytes, w->at, 2))
		return probe_cut(out);
	size_t length = be16(w->bytes, w->at);
	if (length < 2 && !jpeg_is_skipped(marker))
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
		return probe_bad(out, "it has two frame headers");
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
	uint32_t across_max = 1, down_max = 1;
	w->n_components = byte_at(data, 5);
	w->progressive = marker == SOF2 || marker == SOF10;
	w->arithmetic = marker == SOF9 || marker == SOF10;
	for (uint32_t i = 0; i < w->n_components; i++) {
		size_t at = 6 + 3 * (size_t)i;
		uint32_t across = byte_at(data, at + 1) >> 4, down = byte_at(data, at + 1) & 15;
		if (across < 1 || across > FACTOR_MAX || down < 1 || down > FACTOR_MAX)
			return probe_bad(out, "its sampling factors are not between 1 and 4");
		w->components[i] = (struct component){ byte_at(data, at), across, down, byte_at(data, at + 2) };
		across_max = across > across_max ? across : across_max;
		down_max = down > down_max ? down : down_max;
	}
	for (uint32_t i = 0; i < w->n_components; i++)
		if (across_max % w->components[i].across != 0 || down_max % w->components[i].down != 0)
			return probe_bad(out, "its sampling factors do not divide the largest one");
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

/* B.2.4.2: class and number in four bits each, how many codes there are of each length, a byte for each code. The codes
 * of a length are numbered on from twice the end of those one bit shorter, and none is all ones (C.2). DC symbols are sizes. */
bool jpeg_huffman_valid(struct str data, struct jpeg_huffman *tables)
{
	assert(tables != NULL);
	for (size_t at = 0; at < data.n;) {
		size_t codes = 0;
		uint32_t end = 0;
		bool broken = false;
		for (uint32_t length = 1; length <= 16 && has(data, at, 17); length++) {
			codes += byte_at(data, at + length);
			end = 2 * end + byte_at(data, at + length);
			broken |= end >= 1u << length;
		}
		if (codes > 256 || (byte_at(data, at) & 0xec) != 0 || !has(data, at, 17 + codes))
			return false;
		uint32_t table = 1u << byte_at(data, at);
		for (size_t i = 0; i < codes && byte_at(data, at) < JPEG_HUFFMAN_AC; i++)
			broken |= byte_at(data, at + 17 + i) > 15;
		tables->defined |= table;
		tables->broken = broken ? tables->broken | table : tables->broken & ~table;
		at += 17 + codes;
	}
	return true;
}

/* B.2.4.3: class and number as 0 to 31, then for AC any value, for DC an upper and a lower bound in four bits each. */
bool jpeg_conditioning_valid(struct str data)
{
	for (size_t at = 0; at < data.n; at += 2) {
		uint32_t value = has(data, at, 2) ? byte_at(data, at + 1) : 0;
		if (!has(data, at, 2) || byte_at(data, at) >= 32 || (byte_at(data, at) < 16 && (value & 15) > value >> 4))
			return false;
	}
	return true;
}

/* The scan's i-th component: the frame's first one from i on with this id that the scan does not have already; NULL: there is none.
 * B.2.3: a scan has the frame's order. */
static const struct component *find_component(const struct jpeg_reader *w, uint32_t id, uint32_t i, uint32_t *used)
{
	while (i < w->n_components && w->components[i].id != id)
		i++;
	if (i >= w->n_components || (*used & 1u << i) != 0)
		return NULL;
	*used |= 1u << i;
	return &w->components[i];
}

/* The last bytes of a scan header: the first and the last coefficient, and the bits that were there and will be. */
struct progression {
	uint32_t first, last, before, after;
};

/* G.1.1.1: DC coefficients alone, or AC coefficients of one component; after their first scan a bit at a time. */
static bool is_progressive(const struct progression *p, uint32_t n_components)
{
	if (p->first == 0 ? p->last != 0 : p->first > p->last || p->last > 63 || n_components != 1)
		return false;
	return p->after <= LOW_BIT_MAX && (p->before == 0 || p->after == p->before - 1);
}

/* The Huffman tables that a component with these numbers uses in a scan, as in w->huffman.defined. A bit more of DC coefficients is not
 * coded (G.1.2.1), arithmetic coding has its own. Numbers over 3 are never defined. */
static uint32_t huffman_used(const struct jpeg_reader *w, const struct progression *p, uint32_t numbers)
{
	uint32_t dc = !w->progressive || (p->first == 0 && p->before == 0) ? 1u << (numbers >> 4) : 0;
	uint32_t ac = !w->progressive || p->first != 0 ? 1u << (JPEG_HUFFMAN_AC + (numbers & 15)) : 0;
	return w->arithmetic ? 0 : dc | ac;
}

/* B.2.3: the number of components, two bytes for each, three bytes more (which cameras fill wrongly: read in a
 * progressive file alone). */
static enum probe_result read_scan(struct jpeg_reader *w, struct str data, struct probe *out)
{
	assert(w->n_components <= COMPONENTS_MAX);
	uint32_t used = 0, blocks = 0, huffman = 0;
	if (w->n_components == 0)
		return probe_bad(out, "its data come before its frame header");
	if (data.n < 1 || byte_at(data, 0) == 0 || data.n != 4 + 2 * (size_t)byte_at(data, 0))
		return probe_bad(out, "its scan header has a wrong length");
	uint32_t n = byte_at(data, 0), bits = byte_at(data, data.n - 1);
	struct progression p = { byte_at(data, data.n - 3), byte_at(data, data.n - 2), bits >> 4, bits & 15 };
	if (w->progressive && !is_progressive(&p, n))
		return probe_bad(out, "a scan's progressive parameters are wrong");
	for (uint32_t i = 0; i < n; i++) {
		const struct component *c = find_component(w, byte_at(data, 1 + 2 * (size_t)i), i, &used);
		if (c == NULL)
			return probe_bad(out, "a scan's colour components are not those of the frame header, in its order");
		if (c->table >= TABLES || (w->tables & 1u << c->table) == 0)
			return probe_bad(out, "a quantisation table is missing");
		blocks += c->across * c->down;
		huffman |= huffman_used(w, &p, byte_at(data, 2 + 2 * (size_t)i));
	}
	if (n > 1 && blocks > BLOCKS_MAX)
		return probe_bad(out, "its sampling factors are too large together");
	if (huffman & ~(w->huffman.defined | (w->progressive ? 0 : HUFFMAN_DEFAULT)))
		return probe_bad(out, "a Huffman table is missing");
	if (huffman & w->huffman.broken)
		return probe_bad(out, "a Huffman table is broken");
	w->several |= !w->scan && (w->progressive || n < w->n_components);
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
		return jpeg_huffman_valid(data, &w->huffman) ? PROBE_OK : probe_bad(out, "a Huffman table is broken");
	if (marker == DAC)
		return jpeg_conditioning_valid(data) ? PROBE_OK : probe_bad(out, "a table of arithmetic coding is broken");
	if (marker == DRI && data.n != 2)
		return probe_bad(out, "its restart interval has a wrong length");
	if (marker == DRI)
		w->restart = be16(data, 0) != 0;
	if (marker == APP1) {
		const struct str exif = { "Exif\0\0", 6 };
		if (w->scan || w->exif || !str_starts_with(data, exif))
			return PROBE_OK;
		out->orientation = exif_orientation(str_slice(data, exif.n, data.n));
		w->exif = true;
		return PROBE_OK;
	}
	if ((w->scan && !w->several) || jpeg_is_skipped(marker) || marker == DRI)
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
