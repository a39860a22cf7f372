/* PNGs that are built to keep or to break one rule each. Whether browsers show them was seen in Chromium. */
#include "fake/pictures.h"
#include "unit.h"
#include <string.h>

static struct str header(uint32_t width, uint32_t height, struct str rest)
{
	return JOIN(BYTES("\x89PNG\r\n\x1a\n"), picture_chunk("IHDR", JOIN(picture_be32(width), picture_be32(height), rest)));
}

#define RGB8 BYTES("\x08\x02\0\0\0")
#define DATA picture_chunk("IDAT", PICTURE_ZLIB)
#define HEAD header(2, 2, RGB8)
#define INDEXED BYTES("\x08\x03\0\0\0")
#define END picture_chunk("IEND", BYTES(""))

static void test_png_up_to_the_largest_size_then_accepted(void **state)
{
	struct probe got = accept_picture(JOIN(header(0x7fffffff, 65535, RGB8), DATA, END));
	assert_int_equal(got.width, 0x7fffffff);
	assert_int_equal(got.height, 65535);
	assert_int_equal(got.frames, 1);
	assert_int_equal(accept_picture(JOIN(header(1, 0x7fffffff, BYTES("\x08\x02\0\0\1")), DATA, END)).height, 0x7fffffff);
	accept_picture(JOIN(header(1, 1, RGB8), picture_chunk("azAZ", BYTES("")), DATA, END));
	accept_picture(JOIN(header(1, 1, RGB8), picture_chunk("tEXt", BYTES("a\0b")), DATA, DATA, END, BYTES("trailing")));
}

static void test_png_of_each_colour_type_and_depth_then_only_valid_combinations(void **state)
{
	static const char *const allowed[7] = { "\1\2\4\x8\x10", "", "\x8\x10", "\1\2\4\x8", "\x8\x10", "", "\x8\x10" };
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
	refuse_picture(JOIN(head, DATA, str_slice(END, 0, 11)), "it ends too early");
	refuse_picture(JOIN(head,
					   BYTES("\0\0\0\x09"
							 "IDATxx")),
		"it ends too early");
	refuse_picture(JOIN(head, BYTES("\x80\0\0\0IDATxx"), DATA, END), "a chunk's length or name is not possible");
	refuse_picture(JOIN(head, BYTES("\x7f\xff\xff\xffIDATxx"), DATA, END), "it ends too early");
	refuse_picture(JOIN(head, BYTES("\0\0\0\0I{ATxxxx"), DATA, END), "a chunk's length or name is not possible");
	refuse_picture(JOIN(head, BYTES("\0\0\0\0I\0ATxxxx"), DATA, END), "a chunk's length or name is not possible");
}

static void test_png_with_a_wrong_checksum_in_its_header_then_bad(void **state)
{
	struct str good = JOIN(header(2, 2, RGB8), DATA, END);
	char *p = arena_alloc(picture_arena, good.n);
	memcpy(p, good.p, good.n);
	p[19] ^= 1;
	refuse_picture((struct str){ p, good.n }, "the checksum of its header is wrong");
}

/* A copy whose last byte, of the checksum, is another. */
static struct str damaged(struct str chunk)
{
	char *p = arena_alloc(picture_arena, chunk.n);
	memcpy(p, chunk.p, chunk.n);
	p[chunk.n - 1] ^= 1;
	return (struct str){ p, chunk.n };
}

static void test_png_whose_image_data_are_no_compressed_data_then_bad(void **state)
{
	const char *none = "it has no image data", *other = "its image data are not compressed as PNG's are";
	struct str whole = PICTURE_ZLIB;
	refuse_picture(JOIN(HEAD, picture_chunk("IDAT", BYTES("")), END), none);
	refuse_picture(JOIN(HEAD, picture_chunk("IDAT", BYTES("")), picture_chunk("IDAT", BYTES("")), END), none);
	refuse_picture(JOIN(HEAD, picture_chunk("IDAT", BYTES("\x78\x9c")), END), none);
	refuse_picture(JOIN(HEAD, picture_chunk("IDAT", BYTES("xxxxxxxx")), END), other);
	refuse_picture(JOIN(HEAD, picture_chunk("IDAT", BYTES("\x78\x9d\x03\0")), END), other);
	refuse_picture(JOIN(HEAD, picture_chunk("IDAT", BYTES("\x78\xbb\x03\0")), END), other); /* a preset dictionary */
	refuse_picture(JOIN(HEAD, picture_chunk("IDAT", BYTES("\x77\x07\x03\0")), END), other); /* method 7 */
	refuse_picture(JOIN(HEAD, picture_chunk("IDAT", BYTES("\x88\x1c\x03\0")), END), other); /* a window of 64 KiB */
	accept_picture(JOIN(HEAD, picture_chunk("IDAT", BYTES("\x08\x1d\x03\0")), END));
	accept_picture(JOIN(HEAD, picture_chunk("IDAT", str_slice(whole, 0, 1)), picture_chunk("IDAT", BYTES("")),
		picture_chunk("IDAT", str_slice(whole, 1, whole.n)), END));
	refuse_picture(JOIN(HEAD, picture_chunk("IDAT", BYTES("x")), picture_chunk("IDAT", BYTES("xx")), END), other);
	refuse_picture(JOIN(HEAD, DATA, picture_chunk("tEXt", BYTES("a\0b")), DATA, END), "another chunk is between its image data");
}

static void test_png_with_a_wrong_checksum_then_bad_in_critical_chunks(void **state)
{
	struct str palette = picture_chunk("PLTE", BYTES("rgb"));
	refuse_picture(JOIN(HEAD, damaged(DATA), END), "the checksum of its image data is wrong");
	refuse_picture(JOIN(HEAD, DATA, damaged(DATA), END), "the checksum of its image data is wrong");
	refuse_picture(JOIN(header(1, 1, INDEXED), damaged(palette), DATA, END), "the checksum of its palette is wrong");
	refuse_picture(JOIN(HEAD, damaged(palette), DATA, END), "the checksum of its palette is wrong");
	accept_picture(
		JOIN(HEAD, damaged(picture_chunk("tEXt", BYTES("a\0b"))), DATA, damaged(picture_chunk("iCCP", BYTES("x"))), damaged(END)));
}

static void test_png_palette_then_1_to_256_colours_and_only_one_palette(void **state)
{
	const char *wrong = "its palette has a wrong length";
	char colours[3 * 257 + 1] = { 0 };
	for (size_t n = 0; n <= sizeof(colours); n++) {
		struct str palette = picture_chunk("PLTE", (struct str){ colours, n }), picture = JOIN(header(1, 1, INDEXED), palette, DATA, END);
		if (n > 0 && n % 3 == 0 && n <= 768)
			accept_picture(picture);
		else
			refuse_picture(picture, wrong);
	}
	struct str palette = picture_chunk("PLTE", BYTES("rgb"));
	refuse_picture(JOIN(header(1, 1, INDEXED), palette, palette, DATA, END), "it has two palettes");
	refuse_picture(JOIN(header(1, 1, INDEXED), DATA, palette, END), "its palette is missing");
	accept_picture(JOIN(header(1, 1, INDEXED), palette, DATA, palette, END));
	refuse_picture(JOIN(HEAD, picture_chunk("PLTE", BYTES("")), DATA, END), wrong);
}

static void test_png_critical_chunk_of_an_unknown_kind_then_bad(void **state)
{
	const char *unknown = "it has a critical chunk of an unknown kind";
	refuse_picture(JOIN(HEAD, picture_chunk("ABCD", BYTES("")), DATA, END), unknown);
	refuse_picture(JOIN(HEAD, DATA, picture_chunk("Zbcd", BYTES("")), END), unknown);
	refuse_picture(JOIN(HEAD, picture_chunk("Idat", BYTES("")), DATA, END), unknown);
	accept_picture(JOIN(HEAD, picture_chunk("aBCD", BYTES("")), DATA, picture_chunk("zBCD", BYTES("")), END));
}

/* animations */

#define SEQ(n) picture_be32(n)

static struct str announce(uint32_t frames)
{
	return picture_chunk("acTL", JOIN(picture_be32(frames), BYTES("\0\0\0\0")));
}

#define PLACE(width, height, x, y) JOIN(picture_be32(width), picture_be32(height), picture_be32(x), picture_be32(y))

static struct str frame_in(uint32_t sequence, struct str place, struct str operations)
{
	return picture_chunk("fcTL", JOIN(SEQ(sequence), place, BYTES("\0\1\0\x0a"), operations));
}

static struct str frame(uint32_t sequence)
{
	return frame_in(sequence, PLACE(2, 2, 0, 0), BYTES("\0\0"));
}

static struct str frame_data(uint32_t sequence)
{
	return picture_chunk("fdAT", JOIN(SEQ(sequence), PICTURE_ZLIB));
}

static void test_png_animation_then_its_frames_are_counted(void **state)
{
	struct str second = frame_in(1, PLACE(1, 2, 1, 0), BYTES("\2\1"));
	assert_int_equal(accept_picture(JOIN(HEAD, announce(1), frame(0), DATA, END)).frames, 1);
	assert_int_equal(accept_picture(JOIN(HEAD, announce(2), frame(0), DATA, second, frame_data(2), END)).frames, 2);
	assert_int_equal(accept_picture(JOIN(HEAD, announce(2), frame(0), DATA, DATA, second, frame_data(2), frame_data(3), END)).frames, 2);
	/* the image is not a frame of its animation */
	assert_int_equal(accept_picture(JOIN(HEAD, announce(2), DATA, frame_in(0, PLACE(1, 1, 1, 1), BYTES("\0\0")), frame_data(1), frame(2),
										frame_data(3), END))
						 .frames,
		2);
	/* only the first counts */
	assert_int_equal(accept_picture(JOIN(HEAD, announce(2), announce(1), frame(0), DATA, second, frame_data(2), END)).frames, 2);
}

static void test_png_animation_of_another_number_of_frames_then_bad(void **state)
{
	const char *number = "its animation does not have the number of frames that it announces";
	static const uint32_t wrong[] = { 1, 3, 100000000, 0x7fffffff };
	for (size_t i = 0; i < COUNT_OF(wrong); i++) {
		struct str picture = JOIN(HEAD, announce(wrong[i]), frame(0), DATA, frame(1), frame_data(2), END);
		refuse_picture(picture, number);
	}
	refuse_picture(JOIN(HEAD, announce(1), DATA, END), number);
	refuse_picture(JOIN(HEAD, announce(2), announce(1), frame(0), DATA, END), number);
}

static void test_png_animation_whose_parts_are_out_of_order_then_bad(void **state)
{
	const char *order = "the parts of its animation are out of order", *none = "a frame of its animation has no data";
	struct str head = JOIN(HEAD, announce(2)), first = JOIN(head, frame(0), DATA);
	refuse_picture(JOIN(head, frame(1), DATA, frame(2), frame_data(3), END), order);
	refuse_picture(JOIN(first, frame(0), frame_data(1), END), order);
	refuse_picture(JOIN(first, frame(2), frame_data(3), END), order);
	refuse_picture(JOIN(first, frame(1), frame_data(1), END), order);
	refuse_picture(JOIN(first, frame(1), frame_data(3), END), order);
	refuse_picture(JOIN(first, frame(1), frame_data(3), frame_data(2), END), order);
	refuse_picture(JOIN(first, frame(1), picture_chunk("fdAT", BYTES("\0\0\0")), END), order);
	refuse_picture(JOIN(first, frame_data(1), frame(2), END), "its animation has data without a frame");
	refuse_picture(JOIN(head, frame(0), frame_data(1), DATA, END), "its animation has data without a frame");
	refuse_picture(JOIN(head, frame(0), frame(1), DATA, END), none);
	refuse_picture(JOIN(first, frame(1), END), none);
	refuse_picture(JOIN(first, frame(1), picture_chunk("fdAT", SEQ(2)), END), none);
	refuse_picture(JOIN(HEAD, announce(3), frame(0), DATA, frame(1), frame(2), frame_data(3), END), none);
}

static void test_png_animation_whose_frames_are_wrong_then_bad(void **state)
{
	const char *outside = "a frame lies outside the image", *smaller = "its first frame is smaller than the image";
	struct str head = JOIN(HEAD, announce(2)), first = JOIN(head, frame(0), DATA), last = JOIN(frame_data(2), END), same = BYTES("\0\0");
	refuse_picture(JOIN(first, frame_in(1, PLACE(2, 2, 1, 0), same), last), outside);
	refuse_picture(JOIN(first, frame_in(1, PLACE(2, 2, 0, 1), same), last), outside);
	refuse_picture(JOIN(first, frame_in(1, PLACE(2, 2, 0xffffffff, 0), same), last), outside);
	refuse_picture(JOIN(first, frame_in(1, PLACE(3, 2, 0, 0), same), last), outside);
	refuse_picture(JOIN(first, frame_in(1, PLACE(0, 2, 0, 0), same), last), "a frame's width or height is 0");
	refuse_picture(JOIN(first, frame_in(1, PLACE(2, 0, 0, 0), same), last), "a frame's width or height is 0");
	refuse_picture(JOIN(first, frame_in(1, PLACE(2, 2, 0, 0), BYTES("\3\0")), last), "a frame's dispose or blend operation is unknown");
	refuse_picture(JOIN(first, frame_in(1, PLACE(2, 2, 0, 0), BYTES("\0\2")), last), "a frame's dispose or blend operation is unknown");
	refuse_picture(JOIN(first, frame_in(1, PLACE(2, 2, 0, 0), BYTES("\0")), last), "a frame's header has a wrong length");
	refuse_picture(JOIN(head, frame_in(0, PLACE(1, 2, 0, 0), same), DATA, frame(1), last), smaller);
	refuse_picture(JOIN(head, frame_in(0, PLACE(1, 1, 1, 1), same), DATA, frame(1), last), smaller);
}

/* PNG (Third Edition) 13.1: the image is then a still one. */
static void test_png_with_broken_animation_chunks_then_one_frame(void **state)
{
	const struct str stills[] = { JOIN(HEAD, announce(0), DATA, END), JOIN(HEAD, announce(0), frame(0), DATA, END),
		JOIN(HEAD, announce(0x80000000), frame(0), DATA, END), JOIN(HEAD, picture_chunk("acTL", BYTES("\0\0\0\1")), DATA, END),
		JOIN(HEAD, picture_chunk("acTL", BYTES("")), DATA, END), JOIN(HEAD, damaged(announce(3)), DATA, END),
		JOIN(HEAD, DATA, announce(3), END), JOIN(HEAD, DATA, announce(1), frame(0), frame_data(1), END),
		JOIN(HEAD, frame_in(0, PLACE(2, 2, 1, 0), BYTES("\0\0")), DATA, END),
		JOIN(HEAD, frame_in(0, PLACE(9, 9, 0, 0), BYTES("\0\0")), DATA, END), JOIN(HEAD, picture_chunk("fcTL", BYTES("short")), DATA, END),
		JOIN(HEAD, DATA, frame_data(7), END), JOIN(HEAD, frame(3), frame(3), DATA, END),
		JOIN(HEAD, picture_chunk("fdAT", BYTES("")), picture_chunk("fcTL", BYTES("")), DATA, END) };
	for (size_t i = 0; i < COUNT_OF(stills); i++)
		assert_int_equal(accept_picture(stills[i]).frames, 1);
}

static void test_png_cut_anywhere_then_refused(void **state)
{
	struct str whole = JOIN(HEAD, picture_chunk("tEXt", BYTES("a\0b")), announce(2), frame(0), DATA, frame(1), frame_data(2), END);
	for (size_t n = 8; n < whole.n; n++)
		refuse_picture(str_slice(whole, 0, n), "it ends too early");
	accept_picture(JOIN(whole, BYTES("\0")));
}

/* As browsers do: the first one, if it is before the image data and undamaged. ImageMagick writes it after. */
static void test_png_exif_then_orientation_only_before_the_data(void **state)
{
	struct str exif = picture_chunk("eXIf", BYTES("MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0"));
	struct str eight = picture_chunk("eXIf", BYTES("II*\0\x08\0\0\0\1\0\x12\1\3\0\1\0\0\0\x08\0\0\0\0\0\0\0"));
	assert_int_equal(accept_picture(JOIN(HEAD, exif, DATA, END)).orientation, 6);
	assert_int_equal(accept_picture(JOIN(HEAD, exif, eight, DATA, END)).orientation, 6);
	assert_int_equal(accept_picture(JOIN(HEAD, eight, exif, DATA, END)).orientation, 8);
	assert_int_equal(accept_picture(JOIN(HEAD, DATA, exif, END)).orientation, 0);
	assert_int_equal(accept_picture(JOIN(HEAD, exif, DATA, eight, END)).orientation, 6);
	assert_int_equal(accept_picture(JOIN(HEAD, DATA, END, exif)).orientation, 0);
	assert_int_equal(accept_picture(JOIN(HEAD, damaged(exif), DATA, END)).orientation, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_png_up_to_the_largest_size_then_accepted),
		cmocka_unit_test(test_png_of_each_colour_type_and_depth_then_only_valid_combinations),
		cmocka_unit_test(test_png_that_breaks_a_rule_then_bad_and_why),
		cmocka_unit_test(test_png_with_a_wrong_checksum_in_its_header_then_bad),
		cmocka_unit_test(test_png_whose_image_data_are_no_compressed_data_then_bad),
		cmocka_unit_test(test_png_with_a_wrong_checksum_then_bad_in_critical_chunks),
		cmocka_unit_test(test_png_palette_then_1_to_256_colours_and_only_one_palette),
		cmocka_unit_test(test_png_critical_chunk_of_an_unknown_kind_then_bad),
		cmocka_unit_test(test_png_animation_then_its_frames_are_counted),
		cmocka_unit_test(test_png_animation_of_another_number_of_frames_then_bad),
		cmocka_unit_test(test_png_animation_whose_parts_are_out_of_order_then_bad),
		cmocka_unit_test(test_png_animation_whose_frames_are_wrong_then_bad),
		cmocka_unit_test(test_png_with_broken_animation_chunks_then_one_frame),
		cmocka_unit_test(test_png_cut_anywhere_then_refused),
		cmocka_unit_test(test_png_exif_then_orientation_only_before_the_data),
	};
	return cmocka_run_group_tests_name("probe_png", tests, picture_set_up, picture_tear_down);
}
