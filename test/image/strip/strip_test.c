/* The strip as its callers see it, whatever the format. */
#include "fake/stripped.h"
#include "unit.h"

#include "base/mem.h"

#include <string.h>

static void test_strip_of_unknown_bytes_then_unchanged_and_said(void **state)
{
	const struct str files[] = { BYTES(""), BYTES("\xff"), BYTES("\xff\xd8"), BYTES("GIF8"), BYTES("GIF88a and more"),
		BYTES("RIFF\0\0\0\0WAVEfmt "), BYTES("<svg xmlns='http://www.w3.org/2000/svg'/>"), BYTES("\x89PNG\r\n\x1a"),
		BYTES("RIFF\0\0\0\0WEB") };
	for (size_t i = 0; i < COUNT_OF(files); i++) {
		expect_stripped(files[i], files[i], 0);
		assert_int_equal(strip_in_pieces(files[i], 3, NULL).result.type, PROBE_UNKNOWN);
	}
}

static void test_strip_of_each_format_then_its_type(void **state)
{
	assert_int_equal(strip_checked(picture_jpeg(8, 8), NULL).result.type, PROBE_JPEG);
	assert_int_equal(strip_checked(picture_png(8, 8), NULL).result.type, PROBE_PNG);
	assert_int_equal(strip_checked(picture_gif(8, 8), NULL).result.type, PROBE_GIF);
	assert_int_equal(strip_checked(picture_webp(8, 8), NULL).result.type, PROBE_WEBP);
}

/* Pixels are not copied: what passes is the input itself. */
static void test_strip_of_image_data_then_a_slice_of_the_input(void **state)
{
	static char data[1000];
	struct str head =
		JOIN(BYTES("\x89PNG\r\n\x1a\n"), picture_chunk("IHDR", BYTES("\0\0\0\x02\0\0\0\x03\x08\x02\0\0\0")), BYTES("\0\x0f\0\0IDAT"));
	struct str piece = { data, sizeof data }, out;
	struct strip s;
	strip_init(&s, NULL);
	while (strip_next(&s, &head, &out))
		;
	assert_true(strip_next(&s, &piece, &out));
	assert_ptr_equal(out.p, data);
	assert_int_equal(out.n, sizeof data);
	assert_false(strip_next(&s, &piece, &out));
	strip_deinit(&s);
}

static void test_strip_without_memory_then_an_error_and_no_more_output(void **state)
{
	struct str jpeg = JOIN(BYTES("\xff\xd8\xff\xe1\xff\xff"
								 "Exif\0\0"),
		((struct str){ arena_alloc(picture_arena, 65527), 65527 }), str_slice(picture_jpeg(8, 8), 2, SIZE_MAX));
	bool failed = true;
	for (int n = 1; failed; n++) {
		struct str left = jpeg, out;
		const struct strip_result *result;
		struct fault why;
		struct strip s;
		strip_init(&s, NULL);
		mem_fail_nth(n);
		while (strip_next(&s, &left, &out))
			;
		strip_end(&s, &out);
		mem_fail_nth(0);
		failed = strip_result(&s, &result, &why) != OK;
		assert_true(failed ? why.code == F_OUT_OF_MEMORY : result->stored_bytes > 0);
		assert_true(n < 20 && (n > 1 || failed));
		strip_deinit(&s);
	}
}

static void test_strip_of_bytes_that_are_all_there_then_the_same_and_patched(void **state)
{
	struct str extended = picture_riff_chunk("VP8X", BYTES("\x08\0\0\0\3\0\0\1\0\0")), exif = picture_riff_chunk("EXIF", BYTES("secret"));
	struct str webp = picture_riff(JOIN(extended, PICTURE_WEBP_LOSSY, exif)), before = BYTES("before");
	struct strip_result result;
	struct fault why;
	struct buf out;
	buf_init_arena(&out, picture_arena, before.n + webp.n);
	buf_put(&out, before);
	assert_int_equal(strip_bytes(webp, NULL, &out, &result, &why), OK);
	assert_str(str_slice(buf_str(&out), 0, before.n), before);
	assert_str(str_slice(buf_str(&out), before.n, out.n), strip_checked(webp, NULL).bytes);
	assert_int_equal(result.removed, STRIP_EXIF);
	assert_int_equal(result.patch.n, 4);
	buf_init_arena(&out, picture_arena, 20);
	assert_int_equal(strip_bytes(webp, NULL, &out, &result, &why), LIMIT);
}

static void test_strip_words_then_one_for_each_bit(void **state)
{
	for (unsigned i = 0; i < STRIP_REMOVED_KINDS; i++)
		for (unsigned j = 0; j < i; j++)
			assert_string_not_equal(strip_removed_word((enum strip_removed)(1u << i)), strip_removed_word((enum strip_removed)(1u << j)));
	assert_string_equal(strip_removed_word(STRIP_GAIN_MAP), "gain-map");
	assert_string_equal(strip_removed_word(STRIP_OTHER), "other");
}

static void test_strip_deinit_of_a_zeroed_one_then_nothing(void **state)
{
	struct strip s;
	memset(&s, 0, sizeof s);
	strip_deinit(&s);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, picture_set_up, picture_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_strip_of_unknown_bytes_then_unchanged_and_said),
		TEST(test_strip_of_each_format_then_its_type),
		TEST(test_strip_of_image_data_then_a_slice_of_the_input),
		TEST(test_strip_without_memory_then_an_error_and_no_more_output),
		TEST(test_strip_of_bytes_that_are_all_there_then_the_same_and_patched),
		TEST(test_strip_words_then_one_for_each_bit),
		TEST(test_strip_deinit_of_a_zeroed_one_then_nothing),
	};
	return cmocka_run_group_tests_name("strip", tests, NULL, NULL);
}
