/* HEIC files of which each item and box is kept or overwritten, and files whose boxes contradict each other. */
#include "fake/heif.h"
#include "fake/stripped.h"
#include "unit.h"

#include <string.h>

#define PIXELS BYTES("pixels of the picture")
#define TILE BYTES("pixels of a tile")
#define SECRET BYTES("SECRET.")
#define ALPHA_URN BYTES("\0\0\0\0urn:mpeg:mpegB:cicp:systems:auxiliary:alpha")
#define GAIN_URN BYTES("\0\0\0\0urn:com:apple:photo:2020:aux:hdrgainmap")

static struct str exif(void)
{
	return JOIN(BYTES("\0\0\0\6Exif\0\0"), picture_tiff("MM", 0x0112, 6), SECRET);
}

/* 30 x 20, with nothing else. */
static struct made_heif plain(void)
{
	return (struct made_heif){ .properties = heif_make_size(30, 20), .item = { { .type = "hvc1", .data = PIXELS, .properties = 1 } } };
}

static void expect_kept(const struct made_heif *h, uint32_t removed)
{
	struct str in = heif_make(h);
	struct stripped got = strip_checked(in, NULL);
	struct probe p;
	assert_int_equal(probe_image(got.bytes, &p), PROBE_OK);
	assert_int_equal(got.result.removed, removed);
	assert_int_equal(str_find(got.bytes, STR("SECRET")), got.bytes.n);
	assert_true(str_find(got.bytes, PIXELS) == str_find(in, PIXELS));
	expect_no_secret_if_cut(in, NULL);
}

static void test_plain_then_nothing_but_names_is_removed(void **state)
{
	struct made_heif h = plain();
	struct probe p;
	expect_kept(&h, 0);
	assert_int_equal(probe_exactly(heif_make(&h), &p), PROBE_OK);
	assert_int_equal(p.type, PROBE_HEIC);
	assert_int_equal(p.width, 30);
	assert_int_equal(p.height, 20);
	h.brand = "avif";
	assert_int_equal(probe_exactly(heif_make(&h), &p), PROBE_OK);
	assert_int_equal(p.type, PROBE_AVIF);
}

static void test_metadata_then_overwritten_wherever_it_is(void **state)
{
	for (int in_index = 0; in_index < 2; in_index++) {
		struct made_heif h = plain();
		h.item[1] = (struct made_item){ .type = "Exif", .data = exif(), .in_index = in_index == 1 };
		h.item[2] = (struct made_item){ .type = "mime", .rest = BYTES("application/rdf+xml\0"), .data = SECRET, .in_index = in_index == 1 };
		h.item[3] = (struct made_item){ .type = "uri ", .rest = BYTES("SECRET\0"), .data = SECRET };
		h.unused = SECRET;
		expect_kept(&h, STRIP_EXIF | STRIP_XMP | STRIP_PICTURES);
		struct stripped got = strip_checked(heif_make(&h), &(struct strip_options){ .facts = true });
		assert_int_equal(got.result.facts.orientation, 6);
	}
}

static void test_pictures_then_only_those_that_are_shown_are_kept(void **state)
{
	struct made_heif h = plain();
	h.properties = JOIN(heif_make_size(30, 20), heif_make_box("auxC", ALPHA_URN), heif_make_box("auxC", GAIN_URN));
	h.item[0] = (struct made_item){ .type = "grid", .data = PIXELS, .in_index = true, .properties = 1 };
	h.item[1] = (struct made_item){ .type = "hvc1", .data = TILE };
	h.item[2] = (struct made_item){ .type = "hvc1", .data = BYTES("alpha"), .properties = 2 };
	h.item[3] = (struct made_item){ .type = "hvc1", .data = SECRET, .properties = 4 };
	h.item[4] = (struct made_item){ .type = "hvc1", .data = SECRET };
	h.item[5] = (struct made_item){ .type = "hvc1", .data = SECRET };
	const struct made_reference references[] = { { "auxl", 3, 1 }, { "auxl", 4, 1 }, { "thmb", 5, 1 }, { "dimg", 1, 2 } };
	memcpy(h.reference, references, sizeof references);
	expect_kept(&h, STRIP_GAIN_MAP | STRIP_THUMBNAIL | STRIP_PICTURES);
	struct str in = heif_make(&h), out = strip_checked(in, NULL).bytes;
	assert_int_equal(str_find(out, TILE), str_find(in, TILE));
	assert_int_equal(str_find(out, STR("alpha")), str_find(in, STR("alpha")));
}

static void test_other_boxes_then_overwritten_and_what_follows_the_data_dropped(void **state)
{
	struct made_heif h = plain();
	h.before = heif_make_box("uuid", SECRET);
	h.in_index = heif_make_box("xml ", SECRET);
	h.properties = JOIN(heif_make_size(30, 20), heif_make_box("udes", SECRET));
	h.after = heif_make_box("mpvd",
		JOIN(BYTES("\0\0\0\x10"
				   "ftypmp42"),
			SECRET));
	expect_kept(&h, STRIP_OTHER | STRIP_TRAILER | STRIP_VIDEO);
	h.before = heif_make_box("free", SECRET);
	h.in_index = h.after = BYTES("");
	h.properties = heif_make_size(30, 20);
	expect_kept(&h, 0);
}

static void expect_refused(struct str in, const char *why)
{
	struct probe p;
	struct stripped got = strip_checked(in, NULL);
	assert_int_equal(probe_exactly(in, &p), PROBE_BAD);
	if (strcmp(p.why, why) != 0)
		fail_msg("%s, not %s", p.why, why);
	assert_int_equal(str_find(got.bytes, STR("SECRET")), got.bytes.n);
}

static struct str with(struct str in, size_t at, const char *bytes, size_t n)
{
	struct str copy = str_dup(picture_arena, in);
	assert_true(at + n <= in.n);
	memcpy((char *)copy.p + at, bytes, n);
	return copy;
}

static void test_what_cannot_be_stripped_then_refused_with_the_reason(void **state)
{
	struct made_heif h = plain();
	h.item[1] = (struct made_item){ .type = "Exif", .data = exif() };
	struct str in = heif_make(&h);
	expect_refused(with(in, str_find(in, STR("hvc1")), "abcd", 4), "its picture is of an unknown kind");
	expect_refused(with(in, str_find(in, STR("pitm")) + 8, "\0\7", 2), "its picture is missing");
	expect_refused(with(in, str_find(in, STR("ispe")), "abcd", 4), "its size is missing");
	expect_refused(with(in, str_find(in, STR("ispe")) + 8, "\0\0\0\0", 4), "its size is malformed");
	expect_refused(with(in, str_find(in, STR("mdat")), "abcd", 4), "its data are in a place that is not supported");
	expect_refused(with(in, str_find(in, STR("mdat")), "moov", 4), "it is a sequence of images");
	expect_refused(with(in, str_find(in, STR("meta")), "moov", 4), "it is a sequence of images");
	expect_refused(with(in, str_find(in, STR("meta")), "mdat", 4), "its data come before its index");
	expect_refused(with(in, str_find(in, STR("iloc")), "abcd", 4), "the places of its data are malformed");
	expect_refused(with(in, str_find(in, STR("iloc")) + 20, "\x7f", 1), "it ends too early");
	/* 65,535 pieces, which take no bytes, of an item that there is not */
	expect_refused(with(in, str_find(in, STR("iloc")) + 8, "\0\0\0\2\0\x09\0\0\0\0\xff\xff", 12), "its data are in too many pieces");
	expect_refused(with(in, str_find(in, STR("iprp")) - 4, "\0\0\0\3", 4), "a box is malformed");
	expect_refused(with(in, 8, "hevc", 4), "it is a sequence of images, or of an unknown kind");
	expect_refused(str_slice(in, 0, in.n - SECRET.n), "it ends too early");
	h.before = heif_make_box("mdat", SECRET);
	expect_refused(heif_make(&h), "its data come before its index");
}

static void test_turned_and_cut_then_the_size_that_is_shown(void **state)
{
	static const char CLAP[] = "\0\0\0\x14\0\0\0\1\0\0\0\x0a\0\0\0\1\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0\1";
	struct made_heif h = plain();
	struct probe p;
	h.properties = JOIN(heif_make_size(30, 20), heif_make_box("irot", BYTES("\1")), heif_make_box("clap", (struct str){ CLAP, 32 }));
	h.item[0].properties = 3;
	assert_int_equal(probe_exactly(heif_make(&h), &p), PROBE_OK);
	assert_true(p.width == 20 && p.height == 30);
	h.item[0].properties = 7;
	assert_int_equal(probe_exactly(heif_make(&h), &p), PROBE_OK);
	assert_true(p.width == 10 && p.height == 20);
	h.item[0].properties = 5;
	expect_kept(&h, 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, picture_set_up, picture_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_plain_then_nothing_but_names_is_removed),
		TEST(test_metadata_then_overwritten_wherever_it_is),
		TEST(test_pictures_then_only_those_that_are_shown_are_kept),
		TEST(test_other_boxes_then_overwritten_and_what_follows_the_data_dropped),
		TEST(test_what_cannot_be_stripped_then_refused_with_the_reason),
		TEST(test_turned_and_cut_then_the_size_that_is_shown),
	};
	return cmocka_run_group_tests_name("strip_heif", tests, NULL, NULL);
}
