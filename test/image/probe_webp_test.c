/* WebPs that are built to keep or to break one rule each. */
#include "fake/pictures.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#define LOSSY picture_riff_chunk("VP8 ", BYTES("\x10\0\0\x9d\x01\x2a\x04\x40\x02\xc0"))          /* 4 x 2, scale bits set */
#define LOSSLESS picture_riff_chunk("VP8L", BYTES("\x2f\x03\x40\x00\x00"))                        /* 4 x 2 */
#define STILL picture_riff_chunk("VP8X", BYTES("\x08\0\0\0\x03\0\0\x01\0\0"))                     /* 4 x 2 */
#define ANIMATED picture_riff_chunk("VP8X", BYTES("\x0a\0\0\0\x03\0\0\x01\0\0"))

static struct str webp_frame(struct str header16, struct str picture)
{
	return picture_riff_chunk("ANMF", JOIN(header16, picture));
}

#define FULL BYTES("\0\0\0\0\0\0\x03\0\0\x01\0\0\0\0\0\0")

static void test_webp_of_each_kind_then_size_and_frames(void **state)
{
	(void)state;
	struct str full = webp_frame(FULL, LOSSLESS);
	const struct { struct str chunks; uint32_t frames; } kinds[] = {
		{ LOSSY, 1 }, { LOSSLESS, 1 }, { JOIN(STILL, LOSSY), 1 }, { JOIN(STILL, picture_riff_chunk("ALPH", BYTES("abc")), LOSSY), 1 },
		{ JOIN(ANIMATED, picture_riff_chunk("ANIM", BYTES("\0\0\0\0\0\0")), full, full, full), 3 },
		{ JOIN(ANIMATED, webp_frame(FULL, JOIN(picture_riff_chunk("ALPH", BYTES("abc")), LOSSY))), 1 },
	};
	for (size_t i = 0; i < COUNT_OF(kinds); i++) {
		struct probe got = accept_picture(picture_riff(kinds[i].chunks));
		assert_int_equal(got.width, 4);
		assert_int_equal(got.height, 2);
		assert_int_equal(got.frames, kinds[i].frames);
		assert_int_equal(got.orientation, 0);
	}
}

static void test_webp_exif_then_orientation_with_or_without_the_jpeg_prefix(void **state)
{
	(void)state;
	struct str tiff = BYTES("MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0");
	assert_int_equal(accept_picture(picture_riff(JOIN(STILL, LOSSY, picture_riff_chunk("EXIF", tiff)))).orientation, 6);
	assert_int_equal(accept_picture(picture_riff(JOIN(STILL, LOSSY, picture_riff_chunk("EXIF", JOIN(BYTES("Exif\0\0"), tiff))))).orientation, 6);
}

static void test_webp_that_breaks_a_rule_then_bad_and_why(void **state)
{
	(void)state;
	const char *key = "its VP8 data do not begin with a key frame", *early = "it ends too early";
	const char *lossless = "its VP8L data do not begin with the signature";
	refuse_picture(picture_riff(picture_riff_chunk("VP8 ", BYTES("\x11\0\0\x9d\x01\x2a\x04\0\x02\0"))), key);
	refuse_picture(picture_riff(picture_riff_chunk("VP8 ", BYTES("\x10\0\0\x9d\x01\x2b\x04\0\x02\0"))), key);
	refuse_picture(picture_riff(picture_riff_chunk("VP8 ", BYTES("\x10\0\0\x9d\x01\x2a\0\0\x02\0"))), "its width or height is 0");
	refuse_picture(picture_riff(picture_riff_chunk("VP8 ", BYTES("\x10\0\0"))), "its VP8 data are too short");
	refuse_picture(picture_riff(picture_riff_chunk("VP8L", BYTES("\x2e\x03\x40\0\0"))), lossless);
	refuse_picture(picture_riff(picture_riff_chunk("VP8L", BYTES("\x2f\x03\x40\0\x20"))), lossless);
	refuse_picture(picture_riff(picture_riff_chunk("VP8L", BYTES("\x2f"))), "its VP8L data are too short");
	refuse_picture(picture_riff(picture_riff_chunk("VP8X", BYTES("\x08\0\0"))), "its VP8X chunk is too short");
	refuse_picture(picture_riff(picture_riff_chunk("VP8X", BYTES("\x08\0\0\0\xff\xff\xff\xff\xff\xff"))), "its canvas is larger than the format allows");
	refuse_picture(picture_riff(picture_riff_chunk("ICCP", BYTES("profile"))), "its first chunk is no image");
	refuse_picture(picture_riff(STILL), "it has no picture");
	refuse_picture(picture_riff(JOIN(ANIMATED, LOSSY)), "it has no picture");
	refuse_picture(picture_riff(BYTES("")), "its RIFF size is too small");
	refuse_picture(picture_riff(picture_riff_chunk("VP8 ", BYTES(""))), "its VP8 data are too short");
	refuse_picture(picture_riff(BYTES("VP8 \x64\0\0\0\x10\0\0\x9d\x01\x2a\x04\0\x02\0")), early);
	refuse_picture(picture_riff(JOIN(STILL, LOSSY, BYTES("EXIF\xff\xff\xff\xff"))), early);
	struct str good = picture_riff(LOSSY);
	refuse_picture(str_slice(good, 0, good.n - 1), early);
}

static void test_webp_whose_pictures_are_larger_than_told_then_bad(void **state)
{
	(void)state;
	struct str big = picture_riff_chunk("VP8 ", BYTES("\x10\0\0\x9d\x01\x2a\xff\x3f\xff\x3f"));
	struct str wide = picture_riff_chunk("VP8 ", BYTES("\x10\0\0\x9d\x01\x2a\x05\0\x02\0")), high = picture_riff_chunk("VP8 ", BYTES("\x10\0\0\x9d\x01\x2a\x04\0\x03\0"));
	struct str largest = picture_riff_chunk("VP8X", BYTES("\x08\0\0\0\0\0\1\xfe\xff\0"));   /* 65537 x 65535 = 2^32 - 1 */
	refuse_picture(picture_riff(JOIN(STILL, big)), "its picture is not of the canvas's size");
	refuse_picture(picture_riff(JOIN(STILL, wide)), "its picture is not of the canvas's size");
	refuse_picture(picture_riff(JOIN(STILL, high)), "its picture is not of the canvas's size");
	refuse_picture(picture_riff(JOIN(largest, LOSSY)), "its picture is not of the canvas's size");
	refuse_picture(picture_riff(JOIN(ANIMATED, webp_frame(FULL, wide))), "a frame's picture is not of the frame's size");
	refuse_picture(picture_riff(JOIN(ANIMATED, webp_frame(FULL, high))), "a frame's picture is not of the frame's size");
	refuse_picture(picture_riff(JOIN(ANIMATED, webp_frame(FULL, big))), "a frame's picture is not of the frame's size");
	refuse_picture(picture_riff(JOIN(ANIMATED, webp_frame(BYTES("\1\0\0\0\0\0\x03\0\0\x01\0\0\0\0\0\0"), LOSSLESS))), "a frame lies outside the image");
	refuse_picture(picture_riff(JOIN(ANIMATED, webp_frame(FULL, BYTES("")))), "a frame has no picture");
	refuse_picture(picture_riff(JOIN(ANIMATED, picture_riff_chunk("ANMF", BYTES("short")))), "a frame's header is too short");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_webp_of_each_kind_then_size_and_frames),
		cmocka_unit_test(test_webp_exif_then_orientation_with_or_without_the_jpeg_prefix),
		cmocka_unit_test(test_webp_that_breaks_a_rule_then_bad_and_why),
		cmocka_unit_test(test_webp_whose_pictures_are_larger_than_told_then_bad),
	};
	return cmocka_run_group_tests_name("probe_webp", tests, picture_set_up, picture_tear_down);
}
