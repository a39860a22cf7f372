/* The eight orientations on a picture of six different pixels. */
#include "render/picture/orient.h"

#include "render/run.h"

static void test_each_orientation_then_upright(void **state)
{
	/* what is stored is abc/def */
	static const char *const UPRIGHT[] = { "abcdef", "abcdef", "cbafed", "fedcba", "defabc", "adbecf", "daebfc", "fcebda", "cfbead" };
	struct picture p = run_picture(3, 2, true);
	for (size_t i = 0; i < 6; i++)
		p.rgba[i * 4] = (unsigned char)('a' + i);
	for (unsigned orientation = 0; orientation <= 8; orientation++) {
		struct picture upright = orient_picture(run_arena, &p, orientation);
		assert_int_equal(upright.width, orientation >= 5 ? 2 : 3);
		assert_int_equal(upright.height, orientation >= 5 ? 3 : 2);
		assert_true(upright.alpha);
		for (size_t i = 0; i < 6; i++)
			if (upright.rgba[i * 4] != (unsigned char)UPRIGHT[orientation][i])
				fail_msg("orientation %u, pixel %zu: %c", orientation, i, upright.rgba[i * 4]);
	}
}

static void test_arena_full_then_no_picture(void **state)
{
	struct picture p = run_picture(30, 20, false);
	struct arena small;
	arena_init(&small, 100);
	assert_null(orient_picture(&small, &p, 6).rgba);
	assert_ptr_equal(orient_picture(&small, &p, 1).rgba, p.rgba);
	arena_deinit(&small);
}

int main(void)
{
	const struct CMUnitTest tests[] = { RUN_TEST(test_each_orientation_then_upright), RUN_TEST(test_arena_full_then_no_picture) };
	return cmocka_run_group_tests_name("orient", tests, NULL, NULL);
}
