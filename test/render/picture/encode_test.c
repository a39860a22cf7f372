/* Each format: read back it is the picture; and a window that is too small. */
#include "render/picture/encode.h"

#include "render/run.h"

static void test_each_format_then_read_back_it_is_the_picture(void **state)
{
	static const enum render_kind KINDS[] = {
		[RENDER_TO_WEBP] = RENDER_WEBP, [RENDER_TO_JPEG] = RENDER_JPEG, [RENDER_TO_PNG] = RENDER_PNG
	};
	static const int MOST[] = { [RENDER_TO_WEBP] = 12, [RENDER_TO_JPEG] = 12, [RENDER_TO_PNG] = 0 };
	for (int alpha = 0; alpha < 2; alpha++) {
		for (enum render_format f = RENDER_TO_WEBP; f <= RENDER_TO_PNG; f++) {
			struct picture p = run_picture(120, 77, alpha && f != RENDER_TO_JPEG);
			struct picture back = run_pixels(KINDS[f], run_encode(&p, f, 95), 512);
			assert_int_equal(back.alpha, p.alpha);
			if (!alpha || f == RENDER_TO_PNG)
				run_expect_close(&p, &back, MOST[f]);
		}
	}
}

static void test_window_of_any_size_then_full_or_all_of_it(void **state)
{
	struct picture p = run_picture(64, 64, true);
	for (enum render_format f = RENDER_TO_WEBP; f <= RENDER_TO_PNG; f++) {
		size_t need = run_encode(&p, f, 80).n;
		struct render_preset preset = { 1, 1, RENDER_FIT, (uint8_t)f, 80, 1 };
		for (size_t max = 0; max <= need; max += max < need && need - max < 97 ? need - max : 97) {
			struct window w = { .bytes = arena_alloc(run_arena, max), .max = max };
			bool good = encode_picture(&p, &preset, &w);
			assert_int_equal(good, max >= need);
			assert_int_equal(w.full, !good);
			assert_true(w.used <= max);
			if (max == need)
				break;
		}
	}
}

static void test_window_with_something_in_it_then_appended(void **state)
{
	struct picture p = run_picture(16, 16, false);
	unsigned char *bytes = arena_alloc(run_arena, 10000);
	struct window w = { .bytes = bytes, .max = 10000 };
	struct render_preset preset = { 1, 1, RENDER_FIT, RENDER_TO_JPEG, 80, 0 };
	window_put(&w, "abc", 3);
	assert_true(encode_picture(&p, &preset, &w));
	assert_memory_equal(bytes, "abc\xff\xd8", 5);
}

static void test_odd_sizes_then_encoded(void **state)
{
	static const uint32_t SIZES[][2] = { { 1, 1 }, { 1, 300 }, { 300, 1 }, { 17, 3 } };
	for (size_t i = 0; i < COUNT_OF(SIZES); i++)
		for (enum render_format f = RENDER_TO_WEBP; f <= RENDER_TO_PNG; f++) {
			struct picture p = run_picture(SIZES[i][0], SIZES[i][1], true);
			assert_true(run_encode(&p, f, 1).n > 0);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		RUN_TEST(test_each_format_then_read_back_it_is_the_picture),
		RUN_TEST(test_window_of_any_size_then_full_or_all_of_it),
		RUN_TEST(test_window_with_something_in_it_then_appended),
		RUN_TEST(test_odd_sizes_then_encoded),
	};
	return cmocka_run_group_tests_name("encode", tests, NULL, NULL);
}
