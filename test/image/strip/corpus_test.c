/* The strip on files that real encoders and exiftool wrote (test/pictures/make). What is left is written to build/stripped/,
 * where test/image/strip/compare lets decoders and exiftool, which are not ours, look at it. Then on damaged ones.
 * TINTYPE_TEST_CORPUS names a folder with good/ and broken/ in it whose files are tried as well, in a group of their own. */
#include "fake/stripped.h"
#include "unit.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define PICTURES "build/pictures"
#define STRIPPED "build/stripped"
#define MUTATIONS 150

static void write_file(const char *folder, const char *name, struct str bytes)
{
	char path[512];
	snprintf(path, sizeof path, "%s/%s", folder, name);
	FILE *f = fopen(path, "wb");
	assert_non_null(f);
	assert_int_equal(fwrite(bytes.p, 1, bytes.n, f), bytes.n);
	assert_int_equal(fclose(f), 0);
}

/* With a fresh arena for each file. */
static void for_each_file(const char *folder, size_t least, void (*check)(const char *name, struct str bytes))
{
	DIR *d = opendir(folder);
	size_t n = 0;
	if (d == NULL)
		fail_msg("there is no folder %s", folder);
	for (const struct dirent *e = readdir(d); e != NULL; e = readdir(d)) {
		if (e->d_name[0] == '.')
			continue;
		check(e->d_name, picture_read_file(folder, e->d_name));
		picture_tear_down(NULL);
		picture_set_up(NULL);
		n++;
	}
	closedir(d);
	assert_true(n >= least);
}

static bool has_secret(struct str bytes)
{
	return str_find(bytes, STR("SECRET")) < bytes.n;
}

static void check_good(const char *name, struct str bytes)
{
	const struct strip_options options = { .append_only = true, .facts = true };
	struct stripped got = strip_checked(bytes, NULL), overwritten = strip_checked(bytes, &options);
	if (has_secret(got.bytes) || has_secret(overwritten.bytes))
		fail_msg("%s: some of what identifies a person is left", name);
	if (got.result.broken || (got.result.removed == 0 && !str_equal(got.bytes, bytes)))
		fail_msg("%s: changed for no reason", name);
	if (strncmp(name, "private", 7) == 0 && got.result.removed == 0)
		fail_msg("%s: nothing was removed", name);
	write_file(STRIPPED, name, got.bytes);
	write_file(STRIPPED "/overwritten", name, overwritten.bytes);
}

static void test_good_picture_then_nothing_is_left_that_identifies_a_person(void **state)
{
	for_each_file(PICTURES "/good", 70, check_good);
}

static void check_further(const char *name, struct str bytes)
{
	strip_checked(bytes, NULL);
	strip_checked(bytes, &(struct strip_options){ .append_only = true, .facts = true });
}

static void check_broken(const char *name, struct str bytes)
{
	check_further(name, bytes);
	write_file(STRIPPED "/broken", name, strip_in_pieces(bytes, 4096, NULL).bytes);
}

static void test_broken_picture_then_the_same_verdict(void **state)
{
	for_each_file(PICTURES "/broken", 200, check_broken);
}

static void test_pictures_to_decoders_and_exiftool_then_the_same_pixels_profile_and_orientation(void **state)
{
	assert_int_equal(system("test/image/strip/compare " PICTURES " " STRIPPED " >&2"), 0);
	assert_int_equal(system("test/image/strip/compare " PICTURES " " STRIPPED "/overwritten >&2"), 0);
}

/* damaged by a script with a seed */

static uint32_t next_random(uint32_t *seed)
{
	*seed = *seed * 1664525 + 1013904223;
	return *seed >> 8;
}

/* One damage of the kinds that happen: a bit, a byte, a hole, a piece that is gone, one that came twice. */
static struct str damage(struct str bytes, uint32_t *seed)
{
	char *p = arena_alloc(picture_arena, 2 * bytes.n + 1);
	uint32_t kind = next_random(seed) % 5;
	size_t at = next_random(seed) % bytes.n, n = 1 + next_random(seed) % 300;
	memcpy(p, bytes.p, bytes.n);
	n = n < bytes.n - at ? n : bytes.n - at;
	switch (kind) {
	case 0:
		p[at] = (char)(p[at] ^ 1 << next_random(seed) % 8);
		return (struct str){ p, bytes.n };
	case 1:
		p[at] = (char)next_random(seed);
		return (struct str){ p, bytes.n };
	case 2:
		memset(p + at, 0, n);
		return (struct str){ p, bytes.n };
	case 3:
		memmove(p + at, p + at + n, bytes.n - at - n);
		return (struct str){ p, bytes.n - n };
	default:
		memmove(p + at + n, p + at, bytes.n - at);
		return (struct str){ p, bytes.n + n };
	}
}

/* What is left of a picture that is accepted has no secret. Of one that is refused some may be among what a wrong length declares
 * to be pixel data, but in JPEG, whose data have no length. */
static void check_damaged(const char *name, struct str bytes)
{
	uint32_t seed = (uint32_t)bytes.n;
	if (strncmp(name, "private", 7) != 0 || bytes.n > 40000)
		return;
	for (size_t i = 0; i < MUTATIONS; i++) {
		struct str in = damage(bytes, &seed);
		struct stripped got = strip_in_pieces(in, 1 + next_random(&seed) % 3000, NULL);
		struct probe before, after;
		enum probe_result verdict = probe_exactly(got.bytes, &after);
		assert_int_equal(probe_exactly(in, &before), verdict);
		if (has_secret(got.bytes) && (verdict == PROBE_OK || after.type == PROBE_JPEG))
			fail_msg("%s, damage %zu: some of what identifies a person is left", name, i);
	}
}

static void test_damaged_picture_then_the_same_verdict_and_nothing_is_left(void **state)
{
	for_each_file(PICTURES "/good", 70, check_damaged);
}

/* a further corpus */

static void test_further_picture_then_the_same_verdict(void **state)
{
	char path[512];
	snprintf(path, sizeof path, "%s/good", getenv("TINTYPE_TEST_CORPUS"));
	for_each_file(path, 1, check_further);
	snprintf(path, sizeof path, "%s/broken", getenv("TINTYPE_TEST_CORPUS"));
	for_each_file(path, 1, check_further);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, picture_set_up, picture_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_good_picture_then_nothing_is_left_that_identifies_a_person),
		TEST(test_broken_picture_then_the_same_verdict),
		TEST(test_pictures_to_decoders_and_exiftool_then_the_same_pixels_profile_and_orientation),
		TEST(test_damaged_picture_then_the_same_verdict_and_nothing_is_left),
	};
	const struct CMUnitTest further[] = {
		TEST(test_further_picture_then_the_same_verdict),
	};
	if (system("test/pictures/make >&2 && rm -rf " STRIPPED " && mkdir -p " STRIPPED "/overwritten " STRIPPED "/broken") != 0)
		return 1;
	int failed = cmocka_run_group_tests_name("strip corpus", tests, NULL, NULL);
	if (getenv("TINTYPE_TEST_CORPUS") != NULL)
		failed += cmocka_run_group_tests_name("strip further corpus", further, NULL, NULL);
	return failed;
}
