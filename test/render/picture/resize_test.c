/* The 16-bit filter against one in double precision, and what must hold of any resize. */
#include "render/picture/resize.h"

#include "render/run.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

static struct picture resize(const struct picture *p, uint32_t width, uint32_t height)
{
	struct picture out = resize_part(run_arena, p, &(struct resize_part){ 0, 0, p->width, p->height, width, height });
	assert_non_null(out.rgba);
	return out;
}

static double lanczos(double x)
{
	x = fabs(x);
	return x >= 3 ? 0 : x < 1e-12 ? 1 : 3 * sin(M_PI * x) * sin(M_PI * x / 3) / (M_PI * M_PI * x * x);
}

/* One channel at one place, by the definition. */
static double exact(const struct picture *p, const struct picture *size, uint32_t x, uint32_t y, int channel)
{
	double sx = (double)p->width / size->width, sy = (double)p->height / size->height, cx = (x + 0.5) * sx - 0.5, cy = (y + 0.5) * sy - 0.5,
		   sum = 0, weights = 0;
	for (uint32_t v = 0; v < p->height; v++) {
		double wy = lanczos((v - cy) / sy);
		for (uint32_t u = 0; wy != 0 && u < p->width; u++) {
			double w = wy * lanczos((u - cx) / sx);
			sum += w * p->rgba[((size_t)v * p->width + u) * 4 + (size_t)channel];
			weights += w;
		}
	}
	double value = sum / weights;
	return value < 0 ? 0 : value > 255 ? 255 : value;
}

static void test_without_boxes_then_within_one_of_the_definition(void **state)
{
	struct picture p = run_picture(90, 70, false);
	srand(3);
	for (size_t i = 0; i < (size_t)90 * 70; i++) /* hard edges and noise */
		p.rgba[i * 4 + 2] = (unsigned char)(i % 90 / 13 % 2 ? 255 : rand() % 40);
	struct picture small = resize(&p, 33, 26);
	for (uint32_t y = 0; y < small.height; y++)
		for (uint32_t x = 0; x < small.width; x++)
			for (int c = 0; c < 3; c++)
				if (fabs(exact(&p, &small, x, y, c) - small.rgba[((size_t)y * small.width + x) * 4 + (size_t)c]) > 1.01)
					fail_msg("%u,%u channel %d: %f and %u", x, y, c, exact(&p, &small, x, y, c),
						small.rgba[((size_t)y * small.width + x) * 4 + (size_t)c]);
}

static void test_with_boxes_then_near_the_definition_on_smooth_pictures(void **state)
{
	struct picture p = run_picture(400, 300, false), small = resize(&p, 32, 24);
	for (uint32_t y = 0; y < small.height; y++)
		for (uint32_t x = 0; x < small.width; x++)
			for (int c = 0; c < 3; c++)
				assert_true(fabs(exact(&p, &small, x, y, c) - small.rgba[((size_t)y * small.width + x) * 4 + (size_t)c]) < 3);
}

static void test_flat_picture_to_any_size_then_flat(void **state)
{
	static const uint32_t SIZES[][4] = { { 100, 100, 99, 99 }, { 100, 100, 50, 50 }, { 100, 100, 1, 1 }, { 97, 1, 10, 1 }, { 1, 97, 1, 10 },
		{ 64, 63, 63, 9 }, { 1000, 3, 7, 3 }, { 5000, 7, 64, 1 }, { 2, 2, 1, 2 }, { 641, 480, 64, 48 }, { 7, 5000, 1, 64 } };
	for (size_t i = 0; i < COUNT_OF(SIZES); i++) {
		for (int value = 0; value < 256; value += 51) {
			struct picture p = run_picture(SIZES[i][0], SIZES[i][1], false);
			memset(p.rgba, value, (size_t)p.width * p.height * 4);
			struct picture small = resize(&p, SIZES[i][2], SIZES[i][3]);
			for (size_t at = 0; at < (size_t)small.width * small.height * 4; at++)
				if (small.rgba[at] != (at % 4 == 3 ? 255 : value))
					fail_msg("size %zu: %u and not %d", i, small.rgba[at], value);
		}
	}
}

static void test_same_size_then_the_same_picture(void **state)
{
	struct picture p = run_picture(33, 21, true), same = resize(&p, 33, 21);
	assert_ptr_equal(same.rgba, p.rgba);
}

static void test_part_then_only_of_that_part(void **state)
{
	struct picture p = run_picture(100, 80, false);
	struct picture part = resize_part(run_arena, &p, &(struct resize_part){ 30, 20, 40, 30, 40, 30 });
	for (uint32_t y = 0; y < 30; y++)
		assert_memory_equal(part.rgba + (size_t)y * 40 * 4, p.rgba + ((size_t)(y + 20) * 100 + 30) * 4, 40 * 4);
	struct picture half = resize_part(run_arena, &p, &(struct resize_part){ 30, 20, 40, 30, 20, 15 }), whole = resize(&part, 20, 15);
	run_expect_close(&half, &whole, 0);
}

/* A transparent pixel has no color: what is in it must not be seen. */
static void test_transparent_pixels_then_their_color_is_not_mixed_in(void **state)
{
	static const uint32_t TO[] = { 50, 8 };
	struct picture p = run_picture(100, 100, true);
	for (size_t i = 0; i < (size_t)100 * 100; i++) {
		bool visible = i % 100 < 50;
		memcpy(p.rgba + i * 4, visible ? (unsigned char[]){ 200, 100, 50, 255 } : (unsigned char[]){ 0, 255, 255, 0 }, 4);
	}
	for (size_t n = 0; n < COUNT_OF(TO); n++) {
		struct picture small = resize(&p, TO[n], TO[n]);
		for (size_t i = 0; i < (size_t)TO[n] * TO[n]; i++) {
			const unsigned char *px = small.rgba + i * 4;
			if (px[3] > 20)
				assert_true(abs(px[0] - 200) <= 6 && abs(px[1] - 100) <= 6 && abs(px[2] - 50) <= 6);
		}
		assert_int_equal(small.rgba[3], 255);
		assert_int_equal(small.rgba[(size_t)TO[n] * 4 - 1], 0);
	}
}

static void test_arena_too_small_then_null(void **state)
{
	struct resize_size size = { 1000, 1000, 100, 100, false };
	for (size_t cap = 1; cap < 400000; cap = cap * 3 / 2 + 1) {
		struct arena a;
		arena_init(&a, cap);
		struct resize *r = resize_new(&a, &size);
		assert_true((r == NULL) == !arena_ok(&a));
		arena_deinit(&a);
	}
}

static void test_memory_then_no_less_than_is_taken(void **state)
{
	static const struct resize_size SIZES[] = { { 8192, 6144, 512, 384, false }, { 500, 400, 499, 399, true }, { 65535, 2, 4096, 1, true },
		{ 1, 1, 1, 1, false } };
	for (size_t i = 0; i < COUNT_OF(SIZES); i++) {
		struct arena a;
		arena_init(&a, (size_t)1 << 30);
		assert_non_null(resize_new(&a, &SIZES[i]));
		assert_true(a.used_bytes <= resize_memory(&SIZES[i]));
		arena_deinit(&a);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		RUN_TEST(test_without_boxes_then_within_one_of_the_definition),
		RUN_TEST(test_with_boxes_then_near_the_definition_on_smooth_pictures),
		RUN_TEST(test_flat_picture_to_any_size_then_flat),
		RUN_TEST(test_same_size_then_the_same_picture),
		RUN_TEST(test_part_then_only_of_that_part),
		RUN_TEST(test_transparent_pixels_then_their_color_is_not_mixed_in),
		RUN_TEST(test_arena_too_small_then_null),
		RUN_TEST(test_memory_then_no_less_than_is_taken),
	};
	return cmocka_run_group_tests_name("resize", tests, NULL, NULL);
}
