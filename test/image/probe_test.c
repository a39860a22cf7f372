/* The probe, against pictures that others made and what other programs say of them (file, gifsicle,
 * webpinfo), against every prefix and every altered byte. The rules of each format have tests of their
 * own, probe_jpeg_test.c and so on. */
#include "image/probe.h"

#include "base/buf.h"
#include "fake/pictures.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#define CORPUS "../shared/corpus/"

static struct str read_file(const char *name)
{
	char path[256];
	snprintf(path, sizeof(path), CORPUS "%s", name);
	FILE *f = fopen(path, "rb");
	if (f == NULL)
		fail_msg("the test needs %s", path);
	struct buf b;
	buf_init_arena(&b, picture_arena, (size_t)8 << 20);
	char piece[65536];
	for (size_t n = 1; n > 0;) {
		n = fread(piece, 1, sizeof(piece), f);
		buf_put(&b, (struct str){ piece, n });
	}
	fclose(f);
	assert_true(buf_ok(&b));
	return buf_str(&b);
}

/* the real ones */

static const struct picture {
	const char *name;
	enum probe_type type;
	uint32_t width, height, orientation, frames;
} pictures[] = {
	{ "good/1.webp", PROBE_WEBP, 550, 368, 0, 1 },
	{ "good/Canon_40D.jpg", PROBE_JPEG, 100, 68, 1, 1 },
	{ "good/DSCN0010.jpg", PROBE_JPEG, 640, 480, 1, 1 },
	{ "good/DSCN0029.jpg", PROBE_JPEG, 640, 480, 1, 1 },
	{ "good/DSCN0040.jpg", PROBE_JPEG, 640, 480, 1, 1 },
	{ "good/HMD_Nokia_8.3_5G.jpg", PROBE_JPEG, 4608, 1976, 1, 1 },
	{ "good/Panasonic_DMC-FZ30.jpg", PROBE_JPEG, 100, 75, 1, 1 },
	{ "good/big-height.webp", PROBE_WEBP, 13, 169, 0, 99 },
	{ "good/canon-ixus.jpg", PROBE_JPEG, 640, 480, 1, 1 },
	{ "good/cogs.gif", PROBE_GIF, 85, 77, 0, 5 },
	{ "good/cramps.gif", PROBE_GIF, 159, 203, 0, 1 },
	{ "good/dispose-background.gif", PROBE_GIF, 192, 168, 0, 3 },
	{ "good/indexed.png", PROBE_PNG, 290, 442, 0, 1 },
	{ "good/jolla.jpg", PROBE_JPEG, 3264, 2448, 1, 1 },
	{ "good/kodak-dc210.jpg", PROBE_JPEG, 640, 480, 1, 1 },
	{ "good/long_description.jpg", PROBE_JPEG, 100, 73, 1, 1 },
	{ "good/looks-like-svg.webp", PROBE_WEBP, 256, 256, 0, 1 },
	{ "good/nikon-e950.jpg", PROBE_JPEG, 800, 600, 1, 1 },
	{ "good/no_exif.jpg", PROBE_JPEG, 322, 466, 1, 1 },
	{ "good/orientation-1.jpg", PROBE_JPEG, 308, 410, 1, 1 },
	{ "good/orientation-2.jpg", PROBE_JPEG, 308, 410, 2, 1 },
	{ "good/orientation-3.jpg", PROBE_JPEG, 308, 410, 3, 1 },
	{ "good/orientation-4.jpg", PROBE_JPEG, 308, 410, 4, 1 },
	{ "good/orientation-5.jpg", PROBE_JPEG, 308, 231, 5, 1 },
	{ "good/orientation-6.jpg", PROBE_JPEG, 308, 231, 6, 1 },
	{ "good/orientation-7.jpg", PROBE_JPEG, 308, 231, 7, 1 },
	{ "good/orientation-8.jpg", PROBE_JPEG, 308, 231, 8, 1 },
	{ "good/rgba.png", PROBE_PNG, 128, 128, 0, 1 },
	{ "good/sample.png", PROBE_PNG, 290, 442, 0, 1 },
};

static void test_every_good_picture_then_what_other_programs_say(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(pictures); i++) {
		const struct picture *want = &pictures[i];
		struct probe got;
		enum probe_result result = probe_exactly(read_file(want->name), true, &got);
		if (result != PROBE_OK)
			fail_msg("%s: result %d, %s", want->name, result, got.why);
		assert_int_equal(got.type, want->type);
		assert_int_equal(got.width, want->width);
		assert_int_equal(got.height, want->height);
		assert_int_equal(got.orientation, want->orientation);
		assert_int_equal(got.frames, want->frames);
		assert_null(got.why);
	}
}

/* NEED_MORE up to a point, OK from there on, and never another answer. */
static void check_prefixes(const struct picture *want, struct str bytes)
{
	bool known = false;
	for (size_t n = 0; n <= bytes.n; n += 1 + (n < 4096 ? 0 : n / 64)) {
		struct probe got;
		enum probe_result result = probe_exactly(str_slice(bytes, 0, n), false, &got);
		if (result != (known ? PROBE_OK : result) || (result != PROBE_OK && result != PROBE_NEED_MORE))
			fail_msg("%s cut at %zu: result %d", want->name, n, result);
		known = result == PROBE_OK;
		if (!known)
			continue;
		assert_int_equal(got.type, want->type);
		assert_int_equal(got.width, want->width);
		assert_int_equal(got.height, want->height);
		assert_int_equal(got.orientation, want->orientation);
		assert_true(got.frames == 0 || got.frames == want->frames);
	}
	assert_true(known);
}

static void test_every_prefix_then_need_more_until_the_head_is_known(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(pictures); i++)
		check_prefixes(&pictures[i], read_file(pictures[i].name));
}

static void test_whole_but_cut_anywhere_then_no_harm_and_never_need_more(void **state)
{
	static const char *const names[] = { "good/cogs.gif", "good/looks-like-svg.webp", "good/big-height.webp", "good/Canon_40D.jpg" };
	(void)state;
	for (size_t i = 0; i < COUNT_OF(names); i++) {
		struct str bytes = read_file(names[i]);
		for (size_t n = 0; n < bytes.n; n++) {
			struct probe got;
			enum probe_result result = probe_exactly(str_slice(bytes, 0, n), true, &got);
			assert_int_not_equal(result, PROBE_NEED_MORE);
			assert_true(result == PROBE_OK || got.why != NULL);
			assert_true(result != PROBE_OK || got.type == PROBE_JPEG);
		}
	}
}

static void test_every_byte_flipped_then_no_harm(void **state)
{
	static const char *const names[] = { "good/cogs.gif", "good/looks-like-svg.webp", "good/big-height.webp", "good/Canon_40D.jpg" };
	static const unsigned char flips[] = { 0x01, 0x80, 0xff };
	(void)state;
	for (size_t i = 0; i < COUNT_OF(names); i++) {
		struct str bytes = read_file(names[i]);
		char *p = arena_alloc(picture_arena, bytes.n);
		memcpy(p, bytes.p, bytes.n);
		for (size_t at = 0; at < bytes.n * COUNT_OF(flips); at++) {
			struct probe got;
			char flip = (char)flips[at % COUNT_OF(flips)];
			p[at / COUNT_OF(flips)] ^= flip;
			enum probe_result result = probe_exactly((struct str){ p, bytes.n }, true, &got);
			p[at / COUNT_OF(flips)] ^= flip;
			assert_int_not_equal(result, PROBE_NEED_MORE);
			assert_true(result != PROBE_OK || (got.width > 0 && got.height > 0));
		}
	}
}

static void test_broken_pictures_then_the_gifs_are_bad_and_the_jpegs_do_no_harm(void **state)
{
	struct probe got;
	(void)state;
	assert_int_equal(probe_exactly(read_file("broken/truncated.gif"), true, &got), PROBE_BAD);
	assert_string_equal(got.why, "it ends too early");
	assert_int_equal(got.type, PROBE_GIF);
	assert_int_equal(got.width, 0);
	assert_int_equal(probe_exactly(read_file("broken/invalid_multiframe.gif"), true, &got), PROBE_BAD);
	assert_int_equal(probe_exactly(read_file("broken/corrupted.jpg"), true, &got), PROBE_OK);
	assert_int_equal(got.width, 3648);
	assert_int_equal(probe_exactly(read_file("broken/truncated.jpg"), true, &got), PROBE_OK);
	assert_int_equal(got.height, 442);
}

/* what is no picture */

static void test_bytes_of_another_kind_then_not_image(void **state)
{
	static const struct str others[] = { { "<!DOCTYPE html><html>", 21 }, { "<svg xmlns=", 11 }, { "%PDF-1.7", 8 }, { "PK\3\4", 4 },
		{ "RIFF\x10\0\0\0WAVEfmt ", 16 }, { "GIF88a", 6 }, { "\xff\xd8\x00", 3 }, { "\x89PNX", 4 }, { "\0\0\0\x18" "ftypavif", 12 },
		{ "BM", 2 }, { "MM\0*", 4 }, { " GIF89a", 7 }, { "\xef\xbb\xbf" "GIF89a", 9 } };
	(void)state;
	for (size_t i = 0; i < COUNT_OF(others); i++) {
		struct probe got;
		assert_int_equal(probe_exactly(others[i], true, &got), PROBE_NOT_IMAGE);
		assert_int_equal(probe_exactly(others[i], false, &got), PROBE_NOT_IMAGE);
		assert_int_equal(got.type, PROBE_UNKNOWN);
		assert_non_null(got.why);
	}
}

static void test_the_front_of_a_signature_then_need_more_or_not_image_when_whole(void **state)
{
	static const struct str fronts[] = { { "", 0 }, { "\xff", 1 }, { "\xff\xd8", 2 }, { "\x89PNG\r\n\x1a", 7 }, { "GIF8", 4 }, { "RIFF\1\2\3\4WEB", 11 } };
	(void)state;
	for (size_t i = 0; i < COUNT_OF(fronts); i++) {
		struct probe got;
		assert_int_equal(probe_exactly(fronts[i], false, &got), PROBE_NEED_MORE);
		assert_int_equal(probe_exactly(fronts[i], true, &got), PROBE_NOT_IMAGE);
	}
}

static void test_media_type_then_of_each_type_and_empty_of_unknown(void **state)
{
	(void)state;
	assert_true(str_equal(probe_media_type(PROBE_JPEG), STR("image/jpeg")));
	assert_true(str_equal(probe_media_type(PROBE_PNG), STR("image/png")));
	assert_true(str_equal(probe_media_type(PROBE_GIF), STR("image/gif")));
	assert_true(str_equal(probe_media_type(PROBE_WEBP), STR("image/webp")));
	assert_true(str_equal(probe_media_type(PROBE_UNKNOWN), STR("")));
}

/* the pictures that other tests lean on */

static void test_pictures_built_here_then_accepted_with_their_size(void **state)
{
	(void)state;
	const struct str all[] = { picture_jpeg(300, 200), picture_png(300, 200), picture_gif(300, 200), picture_webp(300, 200) };
	for (size_t i = 0; i < COUNT_OF(all); i++) {
		struct probe got = accept_picture(all[i]);
		assert_int_equal(got.type, PROBE_JPEG + i);
		assert_int_equal(got.width, 300);
		assert_int_equal(got.height, 200);
	}
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, picture_set_up, picture_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_every_good_picture_then_what_other_programs_say),
		TEST(test_every_prefix_then_need_more_until_the_head_is_known),
		TEST(test_whole_but_cut_anywhere_then_no_harm_and_never_need_more),
		TEST(test_every_byte_flipped_then_no_harm),
		TEST(test_broken_pictures_then_the_gifs_are_bad_and_the_jpegs_do_no_harm),
		TEST(test_bytes_of_another_kind_then_not_image),
		TEST(test_the_front_of_a_signature_then_need_more_or_not_image_when_whole),
		TEST(test_pictures_built_here_then_accepted_with_their_size),
		TEST(test_media_type_then_of_each_type_and_empty_of_unknown),
	};
	return cmocka_run_group_tests_name("probe", tests, NULL, NULL);
}
