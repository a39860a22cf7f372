/* JPEG: the verdicts on damage of each kind, and orientation and profile from its header. */
#include "render/jpeg_markers.h"

#include "fake/pictures.h"
#include "image/probe/probe.h"
#include "render/run.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jpeglib.h> /* wants stdio.h before it */

static struct str photo(void)
{
	struct picture p = run_picture(320, 240, false);
	for (size_t i = 0; i < (size_t)320 * 240 * 4; i++)
		p.rgba[i] = (unsigned char)(p.rgba[i] ^ (i * 2654435761u >> 27 & 15));
	return run_encode(&p, RENDER_TO_JPEG, 85);
}

/* The bytes with `more` put in at `at`. */
static struct str with_inserted(struct str bytes, size_t at, struct str more)
{
	struct str parts[] = { str_slice(bytes, 0, at), more, str_slice(bytes, at, bytes.n) };
	char *p = arena_alloc(run_arena, bytes.n + more.n), *to = p;
	for (size_t i = 0; i < COUNT_OF(parts); to += parts[i].n, i++)
		memcpy(to, parts[i].p, parts[i].n);
	return (struct str){ p, bytes.n + more.n };
}

static struct str repeated(struct str bytes, size_t times)
{
	char *all = arena_alloc(run_arena, bytes.n * times);
	for (size_t i = 0; i < times; i++)
		memcpy(all + i * bytes.n, bytes.p, bytes.n);
	return (struct str){ all, bytes.n * times };
}

static void test_whole_then_intact(void **state)
{
	run_expect(RENDER_JPEG, photo(), RENDER_NONE);
}

static void test_cut_anywhere_then_truncated(void **state)
{
	struct str whole = photo();
	run_expect(RENDER_JPEG, str_slice(whole, 0, whole.n - 2), RENDER_END_MISSING);
	run_expect(RENDER_JPEG, str_slice(whole, 0, whole.n - 1), RENDER_END_MISSING);
	for (size_t n = 2; n < whole.n - 40; n += whole.n / 50)
		run_expect(RENDER_JPEG, str_slice(whole, 0, n), RENDER_TRUNCATED);
}

/* What ends between two scans looks well, but is not the picture. */
static void test_progressive_cut_at_any_scan_then_truncated(void **state)
{
	struct str whole = run_read_file("fuzz/corpus/jpeg/progressive.jpg");
	size_t scans = 0;
	run_expect(RENDER_JPEG, whole, RENDER_NONE);
	run_expect(RENDER_JPEG, str_slice(whole, 0, whole.n - 2), RENDER_END_MISSING);
	for (size_t at = 0; at + 1 < whole.n; at++) {
		if (whole.p[at] != '\xff' || whole.p[at + 1] != '\xda')
			continue;
		run_expect(RENDER_JPEG, str_slice(whole, 0, at), RENDER_TRUNCATED);
		scans++;
	}
	assert_true(scans > 5);
}

static void test_bytes_after_the_end_then_blemished(void **state)
{
	struct str whole = photo();
	run_expect(RENDER_JPEG, with_inserted(whole, whole.n, STR("trailer")), RENDER_TRAILING_BYTES);
}

static void test_extra_bytes_then_by_their_number_and_kind(void **state)
{
	struct str whole = photo(), zeros = { arena_alloc(run_arena, 5000), 5000 };
	char *text = arena_alloc(run_arena, 5000);
	memset(text, 'x', 5000);
	size_t end = whole.n - 2;
	/* libjpeg has read some bytes ahead and does not count them */
	run_expect(RENDER_JPEG, with_inserted(whole, end, (struct str){ text, 64 }), RENDER_EXTRA_BYTES);
	run_expect(RENDER_JPEG, with_inserted(whole, end, (struct str){ text, 64 + 16 }), RENDER_DAMAGED);
	run_expect(RENDER_JPEG, with_inserted(whole, end, (struct str){ text, 5000 }), RENDER_DAMAGED);
	run_expect(RENDER_JPEG, with_inserted(whole, end, zeros), RENDER_EXTRA_BYTES);
	/* between the segments of the header */
	run_expect(RENDER_JPEG, with_inserted(whole, run_find(whole, STR("\xff\xdb")), (struct str){ text, 10 }), RENDER_EXTRA_BYTES);
	run_expect(RENDER_JPEG, with_inserted(whole, run_find(whole, STR("\xff\xdb")), (struct str){ text, 1000 }), RENDER_DAMAGED);
}

static void test_damaged_pixels_then_broken(void **state)
{
	struct str whole = photo(), copy = str_dup(run_arena, whole);
	memset((char *)copy.p + whole.n / 2, 0, 512);
	run_expect(RENDER_JPEG, copy, RENDER_DAMAGED);
	struct str cut_out = with_inserted(str_slice(whole, 0, whole.n / 2), whole.n / 2, str_slice(whole, whole.n / 2 + 100, whole.n));
	run_expect(RENDER_JPEG, cut_out, RENDER_DAMAGED);
	run_expect(RENDER_JPEG, with_inserted(whole, whole.n / 2, (struct str){ "\xff\xd9", 2 }), RENDER_DAMAGED);
}

static void test_header_with_wrong_numbers_then_by_the_table(void **state)
{
	struct str whole = photo();
	size_t sos = run_find(whole, STR("\xff\xda")), sof = run_find(whole, STR("\xff\xc0"));
	run_expect(RENDER_JPEG, run_with_byte(whole, sos + 12, 5), RENDER_SCAN_NUMBERS);  /* end of the spectrum */
	run_expect(RENDER_JPEG, run_with_byte(whole, 11, 9), RENDER_MARKER_VERSION);      /* JFIF 9 */
	run_expect(RENDER_JPEG, run_with_byte(whole, sof + 4, 12), RENDER_UNSUPPORTED);   /* 12 bits */
	run_expect(RENDER_JPEG, run_with_byte(whole, sof + 1, 0xc3), RENDER_UNSUPPORTED); /* lossless */
	run_expect(RENDER_JPEG, run_with_byte(whole, sof + 11, 0), RENDER_HEADER);        /* sampling */
	run_expect(RENDER_JPEG, run_with_byte(whole, 0, 0), RENDER_HEADER);
}

/* 100 rows more than there are */
static void test_header_too_high_then_damaged(void **state)
{
	struct str whole = photo();
	size_t sof = run_find(whole, STR("\xff\xc0"));
	run_expect(RENDER_JPEG, run_with_byte(whole, sof + 6, 240 + 15), RENDER_NONE + RENDER_DAMAGED);
	run_expect(RENDER_JPEG, run_with_byte(whole, sof + 6, 100), RENDER_DAMAGED);
}

static struct str turned_photo(void)
{
	static const char EXIF[] = "\xff\xe1\0\x22"
							   "Exif\0\0"
							   "MM\0*\0\0\0\x08"
							   "\0\1"
							   "\1\x12\0\3\0\0\0\1\0\6\0\0"
							   "\0\0\0\0";
	return with_inserted(photo(), 2, (struct str){ EXIF, 36 });
}

static void test_exif_orientation_then_reported_and_applied(void **state)
{
	struct str turned = turned_photo();
	struct render_answer a = run_bytes(run_job(RENDER_JPEG, RENDER_CHECK | RENDER_THUMB), turned);
	assert_int_equal(a.code, RENDER_NONE);
	assert_int_equal(a.orientation, 6);
	assert_int_equal(run_bytes(run_job(RENDER_JPEG, RENDER_CHECK), with_inserted(turned, 2, STR("junk"))).orientation, 6);
	assert_int_equal(run_bytes(run_job(RENDER_JPEG, RENDER_CHECK), with_inserted(turned, 2, STR("\xff\xff"))).orientation, 6);
	assert_int_equal(a.width, 320);
	assert_int_equal(a.thumb[0].width, 240);
	assert_int_equal(a.thumb[0].height, 320);
	struct picture p = run_pixels(RENDER_JPEG, turned, 512); /* red grows to the right of what is stored: now downwards */
	assert_true(p.rgba[0] < 40 && p.rgba[(size_t)319 * 240 * 4] > 200);
}

/* The record has what the probe finds, and the thumbnails are turned by what is found here. */
static void test_exif_behind_other_segments_then_the_orientation_of_the_probe(void **state)
{
	struct str comment = { "\xff\xfe\0\2", 4 }, comments = repeated(comment, 5000);
	const struct {
		struct str before;
		unsigned orientation;
	} CASES[] = { { { "\xff\xfe\0\0", 4 }, 6 }, { { "\xff\xe5\0\1", 4 }, 6 }, { comments, 6 },
		{ { "\xff\xe1\0\x08"
			"Exif\0\0",
			  10 },
			0 },
		{ { "\xff\xe1\0\x08"
			"Exif\0\xff",
			  10 },
			6 } };
	for (size_t i = 0; i < COUNT_OF(CASES); i++) {
		struct str bytes = with_inserted(turned_photo(), 2, CASES[i].before);
		struct probe p;
		assert_int_equal(probe_image(bytes, &p), PROBE_OK);
		assert_int_equal(p.orientation, CASES[i].orientation);
		assert_int_equal(run_bytes(run_job(RENDER_JPEG, RENDER_CHECK), bytes).orientation, CASES[i].orientation);
	}
}

/* As many markers as fit: time and memory must not grow with their square. */
static void test_many_markers_then_intact(void **state)
{
	run_expect(RENDER_JPEG, with_inserted(photo(), 2, repeated((struct str){ "\xff\xe1\0\2", 4 }, 200000)), RENDER_NONE);
}

static struct str profile_piece(char number, char count, struct str bytes)
{
	size_t n = 16 + bytes.n;
	char head[18] = { '\xff', '\xe2', (char)(n >> 8), (char)n, 'I', 'C', 'C', '_', 'P', 'R', 'O', 'F', 'I', 'L', 'E', 0, number, count };
	return with_inserted((struct str){ head, sizeof head }, sizeof head, bytes);
}

static struct str read_profile(struct str jpeg)
{
	static struct input in;
	static struct render_answer answer;
	static struct render_job job;
	struct decoding d = { .in = &in, .job = &job, .answer = &answer, .arena = run_arena };
	input_init_bytes(&in, jpeg);
	jpeg_read_markers(&d);
	return d.profile;
}

static void test_profile_in_pieces_of_any_order_then_joined(void **state)
{
	struct str one = profile_piece(1, 2, STR("first")), two = profile_piece(2, 2, STR("second"));
	assert_str(read_profile(with_inserted(with_inserted(photo(), 2, one), 2, two)), STR("firstsecond"));
	assert_str(read_profile(with_inserted(with_inserted(photo(), 2, two), 2, one)), STR("firstsecond"));
	assert_int_equal(read_profile(with_inserted(photo(), 2, two)).n, 0);
	assert_int_equal(read_profile(with_inserted(photo(), 2, profile_piece(0, 1, STR("x")))).n, 0);
	assert_int_equal(read_profile(photo()).n, 0);
	run_expect(RENDER_JPEG, with_inserted(photo(), 2, profile_piece(1, 1, STR("no profile"))), RENDER_PROFILE);
}

/* 16 x 16 of one color in CMYK. libjpeg stores the values as they are, with an Adobe marker or without. */
static struct str cmyk(const unsigned char color[4], bool adobe)
{
	struct jpeg_compress_struct cinfo;
	struct jpeg_error_mgr error;
	unsigned char row[16 * 4], *rows[] = { row }, *out = NULL;
	unsigned long n = 0;
	cinfo.err = jpeg_std_error(&error);
	jpeg_create_compress(&cinfo);
	jpeg_mem_dest(&cinfo, &out, &n);
	cinfo.image_width = cinfo.image_height = 16;
	cinfo.input_components = 4;
	cinfo.in_color_space = JCS_CMYK;
	jpeg_set_defaults(&cinfo);
	jpeg_set_quality(&cinfo, 100, TRUE);
	cinfo.write_Adobe_marker = adobe;
	jpeg_start_compress(&cinfo, TRUE);
	for (size_t i = 0; i < sizeof row; i++)
		row[i] = color[i % 4];
	while (cinfo.next_scanline < 16)
		jpeg_write_scanlines(&cinfo, rows, 1);
	jpeg_finish_compress(&cinfo);
	jpeg_destroy_compress(&cinfo);
	struct str copy = str_dup(run_arena, (struct str){ (const char *)out, n });
	free(out); /* libjpeg's */
	return copy;
}

static void test_cmyk_then_inverted_with_an_adobe_marker(void **state)
{
	static const struct {
		unsigned char ink[4], rgb[3];
	} ROWS[] = { { { 0, 0, 0, 0 }, { 255, 255, 255 } }, { { 0, 0, 0, 255 }, { 0, 0, 0 } }, { { 255, 0, 0, 0 }, { 0, 255, 255 } },
		{ { 0, 255, 255, 0 }, { 255, 0, 0 } }, { { 0, 0, 0, 128 }, { 127, 127, 127 } } };
	for (size_t i = 0; i < COUNT_OF(ROWS); i++) {
		unsigned char inverted[4];
		for (size_t c = 0; c < 4; c++)
			inverted[c] = (unsigned char)(255 - ROWS[i].ink[c]);
		struct picture plain = run_pixels(RENDER_JPEG, cmyk(ROWS[i].ink, false), 16),
					   adobe = run_pixels(RENDER_JPEG, cmyk(inverted, true), 16);
		for (size_t c = 0; c < 3; c++) {
			assert_true(abs(plain.rgba[c] - ROWS[i].rgb[c]) <= 2);
			assert_true(abs(adobe.rgba[c] - ROWS[i].rgb[c]) <= 2);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		RUN_TEST(test_whole_then_intact),
		RUN_TEST(test_cut_anywhere_then_truncated),
		RUN_TEST(test_progressive_cut_at_any_scan_then_truncated),
		RUN_TEST(test_bytes_after_the_end_then_blemished),
		RUN_TEST(test_extra_bytes_then_by_their_number_and_kind),
		RUN_TEST(test_damaged_pixels_then_broken),
		RUN_TEST(test_header_with_wrong_numbers_then_by_the_table),
		RUN_TEST(test_header_too_high_then_damaged),
		RUN_TEST(test_exif_orientation_then_reported_and_applied),
		RUN_TEST(test_exif_behind_other_segments_then_the_orientation_of_the_probe),
		RUN_TEST(test_many_markers_then_intact),
		RUN_TEST(test_cmyk_then_inverted_with_an_adobe_marker),
		RUN_TEST(test_profile_in_pieces_of_any_order_then_joined),
	};
	return cmocka_run_group_tests_name("jpeg", tests, NULL, NULL);
}
