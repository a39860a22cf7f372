/* JPEG: walk the marker segments to the frame header (SOF), which has the size; on the way the first
 * EXIF segment tells the orientation. A whole file must also come to a scan (SOS). What stands
 * between segments and is no marker is passed over, as decoders do.
 * Source: ITU T.81 B.1.1 (markers, fill bytes), B.2.2 (frame header), B.2.3 (scan header). */
#include "image/probe_parts.h"

enum marker {
	TEM = 0x01, DHT = 0xc4, JPG = 0xc8, DAC = 0xcc, RST0 = 0xd0, RST7 = 0xd7, SOI = 0xd8, EOI = 0xd9, SOS = 0xda, APP1 = 0xe1,
};

struct segment {
	uint32_t marker;
	struct str data;     /* behind the length */
};

/* SOF0..SOF15: 0xc0..0xcf but for DHT, JPG and DAC, which are no frames. */
static bool is_frame(uint32_t marker)
{
	return (marker & 0xf0) == 0xc0 && marker != DHT && marker != JPG && marker != DAC;
}

static bool is_alone(uint32_t marker)
{
	return marker == TEM || (marker >= RST0 && marker <= RST7);
}

/* B.1.1.2: 0xff, any number of fill bytes 0xff, then a code that is neither 0x00 nor 0xff. */
static enum probe_result next_marker(struct str bytes, size_t *at, uint32_t *marker)
{
	for (; has(bytes, *at, 2); ++*at) {
		*marker = byte_at(bytes, *at + 1);
		if (byte_at(bytes, *at) == 0xff && *marker != 0xff && *marker != 0x00 && !is_alone(*marker))
			return PROBE_OK;
	}
	return PROBE_NEED_MORE;
}

static enum probe_result next_segment(struct str bytes, size_t *at, struct segment *out, struct probe *p)
{
	enum probe_result found = next_marker(bytes, at, &out->marker);
	if (found != PROBE_OK)
		return found;
	if (out->marker == SOI || out->marker == EOI)
		return probe_bad(p, "it has no image data before its end");
	*at += 2;
	if (!has(bytes, *at, 2))
		return PROBE_NEED_MORE;
	size_t length = be16(bytes, *at);
	if (length < 2)
		return probe_bad(p, "a segment is shorter than its length field");
	if (!has(bytes, *at, length))
		return PROBE_NEED_MORE;
	out->data = str_slice(bytes, *at + 2, *at + length);
	*at += length;
	return PROBE_OK;
}

/* B.2.2: precision, lines, samples per line, components, three bytes for each of them. */
static enum probe_result read_frame(struct str data, struct probe *out)
{
	if (out->width != 0)
		return probe_bad(out, "it has two frame headers before its data");
	if (data.n < 6 || byte_at(data, 5) == 0 || data.n != 6 + 3 * (size_t)byte_at(data, 5))
		return probe_bad(out, "its frame header has a wrong length");
	out->height = be16(data, 1);
	out->width = be16(data, 3);
	out->frames = 1;
	if (out->width == 0)
		return probe_bad(out, "its width is 0");
	if (out->height == 0)   /* told by DNL behind the first scan: allowed, never written, not decoded by browsers */
		return probe_bad(out, "its height is 0");
	return PROBE_OK;
}

/* B.2.3: the number of components, two bytes for each, three bytes more. */
static enum probe_result read_scan(struct str data, struct probe *out)
{
	if (out->width == 0)
		return probe_bad(out, "its data come before its frame header");
	if (data.n < 1 || data.n != 4 + 2 * (size_t)byte_at(data, 0))
		return probe_bad(out, "its scan header has a wrong length");
	return PROBE_OK;
}

enum probe_result probe_jpeg(struct str bytes, bool whole, struct probe *out)
{
	const struct str exif = { "Exif\0\0", 6 };
	struct segment s;
	size_t at = 2;
	bool exif_seen = false;
	for (;;) {
		enum probe_result result = next_segment(bytes, &at, &s, out);
		if (result != PROBE_OK)
			return result;
		if (s.marker == SOS)
			return read_scan(s.data, out);
		if (is_frame(s.marker)) {
			result = read_frame(s.data, out);
			if (result != PROBE_OK || !whole)
				return result;
			exif_seen = true;   /* a later one does not count: a prefix would not have seen it */
		}
		if (s.marker == APP1 && !exif_seen && str_starts_with(s.data, exif)) {
			out->orientation = exif_orientation(str_slice(s.data, exif.n, s.data.n));
			exif_seen = true;
		}
	}
}
