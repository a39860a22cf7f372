/* GIFs of which each block is kept, rewritten or removed, and broken ones. */
#include "fake/stripped.h"
#include "unit.h"

#define SCREEN BYTES("GIF89a\x02\0\x01\0\x80\0\0\xff\0\0\0\0\xff") /* 2 x 1 */
#define FRAME BYTES("\x2c\0\0\0\0\x02\0\x01\0\0\x02\x02\x04\x0a\0")
#define LOCAL_FRAME \
	BYTES("\x2c\0\0\0\0\x02\0\x01\0\x81" \
		  "rgbRGBrgbRGB" \
		  "\x02\x03" \
		  "abc\x01z\0")
#define END BYTES(";")
#define CONTROL BYTES("\x21\xf9\x04\x05\x0a\0\x01\0")
#define LOOP BYTES("\x21\xff\x0bNETSCAPE2.0\x03\1\0\0\0")
#define COMMENT BYTES("\x21\xfe\x06SECRET\x01;\0")

static struct str with(struct str blocks)
{
	return JOIN(SCREEN, blocks, FRAME, END);
}

static void test_gif_without_metadata_then_unchanged(void **state)
{
	const struct str kept[] = { with(BYTES("")), with(CONTROL), with(LOOP), with(JOIN(LOOP, CONTROL, LOCAL_FRAME, CONTROL)),
		with(BYTES("\x21\xff\x0b"
				   "ANIMEXTS1.0\x03\1\5\0\0")),
		with(BYTES("\x21\xff\x0bNETSCAPE2.0\x05\2\1\2\3\4\x03\1\0\0\0")), JOIN(SCREEN, FRAME), JOIN(SCREEN, CONTROL, FRAME, CONTROL, FRAME),
		BYTES("GIF87a\x04\0\x02\0\0\0\0\x2c\0\0\0\0\x04\0\x02\0\0\x08\1z\0;") };
	for (size_t i = 0; i < COUNT_OF(kept); i++)
		expect_stripped(kept[i], kept[i], 0);
}

static void test_gif_block_of_each_removed_kind_then_gone(void **state)
{
	const struct {
		struct str block;
		uint32_t removed;
	} rows[] = {
		{ COMMENT, STRIP_COMMENT },
		{ BYTES("\x21\xfe\0"), STRIP_COMMENT },
		{ BYTES("\x21\x01\x0cplain header\x04text\0"), STRIP_OTHER },
		{ BYTES("\x21\x01\0"), STRIP_OTHER },
		{ BYTES("\x21\x77\x03"
				"abc\0"),
			STRIP_OTHER },
		{ BYTES("\x21\xff\x0bXMP DataXMP\x04<x/>\0"), STRIP_XMP },
		{ BYTES("\x21\xff\x0bICCRGBG1012\x03"
				"icc\0"),
			STRIP_OTHER },
		{ BYTES("\x21\xff\x03"
				"abc\0"),
			STRIP_OTHER },
		{ BYTES("\x21\xff\x0cNETSCAPE2.0\x03\1x\0"), STRIP_OTHER },
		{ BYTES("\x21\xff\0"), STRIP_OTHER },
		{ BYTES("\x21\xf9\0"), STRIP_OTHER },
		{ BYTES("\x21\xf9\x02"
				"ab\0"),
			STRIP_OTHER },
	};
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		expect_stripped(with(rows[i].block), with(BYTES("")), rows[i].removed);
		expect_stripped(with(JOIN(CONTROL, rows[i].block, LOCAL_FRAME, rows[i].block)), with(JOIN(CONTROL, LOCAL_FRAME)), rows[i].removed);
	}
	expect_stripped(JOIN(with(BYTES("")), BYTES("behind")), with(BYTES("")), STRIP_TRAILER);
}

static void test_gif_block_with_more_than_decoders_read_then_the_rest_is_gone(void **state)
{
	expect_stripped(with(BYTES("\x21\xf9\x04\x05\x0a\0\x01\x03"
							   "abc\0")),
		with(CONTROL), STRIP_OTHER);
	expect_stripped(with(BYTES("\x21\xf9\x07\x05\x0a\0\x01"
							   "abc\0")),
		with(CONTROL), STRIP_OTHER);
	expect_stripped(with(BYTES("\x21\xf9\x05\x05\x0a\0\x01z\x01z\0")), with(CONTROL), STRIP_OTHER);
	expect_stripped(with(BYTES("\x21\xff\x0bNETSCAPE2.0\x06SECRET\x03\1\0\0\x04\1abc\0")), with(LOOP), STRIP_OTHER);
}

static void test_gif_that_ends_with_another_byte_then_with_one_of_no_meaning(void **state)
{
	expect_stripped(JOIN(SCREEN, FRAME, BYTES("Z"), FRAME, END), JOIN(SCREEN, FRAME, BYTES("\0")), STRIP_TRAILER);
	expect_stripped(JOIN(SCREEN, FRAME, BYTES("\0")), JOIN(SCREEN, FRAME, BYTES("\0")), 0);
	expect_stripped(JOIN(SCREEN, BYTES("SECRET")), JOIN(SCREEN, BYTES("\0")), STRIP_TRAILER);
}

static void test_gif_cut_anywhere_then_the_same_verdict_and_nothing_of_what_is_removed(void **state)
{
	struct str xmp = BYTES("\x21\xff\x0bXMP DataXMP\x06SECRET\0"), extra = BYTES("\x21\xff\x0bNETSCAPE2.0\x06SECRET\x03\1\0\0\0");
	struct str all = JOIN(SCREEN, COMMENT, xmp, extra, CONTROL, FRAME, COMMENT, CONTROL, LOCAL_FRAME, xmp, extra, END, BYTES("SECRET"));
	expect_no_secret_if_cut(all, NULL);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, picture_set_up, picture_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_gif_without_metadata_then_unchanged),
		TEST(test_gif_block_of_each_removed_kind_then_gone),
		TEST(test_gif_block_with_more_than_decoders_read_then_the_rest_is_gone),
		TEST(test_gif_that_ends_with_another_byte_then_with_one_of_no_meaning),
		TEST(test_gif_cut_anywhere_then_the_same_verdict_and_nothing_of_what_is_removed),
	};
	return cmocka_run_group_tests_name("strip gif", tests, NULL, NULL);
}
