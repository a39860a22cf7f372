/* PNGs of which each chunk is kept, rewritten or removed, and broken ones. */
#include "fake/stripped.h"
#include "unit.h"

#include <string.h>

#define SIGNATURE BYTES("\x89PNG\r\n\x1a\n")
#define IHDR picture_chunk("IHDR", BYTES("\0\0\0\x02\0\0\0\x03\x08\x02\0\0\0")) /* 2 x 3 */
#define IDAT picture_chunk("IDAT", PICTURE_ZLIB)
#define IEND picture_chunk("IEND", BYTES(""))
#define IMPOSSIBLE BYTES("\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff")

static struct str filled(size_t n)
{
	char *p = arena_alloc(picture_arena, n);
	memset(p, 'x', n);
	return (struct str){ p, n };
}

/* A picture with these chunks before and behind the image data. */
static struct str with(struct str before, struct str after)
{
	return JOIN(SIGNATURE, IHDR, before, IDAT, after, IEND);
}

static struct str damaged(struct str chunk)
{
	char *p = arena_alloc(picture_arena, chunk.n);
	memcpy(p, chunk.p, chunk.n);
	p[chunk.n - 1] ^= 1;
	return (struct str){ p, chunk.n };
}

static const struct {
	const char *name;
	size_t length;
} small[] = { { "PLTE", 768 }, { "tRNS", 256 }, { "gAMA", 4 }, { "cHRM", 32 }, { "sRGB", 1 }, { "cICP", 4 }, { "mDCV", 24 }, { "cLLI", 8 },
	{ "sBIT", 4 }, { "bKGD", 6 }, { "hIST", 512 }, { "pHYs", 9 } };

static void test_png_chunk_that_decides_how_it_looks_then_kept(void **state)
{
	for (size_t i = 0; i < COUNT_OF(small); i++) {
		struct str chunk = picture_chunk(small[i].name, filled(small[i].length));
		expect_stripped(with(chunk, BYTES("")), with(chunk, BYTES("")), 0);
	}
	struct str profile = picture_chunk("iCCP", filled(100000));
	expect_stripped(with(profile, BYTES("")), with(profile, BYTES("")), 0);
	struct str control = BYTES("\0\0\0\0\0\0\0\x02\0\0\0\x03\0\0\0\0\0\0\0\0\0\1\0\1\0\0");
	struct str animated = JOIN(picture_chunk("acTL", BYTES("\0\0\0\1\0\0\0\0")), picture_chunk("fcTL", control));
	expect_stripped(with(animated, picture_chunk("fdAT", filled(9))), with(animated, picture_chunk("fdAT", filled(9))), 0);
}

static void test_png_chunk_of_a_wrong_length_or_damaged_then_removed(void **state)
{
	for (size_t i = 1; i < COUNT_OF(small); i++) {
		struct str longer = picture_chunk(small[i].name, filled(small[i].length + 1));
		struct str wrong = damaged(picture_chunk(small[i].name, filled(small[i].length)));
		expect_stripped(with(JOIN(longer, wrong), longer), with(BYTES(""), BYTES("")), STRIP_OTHER);
	}
	static const struct {
		const char *name;
		size_t length;
	} fixed[] = { { "gAMA", 4 }, { "cHRM", 32 }, { "sRGB", 1 }, { "cICP", 4 }, { "mDCV", 24 }, { "cLLI", 8 }, { "pHYs", 9 } };
	for (size_t i = 0; i < COUNT_OF(fixed); i++)
		expect_stripped(
			with(picture_chunk(fixed[i].name, filled(fixed[i].length - 1)), BYTES("")), with(BYTES(""), BYTES("")), STRIP_OTHER);
	expect_stripped(with(picture_chunk("gAMA", filled(70000)), BYTES("")), with(BYTES(""), BYTES("")), STRIP_OTHER);
	expect_stripped(with(picture_chunk("acTL", filled(9)), BYTES("")), with(BYTES(""), BYTES("")), STRIP_OTHER);
}

static void test_png_chunk_of_each_removed_kind_then_gone(void **state)
{
	const struct {
		const char *name;
		uint32_t removed;
	} rows[] = { { "tEXt", STRIP_TEXT }, { "zTXt", STRIP_TEXT }, { "iTXt", STRIP_TEXT }, { "tIME", STRIP_TIME }, { "eXIf", STRIP_EXIF },
		{ "sPLT", STRIP_OTHER }, { "caBX", STRIP_OTHER }, { "prVt", STRIP_OTHER } };
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct str chunks = JOIN(picture_chunk(rows[i].name, BYTES("")), picture_chunk(rows[i].name, filled(200)));
		expect_stripped(with(chunks, chunks), with(BYTES(""), BYTES("")), rows[i].removed);
		expect_stripped(with(picture_chunk(rows[i].name, filled(80000)), BYTES("")), with(BYTES(""), BYTES("")), rows[i].removed);
	}
	expect_stripped(JOIN(with(BYTES(""), BYTES("")), BYTES("behind")), with(BYTES(""), BYTES("")), STRIP_TRAILER);
}

static void test_png_orientation_then_a_minimal_block_where_browsers_apply_it(void **state)
{
	for (uint32_t n = 1; n <= 8; n++) {
		struct str exif = picture_chunk("eXIf", JOIN(picture_tiff(n % 2 ? "II" : "MM", 0x0112, n), filled(500)));
		struct str minimal = picture_chunk("eXIf", picture_tiff("MM", 0x0112, n));
		expect_stripped(with(exif, BYTES("")), with(minimal, BYTES("")), STRIP_EXIF);
		expect_stripped(with(minimal, BYTES("")), with(minimal, BYTES("")), 0);
		expect_stripped(with(BYTES(""), minimal), with(BYTES(""), BYTES("")), STRIP_EXIF);
		expect_stripped(with(damaged(minimal), BYTES("")), with(BYTES(""), BYTES("")), STRIP_EXIF);
		expect_stripped(with(JOIN(picture_chunk("eXIf", BYTES("")), minimal), BYTES("")), with(BYTES(""), BYTES("")), STRIP_EXIF);
	}
}

/* The verdict is the same by strip_checked; here, that nothing of the content is left. */
static void test_png_that_is_refused_then_refused_without_its_content(void **state)
{
	struct str palette = picture_chunk("PLTE", BYTES(""));
	const struct {
		struct str chunk, left;
	} rows[] = {
		{ picture_chunk("ABCD", filled(9)), picture_chunk("ABCD", BYTES("")) },
		{ picture_chunk("IHDR", filled(99)), picture_chunk("IHDR", BYTES("")) },
		{ picture_chunk("PLTE", filled(771)), palette },
		{ damaged(picture_chunk("PLTE", filled(3))), damaged(palette) },
		{ picture_chunk("fcTL", filled(99)), picture_chunk("fcTL", BYTES("")) },
	};
	for (size_t i = 0; i < COUNT_OF(rows); i++)
		expect_stripped(with(rows[i].chunk, BYTES("")), with(rows[i].left, BYTES("")), STRIP_OTHER);
	expect_stripped(JOIN(SIGNATURE, IHDR, IDAT, picture_chunk("IEND", filled(9))), JOIN(SIGNATURE, IHDR, IDAT, IEND), STRIP_OTHER);
}

static void test_png_that_cannot_be_followed_then_nothing_after_it(void **state)
{
	struct str start = JOIN(SIGNATURE, IHDR, IDAT), text = picture_chunk("tEXt", filled(50));
	const struct {
		struct str in, left;
	} rows[] = {
		{ JOIN(SIGNATURE, text, IHDR, IDAT, IEND), JOIN(SIGNATURE, IMPOSSIBLE) },
		{ JOIN(SIGNATURE, picture_chunk("IHDR", filled(12)), IEND), JOIN(SIGNATURE, IMPOSSIBLE) },
		{ JOIN(start, BYTES("\x80\0\0\0tEXtsecret"), IEND), JOIN(start, IMPOSSIBLE) },
		{ JOIN(start, BYTES("\0\0\0\1tE tsecret"), IEND), JOIN(start, IMPOSSIBLE) },
		{ JOIN(start, text, IDAT, IEND), JOIN(start, IMPOSSIBLE) },
		{ JOIN(start, picture_chunk("IEND", filled(70000))), JOIN(start, IMPOSSIBLE) },
	};
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct stripped got = strip_in_pieces(rows[i].in, 7, NULL);
		assert_true(got.result.broken);
		assert_str(got.bytes, rows[i].left);
		if (i < COUNT_OF(rows) - 1)
			strip_checked(rows[i].in, NULL);
	}
}

static void test_png_cut_anywhere_then_cut_too_and_nothing_of_what_is_removed(void **state)
{
	struct str exif = picture_chunk("eXIf", JOIN(picture_tiff("MM", 0x0112, 6), BYTES("SECRET"))),
			   text = picture_chunk("tEXt", BYTES("SECRET"));
	struct str all = JOIN(with(JOIN(exif, text, picture_chunk("gAMA", filled(4))), text), BYTES("SECRET"));
	expect_no_secret_if_cut(all, NULL);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, picture_set_up, picture_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_png_chunk_that_decides_how_it_looks_then_kept),
		TEST(test_png_chunk_of_a_wrong_length_or_damaged_then_removed),
		TEST(test_png_chunk_of_each_removed_kind_then_gone),
		TEST(test_png_orientation_then_a_minimal_block_where_browsers_apply_it),
		TEST(test_png_that_is_refused_then_refused_without_its_content),
		TEST(test_png_that_cannot_be_followed_then_nothing_after_it),
		TEST(test_png_cut_anywhere_then_cut_too_and_nothing_of_what_is_removed),
	};
	return cmocka_run_group_tests_name("strip png", tests, NULL, NULL);
}
