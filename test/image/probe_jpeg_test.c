/* JPEGs that are built to keep or to break one rule each. */
#include "fake/pictures.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <string.h>

#define SOI BYTES("\xff\xd8")
#define SOF BYTES("\xff\xc0\x00\x0b\x08\x00\x10\x00\x20\x01\x01\x11\x00")   /* 32 x 16 */
#define SOS BYTES("\xff\xda\x00\x08\x01\x01\x00\x00\x3f\x00")

static void test_jpeg_of_each_frame_kind_then_size_and_tables_are_passed_over(void **state)
{
	(void)state;
	for (unsigned marker = 0xc0; marker <= 0xcf; marker++) {
		char sof[13];
		memcpy(sof, SOF.p, sizeof(sof));
		sof[1] = (char)marker;
		struct str picture = JOIN(SOI, (struct str){ sof, 13 }, SOS);
		if (marker == 0xc4 || marker == 0xc8 || marker == 0xcc) {
			refuse_picture(picture, "its data come before its frame header");
			continue;
		}
		struct probe got = accept_picture(picture);
		assert_int_equal(got.width, 32);
		assert_int_equal(got.height, 16);
		assert_int_equal(got.frames, 1);
	}
}

static void test_jpeg_with_fill_bytes_and_strays_between_segments_then_accepted(void **state)
{
	(void)state;
	struct probe got = accept_picture(JOIN(SOI, BYTES("\xff\xff\xff\xfe\x00\x04hi"), BYTES("stray\xff\x00\xff\xd0\xff\xd7\xff\x01"), BYTES("\xff\xff"), SOF, SOS));
	assert_int_equal(got.width, 32);
}

static void test_jpeg_with_large_segments_before_the_frame_then_accepted(void **state)
{
	(void)state;
	char *app = arena_alloc(picture_arena, 65537);
	memcpy(app, "\xff\xe2\xff\xff", 4);
	struct str segment = { app, 65537 };
	struct probe got = accept_picture(JOIN(SOI, segment, segment, segment, SOF, SOS));
	assert_int_equal(got.height, 16);
}

static void test_jpeg_that_breaks_a_rule_then_bad_and_why(void **state)
{
	(void)state;
	refuse_picture(JOIN(SOI, BYTES("\xff\xc0\x00\x0b\x08\x00\x10\x00\x00\x01\x01\x11\x00"), SOS), "its width is 0");
	refuse_picture(JOIN(SOI, BYTES("\xff\xc0\x00\x0b\x08\x00\x00\x00\x20\x01\x01\x11\x00"), SOS), "its height is 0");
	refuse_picture(JOIN(SOI, BYTES("\xff\xc0\x00\x0b\x08\x00\x10\x00\x20\x02\x01\x11\x00"), SOS), "its frame header has a wrong length");
	refuse_picture(JOIN(SOI, BYTES("\xff\xc0\x00\x08\x08\x00\x10\x00\x20\x00"), SOS), "its frame header has a wrong length");
	refuse_picture(JOIN(SOI, BYTES("\xff\xc0\x00\x02"), SOS), "its frame header has a wrong length");
	refuse_picture(JOIN(SOI, SOF, SOF, SOS), "it has two frame headers before its data");
	refuse_picture(JOIN(SOI, SOF, BYTES("\xff\xda\x00\x03\x01")), "its scan header has a wrong length");
	refuse_picture(JOIN(SOI, SOF, BYTES("\xff\xd9")), "it has no image data before its end");
	refuse_picture(JOIN(SOI, BYTES("\xff\xe0\x00\x01"), SOF, SOS), "a segment is shorter than its length field");
	refuse_picture(JOIN(SOI, BYTES("\xff\xe0")), "it ends too early");
	refuse_picture(JOIN(SOI, SOF), "it ends too early");
}

static struct str app1(struct str tiff)
{
	char head[4] = { '\xff', '\xe1', (char)((tiff.n + 8) >> 8), (char)(tiff.n + 8) };
	return JOIN((struct str){ head, 4 }, BYTES("Exif\0\0"), tiff);
}

static uint32_t orientation_of(struct str tiff)
{
	return accept_picture(JOIN(SOI, app1(tiff), SOF, SOS)).orientation;
}

static void test_jpeg_exif_in_both_byte_orders_then_orientation(void **state)
{
	(void)state;
	assert_int_equal(orientation_of(BYTES("MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0")), 6);
	assert_int_equal(orientation_of(BYTES("II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x08\0\0\0\0\0\0\0")), 8);
	assert_int_equal(orientation_of(BYTES("MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x01\0\0")), 1);
	/* behind another entry, and a directory that stands further back */
	assert_int_equal(orientation_of(BYTES("MM\0*\0\0\0\x0aXX\0\x02\x01\x0f\0\x02\0\0\0\x01" "ab\0\0\x01\x12\0\x03\0\0\0\x01\0\x03\0\0")), 3);
}

static void test_jpeg_exif_that_is_wrong_then_no_orientation_and_no_harm(void **state)
{
	static const struct str wrong[] = {
		{ "", 0 }, { "MM\0*", 4 }, { "XX\0*\0\0\0\x08\0\0", 10 },
		{ "MM\0*\xff\xff\xff\xff\0\x01", 10 }, { "MM\0*\0\0\0\x04\0\x01", 10 }, { "MM\0*\0\0\0\x08\xff\xff", 10 },
		{ "MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0", 19 },                   /* the entry is cut */
		{ "MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x00\0\0", 22 },           /* 0 */
		{ "MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x09\0\0", 22 },           /* 9 */
		{ "MM\0*\0\0\0\x08\0\x01\x01\x12\0\x04\0\0\0\x01\0\x06\0\0", 22 },           /* a LONG */
		{ "MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x02\0\x06\0\0", 22 },           /* two of them */
		{ "MM\0*\0\0\0\x08\0\x00\x01\x12\0\x03\0\0\0\x01\0\x06\0\0", 22 },           /* behind the last entry */
	};
	(void)state;
	for (size_t i = 0; i < COUNT_OF(wrong); i++)
		assert_int_equal(orientation_of(wrong[i]), 0);
}

static void test_jpeg_exif_behind_the_frame_header_then_not_told(void **state)
{
	(void)state;
	struct str exif = app1(BYTES("MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0"));
	assert_int_equal(accept_picture(JOIN(SOI, SOF, exif, SOS)).orientation, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_jpeg_of_each_frame_kind_then_size_and_tables_are_passed_over),
		cmocka_unit_test(test_jpeg_with_fill_bytes_and_strays_between_segments_then_accepted),
		cmocka_unit_test(test_jpeg_with_large_segments_before_the_frame_then_accepted),
		cmocka_unit_test(test_jpeg_that_breaks_a_rule_then_bad_and_why),
		cmocka_unit_test(test_jpeg_exif_in_both_byte_orders_then_orientation),
		cmocka_unit_test(test_jpeg_exif_that_is_wrong_then_no_orientation_and_no_harm),
		cmocka_unit_test(test_jpeg_exif_behind_the_frame_header_then_not_told),
	};
	return cmocka_run_group_tests_name("probe_jpeg", tests, picture_set_up, picture_tear_down);
}
