/* Several presets from one decode. */
#include "render/picture/thumbs.h"

#include "render/run.h"
#include <stdlib.h>
#include <string.h>

static void test_source_size_then_enough_for_all_either_way_round(void **state)
{
	struct render_job job = run_job(RENDER_JPEG, RENDER_HASH | RENDER_THUMB);
	struct render_answer answer = { .width = 4000, .height = 3000 };
	uint32_t width, height;
	job.preset[0].height = 100;
	assert_true(thumbs_source_size(&job, &answer, &width, &height));
	assert_int_equal(width, 133); /* upright; turned, as 3000 x 4000, it needs 100 x 75 */
	assert_int_equal(height, 100);
	answer = (struct render_answer){ .width = 3000, .height = 4000 };
	assert_true(thumbs_source_size(&job, &answer, &width, &height));
	assert_int_equal(width, 100);
	assert_int_equal(height, 133);
}

static void test_no_picture_wanted_then_no_source_size(void **state)
{
	struct render_job job = run_job(RENDER_JPEG, RENDER_CHECK);
	struct render_answer answer = { .width = 4000, .height = 3000 };
	uint32_t width, height;
	assert_false(thumbs_source_size(&job, &answer, &width, &height));
}

static struct render_job four_presets(void)
{
	static const struct render_preset PRESETS[] = { { 20, 20, RENDER_COVER, RENDER_TO_JPEG, 90, 1 },
		{ 200, 200, RENDER_FIT, RENDER_TO_WEBP, 90, 2 }, { 100, 100, RENDER_FIT, RENDER_TO_PNG, 90, 1 },
		{ 1000, 1000, RENDER_FIT, RENDER_TO_JPEG, 90, 0 } };
	struct render_job job = run_job(RENDER_PNG, RENDER_HASH | RENDER_THUMB);
	memcpy(job.preset, PRESETS, sizeof PRESETS);
	job.presets = 4;
	return job;
}

static void test_four_presets_then_each_in_its_size_and_format(void **state)
{
	static const struct {
		uint32_t width, height;
		enum render_kind kind;
	} WANT[] = { { 20, 20, RENDER_JPEG }, { 200, 133, RENDER_WEBP }, { 100, 67, RENDER_PNG }, { 300, 200, RENDER_JPEG } };
	struct picture p = run_picture(300, 200, false);
	struct render_answer a = run_bytes(four_presets(), run_encode(&p, RENDER_TO_PNG, 80));
	struct str made = str_dup(run_arena, (struct str){ (const char *)run_window.bytes, run_window.used });
	assert_int_equal(a.code, RENDER_NONE);
	assert_int_equal(a.presets, 4);
	assert_true(a.hash_bytes > 0);
	for (size_t i = 0; i < 4; i++) {
		struct str thumb = { made.p + a.thumb[i].offset, a.thumb[i].length };
		assert_int_equal(a.thumb[i].width, WANT[i].width);
		assert_int_equal(a.thumb[i].height, WANT[i].height);
		struct picture got = run_pixels(WANT[i].kind, thumb, 1000),
					   reference = run_pixels(RENDER_PNG, run_encode(&p, RENDER_TO_PNG, 80), (uint16_t)WANT[i].width);
		if (i > 0)
			run_expect_close(&got, &reference, 12);
		assert_int_equal(got.width, WANT[i].width);
	}
}

static void test_window_too_small_then_limit_and_no_thumbnail(void **state)
{
	struct picture p = run_picture(300, 200, false);
	struct render_job job = four_presets();
	job.max_output = 3000;
	struct render_answer a = run_bytes(job, run_encode(&p, RENDER_TO_PNG, 80));
	assert_int_equal(a.code, RENDER_TOO_MUCH_OUTPUT);
	assert_int_equal(a.presets, 0);
}

static void test_alpha_then_reported_and_kept_or_over_white(void **state)
{
	struct picture p = run_picture(60, 40, true);
	memset(p.rgba, 0, (size_t)60 * 40 * 4);
	struct render_job job = run_job(RENDER_PNG, RENDER_HASH | RENDER_THUMB);
	job.preset[0].format = RENDER_TO_JPEG;
	struct render_answer a = run_bytes(job, run_encode(&p, RENDER_TO_PNG, 80));
	assert_int_equal(a.alpha, 1);
	struct picture over_white =
		run_pixels(RENDER_JPEG, str_dup(run_arena, (struct str){ (const char *)run_window.bytes, a.thumb[0].length }), 512);
	assert_true(over_white.rgba[0] >= 254 && over_white.rgba[1] >= 254 && over_white.rgba[2] >= 254);
	job.preset[0].format = RENDER_TO_WEBP;
	a = run_bytes(job, run_encode(&p, RENDER_TO_PNG, 80));
	struct picture kept =
		run_pixels(RENDER_WEBP, str_dup(run_arena, (struct str){ (const char *)run_window.bytes, a.thumb[0].length }), 512);
	assert_int_equal(kept.rgba[3], 0);
	p.alpha = false;
	assert_int_equal(run_bytes(job, run_encode(&p, RENDER_TO_PNG, 80)).alpha, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		RUN_TEST(test_source_size_then_enough_for_all_either_way_round),
		RUN_TEST(test_no_picture_wanted_then_no_source_size),
		RUN_TEST(test_four_presets_then_each_in_its_size_and_format),
		RUN_TEST(test_window_too_small_then_limit_and_no_thumbnail),
		RUN_TEST(test_alpha_then_reported_and_kept_or_over_white),
	};
	return cmocka_run_group_tests_name("thumbs", tests, NULL, NULL);
}
