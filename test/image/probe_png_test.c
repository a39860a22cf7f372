/* PNGs that are built to keep or to break one rule each. */
#include "fake/pictures.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <string.h>

static struct str header(uint32_t width, uint32_t height, struct str rest)
{
	return JOIN(BYTES("\x89PNG\r\n\x1a\n"), picture_chunk("IHDR", JOIN(picture_be32(width), picture_be32(height), rest)));
}

#define RGB8 BYTES("\x08\x02\0\0\0")
#define DATA picture_chunk("IDAT", BYTES("xx"))
#define END picture_chunk("IEND", BYTES(""))

static void test_png_up_to_the_largest_size_then_accepted(void **state)
{
	(void)state;
	struct probe got = accept_picture(JOIN(header(0x7fffffff, 65535, RGB8), DATA, END));
	assert_int_equal(got.width, 0x7fffffff);
	assert_int_equal(got.height, 65535);
	assert_int_equal(got.frames, 1);
	assert_int_equal(accept_picture(JOIN(header(1, 0x7fffffff, BYTES("\x08\x02\0\0\1")), DATA, END)).height, 0x7fffffff);
	accept_picture(JOIN(header(1, 1, RGB8), picture_chunk("azAZ", BYTES("")), DATA, END));
	accept_picture(JOIN(header(1, 1, RGB8), picture_chunk("tEXt", BYTES("a\0b")), DATA, DATA, END, BYTES("trailing")));
}

static void test_png_of_each_colour_type_and_depth_then_only_what_goes_together(void **state)
{
	static const char *const allowed[7] = { "\1\2\4\x8\x10", "", "\x8\x10", "\1\2\4\x8", "\x8\x10", "", "\x8\x10" };
	(void)state;
	for (unsigned colour = 0; colour < 8; colour++)
		for (unsigned depth = 0; depth <= 17; depth++) {
			char rest[5] = { (char)depth, (char)colour, 0, 0, 0 };
			struct str picture = JOIN(header(1, 1, (struct str){ rest, 5 }), picture_chunk("PLTE", BYTES("rgb")), DATA, END);
			bool ok = colour < 7 && depth > 0 && strchr(allowed[colour], (int)depth) != NULL;
			if (ok)
				accept_picture(picture);
			else
				refuse_picture(picture, "its colour type and bit depth do not go together");
		}
}

static void test_png_that_breaks_a_rule_then_bad_and_why(void **state)
{
	(void)state;
	const char *range = "its width or height is out of range", *method = "its compression, filter or interlace method is unknown";
	struct str head = header(2, 2, RGB8);
	refuse_picture(JOIN(header(0, 1, RGB8), DATA, END), range);
	refuse_picture(JOIN(header(1, 0, RGB8), DATA, END), range);
	refuse_picture(JOIN(header(0x80000000, 1, RGB8), DATA, END), range);
	refuse_picture(JOIN(header(1, 0xffffffff, RGB8), DATA, END), range);
	refuse_picture(JOIN(header(1, 1, BYTES("\x08\x02\1\0\0")), DATA, END), method);
	refuse_picture(JOIN(header(1, 1, BYTES("\x08\x02\0\1\0")), DATA, END), method);
	refuse_picture(JOIN(header(1, 1, BYTES("\x08\x02\0\0\2")), DATA, END), method);
	refuse_picture(JOIN(header(1, 1, BYTES("\x08\x03\0\0\0")), DATA, END), "its palette is missing");
	refuse_picture(JOIN(BYTES("\x89PNG\r\n\x1a\n"), DATA, head, END), "its first chunk is not IHDR");
	struct str signature = str_slice(head, 0, 8), thirteen = BYTES("\0\0\0\2\0\0\0\2\x08\2\0\0\0");
	refuse_picture(JOIN(signature, picture_chunk("IHDX", thirteen), DATA, END), "its first chunk is not IHDR");
	refuse_picture(JOIN(signature, picture_chunk("IHDR", JOIN(thirteen, BYTES("\0"))), DATA, END), "its first chunk is not IHDR");
	refuse_picture(JOIN(head, str_slice(head, 8, head.n), DATA, END), "it has two headers");
	refuse_picture(JOIN(head, END), "it has no image data");
	refuse_picture(JOIN(head, DATA), "it ends too early");
	refuse_picture(JOIN(head, BYTES("\0\0\0\x09" "IDATxx")), "it ends too early");
	refuse_picture(JOIN(head, BYTES("\x80\0\0\0IDATxx"), DATA, END), "a chunk's length or name is not possible");
	refuse_picture(JOIN(head, BYTES("\x7f\xff\xff\xffIDATxx"), DATA, END), "it ends too early");
	refuse_picture(JOIN(head, BYTES("\0\0\0\0I{ATxxxx"), DATA, END), "a chunk's length or name is not possible");
	refuse_picture(JOIN(head, BYTES("\0\0\0\0I\0ATxxxx"), DATA, END), "a chunk's length or name is not possible");
}

static void test_png_with_a_wrong_checksum_in_its_header_then_bad(void **state)
{
	(void)state;
	struct str good = JOIN(header(2, 2, RGB8), DATA, END);
	char *p = arena_alloc(picture_arena, good.n);
	memcpy(p, good.p, good.n);
	p[19] ^= 1;
	refuse_picture((struct str){ p, good.n }, "the checksum of its header is wrong");
}

static void test_png_animation_then_frames_and_frames_stay_inside(void **state)
{
	(void)state;
	struct str head = header(2, 2, RGB8), three = picture_chunk("acTL", BYTES("\0\0\0\3\0\0\0\0"));
	struct str inside = picture_chunk("fcTL", BYTES("\0\0\0\0\0\0\0\1\0\0\0\2\0\0\0\1\0\0\0\0\0\0\0\0\0\0"));
	struct str outside = picture_chunk("fcTL", BYTES("\0\0\0\0\0\0\0\2\0\0\0\2\0\0\0\1\0\0\0\0\0\0\0\0\0\0"));
	struct str wrapping = picture_chunk("fcTL", BYTES("\0\0\0\0\0\0\0\2\0\0\0\2\xff\xff\xff\xff\0\0\0\0\0\0\0\0\0\0"));
	assert_int_equal(accept_picture(JOIN(head, three, inside, DATA, END)).frames, 3);
	assert_int_equal(accept_picture(JOIN(head, picture_chunk("acTL", BYTES("\x7f\xff\xff\xff\0\0\0\0")), DATA, END)).frames, 0x7fffffff);
	assert_int_equal(accept_picture(JOIN(head, DATA, three, END)).frames, 1);
	refuse_picture(JOIN(head, three, outside, DATA, END), "a frame lies outside the image");
	refuse_picture(JOIN(head, three, wrapping, DATA, END), "a frame lies outside the image");
	refuse_picture(JOIN(head, three, picture_chunk("fcTL", BYTES("short")), DATA, END), "a frame's header has a wrong length");
	refuse_picture(JOIN(head, picture_chunk("acTL", BYTES("\0\0\0\0\0\0\0\0")), DATA, END), "its animation chunk is wrong");
	refuse_picture(JOIN(head, picture_chunk("acTL", BYTES("\0\0\0\1")), DATA, END), "its animation chunk is wrong");
}

static void test_png_prefix_then_known_with_the_head_of_the_first_data(void **state)
{
	struct probe got;
	struct str head = JOIN(header(2, 3, RGB8), picture_chunk("tEXt", BYTES("a\0b"))), data = DATA;
	(void)state;
	assert_int_equal(probe_exactly(JOIN(head, str_slice(data, 0, 7)), false, &got), PROBE_NEED_MORE);
	assert_int_equal(probe_exactly(JOIN(head, str_slice(data, 0, 8)), false, &got), PROBE_OK);
	assert_int_equal(got.height, 3);
	assert_int_equal(probe_exactly(str_slice(head, 0, head.n - 1), false, &got), PROBE_NEED_MORE);
	assert_int_equal(got.width, 0);
}

static void test_png_exif_then_orientation_before_or_behind_the_data(void **state)
{
	(void)state;
	struct str exif = picture_chunk("eXIf", BYTES("MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0"));
	assert_int_equal(accept_picture(JOIN(header(2, 2, RGB8), exif, DATA, END)).orientation, 6);
	assert_int_equal(accept_picture(JOIN(header(2, 2, RGB8), DATA, exif, END)).orientation, 6);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_png_up_to_the_largest_size_then_accepted),
		cmocka_unit_test(test_png_of_each_colour_type_and_depth_then_only_what_goes_together),
		cmocka_unit_test(test_png_that_breaks_a_rule_then_bad_and_why),
		cmocka_unit_test(test_png_with_a_wrong_checksum_in_its_header_then_bad),
		cmocka_unit_test(test_png_animation_then_frames_and_frames_stay_inside),
		cmocka_unit_test(test_png_prefix_then_known_with_the_head_of_the_first_data),
		cmocka_unit_test(test_png_exif_then_orientation_before_or_behind_the_data),
	};
	return cmocka_run_group_tests_name("probe_png", tests, picture_set_up, picture_tear_down);
}
