/* The probe on files that real encoders wrote (test/pictures/make): what it reports is what the encoder was
 * asked for, what is cut is refused, and files with edited segments are accepted where djpeg or dwebp decodes them. TINTYPE_TEST_CORPUS names a folder with
 * good/ and broken/ in it whose files are tried as well, in a group of their own. */
#include "image/probe/probe.h"

#include "fake/pictures.h"
#include "unit.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PICTURES "build/pictures"

struct picture {
	char name[64], type[8], verdict[16];
	unsigned width, height, orientation, frames;
};

static const char *const TYPES[PROBE_TYPES] = {
	"", [PROBE_JPEG] = "jpeg", [PROBE_PNG] = "png", [PROBE_GIF] = "gif", [PROBE_WEBP] = "webp", [PROBE_HEIC] = "heic", [PROBE_AVIF] = "avif"
};

static void drop_arena(void)
{
	picture_tear_down(NULL);
	picture_set_up(NULL);
}

/* Run `check` on each line of a table in build/pictures, with a fresh arena each. */
static void for_each_listed(const char *table, size_t least, void (*check)(const struct picture *p))
{
	FILE *f = fopen(table, "r");
	char line[256];
	size_t n = 0;
	if (f == NULL)
		fail_msg("cannot read %s", table);
	for (; fgets(line, sizeof line, f) != NULL; n++) {
		struct picture p = { 0 };
		int fields = sscanf(line, "%63s %7s %u %u %u %u", p.name, p.type, &p.width, &p.height, &p.orientation, &p.frames);
		if (fields == 2)
			fields = sscanf(line, "%*s %*s %15s", p.verdict);
		assert_true(fields == 6 || fields == 1);
		check(&p);
		drop_arena();
	}
	fclose(f);
	assert_true(n >= least);
}

static void for_each_good(void (*check)(const struct picture *p))
{
	for_each_listed(PICTURES "/good.tsv", 50, check);
}

static void check_report(const struct picture *want, const struct probe *got)
{
	if (strcmp(TYPES[got->type], want->type) != 0 || got->width != want->width || got->height != want->height ||
		got->orientation != want->orientation)
		fail_msg("%s: %s %u x %u, orientation %u", want->name, TYPES[got->type], got->width, got->height, got->orientation);
	if (got->frames != want->frames)
		fail_msg("%s: %u frames, not %u", want->name, got->frames, want->frames);
}

static void check_whole(const struct picture *want)
{
	struct probe got;
	enum probe_result result = probe_exactly(picture_read_file(PICTURES "/good", want->name), &got);
	if (result != PROBE_OK)
		fail_msg("%s: result %d, %s", want->name, result, got.why);
	assert_null(got.why);
	check_report(want, &got);
}

static void test_good_picture_then_the_attributes_given_to_the_encoder(void **state)
{
	for_each_good(check_whole);
}

/* Whatever the bytes are: a response, a reason unless it is OK, and a size if it is. */
static enum probe_result check_no_harm(struct str bytes)
{
	struct probe got;
	enum probe_result result = probe_exactly(bytes, &got);
	assert_true(result == PROBE_OK ? got.width > 0 && got.height > 0 : got.why != NULL);
	return result;
}

static void check_small_altered(const struct picture *want)
{
	static const unsigned char FLIPS[] = { 0x01, 0x80, 0xff };
	struct str bytes = picture_read_file(PICTURES "/good", want->name);
	char *p = (char *)bytes.p;
	if (bytes.n > 3000)
		return;
	for (size_t at = 0; at < bytes.n * COUNT_OF(FLIPS); at++) {
		char flip = (char)FLIPS[at % COUNT_OF(FLIPS)];
		p[at / COUNT_OF(FLIPS)] ^= flip;
		check_no_harm(bytes);
		p[at / COUNT_OF(FLIPS)] ^= flip;
	}
	for (size_t n = 0; n < bytes.n; n++)
		check_no_harm(str_slice(bytes, 0, n));
}

static void test_small_picture_cut_anywhere_or_any_byte_altered_then_no_crash(void **state)
{
	for_each_good(check_small_altered);
}

static void check_broken(const struct picture *want)
{
	enum probe_result result = check_no_harm(picture_read_file(PICTURES "/broken", want->name));
	if (result == PROBE_OK && strcmp(want->verdict, "refused") == 0)
		fail_msg("%s is accepted", want->name);
}

static void test_broken_picture_then_no_crash_and_refused_where_much_is_missing(void **state)
{
	for_each_listed(PICTURES "/broken.tsv", 150, check_broken);
}

/* Refused although the decoder shows it, with a warning: grey or noise for what is missing. */
static bool is_exception(const char *why)
{
	static const char *const sentences[] = { "it ends too early", "a scan has no data" };
	for (size_t i = 0; i < COUNT_OF(sentences); i++)
		if (strcmp(why, sentences[i]) == 0)
			return true;
	return false;
}

static void check_edited(const struct picture *want)
{
	struct probe got;
	enum probe_result result = probe_exactly(picture_read_file(PICTURES "/edited", want->name), &got);
	if (strcmp(want->verdict, "nothing") == 0 && result == PROBE_OK)
		fail_msg("%s is accepted, and its decoder shows nothing of it", want->name);
	if (strcmp(want->verdict, "decoded") == 0 && result != PROBE_OK && !is_exception(got.why))
		fail_msg("%s is refused, because %s, and its decoder shows it", want->name, got.why);
}

static void test_picture_with_edited_segments_then_accepted_if_its_decoder_shows_it(void **state)
{
	for_each_listed(PICTURES "/edited.tsv", 1000, check_edited);
}

/* a further corpus, of which only the folders say what is expected */

static void check_further_good(const char *name, struct str bytes)
{
	if (check_no_harm(bytes) != PROBE_OK)
		fail_msg("%s is refused", name);
}

static void check_further_broken(const char *name, struct str bytes)
{
	check_no_harm(bytes);
}

static void for_each_further(const char *folder, void (*check)(const char *name, struct str bytes))
{
	char path[512];
	snprintf(path, sizeof path, "%s/%s", getenv("TINTYPE_TEST_CORPUS"), folder);
	DIR *d = opendir(path);
	size_t n = 0;
	if (d == NULL)
		fail_msg("TINTYPE_TEST_CORPUS has no folder %s", path);
	for (const struct dirent *e = readdir(d); e != NULL; e = readdir(d)) {
		if (e->d_name[0] == '.')
			continue;
		check(e->d_name, picture_read_file(path, e->d_name));
		drop_arena();
		n++;
	}
	closedir(d);
	assert_true(n > 0);
}

static void test_further_good_picture_then_accepted(void **state)
{
	for_each_further("good", check_further_good);
}

static void test_further_broken_picture_then_no_crash(void **state)
{
	for_each_further("broken", check_further_broken);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, picture_set_up, picture_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_good_picture_then_the_attributes_given_to_the_encoder),
		TEST(test_small_picture_cut_anywhere_or_any_byte_altered_then_no_crash),
		TEST(test_broken_picture_then_no_crash_and_refused_where_much_is_missing),
		TEST(test_picture_with_edited_segments_then_accepted_if_its_decoder_shows_it),
	};
	const struct CMUnitTest further[] = {
		TEST(test_further_good_picture_then_accepted),
		TEST(test_further_broken_picture_then_no_crash),
	};
	if (system("test/pictures/make >&2") != 0)
		return 1;
	int failed = cmocka_run_group_tests_name("corpus", tests, NULL, NULL);
	if (getenv("TINTYPE_TEST_CORPUS") != NULL)
		failed += cmocka_run_group_tests_name("further corpus", further, NULL, NULL);
	return failed;
}
