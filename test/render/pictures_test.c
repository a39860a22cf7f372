/* Jobs on files that real encoders wrote (test/pictures/make), in this process, where the sanitizers see all of it but the
 * inside of the libraries: good ones are intact, what lacks much of its data is not. */
#include "render/job.h"

#include "render/run.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PICTURES "build/pictures"

struct row {
	char name[64], type[8], verdict[16];
	unsigned width, height, orientation, frames;
};

static enum render_kind kind_of(const char *type)
{
	static const char *const TYPES[] = { [RENDER_JPEG] = "jpeg", [RENDER_PNG] = "png", [RENDER_GIF] = "gif", [RENDER_WEBP] = "webp" };
	enum render_kind kind = RENDER_JPEG;
	while (kind < RENDER_WEBP && strcmp(TYPES[kind], type) != 0)
		kind++;
	return kind;
}

static void for_each_row(const char *table, void (*check)(const struct row *row))
{
	char line[256];
	FILE *f = fopen(table, "r");
	if (f == NULL)
		fail_msg("cannot read %s", table);
	size_t n = 0;
	for (; fgets(line, sizeof line, f) != NULL; n++) {
		struct row row = { 0 };
		if (sscanf(line, "%63s %7s %u %u %u %u", row.name, row.type, &row.width, &row.height, &row.orientation, &row.frames) == 2)
			assert_int_equal(sscanf(line, "%*s %*s %15s", row.verdict), 1);
		check(&row);
		run_tear_down(NULL);
		run_set_up(NULL);
	}
	fclose(f);
	assert_true(n >= 50);
}

static unsigned smaller(unsigned side, unsigned other)
{
	unsigned longest = side > other ? side : other;
	return longest <= 512 ? side : (side * 512 + longest / 2) / longest;
}

static void check_good(const struct row *row)
{
	char path[256];
	snprintf(path, sizeof path, PICTURES "/good/%s", row->name);
	struct render_answer a = run_bytes(run_job(kind_of(row->type), RENDER_CHECK | RENDER_HASH | RENDER_THUMB), run_read_file(path));
	enum render_code want = strcmp(row->name, "no-trailer.gif") == 0 ? RENDER_END_MISSING : RENDER_NONE;
	if (strstr(row->name, "-profile.") != NULL) /* 256 bytes that are none */
		want = RENDER_PROFILE;
	if (strncmp(row->name, "private", 7) == 0 && a.code == RENDER_TRAILING_BYTES) /* which strip removes */
		want = a.code;
	if (a.code != want)
		fail_msg("%s %.*s", row->name, STRF(render_code_sentence(a.code)));
	unsigned orientation = strcmp(row->type, "webp") == 0 ? 0 : row->orientation; /* no browser applies that of a WebP */
	bool turned = orientation >= 5;
	unsigned width = smaller(row->width, row->height), height = smaller(row->height, row->width);
	if (a.width != row->width || a.height != row->height || a.orientation != orientation || a.frames != row->frames ||
		a.row != row->height || a.thumb[0].width != (turned ? height : width) || a.thumb[0].height != (turned ? width : height))
		fail_msg("%s: %u x %u, orientation %u, frames %u, row %u, thumbnail %u x %u", row->name, a.width, a.height, a.orientation, a.frames,
			a.row, a.thumb[0].width, a.thumb[0].height);
}

static void test_good_pictures_then_intact_with_upright_thumbnails(void **state)
{
	for_each_row(PICTURES "/good.tsv", check_good);
}

/* An animation may lack frames after its first. */
static void check_broken(const struct row *row)
{
	char path[256];
	snprintf(path, sizeof path, PICTURES "/broken/%s", row->name);
	struct render_answer a = run_bytes(run_job(kind_of(row->type), RENDER_CHECK | RENDER_HASH | RENDER_THUMB), run_read_file(path));
	bool animation =
		strncmp(row->name, "loop", 4) == 0 || strstr(row->name, "animated") != NULL || strncmp(row->name, "private-cut", 11) == 0;
	if (strcmp(row->verdict, "refused") == 0 && a.verdict < (animation ? RENDER_BLEMISHED : RENDER_BROKEN))
		fail_msg("%s %.*s", row->name, STRF(render_code_sentence(a.code)));
}

static void test_broken_pictures_then_no_harm_and_broken_where_much_is_missing(void **state)
{
	for_each_row(PICTURES "/broken.tsv", check_broken);
}

static struct str read_good(const char *name)
{
	char path[256];
	snprintf(path, sizeof path, PICTURES "/good/%s", name);
	return run_read_file(path);
}

/* The same pixels in several forms: their thumbnails must be alike. */
static void test_forms_of_one_picture_then_thumbnails_alike(void **state)
{
	static const char *const NAMES[] = { "progressive.jpg", "arithmetic.jpg", "restart.jpg", "progressive-restart.jpg", "full-colour.jpg" };
	struct picture photo = run_pixels(RENDER_PNG, read_good("stored.png"), 160);
	for (size_t i = 0; i < COUNT_OF(NAMES); i++) {
		struct picture other = run_pixels(RENDER_JPEG, read_good(NAMES[i]), 160);
		run_expect_like(&photo, &other, 4);
	}
	struct picture webp = run_pixels(RENDER_WEBP, read_good("lossy.webp"), 160);
	run_expect_like(&photo, &webp, 4);
	struct picture flat = run_pixels(RENDER_PNG, read_good("flat.png"), 512),
				   interlaced = run_pixels(RENDER_PNG, read_good("interlaced.png"), 512),
				   lossless = run_pixels(RENDER_WEBP, read_good("lossless.webp"), 512);
	run_expect_close(&flat, &interlaced, 0);
	run_expect_close(&flat, &lossless, 0);
}

/* Damage */

static uint32_t dice;

static size_t roll(size_t most)
{
	dice = dice * 1664525 + 1013904223;
	return (dice >> 8) % most;
}

static struct str flip_bit(struct str bytes)
{
	((char *)bytes.p)[20 + roll(bytes.n - 22)] ^= (char)(1 << roll(8));
	return bytes;
}

static struct str zero_512(struct str bytes)
{
	memset((char *)bytes.p + bytes.n / 4 + roll(bytes.n / 2), 0, bytes.n < 8000 ? 50 : 512);
	return bytes;
}

static struct str cut_out_part(struct str bytes)
{
	size_t at = bytes.n / 4 + roll(bytes.n / 2), n = bytes.n / 40;
	memmove((char *)bytes.p + at, bytes.p + at + n, bytes.n - at - n);
	return str_slice(bytes, 0, bytes.n - n);
}

static struct str cut_end(struct str bytes)
{
	return str_slice(bytes, 0, bytes.n / 2 + roll(bytes.n / 2 - 1));
}

/* How many of 20 are not intact. No decoder finds all: a bit in a JPEG without restart markers is a color, too. */
static void test_damage_then_at_least_so_much_is_found(void **state)
{
	static struct str (*const DAMAGES[])(struct str) = { flip_bit, zero_512, cut_out_part, cut_end };
	static const struct {
		const char *name;
		enum render_kind kind;
		size_t least[4];
	} ROWS[] = {
		{ "photo.jpg", RENDER_JPEG, { 1, 17, 17, 20 } },
		{ "progressive.jpg", RENDER_JPEG, { 1, 15, 17, 20 } },
		{ "restart.jpg", RENDER_JPEG, { 1, 19, 19, 20 } },
		{ "stored.png", RENDER_PNG, { 20, 20, 20, 20 } },
		{ "interlaced-palette.png", RENDER_PNG, { 20, 20, 20, 20 } },
		{ "still.gif", RENDER_GIF, { 2, 12, 12, 20 } },
		{ "lossy.webp", RENDER_WEBP, { 0, 0, 20, 20 } },
		{ "lossless.webp", RENDER_WEBP, { 0, 0, 20, 20 } },
	};
	for (size_t i = 0; i < COUNT_OF(ROWS); i++) {
		for (size_t n = 0; n < COUNT_OF(DAMAGES); n++) {
			size_t found = 0;
			dice = (uint32_t)(i * 10 + n);
			for (size_t times = 0; times < 20; times++) {
				found += run_bytes(run_job(ROWS[i].kind, RENDER_CHECK), DAMAGES[n](read_good(ROWS[i].name))).verdict != RENDER_INTACT;
				run_tear_down(NULL);
				run_set_up(NULL);
			}
			print_message("%s, damage %zu: %zu of 20\n", ROWS[i].name, n, found);
			if (found < ROWS[i].least[n])
				fail_msg("%s, damage %zu: %zu of 20", ROWS[i].name, n, found);
		}
	}
}

/* A bit turned over anywhere in a small picture: an answer, whatever it is. */
static void test_small_pictures_with_any_bit_turned_then_an_answer(void **state)
{
	static const char *const NAMES[] = { "smallest.jpg", "black-white.png", "smallest.gif", "cut-out.webp", "one-bit-palette.png",
		"cropped.gif" };
	static const enum render_kind KINDS[] = { RENDER_JPEG, RENDER_PNG, RENDER_GIF, RENDER_WEBP, RENDER_PNG, RENDER_GIF };
	for (size_t i = 0; i < COUNT_OF(NAMES); i++) {
		size_t n = read_good(NAMES[i]).n, step = n > 1000 ? 163 : 7;
		for (size_t bit = 0; bit < n * 8; bit += step) {
			struct str bytes = read_good(NAMES[i]);
			((char *)bytes.p)[bit / 8] ^= (char)(1 << bit % 8);
			struct render_job job = run_job(KINDS[i], RENDER_CHECK | RENDER_HASH | RENDER_THUMB);
			job.max_pixels = 4000000;
			(void)run_bytes(job, bytes);
			run_tear_down(NULL);
			run_set_up(NULL);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		RUN_TEST(test_good_pictures_then_intact_with_upright_thumbnails),
		RUN_TEST(test_broken_pictures_then_no_harm_and_broken_where_much_is_missing),
		RUN_TEST(test_forms_of_one_picture_then_thumbnails_alike),
		RUN_TEST(test_damage_then_at_least_so_much_is_found),
		RUN_TEST(test_small_pictures_with_any_bit_turned_then_an_answer),
	};
	if (system("test/pictures/make >&2") != 0)
		return 1;
	return cmocka_run_group_tests_name("pictures", tests, NULL, NULL);
}
