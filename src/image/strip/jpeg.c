/* JPEG: between segments, look for the next marker; hold each segment and keep, rewrite or remove it; let the data of scans
 * pass up to the next marker. A segment that a decoder needs is first checked by the probe's rules, so that one with a
 * damaged length does not include the metadata after it.
 * Source: ITU T.81 B.1.1 (markers, fill bytes), B.2; JFIF 1.02; EXIF 2.3, 4.5.4; Adobe TN 5116 (APP14); ICC.1 B.4 (APP2). */
#include "image/strip/formats.h"

#include <string.h>

#define HEAD_BYTES 4   /* ff, marker, length */
#define PREFIX_MAX 36  /* of the names below */
#define LENGTH_BYTES 2 /* of the length itself, which it counts */
#define FRAME_BYTES 6  /* and three for each component */
#define COMPONENTS_MAX 4
#define JFIF_BYTES 14
#define ADOBE_BYTES 12
#define PROFILE_HEAD_BYTES 14 /* name, number of this segment, how many there are */

static const struct str EMPTY_COMMENT = { "\xff\xfe\x00\x02", HEAD_BYTES };
static const struct str EXIF_NAME = { "Exif\0\0", 6 };

static struct str segment_content(struct str held)
{
	return str_slice(held, HEAD_BYTES, held.n);
}

/* A segment with n bytes of content, of which only the head is written. */
static struct str insert_head(struct strip *s, uint32_t marker, size_t n)
{
	assert(n <= UINT16_MAX - LENGTH_BYTES);
	char head[HEAD_BYTES] = { '\xff', (char)marker, (char)((n + LENGTH_BYTES) >> 8), (char)(n + LENGTH_BYTES) };
	return strip_insert(s, 0, (struct str){ head, HEAD_BYTES });
}

/* Without the thumbnail, whose width and height become 0. */
static void keep_jfif(struct strip *s, struct str held, struct str *out)
{
	if (held.n < HEAD_BYTES + JFIF_BYTES)
		return;
	insert_head(s, APP0, JFIF_BYTES);
	strip_insert(s, HEAD_BYTES, str_slice(held, HEAD_BYTES, HEAD_BYTES + JFIF_BYTES - 2));
	*out = strip_insert(s, HEAD_BYTES + JFIF_BYTES - 2, (struct str){ "\0\0", 2 });
	if (held.n > HEAD_BYTES + JFIF_BYTES)
		s->result.removed |= STRIP_THUMBNAIL;
}

static void keep_adobe(struct strip *s, struct str held, struct str *out)
{
	if (held.n < HEAD_BYTES + ADOBE_BYTES)
		return;
	insert_head(s, APP14, ADOBE_BYTES);
	*out = strip_insert(s, HEAD_BYTES, str_slice(held, HEAD_BYTES, HEAD_BYTES + ADOBE_BYTES));
}

/* A profile begins with its length; bytes beyond it are not part of the profile and are removed. */
static void keep_profile(struct strip *s, struct str held, struct str *out)
{
	struct str content = segment_content(held);
	if (!has(content, 0, PROFILE_HEAD_BYTES))
		return;
	size_t n = content.n - PROFILE_HEAD_BYTES;
	if (byte_at(content, PROFILE_HEAD_BYTES - 2) == 1)
		s->jpeg.profile_left = n >= 4 ? be32(content, PROFILE_HEAD_BYTES) : 0;
	if (n > s->jpeg.profile_left) {
		assert(held.p == s->held.p);
		n = s->jpeg.profile_left;
		insert_head(s, APP2, PROFILE_HEAD_BYTES + n);
		memcpy(s->held.p, s->insert, HEAD_BYTES);
	}
	s->jpeg.profile_left -= (uint32_t)n;
	if (n > 0)
		*out = str_slice(held, 0, HEAD_BYTES + PROFILE_HEAD_BYTES + n);
}

/* Browsers apply the first one, if it is before the scans. */
static void read_exif(struct strip *s, struct str held, struct str *out)
{
	struct str tiff = str_slice(segment_content(held), EXIF_NAME.n, held.n);
	char minimal[EXIF_MINIMAL_BYTES];
	if (s->jpeg.scan || s->jpeg.exif)
		return;
	s->jpeg.exif = true;
	if (s->options.facts)
		exif_facts(tiff, &s->result.facts);
	if (exif_orientation(tiff) == 0)
		return;
	exif_minimal(exif_orientation(tiff), minimal);
	insert_head(s, APP1, EXIF_NAME.n + sizeof minimal);
	strip_insert(s, HEAD_BYTES, EXIF_NAME);
	*out = strip_insert(s, HEAD_BYTES + EXIF_NAME.n, (struct str){ minimal, sizeof minimal });
}

/* XMP declares the gain map or the video that is removed with it. */
static void read_xmp(struct strip *s, struct str held, struct str *out)
{
	static const struct {
		const char *word;
		enum strip_removed what;
	} words[] = {
		{ "hdrgm:", STRIP_GAIN_MAP },
		{ "HDRGainMap", STRIP_GAIN_MAP },
		{ "MotionPhoto=\"1", STRIP_VIDEO },
		{ "MotionPhoto>1", STRIP_VIDEO },
		{ "MicroVideo=\"1", STRIP_VIDEO },
	};
	(void)out;
	for (size_t i = 0; i < COUNT_OF(words); i++)
		if (str_find(held, str_of(words[i].word)) < held.n)
			s->result.removed |= words[i].what;
}

/* Segments whose content no decoder needs, by marker and the name that their content begins with. */
static const struct free_segment {
	uint32_t marker;
	struct str name;
	enum strip_removed what;                                          /* 0: it is kept */
	void (*treat)(struct strip *s, struct str held, struct str *out); /* writes what is kept of the segment; NULL: nothing */
} free_segments[] = {
	{ APP0, { "JFIF\0", 5 }, 0, keep_jfif },
	{ APP0, { "JFXX\0", 5 }, STRIP_THUMBNAIL, NULL },
	{ APP1, { "Exif\0\0", 6 }, STRIP_EXIF, read_exif },
	{ APP1, { "http://ns.adobe.com/xap/1.0/\0", 29 }, STRIP_XMP, read_xmp },
	{ APP1, { "http://ns.adobe.com/xmp/extension/\0", 35 }, STRIP_XMP, NULL },
	{ APP2, { "ICC_PROFILE\0", 12 }, 0, keep_profile },
	{ APP2, { "MPF\0", 4 }, STRIP_PICTURES, NULL },
	{ APP2, { "urn:iso:std:iso:ts:21496:-1\0", 28 }, STRIP_GAIN_MAP, NULL },
	{ APP13, { "", 0 }, STRIP_IPTC, NULL },
	{ APP14, { "Adobe", 5 }, 0, keep_adobe },
	{ COM, { "", 0 }, STRIP_COMMENT, NULL },
};

static const struct free_segment *find_free(uint32_t marker, struct str content)
{
	static const struct free_segment other = { 0, { "", 0 }, STRIP_OTHER, NULL };
	for (size_t i = 0; i < COUNT_OF(free_segments); i++)
		if (free_segments[i].marker == marker && str_starts_with(content, free_segments[i].name))
			return &free_segments[i];
	return &other;
}

/* total: the segment's bytes from its marker on */
static bool judge_free(struct strip *s, struct str held, size_t total, struct str *out)
{
	assert(held.n >= HEAD_BYTES && held.n <= total && jpeg_is_free(byte_at(held, 1)));
	size_t head = total < HEAD_BYTES + PREFIX_MAX ? total : HEAD_BYTES + PREFIX_MAX;
	const struct free_segment *f = find_free(byte_at(held, 1), segment_content(held));
	if (held.n < head || (f->treat != NULL && held.n < total)) {
		strip_hold(s, held.n < head ? head : total);
		return false;
	}
	if (f->treat != NULL)
		f->treat(s, held, out);
	if (!str_equal(*out, held) && (out->n == 0 || f->what != 0))
		s->result.removed |= f->what != 0 ? f->what : STRIP_OTHER;
	s->jpeg.gap = out->n == 0 && (s->jpeg.gap || s->jpeg.after_data);
	strip_drop(s, total - held.n);
	return true;
}

static bool frame_valid(struct str content)
{
	return has(content, 0, FRAME_BYTES) && byte_at(content, 5) <= COMPONENTS_MAX &&
		content.n == FRAME_BYTES + 3 * (size_t)byte_at(content, 5);
}

static bool scan_valid(struct str content)
{
	uint32_t n = content.n > 0 ? byte_at(content, 0) : 0;
	return n > 0 && n <= COMPONENTS_MAX && content.n == 4 + 2 * (size_t)n;
}

/* Whether the content has the form that the marker requires. false for an unknown marker */
static bool content_valid(uint32_t marker, struct str content)
{
	uint32_t tables = 0;
	struct jpeg_huffman huffman = { 0 };
	if (marker == DQT)
		return jpeg_quantisation_valid(content, &tables);
	if (marker == DHT)
		return jpeg_huffman_valid(content, &huffman);
	if (marker == SOS)
		return scan_valid(content);
	if (marker == DRI || marker == DNL)
		return content.n == 2;
	if (marker == DAC)
		return jpeg_conditioning_valid(content);
	return jpeg_is_frame(marker) && frame_valid(content);
}

/* Whether an invalid segment of this kind makes every decoder refuse the image, even after the first scan. */
static bool is_essential(uint32_t marker)
{
	return marker == DQT || marker == DHT || marker == DAC || marker == SOS || marker == DRI;
}

/* An invalid segment is written without its content; an essential one with one invalid byte, so that it is refused too. */
static bool judge_table(struct strip *s, struct str held, size_t total, struct str *out)
{
	assert(held.n >= HEAD_BYTES && held.n <= total);
	uint32_t marker = byte_at(held, 1);
	bool known = is_essential(marker) || marker == DNL || jpeg_is_frame(marker);
	if (known && held.n < total) {
		strip_hold(s, total);
		return false;
	}
	strip_drop(s, total - held.n);
	s->jpeg.gap = false;
	if (content_valid(marker, segment_content(held))) {
		s->jpeg.data = marker == SOS;
		s->jpeg.scan |= marker == SOS;
		if (marker == DRI)
			s->jpeg.restart = be16(held, HEAD_BYTES) != 0;
		*out = held;
	} else if (is_essential(marker)) {
		insert_head(s, marker, 1);
		*out = strip_insert(s, HEAD_BYTES, STR("\xff"));
		strip_break(s);
	} else {
		*out = insert_head(s, marker, 0);
	}
	return true;
}

/* First SOI and the ff of the next marker; then segments, from their ff on. */
static bool judge_jpeg(struct strip *s, struct str held, struct str *out)
{
	if (held.n < HEAD_BYTES) {
		s->jpeg.ff = s->jpeg.gap = true;
		*out = str_slice(held, 0, 2);
		strip_walk(s);
		return true;
	}
	uint32_t marker = byte_at(held, 1);
	size_t length = be16(held, 2);
	if (length < LENGTH_BYTES && !jpeg_is_skipped(marker)) {
		*out = strip_insert(s, 0, (struct str){ (char[]){ '\xff', (char)marker, 0, 0 }, HEAD_BYTES });
		strip_break(s);
		return true;
	}
	size_t total = HEAD_BYTES - LENGTH_BYTES + (length < LENGTH_BYTES ? LENGTH_BYTES : length);
	return jpeg_is_free(marker) ? judge_free(s, held, total, out) : judge_table(s, held, total, out);
}

/* How many bytes of a scan's data are at the front: up to the ff of a marker, or up to a last byte that is ff. */
static size_t data_bytes(struct str in, bool restarts)
{
	size_t at = 0;
	for (;;) {
		const char *ff = at < in.n ? memchr(in.p + at, 0xff, in.n - at) : NULL;
		if (ff == NULL)
			return in.n;
		at = (size_t)(ff - in.p);
		if (at + 1 == in.n)
			return at;
		if (in.p[at + 1] == '\xff') /* a fill byte */
			at++;
		else if (jpeg_is_alone((unsigned char)in.p[at + 1], restarts))
			at += 2;
		else
			return at;
	}
}

/* Bytes outside of segments: write as many, without their content. */
static struct str neutralise(struct str *in)
{
	static const char zeros[64], ones[64] = { [0 ... 63] = 1 };
	size_t n = 0;
	while (n < in->n && n < sizeof zeros && in->p[n] != '\xff' && (in->p[n] == 0) == (in->p[0] == 0))
		n++;
	struct str taken = strip_take(in, n);
	return (struct str){ n > 0 && taken.p[0] == 0 ? zeros : ones, n };
}

/* The byte after an ff. */
static void read_code(struct strip *s, struct str *in, struct str *out)
{
	struct strip_jpeg *j = &s->jpeg;
	char pair[2] = { '\xff', strip_take(in, 1).p[0] };
	uint32_t code = (unsigned char)pair[1];
	if (code == 0xff) {
		if (j->data)
			*out = STR("\xff");
		return;
	}
	j->ff = false;
	bool alone = jpeg_is_alone(code, j->scan && j->restart);
	if (alone || code == SOI || code == EOI) {
		struct str before = j->gap && alone ? strip_insert(s, 0, EMPTY_COMMENT) : STR("");
		*out = strip_insert(s, before.n, (struct str){ pair, sizeof pair });
		j->gap = false;
		if (code == EOI)
			strip_over(s);
		if (code == SOI)
			strip_break(s);
		return;
	}
	j->after_data = j->data;
	j->data = false;
	strip_hold_on(s, (struct str){ pair, sizeof pair }, HEAD_BYTES);
}

static void walk_jpeg(struct strip *s, struct str *in, struct str *out)
{
	struct strip_jpeg *j = &s->jpeg;
	assert(in->n > 0);
	if (j->ff) {
		read_code(s, in, out);
		return;
	}
	if (j->data) {
		*out = strip_take(in, data_bytes(*in, j->restart));
	} else if (j->gap && in->p[0] != '\xff') {
		*out = EMPTY_COMMENT;
		j->gap = false;
		return;
	} else {
		*out = neutralise(in);
	}
	if (in->n > 0 && in->p[0] == '\xff') {
		strip_take(in, 1);
		j->ff = true;
	}
}

static void next_jpeg(struct strip *s)
{
	strip_walk(s);
}

/* The marker is incomplete; or there is none yet, and the signature requires one. */
static struct str cut_jpeg(struct strip *s)
{
	return s->jpeg.ff || s->mode == STRIP_MODE_HOLD || s->result.stored_bytes == 2 ? STR("\xff") : (struct str){ 0 };
}

const struct strip_format strip_jpeg_format = { .judge = judge_jpeg, .walk = walk_jpeg, .next = next_jpeg, .cut = cut_jpeg };
