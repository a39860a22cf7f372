/* The probe, against every cut and every altered byte of small pictures, and against files that are not pictures. The
 * rules of each format have tests of their own, probe_jpeg_test.c and so on; the files of real encoders are
 * in test/pictures/. */
#include "image/probe/probe.h"

#include "fake/pictures.h"
#include "unit.h"
#include <string.h>

/* the pictures that other tests use: whole, cut and altered */

#define BUILT(w, h) \
	{ \
		picture_jpeg(w, h), picture_png(w, h), picture_gif(w, h), picture_webp(w, h) \
	}

static void test_pictures_built_here_then_accepted_with_their_size(void **state)
{
	const struct str all[] = BUILT(300, 200);
	for (size_t i = 0; i < COUNT_OF(all); i++) {
		struct probe got = accept_picture(all[i]);
		assert_int_equal(got.type, PROBE_JPEG + i);
		assert_int_equal(got.width, 300);
		assert_int_equal(got.height, 200);
	}
}

static void test_picture_cut_anywhere_then_refused(void **state)
{
	const struct str all[] = BUILT(300, 200);
	for (size_t i = 0; i < COUNT_OF(all); i++) {
		for (size_t n = 0; n < all[i].n; n++) {
			struct probe got;
			enum probe_result result = probe_exactly(str_slice(all[i], 0, n), &got);
			if (result == PROBE_OK) /* a GIF may end after any whole frame */
				assert_true(got.type == PROBE_GIF && n == all[i].n - 1);
			else
				assert_non_null(got.why);
		}
	}
}

static void test_every_byte_flipped_then_no_crash(void **state)
{
	static const unsigned char flips[] = { 0x01, 0x80, 0xff };
	const struct str all[] = BUILT(300, 200);
	for (size_t i = 0; i < COUNT_OF(all); i++) {
		char *p = arena_alloc(picture_arena, all[i].n);
		memcpy(p, all[i].p, all[i].n);
		for (size_t at = 0; at < all[i].n * COUNT_OF(flips); at++) {
			struct probe got;
			char flip = (char)flips[at % COUNT_OF(flips)];
			p[at / COUNT_OF(flips)] ^= flip;
			enum probe_result result = probe_exactly((struct str){ p, all[i].n }, &got);
			p[at / COUNT_OF(flips)] ^= flip;
			assert_true(result != PROBE_OK || (got.width > 0 && got.height > 0));
		}
	}
}

/* files that are not pictures */

static void test_bytes_of_another_format_then_not_image(void **state)
{
	static const struct str others[] = { { "<!DOCTYPE html><html>", 21 }, { "<svg xmlns=", 11 }, { "%PDF-1.7", 8 }, { "PK\3\4", 4 },
		{ "RIFF\x10\0\0\0WAVEfmt ", 16 }, { "GIF88a", 6 }, { "\xff\xd8\x00", 3 }, { "\x89PNX", 4 },
		{ "\0\0\0\x18"
		  "ftypisom",
			12 },
		{ "BM", 2 }, { "MM\0*", 4 }, { " GIF89a", 7 },
		{ "\xef\xbb\xbf"
		  "GIF89a",
			9 } };
	for (size_t i = 0; i < COUNT_OF(others); i++) {
		struct probe got;
		assert_int_equal(probe_exactly(others[i], &got), PROBE_NOT_IMAGE);
		assert_int_equal(got.type, PROBE_UNKNOWN);
		assert_non_null(got.why);
	}
}

static void test_only_the_beginning_of_a_file_signature_then_not_image(void **state)
{
	static const struct str fronts[] = { { "", 0 }, { "\xff", 1 }, { "\xff\xd8", 2 }, { "\x89PNG\r\n\x1a", 7 }, { "GIF8", 4 },
		{ "RIFF\1\2\3\4WEB", 11 } };
	for (size_t i = 0; i < COUNT_OF(fronts); i++) {
		struct probe got;
		assert_int_equal(probe_exactly(fronts[i], &got), PROBE_NOT_IMAGE);
	}
}

static void test_media_type_then_of_each_type_and_empty_of_unknown(void **state)
{
	assert_true(str_equal(probe_media_type(PROBE_JPEG), STR("image/jpeg")));
	assert_true(str_equal(probe_media_type(PROBE_PNG), STR("image/png")));
	assert_true(str_equal(probe_media_type(PROBE_GIF), STR("image/gif")));
	assert_true(str_equal(probe_media_type(PROBE_WEBP), STR("image/webp")));
	assert_true(str_equal(probe_media_type(PROBE_UNKNOWN), STR("")));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, picture_set_up, picture_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_picture_cut_anywhere_then_refused),
		TEST(test_every_byte_flipped_then_no_crash),
		TEST(test_bytes_of_another_format_then_not_image),
		TEST(test_only_the_beginning_of_a_file_signature_then_not_image),
		TEST(test_pictures_built_here_then_accepted_with_their_size),
		TEST(test_media_type_then_of_each_type_and_empty_of_unknown),
	};
	return cmocka_run_group_tests_name("probe", tests, NULL, NULL);
}
