/* GIFs that are built to keep or to break one rule each. Whether browsers show them was seen in Chromium. */
#include "fake/pictures.h"
#include "unit.h"
#include <string.h>

#define SCREEN BYTES("GIF89a\x02\0\x01\0\x80\0\0\xff\0\0\0\0\xff") /* 2 x 1 */
#define FRAME BYTES("\x2c\0\0\0\0\x02\0\x01\0\0\x02\x02\x04\x0a\0")
#define END BYTES(";")
#define CONTROL BYTES("\x21\xf9\x04\0\0\0\0\0")

static struct str screen_of(uint32_t width, uint32_t height)
{
	char sides[] = { (char)width, (char)(width >> 8), (char)height, (char)(height >> 8) };
	return JOIN(BYTES("GIF89a"), ((struct str){ sides, 4 }), BYTES("\0\0\0"));
}

static struct str frame_at(uint32_t x, uint32_t y, uint32_t width, uint32_t height)
{
	char place[] = { (char)x, (char)(x >> 8), (char)y, (char)(y >> 8), (char)width, (char)(width >> 8), (char)height, (char)(height >> 8) };
	return JOIN(BYTES("\x2c"), ((struct str){ place, 8 }), BYTES("\0\x02\x02\x04\x0a\0"));
}

static void test_gif_of_several_frames_then_counted(void **state)
{
	assert_int_equal(JOIN(SCREEN, FRAME, END).n, 35);
	struct str local = BYTES("\x2c\0\0\0\0\x01\0\x01\0\x81"
							 "rgbRGBrgbRGB"
							 "\x02\x03"
							 "abc\x01z\0");
	struct str comment = BYTES("\x21\xfe\x03"
							   "a;b\0");
	struct probe got = accept_picture(JOIN(SCREEN, CONTROL, FRAME, comment, CONTROL, local, BYTES(";trailing")));
	assert_int_equal(got.width, 2);
	assert_int_equal(got.height, 1);
	assert_int_equal(got.frames, 2);
	assert_int_equal(accept_picture(BYTES("GIF87a\x04\0\x02\0\0\0\0\x2c\0\0\0\0\x04\0\x02\0\0\x08\1z\0;")).frames, 1);
}

/* Where the image may end: after each block from the first whole frame on. */
static void test_gif_cut_anywhere_then_accepted_at_the_end_of_a_block_after_a_frame(void **state)
{
	const struct str parts[] = { JOIN(SCREEN, CONTROL), FRAME, CONTROL, FRAME,
		BYTES("\x21\xfe\x03"
			  "a;b\x01!\0"),
		BYTES("\x21\xff\x0bNETSCAPE2.0\x03\1\0\0\0"), FRAME };
	const uint32_t frames[] = { 0, 1, 1, 2, 2, 2, 3 };
	struct str all = picture_join(parts, COUNT_OF(parts));
	for (size_t n = 6, part = 0, end = parts[0].n; n <= all.n; n++) {
		while (n > end)
			end += parts[++part].n;
		if (n == end && frames[part] > 0)
			assert_int_equal(accept_picture(str_slice(all, 0, n)).frames, frames[part]);
		else
			refuse_picture(str_slice(all, 0, n), "it ends too early");
	}
}

static void test_gif_with_other_bytes_after_a_frame_then_they_end_the_image(void **state)
{
	for (unsigned byte = 0; byte <= 255; byte++) {
		char p[1] = { (char)byte };
		struct str other = { p, 1 };
		if (byte == 0x21 || byte == 0x2c)
			continue;
		assert_int_equal(accept_picture(JOIN(SCREEN, FRAME, other)).frames, 1);
		assert_int_equal(accept_picture(JOIN(SCREEN, FRAME, CONTROL, FRAME, other, FRAME, END)).frames, 2);
		refuse_picture(JOIN(SCREEN, other, FRAME, END), "it has no frame");
	}
}

static void test_gif_first_frame_beyond_the_screen_then_the_screen_grows_and_later_ones_are_clipped(void **state)
{
	static const struct {
		uint32_t screen_w, screen_h, x, y, w, h, width, height;
	} cases[] = { { 2, 1, 0, 0, 2, 1, 2, 1 }, { 1, 1, 0, 0, 2, 1, 2, 1 }, { 2, 1, 1, 0, 2, 1, 3, 1 }, { 2, 1, 0, 1, 2, 1, 2, 2 },
		{ 0, 0, 0, 0, 2, 1, 2, 1 }, { 2, 0, 0, 0, 2, 1, 2, 1 }, { 9, 9, 8, 7, 1, 1, 9, 9 },
		{ 1, 1, 65535, 65535, 65535, 65535, 131070, 131070 }, { 65535, 65535, 0, 0, 1, 1, 65535, 65535 } };
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct probe got = accept_picture(
			JOIN(screen_of(cases[i].screen_w, cases[i].screen_h), frame_at(cases[i].x, cases[i].y, cases[i].w, cases[i].h), END));
		assert_int_equal(got.width, cases[i].width);
		assert_int_equal(got.height, cases[i].height);
	}
	struct probe got = accept_picture(JOIN(SCREEN, FRAME, frame_at(1, 0, 2, 1), frame_at(65535, 65535, 65535, 65535), END));
	assert_int_equal(got.width, 2);
	assert_int_equal(got.height, 1);
	assert_int_equal(got.frames, 3);
}

static void test_gif_whose_frames_have_no_pixels_then_bad(void **state)
{
	const char *none = "its frames have no pixels";
	struct str empty = BYTES("\x2c\0\0\0\0\x02\0\x01\0\0\x02\0");
	refuse_picture(JOIN(SCREEN, empty, END), none);
	refuse_picture(JOIN(SCREEN, empty, empty), none);
	refuse_picture(JOIN(SCREEN, frame_at(0, 0, 0, 0), END), none);
	refuse_picture(JOIN(SCREEN, frame_at(0, 0, 0, 1), END), none);
	refuse_picture(JOIN(SCREEN, frame_at(0, 0, 2, 0), END), none);
	assert_int_equal(accept_picture(JOIN(SCREEN, FRAME, empty, frame_at(0, 0, 0, 0), END)).frames, 3);
	assert_int_equal(accept_picture(JOIN(SCREEN, empty, FRAME, END)).frames, 2);
}

static void test_gif_that_breaks_a_rule_then_bad_and_why(void **state)
{
	const char *early = "it ends too early", *zero = "its width or height is 0";
	refuse_picture(JOIN(screen_of(0, 0), frame_at(0, 0, 0, 0), END), zero);
	refuse_picture(JOIN(screen_of(2, 0), frame_at(0, 0, 2, 0), END), zero);
	refuse_picture(JOIN(SCREEN, END), "it has no frame");
	refuse_picture(JOIN(SCREEN, CONTROL, END), "it has no frame");
	for (unsigned size = 0; size <= 255; size++) {
		char p[1] = { (char)size };
		struct str picture = JOIN(SCREEN, BYTES("\x2c\0\0\0\0\x02\0\x01\0\0"), ((struct str){ p, 1 }), BYTES("\x02\x04\x0a\0;"));
		if (size <= 8)
			accept_picture(picture);
		else
			refuse_picture(picture, "a frame's code size is not possible");
	}
	refuse_picture(JOIN(SCREEN,
					   BYTES("\x2c\0\0\0\0\x04\0\x02\0\0\x02\x05"
							 "ab")),
		early);
	refuse_picture(JOIN(SCREEN, BYTES("\x2c\0\0\0\0\x04\0\x02\0\x87")), early);
	refuse_picture(BYTES("GIF89a\x04\0\x02\0\x87\0\0rgb"), early);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_gif_of_several_frames_then_counted),
		cmocka_unit_test(test_gif_cut_anywhere_then_accepted_at_the_end_of_a_block_after_a_frame),
		cmocka_unit_test(test_gif_with_other_bytes_after_a_frame_then_they_end_the_image),
		cmocka_unit_test(test_gif_first_frame_beyond_the_screen_then_the_screen_grows_and_later_ones_are_clipped),
		cmocka_unit_test(test_gif_whose_frames_have_no_pixels_then_bad),
		cmocka_unit_test(test_gif_that_breaks_a_rule_then_bad_and_why),
	};
	return cmocka_run_group_tests_name("probe_gif", tests, picture_set_up, picture_tear_down);
}
