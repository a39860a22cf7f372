/* The hash against those of npm thumbhash 0.1.1 for pictures by a formula, and the two colors. */
#include "render/picture/placeholder.h"

#include "base/codec.h"
#include "render/run.h"
#include <stdlib.h>
#include <string.h>

static struct picture formula(uint32_t width, uint32_t height, uint32_t s, bool alpha)
{
	struct picture p = { width, height, alpha, arena_array(run_arena, (size_t)width * 4, height) };
	for (uint32_t y = 0; y < height; y++) {
		for (uint32_t x = 0; x < width; x++) {
			unsigned char *px = p.rgba + ((size_t)y * width + x) * 4;
			uint32_t a = x * 5 + y * (3 + s);
			px[0] = (unsigned char)(x * 3 + y * s + ((x * x + s * y) >> 4));
			px[1] = (unsigned char)(y * 2 + x * s + 20 * s);
			px[2] = (unsigned char)((x * y >> 2) + s * 9);
			px[3] = alpha && a < 255 ? (unsigned char)a : 255;
		}
	}
	return p;
}

static void test_hash_then_that_of_the_package(void **state)
{
	static const struct {
		uint32_t width, height, s;
		bool alpha;
		const char *hash;
	} ROWS[] = {
		{ 64, 48, 1, false, "1a180a1d8a30a485619778868967888788aa6fd077" },
		{ 48, 64, 2, false, "dfc809150c227750a8679767888677886965cfd073" },
		{ 100, 100, 3, false, "1ff8051706965467a62557436067866a7866c6bf8f061907" },
		{ 64, 20, 4, false, "ddf809329206d265739768794f6d0a6a77" },
		{ 7, 64, 5, false, "5d7a092914748018788878957a5590b807" },
		{ 64, 64, 6, true, "2008860d021e855f6b4e573664ea8fbb02cd52772076424766" },
		{ 64, 30, 7, true, "20188612861d5a8f466684cf7b7c7f5550773076757877" },
		{ 33, 64, 8, true, "e00786230a1eb0996b8816f5c9f9a28275775077613857" },
		{ 100, 3, 10, true, "9df88111823b2606a278872b4f47807740777787778888" },
	};
	for (size_t i = 0; i < COUNT_OF(ROWS); i++) {
		unsigned char hash[RENDER_HASH_MAX];
		char hex[2 * RENDER_HASH_MAX + 1];
		struct picture p = formula(ROWS[i].width, ROWS[i].height, ROWS[i].s, ROWS[i].alpha);
		hex_encode(hash, placeholder_hash(&p, hash), hex);
		assert_string_equal(hex, ROWS[i].hash);
	}
}

static void test_flat_picture_of_any_size_then_one_hash_for_an_aspect(void **state)
{
	unsigned char first[RENDER_HASH_MAX], hash[RENDER_HASH_MAX];
	struct picture p = run_picture(100, 100, false);
	memset(p.rgba, 255, (size_t)100 * 100 * 4);
	size_t n = placeholder_hash(&p, first);
	for (p.width = p.height = 4; /* fewer pixels have fewer terms */ p.width < 100; p.width++, p.height++) {
		assert_int_equal(placeholder_hash(&p, hash), n);
		assert_memory_equal(hash, first, n);
	}
}

static void test_longest_hash_then_25_bytes(void **state)
{
	unsigned char hash[RENDER_HASH_MAX];
	for (uint32_t height = 1; height <= 100; height += 9) {
		struct picture opaque = run_picture(100, height, false), alpha = run_picture(100, height, true);
		assert_true(placeholder_hash(&opaque, hash) <= 25);
		assert_true(placeholder_hash(&alpha, hash) <= 25);
	}
}

static void test_average_then_weighted_by_alpha(void **state)
{
	struct picture p = run_picture(2, 1, true);
	memcpy(p.rgba, "\x10\x20\x30\xff\xff\xff\xff\x00", 8);
	assert_int_equal(placeholder_average(&p), 0x10203080);
	memset(p.rgba, 0, 8);
	assert_int_equal(placeholder_average(&p), 0);
}

static void test_dominant_then_the_middle_of_the_fullest_bin(void **state)
{
	struct picture p = run_picture(3, 1, false);
	memcpy(p.rgba, "\xf0\x10\x00\xff\xff\x1f\x0f\xff\x80\x80\x80\xff", 12);
	assert_int_equal(placeholder_dominant(&p), 0xf8180800);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		RUN_TEST(test_hash_then_that_of_the_package),
		RUN_TEST(test_flat_picture_of_any_size_then_one_hash_for_an_aspect),
		RUN_TEST(test_longest_hash_then_25_bytes),
		RUN_TEST(test_average_then_weighted_by_alpha),
		RUN_TEST(test_dominant_then_the_middle_of_the_fullest_bin),
	};
	return cmocka_run_group_tests_name("placeholder", tests, NULL, NULL);
}
