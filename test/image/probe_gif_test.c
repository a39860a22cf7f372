/* GIFs that are built to keep or to break one rule each. */
#include "fake/pictures.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#define SCREEN BYTES("GIF89a\x04\0\x02\0\x80\0\0rgbRGB")
#define FRAME BYTES("\x2c\0\0\0\0\x04\0\x02\0\0\x02\x01\x44\0")

static void test_gif_of_several_frames_then_counted(void **state)
{
	(void)state;
	struct str local = BYTES("\x2c\1\0\1\0\x03\0\x01\0\x81" "rgbRGBrgbRGB" "\x02\x03" "abc\x01z\0");
	struct str control = BYTES("\x21\xf9\x04\0\0\0\0\0"), comment = BYTES("\x21\xfe\x03" "a;b\0");
	struct probe got = accept_picture(JOIN(SCREEN, control, FRAME, comment, control, local, BYTES(";trailing")));
	assert_int_equal(got.width, 4);
	assert_int_equal(got.height, 2);
	assert_int_equal(got.frames, 2);
	assert_int_equal(accept_picture(BYTES("GIF87a\x04\0\x02\0\0\0\0\x2c\0\0\0\0\x04\0\x02\0\0\x08\0;")).frames, 1);
}

static void test_gif_that_breaks_a_rule_then_bad_and_why(void **state)
{
	(void)state;
	const char *outside = "a frame lies outside the image", *early = "it ends too early";
	refuse_picture(BYTES("GIF89a\0\0\x02\0\0\0\0;"), "its width or height is 0");
	refuse_picture(BYTES("GIF89a\x02\0\0\0\0\0\0;"), "its width or height is 0");
	refuse_picture(JOIN(SCREEN, BYTES(";")), "it has no frame");
	refuse_picture(JOIN(SCREEN, BYTES("\x2c\1\0\0\0\x04\0\x02\0\0\x02\0;")), outside);
	refuse_picture(JOIN(SCREEN, BYTES("\x2c\0\0\0\0\xff\xff\xff\xff\0\x02\0;")), outside);
	refuse_picture(JOIN(SCREEN, BYTES("\x2c\0\0\0\0\x04\0\x02\0\0\x09\0;")), "a frame's code size is not possible");
	refuse_picture(JOIN(SCREEN, FRAME, BYTES("x")), "a block is of an unknown kind");
	refuse_picture(JOIN(SCREEN, FRAME), early);
	refuse_picture(JOIN(SCREEN, BYTES("\x2c\0\0\0\0\x04\0\x02\0\0\x02\x05" "ab")), early);
	refuse_picture(JOIN(SCREEN, BYTES("\x2c\0\0\0\0\x04\0\x02\0\x87")), early);
	refuse_picture(JOIN(SCREEN, BYTES("!")), early);
	refuse_picture(BYTES("GIF89a\x04\0\x02\0\x87\0\0rgb"), early);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_gif_of_several_frames_then_counted),
		cmocka_unit_test(test_gif_that_breaks_a_rule_then_bad_and_why),
	};
	return cmocka_run_group_tests_name("probe_gif", tests, picture_set_up, picture_tear_down);
}
