/* WebPs of which each chunk is kept, rewritten or removed, with a patch and without, and broken ones. */
#include "fake/stripped.h"
#include "unit.h"

/* 4 x 2 each */
#define LOSSY PICTURE_WEBP_LOSSY
#define LOSSLESS PICTURE_WEBP_LOSSLESS
#define ALPHA PICTURE_WEBP_ALPHA
#define PROFILE picture_riff_chunk("ICCP", BYTES("profile"))
#define PARAMETERS picture_riff_chunk("ANIM", BYTES("\0\0\0\0\0\0"))
#define EXIF picture_riff_chunk("EXIF", JOIN(picture_tiff("II", 0x0112, 6), BYTES("SECRET.")))
#define XMP picture_riff_chunk("XMP ", BYTES("SECRET."))
#define UNKNOWN picture_riff_chunk("abcd", BYTES("SECRET."))
#define NOTHING BYTES("")
#define JUNK(n) picture_riff_chunk("JUNK", (struct str){ zeros, n })

static char zeros[64];
static const struct strip_options append_only = { .append_only = true };

static struct str extended(unsigned flags)
{
	char data[10] = { (char)flags, 0, 0, 0, 3, 0, 0, 1, 0, 0 };
	return picture_riff_chunk("VP8X", (struct str){ data, 10 });
}

static struct str frame(struct str chunks)
{
	return picture_riff_chunk("ANMF", JOIN(BYTES("\0\0\0\0\0\0\x03\0\0\x01\0\0\0\0\0\0"), chunks));
}

/* What is left of a file of these chunks: with a patch, and without one, where that is different. */
static void expect_chunks(struct str in, struct str patched, struct str overwritten, uint32_t removed)
{
	expect_stripped(picture_riff(in), picture_riff(patched), removed);
	struct stripped got = strip_checked(picture_riff(in), &append_only);
	assert_int_equal(got.result.patch.n, 0);
	assert_int_equal(got.result.stored_bytes, picture_riff(in).n);
	assert_int_equal(got.bytes.n, picture_riff(overwritten).n);
	assert_memory_equal(got.bytes.p, picture_riff(overwritten).p, got.bytes.n);
}

static void test_webp_without_metadata_then_unchanged(void **state)
{
	const struct str kept[] = { LOSSY, LOSSLESS, JOIN(extended(0x10), ALPHA, LOSSY), JOIN(extended(0x20), PROFILE, LOSSLESS),
		JOIN(extended(0x32), PROFILE, PARAMETERS, frame(LOSSY), frame(JOIN(ALPHA, LOSSY)), frame(LOSSLESS)) };
	for (size_t i = 0; i < COUNT_OF(kept); i++) {
		expect_chunks(kept[i], kept[i], kept[i], 0);
		assert_int_equal(strip_in_pieces(picture_riff(kept[i]), 9, NULL).result.patch.n, 0);
	}
}

static void test_webp_chunk_of_each_removed_kind_then_gone_and_its_flag_too(void **state)
{
	struct str exif = JUNK(33), other = JUNK(7);
	expect_chunks(
		JOIN(extended(0x0c), LOSSY, EXIF, XMP), JOIN(extended(0), LOSSY), JOIN(extended(0), LOSSY, exif, other), STRIP_EXIF | STRIP_XMP);
	expect_chunks(JOIN(extended(0x2c), UNKNOWN, PROFILE, EXIF, LOSSLESS, UNKNOWN), JOIN(extended(0x20), PROFILE, LOSSLESS),
		JOIN(extended(0x20), other, PROFILE, exif, LOSSLESS, other), STRIP_EXIF | STRIP_OTHER);
	expect_chunks(JOIN(extended(0x0e), PARAMETERS, frame(LOSSY), XMP, frame(LOSSLESS), EXIF),
		JOIN(extended(0x02), PARAMETERS, frame(LOSSY), frame(LOSSLESS)),
		JOIN(extended(0x02), PARAMETERS, frame(LOSSY), other, frame(LOSSLESS), exif), STRIP_EXIF | STRIP_XMP);
	expect_stripped(JOIN(picture_riff(LOSSY), BYTES("behind")), picture_riff(LOSSY), STRIP_TRAILER);
}

static void test_webp_unknown_chunk_of_a_frame_then_overwritten(void **state)
{
	struct str in = JOIN(extended(0x02), PARAMETERS, frame(JOIN(LOSSY, UNKNOWN, XMP)), frame(LOSSY));
	struct str out = JOIN(extended(0x02), PARAMETERS, frame(JOIN(LOSSY, JUNK(7), JUNK(7))), frame(LOSSY));
	expect_chunks(in, out, out, STRIP_OTHER | STRIP_XMP);
}

static void test_webp_that_is_not_extended_then_only_its_picture(void **state)
{
	struct str more = JOIN(EXIF, BYTES("SEC"));
	expect_chunks(JOIN(LOSSY, more), LOSSY, JOIN(LOSSY, ((struct str){ zeros, more.n })), STRIP_OTHER);
	expect_chunks(JOIN(LOSSLESS, BYTES("S")), LOSSLESS, JOIN(LOSSLESS, BYTES("\0")), STRIP_OTHER);
}

static void test_webp_parameters_that_are_too_long_then_the_rest_is_overwritten(void **state)
{
	struct str in = JOIN(extended(0x02), picture_riff_chunk("ANIM", BYTES("\0\0\0\0\0\0SECRET.")), frame(LOSSY));
	struct str out = JOIN(extended(0x02), picture_riff_chunk("ANIM", (struct str){ zeros, 13 }), frame(LOSSY));
	expect_chunks(in, out, out, 0);
}

static void test_webp_facts_then_read_from_what_is_removed(void **state)
{
	const struct strip_options options[] = { { .facts = true }, { .facts = true, .append_only = true } };
	struct str prefixed = picture_riff_chunk("EXIF", JOIN(BYTES("Exif\0\0"), picture_tiff("MM", 0x0112, 5)));
	for (size_t i = 0; i < COUNT_OF(options); i++) {
		assert_int_equal(strip_checked(picture_riff(JOIN(extended(0x08), LOSSY, EXIF)), &options[i]).result.facts.orientation, 6);
		assert_int_equal(strip_checked(picture_riff(JOIN(extended(0x08), LOSSY, prefixed, EXIF)), &options[i]).result.facts.orientation, 5);
		assert_int_equal(strip_checked(picture_riff(JOIN(extended(0x08), LOSSY, XMP)), &options[i]).result.facts.orientation, 0);
	}
}

/* The verdict is the same by strip_checked. */
static void test_webp_that_cannot_be_followed_then_nothing_after_it(void **state)
{
	struct str bad = BYTES("SECR\xf0\xff\xff\xffSECRET"), impossible = BYTES("\xff\xff\xff\xff\xff\xff\xff\xff");
	struct str odd = picture_riff_chunk("ANMF", JOIN(BYTES("\0\0\0\0\0\0\x03\0\0\x01\0\0\0\0\0\0"), LOSSY, BYTES("SEC")));
	const struct {
		struct str in, left;
	} rows[] = { { bad, NOTHING }, { JOIN(extended(0), LOSSY, bad), JOIN(extended(0), LOSSY) },
		{ JOIN(extended(0), LOSSY, BYTES("SEC")), JOIN(extended(0), LOSSY) },
		{ JOIN(extended(2), PARAMETERS, frame(JOIN(LOSSY, bad))), NOTHING }, { JOIN(extended(2), PARAMETERS, odd, LOSSY), NOTHING } };
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct stripped got = strip_checked(picture_riff(rows[i].in), NULL);
		assert_true(got.result.broken);
		assert_true(str_ends_with(got.bytes, impossible));
		assert_int_equal(str_find(got.bytes, STR("SEC")), got.bytes.n);
		if (rows[i].left.n > 0)
			assert_str(str_slice(got.bytes, 12, got.bytes.n - impossible.n), rows[i].left);
	}
}

static void test_webp_that_is_refused_for_a_chunk_then_refused_without_its_content(void **state)
{
	const struct str rows[] = { picture_riff_chunk("SECR", BYTES("SECRET")), picture_riff_chunk("VP8X", BYTES("SECRET")),
		JOIN(extended(0), LOSSY, picture_riff_chunk("VP8X", BYTES("SECRET"))),
		JOIN(extended(0), LOSSY, PARAMETERS, picture_riff_chunk("ANMF", BYTES("SECRET"))),
		JOIN(extended(2), picture_riff_chunk("ANMF", BYTES("")), UNKNOWN) };
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct stripped got = strip_checked(picture_riff(rows[i]), NULL);
		assert_int_equal(str_find(got.bytes, STR("SEC")), got.bytes.n);
	}
	struct str small = BYTES("RIFF\x0b\0\0\0WEBPVP8 SECRET");
	assert_str(strip_checked(small, NULL).bytes, str_slice(small, 0, 12));
}

static void test_webp_cut_anywhere_then_cut_too_and_nothing_of_what_is_removed(void **state)
{
	struct str still = picture_riff(JOIN(extended(0x2c), PROFILE, EXIF, LOSSY, XMP, UNKNOWN));
	struct str animated = picture_riff(JOIN(extended(0x0e), PARAMETERS, frame(JOIN(LOSSY, UNKNOWN)), XMP, frame(LOSSLESS)));
	const struct str files[] = { still, animated, picture_riff(JOIN(LOSSY, EXIF)) };
	for (size_t i = 0; i < COUNT_OF(files); i++) {
		expect_no_secret_if_cut(files[i], NULL);
		expect_no_secret_if_cut(files[i], &append_only);
	}
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, picture_set_up, picture_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_webp_without_metadata_then_unchanged),
		TEST(test_webp_chunk_of_each_removed_kind_then_gone_and_its_flag_too),
		TEST(test_webp_unknown_chunk_of_a_frame_then_overwritten),
		TEST(test_webp_that_is_not_extended_then_only_its_picture),
		TEST(test_webp_parameters_that_are_too_long_then_the_rest_is_overwritten),
		TEST(test_webp_facts_then_read_from_what_is_removed),
		TEST(test_webp_that_cannot_be_followed_then_nothing_after_it),
		TEST(test_webp_that_is_refused_for_a_chunk_then_refused_without_its_content),
		TEST(test_webp_cut_anywhere_then_cut_too_and_nothing_of_what_is_removed),
	};
	return cmocka_run_group_tests_name("strip webp", tests, NULL, NULL);
}
