/* JPEGs that are built to keep or to break one rule each. Whether browsers show them was seen in Chromium. */
#include "fake/pictures.h"
#include "unit.h"
#include <string.h>

#define SOI BYTES("\xff\xd8")
#define EOI BYTES("\xff\xd9")
#define DQT PICTURE_JPEG_TABLE
#define SOF PICTURE_JPEG_FRAME /* 16 x 8 */
#define DHT PICTURE_JPEG_HUFFMAN
#define SOS PICTURE_JPEG_SCAN
#define DATA BYTES("\x0f")
#define HEAD JOIN(SOI, DQT, SOF, DHT)
#define GOOD JOIN(HEAD, SOS, DATA, EOI)

/* A copy with one byte changed. */
static struct str changed(struct str s, size_t at, unsigned value)
{
	char *p = arena_alloc(picture_arena, s.n);
	memcpy(p, s.p, s.n);
	p[at] = (char)value;
	return (struct str){ p, s.n };
}

static struct str segment(unsigned marker, struct str data)
{
	char head[4] = { '\xff', (char)marker, (char)((data.n + 2) >> 8), (char)(data.n + 2) };
	return JOIN(((struct str){ head, 4 }), data);
}

/* n components with ids 1..n and the same factors, of table 0; and a scan of the first m. */
static struct str frame_of(unsigned n, unsigned factors)
{
	char data[6 + 3 * 16] = { 8, 0, 8, 0, 16, (char)n };
	for (unsigned i = 0; i < n; i++) {
		data[6 + 3 * i] = (char)(i + 1);
		data[7 + 3 * i] = (char)factors;
	}
	return segment(0xc0, (struct str){ data, 6 + 3 * n });
}

static struct str scan_of(const char *ids)
{
	char data[16] = { (char)strlen(ids) };
	size_t n = 1;
	for (; *ids != '\0'; ids++, n += 2)
		data[n] = (char)(*ids - '0');
	data[n + 1] = 63;
	return JOIN(segment(0xda, (struct str){ data, n + 3 }), DATA);
}

/* A scan of component 1 without its data: the coefficients, and the bits before and after in four bits each. */
static struct str scan_from(unsigned first, unsigned last, unsigned bits)
{
	char data[6] = { 1, 1, 0, (char)first, (char)last, (char)bits };
	return segment(0xda, (struct str){ data, sizeof(data) });
}

static void test_jpeg_whole_then_size(void **state)
{
	assert_int_equal(GOOD.n, 141);
	struct probe got = accept_picture(GOOD);
	assert_int_equal(got.width, 16);
	assert_int_equal(got.height, 8);
	assert_int_equal(got.frames, 1);
	assert_int_equal(got.orientation, 0);
}

static void test_jpeg_cut_anywhere_then_refused_and_bytes_after_the_end_are_free(void **state)
{
	struct str several =
		JOIN(SOI, DQT, frame_of(3, 0x11), DHT, scan_of("1"), DHT, scan_of("2"), BYTES("\xff\xd0\x01\xff\xd7\x02"), scan_of("3"), EOI);
	for (size_t n = 3; n < GOOD.n; n++)
		refuse_picture(str_slice(GOOD, 0, n), "it ends too early");
	for (size_t n = 3; n < several.n; n++)
		refuse_picture(str_slice(several, 0, n), "it ends too early");
	accept_picture(several);
	accept_picture(JOIN(GOOD, BYTES("\xff")));
	accept_picture(JOIN(GOOD, BYTES("trailing\xff\xda"), GOOD));
	accept_picture(JOIN(GOOD, BYTES("\0\0\0\0")));
}

static void test_jpeg_data_with_escapes_restarts_fill_and_segments_then_its_end_is_found(void **state)
{
	static const struct str data[] = { { "\x01\xff\x00\x02", 4 }, { "\xff\x00", 2 }, { "\xff\xd0\x01", 3 },
		{ "\x01\xff\xd0\xff\xd7\x01", 6 }, { "\x01\xff\xff\xff\xff", 5 }, { "\x01\xff\xff\x00\x01", 5 }, { "\x01\xff\xff\xd0\x01", 5 },
		{ "\x01\xff\x01\x02", 4 }, { "\x01\xff\xdc\x00\x04\x00\x08", 7 }, /* DNL */
		{ "\x01\xff\xfe\x00\x06\xff\xd9\xff\xd9", 9 },                    /* the marker of the end inside a comment */
		{ "\x01\xff\xe1\x00\x00", 5 }, { "\x01\xff\x02\x00\x04hi", 7 },   /* an unknown segment where a picture already exists */
		{ "\x01\xff\xc0\x00\x04hi", 7 } };
	for (size_t i = 0; i < COUNT_OF(data); i++) {
		accept_picture(JOIN(HEAD, SOS, data[i], EOI));
		refuse_picture(JOIN(HEAD, SOS, data[i]), "it ends too early");
	}
	refuse_picture(JOIN(HEAD, SOS, DATA, BYTES("\xff\xfe\x00\x06\xff\xd9\xff\xd9")), "it ends too early");
	refuse_picture(JOIN(HEAD, SOS, DATA, BYTES("\xff\x00\xd9")), "it ends too early");
	refuse_picture(JOIN(HEAD, SOS, DATA, GOOD), "another image begins before it ends");
}

static void test_jpeg_of_long_runs_of_ff_then_read_in_time(void **state)
{
	size_t n = (size_t)4 << 20;
	char *run = arena_alloc(picture_arena, n);
	memset(run, 0xff, n);
	struct str all = { run, n };
	memcpy(run, GOOD.p, GOOD.n - 2);
	refuse_picture(all, "it ends too early");
	memcpy(run + n - 2, "\xff\xd9", 2);
	accept_picture(all);
}

static void test_jpeg_scan_without_data_then_bad(void **state)
{
	const char *none = "a scan has no data";
	refuse_picture(JOIN(HEAD, SOS, EOI), none);
	refuse_picture(JOIN(HEAD, SOS, BYTES("\xff\xd0\xff\xff"), EOI), none);
	struct str empty = str_slice(scan_of("2"), 0, 10);
	refuse_picture(JOIN(SOI, DQT, frame_of(3, 0x11), DHT, scan_of("1"), empty, scan_of("3"), EOI), none);
}

static void test_jpeg_of_each_frame_kind_then_only_those_that_browsers_show(void **state)
{
	for (unsigned marker = 0xc0; marker <= 0xcf; marker++) {
		bool progressive = marker == 0xc2 || marker == 0xca;
		struct str picture = changed(JOIN(HEAD, progressive ? scan_from(0, 0, 0) : SOS, DATA, EOI), 2 + DQT.n + 1, marker);
		if (marker == 0xc4 || marker == 0xc8 || marker == 0xcc)
			continue;
		if (marker <= 0xc2 || marker == 0xc9 || marker == 0xca)
			assert_int_equal(accept_picture(picture).height, 8);
		else
			refuse_picture(picture, "it is lossless or hierarchical, which browsers do not show");
	}
	refuse_picture(JOIN(SOI, DQT, DHT, SOS, DATA, EOI), "its data come before its frame header");
}

static void test_jpeg_of_each_precision_components_and_factors_then_only_those_that_browsers_show(void **state)
{
	for (unsigned bits = 0; bits <= 255; bits++)
		if (bits != 8)
			refuse_picture(changed(GOOD, 2 + DQT.n + 4, bits), "its samples do not have 8 bits, and browsers show no others");
	for (unsigned n = 1; n <= 10; n++) {
		struct str picture = JOIN(SOI, DQT, frame_of(n, 0x11), DHT, scan_of("1"), EOI);
		if (n == 1 || n == 3 || n == 4)
			accept_picture(picture);
		else
			refuse_picture(picture, "it does not have 1, 3 or 4 colour components");
	}
	for (unsigned factors = 0; factors <= 255; factors++) {
		struct str picture = JOIN(SOI, DQT, frame_of(1, factors), DHT, scan_of("1"), EOI);
		if ((factors >> 4) - 1 < 4 && (factors & 15) - 1 < 4)
			accept_picture(picture);
		else
			refuse_picture(picture, "its sampling factors are not between 1 and 4");
	}
	accept_picture(JOIN(SOI, DQT, frame_of(3, 0x31), DHT, scan_of("123"), EOI));
	accept_picture(JOIN(SOI, DQT, frame_of(3, 0x44), DHT, scan_of("1"), scan_of("2"), scan_of("3"), EOI));
	refuse_picture(JOIN(SOI, DQT, frame_of(3, 0x22), DHT, scan_of("123"), EOI), "its sampling factors are too large together");
}

static void test_jpeg_scan_of_components_then_they_must_be_those_of_the_frame(void **state)
{
	const char *foreign = "a scan's colour components are not those of the frame header, in its order";
	refuse_picture(JOIN(HEAD, scan_of("2"), EOI), foreign);
	refuse_picture(JOIN(HEAD, scan_of("0"), EOI), foreign);
	refuse_picture(JOIN(HEAD, scan_of("11"), EOI), foreign);
	refuse_picture(JOIN(HEAD, scan_of("1"), scan_of("2"), EOI), foreign);
	accept_picture(JOIN(SOI, DQT, frame_of(3, 0x11), DHT, scan_of("13"), scan_of("2"), EOI));
	accept_picture(JOIN(SOI, DQT, frame_of(3, 0x11), DHT, scan_of("32"), scan_of("1"), EOI)); /* wrong, but libjpeg shows it */
	refuse_picture(JOIN(SOI, DQT, frame_of(3, 0x11), DHT, scan_of("312"), EOI), foreign);
	refuse_picture(JOIN(SOI, DQT, frame_of(3, 0x11), DHT, scan_of("121"), EOI), foreign);
	refuse_picture(JOIN(SOI, DQT, frame_of(3, 0x11), DHT, scan_of("22"), EOI), foreign);
	refuse_picture(JOIN(SOI, DQT, frame_of(4, 0x11), DHT, scan_of("12345"), EOI), foreign);
}

static void test_jpeg_tables_then_quantisation_is_there_and_huffman_may_be_missing(void **state)
{
	const char *missing = "a quantisation table is missing", *broken = "a quantisation table is broken",
			   *huffman = "a Huffman table is broken";
	struct str table = str_slice(DQT, 4, DQT.n), rest = JOIN(SOF, DHT, SOS, DATA, EOI);
	accept_picture(JOIN(SOI, DQT, SOF, SOS, DATA, EOI));
	accept_picture(JOIN(SOI, SOF, DQT, SOS, DATA, EOI));
	accept_picture(JOIN(SOI, segment(0xdb, JOIN(table, changed(table, 0, 3))), rest));
	accept_picture(JOIN(SOI, segment(0xdb, JOIN(changed(table, 0, 0x10), str_slice(table, 1, 65))), rest));
	accept_picture(JOIN(SOI, segment(0xdb, BYTES("")), DQT, segment(0xc4, BYTES("")), rest));
	refuse_picture(JOIN(SOI, rest), missing);
	refuse_picture(JOIN(SOI, SOF, SOS, DATA, DQT, EOI), missing);
	refuse_picture(JOIN(SOI, segment(0xdb, changed(table, 0, 1)), rest), missing);
	refuse_picture(JOIN(SOI, DQT, changed(SOF, 12, 1), SOS, DATA, EOI), missing);
	refuse_picture(JOIN(SOI, DQT, changed(SOF, 12, 200), SOS, DATA, EOI), missing);
	refuse_picture(JOIN(SOI, segment(0xdb, str_slice(table, 0, 64)), rest), broken);
	refuse_picture(JOIN(SOI, segment(0xdb, JOIN(table, BYTES("\0"))), rest), broken);
	refuse_picture(JOIN(SOI, DQT, segment(0xdb, changed(table, 0, 4)), rest), broken);
	refuse_picture(JOIN(SOI, DQT, segment(0xdb, changed(table, 0, 0x10)), rest), broken);
	refuse_picture(JOIN(SOI, DQT, segment(0xc4, BYTES("\0\1" ZEROS15)), rest), huffman);
	refuse_picture(JOIN(SOI, DQT, segment(0xc4, BYTES("\0\1" ZEROS15 "\0\0")), rest), huffman);
	refuse_picture(JOIN(SOI, DQT, segment(0xc4, BYTES("\4\1" ZEROS15 "\0")), rest), huffman);
	refuse_picture(JOIN(SOI, DQT, segment(0xc4, BYTES("\x20\1" ZEROS15 "\0")), rest), huffman);
	refuse_picture(JOIN(SOI, DQT, segment(0xc4, BYTES("\0\xff" ZEROS15 "\0")), rest), huffman);
}

/* A table of a class and number with these numbers of codes, all for the same symbol. */
static struct str huffman_of(unsigned table, const char *counts, unsigned symbol)
{
	char data[17 + 256] = { (char)table };
	size_t n = 17;
	for (size_t i = 0; counts[i] != '\0'; i++) {
		data[1 + i] = (char)(counts[i] - '0');
		for (unsigned code = 0; code < (unsigned)(counts[i] - '0'); code++)
			data[n++] = (char)symbol;
	}
	return segment(0xc4, (struct str){ data, n });
}

/* SOF2, SOF9, SOF10 instead of SOF0. */
static struct str frame_as(unsigned marker)
{
	return changed(SOF, 1, marker);
}

/* libjpeg fills tables 0 and 1 of a sequential file with those of T.81 K.3. */
static void test_jpeg_huffman_tables_that_scans_use_then_they_must_be_defined(void **state)
{
	const char *missing = "a Huffman table is missing";
	struct str begin = JOIN(SOI, DQT, SOF), dc = huffman_of(0, "1", 0), ac = huffman_of(0x10, "1", 0);
	struct str rest = JOIN(DATA, EOI);
	accept_picture(JOIN(begin, changed(SOS, 6, 0x11), rest));
	accept_picture(JOIN(begin, dc, changed(SOS, 6, 0x10), rest));
	for (unsigned number = 2; number < 16; number++) {
		refuse_picture(JOIN(begin, changed(SOS, 6, number), rest), missing);
		refuse_picture(JOIN(begin, changed(SOS, 6, number << 4), rest), missing);
	}
	accept_picture(JOIN(begin, huffman_of(3, "1", 0), huffman_of(0x12, "1", 0), changed(SOS, 6, 0x32), rest));
	refuse_picture(JOIN(begin, huffman_of(3, "1", 0), huffman_of(0x12, "1", 0), changed(SOS, 6, 0x23), rest), missing);
	refuse_picture(JOIN(begin, changed(SOS, 6, 0x22), DATA, huffman_of(2, "1", 0), huffman_of(0x12, "1", 0), EOI), missing);
	for (unsigned arithmetic = 0; arithmetic <= 8; arithmetic += 8) {
		struct str progressive = JOIN(SOI, DQT, frame_as(0xc2 + arithmetic));
		struct str dc_scan = JOIN(scan_from(0, 0, 0), DATA), refined = JOIN(scan_from(0, 0, 0x21), DATA);
		struct str ac_scan = JOIN(scan_from(1, 63, 0), DATA);
		accept_picture(JOIN(progressive, dc, dc_scan, ac, ac_scan, EOI));
		accept_picture(JOIN(progressive, refined, EOI)); /* a bit is not coded */
		struct str incomplete[] = { JOIN(progressive, dc_scan, EOI), JOIN(progressive, ac, dc_scan, EOI),
			JOIN(progressive, dc, ac_scan, EOI), JOIN(progressive, dc, dc_scan, ac_scan, ac, EOI) };
		for (size_t i = 0; i < COUNT_OF(incomplete); i++)
			if (arithmetic != 0)
				accept_picture(incomplete[i]);
			else
				refuse_picture(incomplete[i], missing);
	}
	accept_picture(JOIN(SOI, DQT, frame_as(0xc9), changed(SOS, 6, 0xff), rest));
}

/* Over-subscribed, a code of ones alone, a DC symbol that is no size: none of them counts unless a scan uses the table. */
static void test_jpeg_huffman_table_that_is_no_code_then_bad_where_a_scan_uses_it(void **state)
{
	static const char *const codes[] = { "01", "03", "111", "1111111111111111", "022", "0111111111111111", "0" };
	static const char *const no_codes[] = { "2", "3", "04", "12", "032", "113", "1111111111111112" };
	const char *huffman = "a Huffman table is broken";
	struct str begin = JOIN(SOI, DQT, SOF), rest = JOIN(SOS, DATA, EOI), wrong = huffman_of(0, "2", 0);
	for (size_t i = 0; i < COUNT_OF(codes); i++)
		accept_picture(JOIN(begin, huffman_of(0, codes[i], 15), huffman_of(0x10, codes[i], 255), rest));
	for (size_t i = 0; i < COUNT_OF(no_codes); i++) {
		refuse_picture(JOIN(begin, huffman_of(0, no_codes[i], 0), rest), huffman);
		refuse_picture(JOIN(begin, huffman_of(0x10, no_codes[i], 0), rest), huffman);
	}
	refuse_picture(JOIN(begin, huffman_of(0, "1", 16), rest), huffman);
	accept_picture(JOIN(begin, wrong, huffman_of(0, "1", 0), rest));
	refuse_picture(JOIN(begin, huffman_of(0, "1", 0), wrong, rest), huffman);
	accept_picture(JOIN(begin, huffman_of(1, "2", 0), huffman_of(0x13, "2", 0), rest));
	accept_picture(JOIN(SOI, DQT, frame_as(0xc9), wrong, rest));
	accept_picture(JOIN(SOI, DQT, frame_as(0xc2), wrong, huffman_of(0x10, "1", 0), scan_from(1, 63, 0), DATA, EOI));
	refuse_picture(
		JOIN(SOI, DQT, frame_as(0xc2), huffman_of(0, "1", 0), scan_from(0, 0, 0), DATA, wrong, scan_from(0, 0, 0), DATA, EOI), huffman);
}

static bool is_progression_of_one(unsigned first, unsigned last, unsigned before, unsigned after)
{
	bool band = first == 0 ? last == 0 : first <= last && last <= 63;
	return band && after <= 13 && (before == 0 || after + 1 == before);
}

static void test_jpeg_progressive_parameters_then_only_those_of_the_format(void **state)
{
	static const unsigned edges[] = { 0, 1, 2, 62, 63, 64, 255 };
	const char *wrong = "a scan's progressive parameters are wrong";
	for (unsigned marker = 0xc2; marker <= 0xca; marker += 8)
		for (size_t i = 0; i < 49; i++)
			for (unsigned bits = 0; bits < 256; bits++) {
				unsigned first = edges[i / 7], last = edges[i % 7];
				struct str picture = JOIN(SOI, DQT, frame_as(marker), DHT, scan_from(first, last, bits), DATA, EOI);
				if (is_progression_of_one(first, last, bits >> 4, bits & 15))
					accept_picture(picture);
				else
					refuse_picture(picture, wrong);
			}
	struct str frame = changed(frame_of(3, 0x11), 1, 0xc2), both = JOIN(str_slice(scan_of("12"), 0, 9), BYTES("\0\0\0"), DATA);
	accept_picture(JOIN(SOI, DQT, frame, DHT, both, EOI));
	refuse_picture(JOIN(SOI, DQT, frame, DHT, changed(changed(both, 9, 1), 10, 5), EOI), wrong);
	accept_picture(JOIN(HEAD, scan_from(5, 70, 0xff), DATA, EOI)); /* as cameras write: not read in a sequential file */
}

static void test_jpeg_sampling_then_each_component_divides_the_largest(void **state)
{
	for (unsigned n = 0; n < 16 * 16; n++) {
		unsigned a = n / 64 + 1, b = n / 16 % 4 + 1, c = n / 4 % 4 + 1, d = n % 4 + 1;
		struct str frame = changed(changed(frame_of(3, 0x11), 11, a << 4 | b), 14, c << 4 | d);
		struct str picture = JOIN(SOI, DQT, frame, DHT, scan_of("1"), scan_of("2"), scan_of("3"), EOI);
		unsigned across = a > c ? a : c, down = b > d ? b : d;
		if (across % a == 0 && across % c == 0 && down % b == 0 && down % d == 0)
			accept_picture(picture);
		else
			refuse_picture(picture, "its sampling factors do not divide the largest one");
	}
}

static void test_jpeg_arithmetic_conditioning_then_bounds_in_order_of_known_tables(void **state)
{
	const char *broken = "a table of arithmetic coding is broken";
	struct str begin = JOIN(SOI, DQT, frame_as(0xc9)), rest = JOIN(SOS, DATA, EOI);
	accept_picture(JOIN(begin, segment(0xcc, BYTES("\x00\x10\x0f\x33\x10\x05\x1f\xff")), rest));
	accept_picture(JOIN(begin, segment(0xcc, BYTES("")), rest));
	refuse_picture(JOIN(begin, segment(0xcc, BYTES("\x00\x01")), rest), broken);
	refuse_picture(JOIN(begin, segment(0xcc, BYTES("\x20\x10")), rest), broken);
	refuse_picture(JOIN(begin, segment(0xcc, BYTES("\x00\x10\x10")), rest), broken);
}

/* A file of several scans is read to its end before it is shown, one of a single scan as its data come. */
static void test_jpeg_foreign_segment_after_the_first_scan_then_bad_where_more_scans_follow(void **state)
{
	const char *unknown = "it has a segment of an unknown kind";
	struct str begin = JOIN(SOI, DQT, frame_of(3, 0x11), DHT), foreign = segment(0xf0, BYTES("hi")), reserved = segment(0x02, BYTES("hi"));
	struct str restarts = segment(0xdd, BYTES("\0\1")), more = JOIN(scan_of("2"), scan_of("3"), EOI);
	accept_picture(JOIN(begin, scan_of("123"), foreign, reserved, EOI));
	accept_picture(JOIN(begin, scan_of("1"), segment(0xdc, BYTES("hi")), segment(0xe5, BYTES("hi")), more));
	refuse_picture(JOIN(begin, scan_of("1"), foreign, more), unknown);
	refuse_picture(JOIN(begin, scan_of("1"), reserved, more), unknown);
	refuse_picture(JOIN(begin, scan_of("1"), frame_of(3, 0x11), more), "it has two frame headers");
	/* between restarts decoders skip a reserved marker, which has no length then */
	accept_picture(JOIN(begin, restarts, scan_of("1"), BYTES("\xff\x02\xff\xd0\x01"), more));
	refuse_picture(JOIN(begin, restarts, scan_of("1"), foreign, more), unknown);
	refuse_picture(JOIN(begin, restarts, segment(0xdd, BYTES("\0\0")), scan_of("1"), reserved, more), unknown);
}

static void test_jpeg_segments_of_length_0_or_1_then_only_free_ones_are_accepted(void **state)
{
	struct str rest = str_slice(GOOD, 2, GOOD.n);
	assert_int_equal(JOIN(SOI, BYTES("\xff\xfe\x00\x00"), rest).n, 145);
	for (unsigned marker = 0xc0; marker <= 0xfe; marker++)
		for (unsigned length = 0; length <= 1; length++) {
			char bytes[4] = { '\xff', (char)marker, 0, (char)length };
			struct str picture = JOIN(SOI, ((struct str){ bytes, 4 }), rest);
			if (marker >= 0xd0 && marker <= 0xd9)
				continue;
			if ((marker >= 0xe0 && marker <= 0xef) || marker == 0xfe || marker == 0xdc)
				assert_int_equal(accept_picture(picture).width, 16);
			else
				refuse_picture(picture, "a segment is shorter than its length field");
		}
}

static void test_jpeg_with_segments_of_an_unknown_kind_before_the_data_then_bad(void **state)
{
	struct str rest = str_slice(GOOD, 2, GOOD.n);
	for (unsigned marker = 2; marker <= 0xfd; marker++)
		if (marker < 0xc0 || marker == 0xc8 || marker == 0xde || marker == 0xdf || marker >= 0xf0)
			refuse_picture(JOIN(SOI, segment(marker, BYTES("hi")), rest), "it has a segment of an unknown kind");
	accept_picture(JOIN(SOI, segment(0xcc, BYTES("\x00\x10")), segment(0xdc, BYTES("hi")), segment(0xdd, BYTES("hi")), rest));
	refuse_picture(JOIN(SOI, segment(0xdd, BYTES("hi!")), rest), "its restart interval has a wrong length");
}

static void test_jpeg_with_fill_bytes_and_stray_bytes_between_segments_then_accepted(void **state)
{
	accept_picture(JOIN(SOI, BYTES("\xff\xff\xff\xfe\x00\x04hi"), BYTES("stray\xff\x00\xff\xd0\xff\xd7\xff\x01"), BYTES("\xff\xff"),
		str_slice(GOOD, 2, GOOD.n)));
}

static void test_jpeg_with_large_segments_before_the_frame_then_accepted(void **state)
{
	char *app = arena_alloc(picture_arena, 65537);
	memset(app, 0, 65537);
	memcpy(app, "\xff\xe2\xff\xff", 4);
	struct str large = { app, 65537 };
	accept_picture(JOIN(SOI, large, large, large, str_slice(GOOD, 2, GOOD.n)));
}

static void test_jpeg_that_breaks_a_rule_then_bad_and_why(void **state)
{
	const char *frame = "its frame header has a wrong length";
	struct str begin = JOIN(SOI, DQT), rest = JOIN(DHT, SOS, DATA, EOI);
	refuse_picture(JOIN(begin, BYTES("\xff\xc0\x00\x0b\x08\x00\x10\x00\x00\x01\x01\x11\x00"), rest), "its width is 0");
	refuse_picture(JOIN(begin, BYTES("\xff\xc0\x00\x0b\x08\x00\x00\x00\x20\x01\x01\x11\x00"), rest), "its height is 0");
	refuse_picture(
		JOIN(begin, BYTES("\xff\xc0\x00\x0b\x08\x00\x00\x00\x20\x01\x01\x11\x00"), DHT, SOS, DATA, BYTES("\xff\xdc\x00\x04\x00\x08"), EOI),
		"its height is 0");
	refuse_picture(picture_jpeg(65501, 1), "its width or height is over 65500");
	refuse_picture(picture_jpeg(1, 65535), "its width or height is over 65500");
	assert_int_equal(accept_picture(picture_jpeg(65500, 65500)).height, 65500);
	refuse_picture(JOIN(begin, BYTES("\xff\xc0\x00\x0b\x08\x00\x10\x00\x20\x02\x01\x11\x00"), rest), frame);
	refuse_picture(JOIN(begin, BYTES("\xff\xc0\x00\x08\x08\x00\x10\x00\x20\x00"), rest), frame);
	refuse_picture(JOIN(begin, BYTES("\xff\xc0\x00\x02"), rest), frame);
	refuse_picture(JOIN(begin, SOF, SOF, rest), "it has two frame headers");
	refuse_picture(JOIN(HEAD, BYTES("\xff\xda\x00\x03\x01")), "its scan header has a wrong length");
	refuse_picture(JOIN(HEAD, segment(0xda, BYTES("\0\0\x3f\0")), DATA, EOI), "its scan header has a wrong length");
	refuse_picture(JOIN(HEAD, EOI), "it has no image data before its end");
	refuse_picture(JOIN(SOI, GOOD), "another image begins before it ends");
	refuse_picture(JOIN(SOI, BYTES("\xff\xe0")), "it ends too early");
}

static struct str app1(struct str tiff)
{
	return segment(0xe1, JOIN(BYTES("Exif\0\0"), tiff));
}

static uint32_t orientation_of(struct str tiff)
{
	return accept_picture(JOIN(SOI, app1(tiff), str_slice(GOOD, 2, GOOD.n))).orientation;
}

static void test_jpeg_exif_in_both_byte_orders_then_orientation(void **state)
{
	assert_int_equal(orientation_of(BYTES("MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0")), 6);
	assert_int_equal(orientation_of(BYTES("II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x08\0\0\0\0\0\0\0")), 8);
	assert_int_equal(orientation_of(BYTES("MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x01\0\0")), 1);
	/* after another entry, and a directory that stands further back */
	assert_int_equal(orientation_of(BYTES("MM\0*\0\0\0\x0aXX\0\x02\x01\x0f\0\x02\0\0\0\x01"
										  "ab\0\0\x01\x12\0\x03\0\0\0\x01\0\x03\0\0")),
		3);
}

static void test_jpeg_exif_that_is_wrong_then_no_orientation_and_accepted(void **state)
{
	static const struct str wrong[] = {
		{ "", 0 }, { "MM\0*", 4 }, { "XX\0*\0\0\0\x08\0\0", 10 }, { "MM\0*\xff\xff\xff\xff\0\x01", 10 }, { "MM\0*\0\0\0\x04\0\x01", 10 },
		{ "MM\0*\0\0\0\x08\xff\xff", 10 }, { "MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0", 19 }, /* the entry is cut */
		{ "MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x00\0\0", 22 },                            /* 0 */
		{ "MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x09\0\0", 22 },                            /* 9 */
		{ "MM\0*\0\0\0\x08\0\x01\x01\x12\0\x04\0\0\0\x01\0\x06\0\0", 22 },                            /* a LONG */
		{ "MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x02\0\x06\0\0", 22 },                            /* two of them */
		{ "MM\0*\0\0\0\x08\0\x00\x01\x12\0\x03\0\0\0\x01\0\x06\0\0", 22 },                            /* after the last entry */
	};
	for (size_t i = 0; i < COUNT_OF(wrong); i++)
		assert_int_equal(orientation_of(wrong[i]), 0);
}

/* As browsers do: the first one, if it comes before the image data. */
static void test_jpeg_exif_in_several_places_then_the_first_before_the_data(void **state)
{
	struct str six = app1(BYTES("MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0"));
	struct str eight = app1(BYTES("MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x08\0\0\0\0\0\0"));
	assert_int_equal(accept_picture(JOIN(HEAD, six, SOS, DATA, EOI)).orientation, 6);
	assert_int_equal(accept_picture(JOIN(SOI, six, str_slice(HEAD, 2, HEAD.n), eight, SOS, DATA, EOI)).orientation, 6);
	assert_int_equal(accept_picture(JOIN(SOI, eight, six, str_slice(GOOD, 2, GOOD.n))).orientation, 8);
	assert_int_equal(accept_picture(JOIN(HEAD, SOS, DATA, six, EOI)).orientation, 0);
	assert_int_equal(accept_picture(JOIN(GOOD, six)).orientation, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_jpeg_whole_then_size),
		cmocka_unit_test(test_jpeg_cut_anywhere_then_refused_and_bytes_after_the_end_are_free),
		cmocka_unit_test(test_jpeg_data_with_escapes_restarts_fill_and_segments_then_its_end_is_found),
		cmocka_unit_test(test_jpeg_of_long_runs_of_ff_then_read_in_time),
		cmocka_unit_test(test_jpeg_scan_without_data_then_bad),
		cmocka_unit_test(test_jpeg_of_each_frame_kind_then_only_those_that_browsers_show),
		cmocka_unit_test(test_jpeg_of_each_precision_components_and_factors_then_only_those_that_browsers_show),
		cmocka_unit_test(test_jpeg_scan_of_components_then_they_must_be_those_of_the_frame),
		cmocka_unit_test(test_jpeg_tables_then_quantisation_is_there_and_huffman_may_be_missing),
		cmocka_unit_test(test_jpeg_huffman_tables_that_scans_use_then_they_must_be_defined),
		cmocka_unit_test(test_jpeg_huffman_table_that_is_no_code_then_bad_where_a_scan_uses_it),
		cmocka_unit_test(test_jpeg_progressive_parameters_then_only_those_of_the_format),
		cmocka_unit_test(test_jpeg_sampling_then_each_component_divides_the_largest),
		cmocka_unit_test(test_jpeg_arithmetic_conditioning_then_bounds_in_order_of_known_tables),
		cmocka_unit_test(test_jpeg_foreign_segment_after_the_first_scan_then_bad_where_more_scans_follow),
		cmocka_unit_test(test_jpeg_segments_of_length_0_or_1_then_only_free_ones_are_accepted),
		cmocka_unit_test(test_jpeg_with_segments_of_an_unknown_kind_before_the_data_then_bad),
		cmocka_unit_test(test_jpeg_with_fill_bytes_and_stray_bytes_between_segments_then_accepted),
		cmocka_unit_test(test_jpeg_with_large_segments_before_the_frame_then_accepted),
		cmocka_unit_test(test_jpeg_that_breaks_a_rule_then_bad_and_why),
		cmocka_unit_test(test_jpeg_exif_in_both_byte_orders_then_orientation),
		cmocka_unit_test(test_jpeg_exif_that_is_wrong_then_no_orientation_and_accepted),
		cmocka_unit_test(test_jpeg_exif_in_several_places_then_the_first_before_the_data),
	};
	return cmocka_run_group_tests_name("probe_jpeg", tests, picture_set_up, picture_tear_down);
}
