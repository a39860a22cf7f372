/* What a job allows, on each kind: pixels, frames, memory. The answer says what was needed. */
#include "render/decoding.h"

#include "base/mem.h"
#include "render/run.h"
#include "fake/pictures.h"

static struct str of_kind(enum render_kind kind, uint32_t width, uint32_t height)
{
	static const enum render_format FORMATS[] = {
		[RENDER_JPEG] = RENDER_TO_JPEG, [RENDER_PNG] = RENDER_TO_PNG, [RENDER_WEBP] = RENDER_TO_WEBP
	};
	struct picture p = run_picture(width, height, false);
	return run_encode(&p, FORMATS[kind], 80);
}

static void test_pixels_over_the_limit_then_limit_with_the_size(void **state)
{
	static const enum render_kind KINDS[] = { RENDER_JPEG, RENDER_PNG, RENDER_WEBP };
	for (size_t i = 0; i < COUNT_OF(KINDS); i++) {
		struct render_job job = run_job(KINDS[i], RENDER_CHECK);
		job.max_pixels = 100 * 50;
		assert_int_equal(run_bytes(job, of_kind(KINDS[i], 100, 50)).code, RENDER_NONE);
		struct render_answer a = run_bytes(job, of_kind(KINDS[i], 100, 51));
		assert_int_equal(a.code, RENDER_TOO_MANY_PIXELS);
		assert_int_equal(a.verdict, RENDER_LIMIT);
		assert_int_equal(a.width, 100);
		assert_int_equal(a.height, 51);
		assert_int_equal(a.row, 0);
	}
}

static void test_memory_over_the_limit_then_what_it_needs(void **state)
{
	static const enum render_kind KINDS[] = { RENDER_JPEG, RENDER_PNG, RENDER_WEBP };
	for (size_t i = 0; i < COUNT_OF(KINDS); i++) {
		struct render_job job = run_job(KINDS[i], RENDER_CHECK | RENDER_THUMB);
		struct str bytes = of_kind(KINDS[i], 700, 500);
		job.max_memory = (uint64_t)300 << 10;
		struct render_answer a = run_bytes(job, bytes);
		assert_int_equal(a.code, RENDER_TOO_MUCH_MEMORY);
		assert_true(a.memory > job.max_memory);
	}
}

/* Whatever the ceiling: an answer, and no leak (the sanitizer's word). */
static void test_memory_of_any_size_then_limit_or_thumbnail(void **state)
{
	static const enum render_kind KINDS[] = { RENDER_JPEG, RENDER_PNG, RENDER_WEBP };
	for (size_t i = 0; i < COUNT_OF(KINDS); i++) {
		struct str bytes = of_kind(KINDS[i], 300, 200);
		size_t made = 0;
		for (uint64_t most = 1; most < (uint64_t)16 << 20; most = most * 2 + 1) {
			struct render_job job = run_job(KINDS[i], RENDER_CHECK | RENDER_HASH | RENDER_THUMB);
			job.max_memory = most;
			struct render_answer a = run_bytes(job, bytes);
			assert_true(a.code == RENDER_TOO_MUCH_MEMORY || a.code == RENDER_NONE);
			made += a.presets;
		}
		assert_true(made > 0);
	}
}

/* Each allocation of our own fails once. */
static void test_every_allocation_failed_in_turn_then_limit(void **state)
{
	static const enum render_kind KINDS[] = { RENDER_JPEG, RENDER_PNG, RENDER_WEBP };
	for (size_t i = 0; i < COUNT_OF(KINDS); i++) {
		struct str bytes = of_kind(KINDS[i], 300, 200);
		struct render_job job = run_job(KINDS[i], RENDER_CHECK | RENDER_HASH | RENDER_THUMB);
		int64_t n = 2; /* the first is the copy that run_bytes makes */
		for (; n < 1000; n++) {
			mem_fail_nth(n);
			struct render_answer a = run_bytes(job, bytes);
			mem_fail_nth(0);
			assert_true(a.code == RENDER_TOO_MUCH_MEMORY || a.code == RENDER_NONE);
			if (a.code == RENDER_NONE)
				break;
		}
		assert_true(n > 8 && n < 1000);
	}
}

static void test_size_of_zero_then_malformed(void **state)
{
	assert_int_equal(picture_set_up(NULL), 0);
	run_expect(RENDER_PNG, picture_png(0, 7), RENDER_HEADER);
	run_expect(RENDER_JPEG, picture_jpeg(7, 0), RENDER_HEADER);
	run_expect(RENDER_JPEG, picture_jpeg(0, 7), RENDER_HEADER);
	assert_int_equal(picture_tear_down(NULL), 0);
}

/* A header of the largest size, and nothing behind it. */
static void test_largest_header_then_limit_before_anything_is_allocated(void **state)
{
	assert_int_equal(picture_set_up(NULL), 0);
	struct render_job job = run_job(RENDER_JPEG, RENDER_CHECK);
	struct render_answer a = run_bytes(job, picture_jpeg(65500, 65500));
	assert_int_equal(a.code, RENDER_TOO_MANY_PIXELS);
	job.kind = RENDER_PNG;
	assert_int_equal(run_bytes(job, picture_png(65500, 65500)).code, RENDER_TOO_MANY_PIXELS);
	job.kind = RENDER_GIF;
	assert_int_equal(run_bytes(job, picture_gif(65500, 65500)).code, RENDER_TOO_MANY_PIXELS);
	job.kind = RENDER_WEBP;
	assert_int_equal(run_bytes(job, picture_webp(16383, 16383)).code, RENDER_TOO_MANY_PIXELS);
	assert_int_equal(picture_tear_down(NULL), 0);
}

static void test_empty_and_other_bytes_then_broken(void **state)
{
	for (enum render_kind kind = RENDER_JPEG; kind <= RENDER_WEBP; kind++) {
		assert_int_equal(run_bytes(run_job(kind, RENDER_CHECK), BYTES("")).verdict, RENDER_BROKEN);
		assert_int_equal(
			run_bytes(run_job(kind, RENDER_CHECK), BYTES("<!DOCTYPE html><html><body>no picture</body></html>")).verdict, RENDER_BROKEN);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		RUN_TEST(test_pixels_over_the_limit_then_limit_with_the_size),
		RUN_TEST(test_memory_over_the_limit_then_what_it_needs),
		RUN_TEST(test_memory_of_any_size_then_limit_or_thumbnail),
		RUN_TEST(test_every_allocation_failed_in_turn_then_limit),
		RUN_TEST(test_size_of_zero_then_malformed),
		RUN_TEST(test_largest_header_then_limit_before_anything_is_allocated),
		RUN_TEST(test_empty_and_other_bytes_then_broken),
	};
	return cmocka_run_group_tests_name("limits", tests, NULL, NULL);
}
