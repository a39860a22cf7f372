/* JPEGs of which each segment is kept, rewritten or removed, and broken ones. */
#include "fake/stripped.h"
#include "unit.h"

#include <string.h>

#define SOI BYTES("\xff\xd8")
#define EOI BYTES("\xff\xd9")
#define DQT PICTURE_JPEG_TABLE
#define SOF PICTURE_JPEG_FRAME /* 16 x 8 */
#define DHT PICTURE_JPEG_HUFFMAN
#define SOS PICTURE_JPEG_SCAN
#define DATA BYTES("\x0f\xff\x00\xff\xd0\x0f")
#define TABLES JOIN(DQT, SOF, DHT)
#define SCAN JOIN(SOS, DATA)
#define EXIF BYTES("Exif\0\0")
#define EMPTY_COMMENT BYTES("\xff\xfe\x00\x02")
#define JFIF BYTES("\xff\xe0\x00\x10JFIF\0\x01\x02\x01\x00\x48\x00\x48\0\0")

static struct str segment(unsigned marker, struct str data)
{
	char head[4] = { '\xff', (char)marker, (char)((data.n + 2) >> 8), (char)(data.n + 2) };
	return JOIN(((struct str){ head, 4 }), data);
}

static struct str filled(size_t n, char c)
{
	char *p = arena_alloc(picture_arena, n);
	memset(p, c, n);
	return (struct str){ p, n };
}

/* A picture with these segments before its tables. */
static struct str with(struct str segments)
{
	return JOIN(SOI, segments, TABLES, SCAN, EOI);
}

static struct str minimal_exif(uint32_t orientation)
{
	return segment(0xe1, JOIN(EXIF, picture_tiff("MM", 0x0112, orientation)));
}

static void test_jpeg_without_metadata_then_unchanged(void **state)
{
	struct str profile = segment(0xe2, JOIN(BYTES("ICC_PROFILE\0\1\1"), picture_be32(20), filled(16, 'p')));
	struct str adobe = BYTES("\xff\xee\x00\x0e"
							 "Adobe\0\x64\0\0\0\0\1");
	const struct str kept[] = { BYTES(""), JFIF, profile, adobe, JOIN(JFIF, adobe, profile), BYTES("\xff\xdd\0\4\0\1"), minimal_exif(6),
		BYTES("\xff\xcc\0\4\x10\5"), BYTES("\xff\xdc\0\4\0\x08") };
	for (size_t i = 0; i < COUNT_OF(kept); i++)
		expect_stripped(with(kept[i]), with(kept[i]), 0);
	struct str scans = JOIN(SOI, TABLES, SCAN, DHT, SCAN, BYTES("\xff\xff\x00\xff\xd7"), SCAN, EOI);
	expect_stripped(scans, scans, 0);
}

static void test_jpeg_segment_of_each_removed_kind_then_gone(void **state)
{
	const struct {
		unsigned marker;
		struct str content;
		uint32_t removed;
	} rows[] = {
		{ 0xe0, BYTES("JFXX\0\x10thumbnail"), STRIP_THUMBNAIL },
		{ 0xe0, BYTES("JFIF\0"), STRIP_OTHER },
		{ 0xe0, BYTES("AVI1"), STRIP_OTHER },
		{ 0xe1, BYTES("Exif\0\0"), STRIP_EXIF },
		{ 0xe1, BYTES("Exif"), STRIP_OTHER },
		{ 0xe1, BYTES("http://ns.adobe.com/xap/1.0/\0<x/>"), STRIP_XMP },
		{ 0xe1, BYTES("http://ns.adobe.com/xap/1.0/\0<x hdrgm:Version='1'/>"), STRIP_XMP | STRIP_GAIN_MAP },
		{ 0xe1, BYTES("http://ns.adobe.com/xap/1.0/\0<x HDRGainMap:HDRGainMapVersion='1'/>"), STRIP_XMP | STRIP_GAIN_MAP },
		{ 0xe1, BYTES("http://ns.adobe.com/xap/1.0/\0<x GCamera:MotionPhoto=\"1\"/>"), STRIP_XMP | STRIP_VIDEO },
		{ 0xe1, BYTES("http://ns.adobe.com/xap/1.0/\0<GCamera:MotionPhoto>1<"), STRIP_XMP | STRIP_VIDEO },
		{ 0xe1, BYTES("http://ns.adobe.com/xap/1.0/\0<x GCamera:MicroVideo=\"1\"/>"), STRIP_XMP | STRIP_VIDEO },
		{ 0xe1, BYTES("http://ns.adobe.com/xmp/extension/\0..."), STRIP_XMP },
		{ 0xe2, BYTES("MPF\0MM\0*"), STRIP_PICTURES },
		{ 0xe2, BYTES("urn:iso:std:iso:ts:21496:-1\0...."), STRIP_GAIN_MAP },
		{ 0xe2, BYTES("FPXR\0"), STRIP_OTHER },
		{ 0xe2, BYTES("ICC_PROFILE\0\1"), STRIP_OTHER },
		{ 0xe2, BYTES("ICC_PROFILE\0\2\2profile without a beginning"), STRIP_OTHER },
		{ 0xe3, BYTES("Meta"), STRIP_OTHER },
		{ 0xeb, BYTES("JP content credentials"), STRIP_OTHER },
		{ 0xed,
			BYTES("Photoshop 3.0\0"
				  "8BIM"),
			STRIP_IPTC },
		{ 0xee, BYTES("Adobe\0"), STRIP_OTHER },
		{ 0xee, BYTES("Ducky"), STRIP_OTHER },
		{ 0xef, BYTES(""), STRIP_OTHER },
		{ 0xfe, BYTES("a comment"), STRIP_COMMENT },
		{ 0xfe, BYTES(""), STRIP_COMMENT },
	};
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct str removed = segment(rows[i].marker, rows[i].content);
		expect_stripped(with(removed), with(BYTES("")), rows[i].removed);
		expect_stripped(
			JOIN(SOI, TABLES, removed, SCAN, removed, DHT, SCAN, EOI), JOIN(SOI, TABLES, SCAN, DHT, SCAN, EOI), rows[i].removed);
	}
	expect_stripped(with(segment(0xfe, filled(65533, 'c'))), with(BYTES("")), STRIP_COMMENT);
	expect_stripped(with(segment(0xe1, JOIN(EXIF, filled(65527, 'c')))), with(BYTES("")), STRIP_EXIF);
}

static void test_jpeg_orientation_then_a_minimal_block_where_browsers_apply_it(void **state)
{
	for (uint32_t n = 1; n <= 8; n++) {
		struct str exif = segment(0xe1, JOIN(EXIF, picture_tiff(n % 2 ? "II" : "MM", 0x0112, n), filled(60000, 'x')));
		expect_stripped(with(exif), with(minimal_exif(n)), STRIP_EXIF);
		expect_stripped(JOIN(SOI, TABLES, SCAN, exif, DHT, SCAN, EOI), JOIN(SOI, TABLES, SCAN, DHT, SCAN, EOI), STRIP_EXIF);
	}
	struct str six = segment(0xe1, JOIN(EXIF, picture_tiff("II", 0x0112, 6)));
	struct str none[] = { picture_tiff("II", 0x0112, 0), picture_tiff("II", 0x0112, 9), picture_tiff("MM", 0x0111, 6), BYTES("MM"),
		BYTES("") };
	for (size_t i = 0; i < COUNT_OF(none); i++)
		expect_stripped(with(JOIN(segment(0xe1, JOIN(EXIF, none[i])), six)), with(BYTES("")), STRIP_EXIF);
	expect_stripped(with(JOIN(six, minimal_exif(3))), with(minimal_exif(6)), STRIP_EXIF);
}

static void test_jpeg_jfif_with_a_thumbnail_then_only_the_density_stays(void **state)
{
	struct str thumbnail = BYTES("\xff\xe0\x00\x16JFIF\0\x01\x02\x01\x00\x48\x00\x48\1\2RGBRGB");
	expect_stripped(with(thumbnail), with(JFIF), STRIP_THUMBNAIL);
}

static void test_jpeg_profile_longer_than_it_says_then_cut_to_it(void **state)
{
	struct str name = BYTES("ICC_PROFILE\0");
	struct str first = segment(0xe2, JOIN(name, BYTES("\1\2"), picture_be32(30), filled(16, 'p')));
	struct str second = segment(0xe2, JOIN(name, BYTES("\2\2"), filled(10, 'q')));
	struct str longer = segment(0xe2, JOIN(name, BYTES("\2\2"), filled(10, 'q'), BYTES("hidden")));
	struct str third = segment(0xe2, JOIN(name, BYTES("\3\3hidden")));
	expect_stripped(with(JOIN(first, longer, third)), with(JOIN(first, second)), STRIP_OTHER);
}

static void test_jpeg_bytes_behind_its_end_then_gone(void **state)
{
	struct str video = BYTES("\0\0\0\x18"
							 "ftypmp42");
	struct str good = with(BYTES(""));
	expect_stripped(JOIN(good, BYTES("\0")), good, STRIP_TRAILER);
	expect_stripped(JOIN(good, BYTES("anything \xff\xe1")), good, STRIP_TRAILER);
	expect_stripped(JOIN(good, video, filled(300, 0)), good, STRIP_TRAILER | STRIP_VIDEO);
	expect_stripped(JOIN(good, good), good, STRIP_TRAILER | STRIP_PICTURES);
}

static void test_jpeg_bytes_between_segments_then_as_many_of_no_meaning(void **state)
{
	struct str zeros = filled(200, 0), ones = filled(200, 1);
	expect_stripped(with(JOIN(JFIF, filled(200, 's'))), with(JOIN(JFIF, ones)), 0);
	expect_stripped(with(JOIN(JFIF, zeros)), with(JOIN(JFIF, zeros)), 0);
	expect_stripped(with(JOIN(JFIF, BYTES("a\0\xff\0b\xff\xd3"))), with(JOIN(JFIF, BYTES("\1\0\xff\0\1\xff\xd3"))), 0);
	/* an EXIF block with a length that is too small */
	expect_stripped(with(BYTES("\xff\xe1\x00\x08"
							   "Exif\0\0secret")),
		with(JOIN(EMPTY_COMMENT, BYTES("\1\1\1\1\1\1"))), STRIP_EXIF);
	expect_stripped(with(JOIN(BYTES("\xff\xfe\x00\x00"), JFIF)), with(JFIF), STRIP_COMMENT);
	expect_stripped(with(JOIN(JFIF, BYTES("\xff\xff\xff"))), with(JFIF), 0);
}

/* A decoder ends the scan at the marker; the rest must not become data of it. */
static void test_jpeg_segment_in_the_data_of_a_scan_then_they_still_end_there(void **state)
{
	struct str comment = segment(0xfe, BYTES("secret"));
	expect_stripped(JOIN(SOI, TABLES, SCAN, comment, BYTES("rest"), EOI), JOIN(SOI, TABLES, SCAN, EMPTY_COMMENT, BYTES("\1\1\1\1"), EOI),
		STRIP_COMMENT);
	expect_stripped(JOIN(SOI, TABLES, SCAN, comment, comment, BYTES("\xff\xd1zz"), EOI),
		JOIN(SOI, TABLES, SCAN, EMPTY_COMMENT, BYTES("\xff\xd1\1\1"), EOI), STRIP_COMMENT);
	expect_stripped(
		JOIN(SOI, TABLES, SCAN, segment(0x05, BYTES("secret")), EOI), JOIN(SOI, TABLES, SCAN, segment(0x05, BYTES("")), EOI), 0);
}

/* A decoder skips them when it looks for the next restart marker. */
static void test_jpeg_reserved_marker_in_a_scan_with_restarts_then_part_of_its_data(void **state)
{
	struct str interval = BYTES("\xff\xdd\0\4\0\1"), none = BYTES("\xff\xdd\0\4\0\0");
	struct str data = JOIN(SCAN, BYTES("\xff\x05\0\x08\x0f\xff\xbf\x0f\xff\xd1\x0f"), EOI);
	expect_stripped(JOIN(SOI, TABLES, interval, data), JOIN(SOI, TABLES, interval, data), 0);
	expect_stripped(JOIN(SOI, TABLES, interval, none, SCAN, segment(0x05, BYTES("secret")), EOI),
		JOIN(SOI, TABLES, interval, none, SCAN, segment(0x05, BYTES("")), EOI), 0);
}

static void test_jpeg_line_count_with_a_length_below_2_then_skipped_as_by_a_decoder(void **state)
{
	struct str two = BYTES("\xff\xdc\0\2"), zero = BYTES("\xff\xdc\0\0");
	expect_stripped(with(zero), with(two), 0);
	expect_stripped(JOIN(SOI, TABLES, SCAN, zero, SCAN, EOI), JOIN(SOI, TABLES, SCAN, two, SCAN, EOI), 0);
}

static void test_jpeg_that_cannot_be_followed_then_refused_for_the_same_reason_and_nothing_after_it(void **state)
{
	struct str rest = JOIN(TABLES, SCAN, EOI, BYTES("secret"));
	struct str wide = filled(300, 'W');
	const struct {
		struct str start, left;
	} rows[] = {
		{ JOIN(SOI, SOI), JOIN(SOI, SOI) },
		{ JOIN(SOI, segment(0xdb, wide)), JOIN(SOI, BYTES("\xff\xdb\0\3\xff")) },
		{ JOIN(SOI, segment(0xc4, wide)), JOIN(SOI, BYTES("\xff\xc4\0\3\xff")) },
		{ JOIN(SOI, segment(0xdd, wide)), JOIN(SOI, BYTES("\xff\xdd\0\3\xff")) },
		{ JOIN(SOI, segment(0xcc, wide)), JOIN(SOI, BYTES("\xff\xcc\0\3\xff")) },
		{ JOIN(SOI, TABLES, segment(0xda, wide)), JOIN(SOI, TABLES, BYTES("\xff\xda\0\3\xff")) },
		{ JOIN(SOI, BYTES("\xff\xc0\0\1")), JOIN(SOI, BYTES("\xff\xc0\0\0")) },
	};
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct stripped got = strip_checked(JOIN(rows[i].start, rest), NULL);
		struct probe before, after;
		assert_true(got.result.broken);
		assert_str(got.bytes, rows[i].left);
		assert_int_equal(probe_exactly(JOIN(rows[i].start, rest), &before), PROBE_BAD);
		assert_int_equal(probe_exactly(got.bytes, &after), PROBE_BAD);
		assert_string_equal(before.why, after.why);
	}
}

static void test_jpeg_segment_of_no_use_to_a_decoder_then_without_its_content(void **state)
{
	struct str wide = filled(300, 'W');
	static const unsigned markers[] = { 0xc0, 0xc3, 0xc8, 0xdc, 0xf0, 0xbf };
	for (size_t i = 0; i < COUNT_OF(markers); i++) {
		expect_stripped(with(segment(markers[i], wide)), with(segment(markers[i], BYTES(""))), 0);
		expect_stripped(JOIN(SOI, TABLES, SCAN, segment(markers[i], wide), SCAN, EOI),
			JOIN(SOI, TABLES, SCAN, segment(markers[i], BYTES("")), SCAN, EOI), 0);
	}
}

static void test_jpeg_cut_anywhere_then_cut_too_and_nothing_of_what_is_removed(void **state)
{
	struct str secret = segment(0xe1, JOIN(EXIF, picture_tiff("MM", 0x0112, 6), BYTES("SECRET")));
	struct str xmp = segment(0xe1, BYTES("http://ns.adobe.com/xap/1.0/\0SECRET"));
	struct str all = JOIN(SOI, JFIF, secret, xmp, TABLES, SCAN, segment(0xfe, BYTES("SECRET")), DHT, SCAN, EOI, BYTES("SECRET"));
	expect_no_secret_if_cut(all, NULL);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, picture_set_up, picture_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_jpeg_without_metadata_then_unchanged),
		TEST(test_jpeg_segment_of_each_removed_kind_then_gone),
		TEST(test_jpeg_orientation_then_a_minimal_block_where_browsers_apply_it),
		TEST(test_jpeg_jfif_with_a_thumbnail_then_only_the_density_stays),
		TEST(test_jpeg_profile_longer_than_it_says_then_cut_to_it),
		TEST(test_jpeg_bytes_behind_its_end_then_gone),
		TEST(test_jpeg_bytes_between_segments_then_as_many_of_no_meaning),
		TEST(test_jpeg_segment_in_the_data_of_a_scan_then_they_still_end_there),
		TEST(test_jpeg_reserved_marker_in_a_scan_with_restarts_then_part_of_its_data),
		TEST(test_jpeg_line_count_with_a_length_below_2_then_skipped_as_by_a_decoder),
		TEST(test_jpeg_that_cannot_be_followed_then_refused_for_the_same_reason_and_nothing_after_it),
		TEST(test_jpeg_segment_of_no_use_to_a_decoder_then_without_its_content),
		TEST(test_jpeg_cut_anywhere_then_cut_too_and_nothing_of_what_is_removed),
	};
	return cmocka_run_group_tests_name("strip jpeg", tests, NULL, NULL);
}
