/* WebP: still and animated, put together of encoded fragments. */
#include "render/decoding.h"

#include "fake/pictures.h"
#include "render/run.h"
#include <string.h>

static int set_up(void **state)
{
	return run_set_up(state) + picture_set_up(state);
}

static int tear_down(void **state)
{
	return run_tear_down(state) + picture_tear_down(state);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

static struct str picture(uint32_t width, uint32_t height)
{
	struct picture p = run_picture(width, height, false);
	for (size_t i = 0; i < (size_t)width * height * 4; i++)
		p.rgba[i] = i % 4 == 3 ? 255 : (unsigned char)(p.rgba[i] ^ (i * 2654435761u >> 27 & 15));
	return run_encode(&p, RENDER_TO_WEBP, 80);
}

static struct str le24(uint32_t n)
{
	char p[3] = { (char)n, (char)(n >> 8), (char)(n >> 16) };
	return str_dup(picture_arena, (struct str){ p, 3 });
}

/* A frame of an animation: its fragment is a still picture's chunks. */
static struct str frame(uint32_t x, uint32_t y, uint32_t width, uint32_t height, struct str still)
{
	return picture_riff_chunk(
		"ANMF", JOIN(le24(x / 2), le24(y / 2), le24(width - 1), le24(height - 1), BYTES("\x64\0\0\0"), str_slice(still, 12, still.n)));
}

static struct str animation(struct str frames)
{
	struct str extended = picture_riff_chunk("VP8X", JOIN(BYTES("\x12\0\0\0"), le24(63), le24(47)));
	return picture_riff(JOIN(extended, picture_riff_chunk("ANIM", BYTES("\0\0\0\0\0\0")), frames));
}

static void test_still_then_intact_in_every_size(void **state)
{
	static const uint32_t SIZES[][2] = { { 1, 1 }, { 511, 300 }, { 2000, 30 }, { 30, 2000 }, { 1800, 1600 } };
	for (size_t i = 0; i < COUNT_OF(SIZES); i++)
		run_expect(RENDER_WEBP, picture(SIZES[i][0], SIZES[i][1]), RENDER_NONE);
}

static void test_still_cut_anywhere_then_broken(void **state)
{
	struct str whole = picture(200, 150);
	for (size_t n = 0; n < whole.n - 1; n += whole.n / 60)
		assert_int_equal(run_bytes(run_job(RENDER_WEBP, RENDER_CHECK), str_slice(whole, 0, n)).verdict, RENDER_BROKEN);
	run_expect(RENDER_WEBP, str_slice(whole, 0, whole.n / 2), RENDER_TRUNCATED);
}

static void test_bytes_after_the_end_then_blemished(void **state)
{
	run_expect(RENDER_WEBP, JOIN(picture(20, 15), BYTES("more")), RENDER_TRAILING_BYTES);
}

static void test_animation_then_every_frame_is_decoded(void **state)
{
	struct str whole = picture(64, 48), part = picture(32, 24), bad = str_dup(run_arena, part);
	memset((char *)bad.p + 40, 0xff, bad.n - 40);
	struct str first = frame(0, 0, 64, 48, whole), second = frame(10, 10, 32, 24, part);
	struct render_answer a = run_bytes(run_job(RENDER_WEBP, RENDER_CHECK), animation(JOIN(first, second)));
	assert_int_equal(a.code, RENDER_NONE);
	assert_int_equal(a.frames, 2);
	a = run_bytes(run_job(RENDER_WEBP, RENDER_THUMB), animation(JOIN(first, frame(10, 10, 32, 24, bad)))); /* of the first frame alone */
	assert_int_equal(a.code, RENDER_NONE);
	assert_int_equal(a.presets, 1);
	run_expect(RENDER_WEBP, animation(JOIN(first, frame(10, 10, 32, 24, bad))), RENDER_LATER_FRAME);
	struct str cut = animation(JOIN(first, second));
	run_expect(RENDER_WEBP, str_slice(cut, 0, cut.n - 20), RENDER_LATER_FRAME);
}

static void test_frame_smaller_than_its_canvas_then_transparent_around(void **state)
{
	struct picture p = run_pixels(RENDER_WEBP, animation(frame(10, 20, 32, 24, picture(32, 24))), 512);
	assert_int_equal(p.width, 64);
	assert_int_equal(p.height, 48);
	for (uint32_t i = 0; i < 64 * 48; i++) {
		uint32_t x = i % 64, y = i / 64;
		assert_int_equal(p.rgba[(size_t)i * 4 + 3], x >= 10 && x < 42 && y >= 20 && y < 44 ? 255 : 0);
	}
}

static void test_too_many_frames_then_limit(void **state)
{
	struct render_job job = run_job(RENDER_WEBP, RENDER_CHECK);
	struct str whole = picture(64, 48), two = animation(JOIN(frame(0, 0, 64, 48, whole), frame(0, 0, 64, 48, whole)));
	job.max_frames = 1;
	assert_int_equal(run_bytes(job, two).code, RENDER_TOO_MANY_FRAMES);
	job.max_frames = 2;
	job.max_area = 64 * 48 * 2 - 1;
	assert_int_equal(run_bytes(job, two).code, RENDER_TOO_MANY_FRAMES);
}

static void test_file_larger_than_memory_then_limit_with_its_size(void **state)
{
	struct render_job job = run_job(RENDER_WEBP, RENDER_CHECK);
	job.max_memory = 3000;
	struct render_answer a = run_bytes(job, picture(300, 300));
	assert_int_equal(a.code, RENDER_TOO_MUCH_MEMORY);
	assert_true(a.memory > 3000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_still_then_intact_in_every_size),
		TEST(test_still_cut_anywhere_then_broken),
		TEST(test_bytes_after_the_end_then_blemished),
		TEST(test_animation_then_every_frame_is_decoded),
		TEST(test_frame_smaller_than_its_canvas_then_transparent_around),
		TEST(test_too_many_frames_then_limit),
		TEST(test_file_larger_than_memory_then_limit_with_its_size),
	};
	return cmocka_run_group_tests_name("webp", tests, NULL, NULL);
}
