/* PNG: where the damage is decides. Animations, orientation. */
#include "render/decoding.h"

#include "fake/pictures.h"
#include "render/run.h"
#include <string.h>
#include <zlib.h>

static int set_up(void **state)
{
	return run_set_up(state) + picture_set_up(state);
}

static int tear_down(void **state)
{
	return run_tear_down(state) + picture_tear_down(state);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

static struct str picture(void)
{
	struct picture p = run_picture(200, 150, true);
	for (size_t i = 0; i < (size_t)200 * 150 * 4; i++)
		p.rgba[i] = (unsigned char)(p.rgba[i] ^ (i * 2654435761u >> 27 & 15));
	return run_encode(&p, RENDER_TO_PNG, 80);
}

static struct str deflated(size_t n)
{
	unsigned char *raw = arena_alloc(run_arena, n), *out = arena_alloc(run_arena, n + 1000);
	uLongf used = n + 1000;
	assert_int_equal(compress(out, &used, raw, n), Z_OK);
	return (struct str){ (const char *)out, used };
}

static struct str header(uint32_t width, uint32_t height)
{
	return picture_chunk("IHDR", JOIN(picture_be32(width), picture_be32(height), BYTES("\x08\x02\0\0\0")));
}

/* One with these chunks before and after its pixels. */
static struct str with_chunks(struct str before, struct str after)
{
	return JOIN(
		BYTES("\x89PNG\r\n\x1a\n"), header(10, 10), before, picture_chunk("IDAT", deflated(310)), after, picture_chunk("IEND", BYTES("")));
}

static void test_whole_then_intact(void **state)
{
	run_expect(RENDER_PNG, picture(), RENDER_NONE);
	run_expect(RENDER_PNG, with_chunks(BYTES(""), BYTES("")), RENDER_NONE);
}

static void test_cut_then_truncated_and_after_the_last_row_blemished(void **state)
{
	struct str whole = picture();
	for (size_t n = 40; n < whole.n - 40; n += whole.n / 50)
		run_expect(RENDER_PNG, str_slice(whole, 0, n), RENDER_TRUNCATED);
	run_expect(RENDER_PNG, str_slice(whole, 0, whole.n - 12), RENDER_END_MISSING);
	run_expect(RENDER_PNG, str_slice(whole, 0, whole.n - 2), RENDER_END_MISSING);
}

static void test_any_byte_of_the_pixels_changed_then_broken(void **state)
{
	struct str whole = picture();
	size_t first = run_find(whole, STR("IDAT")), end = run_find(whole, STR("IEND")) - 12;
	for (size_t at = first + 6; at < end; at += 97) {
		struct render_answer a =
			run_bytes(run_job(RENDER_PNG, RENDER_CHECK), run_with_byte(whole, at, (unsigned char)(whole.p[at] ^ 0x10)));
		if (a.verdict == RENDER_INTACT)
			fail_msg("byte %zu of %zu: intact", at, whole.n);
	}
}

static void test_pixels_that_inflate_to_others_then_broken(void **state)
{
	/* one IDAT: all rows come before zlib's checksum is compared, then the chunk's */
	struct str bytes = with_chunks(BYTES(""), BYTES("")), pixels = deflated(310);
	size_t at = run_find(bytes, STR("IDAT")) + 4 + pixels.n - 1;
	run_expect(RENDER_PNG, run_with_byte(bytes, at, (unsigned char)(bytes.p[at] ^ 1)), RENDER_DAMAGED);
}

static void test_damage_beside_the_pixels_then_blemished(void **state)
{
	struct str text = picture_chunk("tEXt", BYTES("Comment\0words")), wrong = run_with_byte(text, 10, 'x');
	run_expect(RENDER_PNG, with_chunks(text, text), RENDER_NONE);
	run_expect(RENDER_PNG, with_chunks(wrong, BYTES("")), RENDER_METADATA);
	run_expect(RENDER_PNG, with_chunks(BYTES(""), wrong), RENDER_METADATA);
	run_expect(RENDER_PNG, with_chunks(picture_chunk("iCCP", BYTES("name\0\0no stream")), BYTES("")), RENDER_PROFILE);
	run_expect(RENDER_PNG, JOIN(with_chunks(BYTES(""), BYTES("")), BYTES("more")), RENDER_TRAILING_BYTES);
}

static void test_too_few_and_too_many_rows_then_broken_and_blemished(void **state)
{
	struct str end = picture_chunk("IEND", BYTES("")), begin = JOIN(BYTES("\x89PNG\r\n\x1a\n"), header(10, 10));
	run_expect(RENDER_PNG, JOIN(begin, picture_chunk("IDAT", deflated(309)), end), RENDER_DAMAGED);
	run_expect(RENDER_PNG, JOIN(begin, picture_chunk("IDAT", deflated(400)), end), RENDER_METADATA);
	run_expect(RENDER_PNG, JOIN(begin, end), RENDER_HEADER);
}

static void test_exif_before_the_pixels_then_applied_and_after_them_not(void **state)
{
	struct str exif = picture_chunk("eXIf", BYTES("II*\0\x08\0\0\0\1\0\x12\1\3\0\1\0\0\0\3\0\0\0\0\0\0\0"));
	for (int after = 0; after < 2; after++) {
		struct render_answer a =
			run_bytes(run_job(RENDER_PNG, RENDER_CHECK), after ? with_chunks(BYTES(""), exif) : with_chunks(exif, BYTES("")));
		assert_int_equal(a.code, RENDER_NONE);
		assert_int_equal(a.orientation, after ? 0 : 3);
	}
	struct str other = picture_chunk("eXIf", BYTES("II*\0\x08\0\0\0\0\0")); /* the first one counts */
	assert_int_equal(run_bytes(run_job(RENDER_PNG, RENDER_CHECK), with_chunks(JOIN(exif, other), BYTES(""))).orientation, 3);
	assert_int_equal(run_bytes(run_job(RENDER_PNG, RENDER_CHECK), with_chunks(JOIN(other, exif), BYTES(""))).orientation, 0);
}

/* 64 KB that inflate to 64 MB, and a chunk that says it has 2 GB. */
static void test_large_text_then_skipped(void **state)
{
	size_t n = (size_t)64 << 20;
	unsigned char *out = arena_alloc(run_arena, 400000);
	z_stream z = { .next_out = out, .avail_out = 400000 };
	static unsigned char zeros[1 << 16];
	assert_int_equal(deflateInit(&z, 9), Z_OK);
	for (size_t i = 0; i < n; i += sizeof zeros) {
		z.next_in = zeros;
		z.avail_in = sizeof zeros;
		assert_int_equal(deflate(&z, i + sizeof zeros < n ? Z_NO_FLUSH : Z_FINISH), i + sizeof zeros < n ? Z_OK : Z_STREAM_END);
	}
	struct str stream = { (const char *)out, z.total_out };
	assert_int_equal(deflateEnd(&z), Z_OK);
	run_expect(RENDER_PNG, with_chunks(picture_chunk("zTXt", JOIN(BYTES("a\0\0"), stream)), BYTES("")), RENDER_NONE);
	run_expect(RENDER_PNG, with_chunks(picture_chunk("iCCP", JOIN(BYTES("a\0\0"), stream)), BYTES("")), RENDER_PROFILE);
	run_expect(RENDER_PNG, JOIN(BYTES("\x89PNG\r\n\x1a\n"), header(10, 10), BYTES("\x7f\xff\xff\xfftEXtabc")), RENDER_TRUNCATED);
}

/* Animations */

static struct str control(uint32_t sequence, uint32_t width, uint32_t height, uint32_t x)
{
	return picture_chunk(
		"fcTL", JOIN(picture_be32(sequence), picture_be32(width), picture_be32(height), picture_be32(x), BYTES("\0\0\0\0\0\1\0\x0a\0\0")));
}

static struct str frame(struct str stream)
{
	return picture_chunk("fdAT", JOIN(picture_be32(9), stream));
}

#define ANIMATION(after) with_chunks(JOIN(picture_chunk("acTL", BYTES("\0\0\0\2\0\0\0\0")), control(0, 10, 10, 0)), after)

static void test_animation_then_every_frame_is_inflated(void **state)
{
	struct str pixels = deflated(5 * 16);
	struct render_answer a = run_bytes(run_job(RENDER_PNG, RENDER_CHECK), ANIMATION(JOIN(control(1, 5, 5, 5), frame(pixels))));
	assert_int_equal(a.code, RENDER_NONE);
	assert_int_equal(a.frames, 2);
	a = run_bytes(run_job(RENDER_PNG, RENDER_THUMB), ANIMATION(BYTES(""))); /* of the first frame alone */
	assert_int_equal(a.code, RENDER_NONE);
	assert_int_equal(a.presets, 1);
	run_expect(RENDER_PNG, ANIMATION(JOIN(control(1, 5, 5, 0), frame(str_slice(pixels, 0, 5)), frame(str_slice(pixels, 5, pixels.n)))),
		RENDER_NONE);
	run_expect(RENDER_PNG, ANIMATION(JOIN(control(1, 5, 5, 0), frame(str_slice(pixels, 0, 5)))), RENDER_LATER_FRAME);
	run_expect(RENDER_PNG, ANIMATION(JOIN(control(1, 5, 5, 0), frame(deflated(79)))), RENDER_LATER_FRAME);
	run_expect(RENDER_PNG, ANIMATION(JOIN(control(1, 5, 5, 0), frame(BYTES("no stream")))), RENDER_LATER_FRAME);
	run_expect(RENDER_PNG, ANIMATION(JOIN(control(1, 5, 5, 6), frame(pixels))), RENDER_LATER_FRAME);
	run_expect(RENDER_PNG, ANIMATION(JOIN(control(1, 5, 0, 0), frame(pixels))), RENDER_LATER_FRAME);
	run_expect(RENDER_PNG, ANIMATION(frame(pixels)), RENDER_LATER_FRAME);
	run_expect(RENDER_PNG, ANIMATION(BYTES("")), RENDER_LATER_FRAME); /* it announces two */
}

static void test_too_many_frames_then_limit(void **state)
{
	struct render_job job = run_job(RENDER_PNG, RENDER_CHECK);
	struct str pixels = deflated(5 * 16), two = JOIN(control(1, 5, 5, 5), frame(pixels), control(2, 5, 5, 5), frame(pixels));
	job.max_frames = 2;
	assert_int_equal(run_bytes(job, ANIMATION(two)).code, RENDER_TOO_MANY_FRAMES);
	job.max_frames = 3;
	assert_int_equal(run_bytes(job, ANIMATION(two)).code, RENDER_NONE);
	job.max_area = 100 + 25 + 24;
	assert_int_equal(run_bytes(job, ANIMATION(two)).code, RENDER_TOO_MANY_FRAMES);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_whole_then_intact),
		TEST(test_cut_then_truncated_and_after_the_last_row_blemished),
		TEST(test_any_byte_of_the_pixels_changed_then_broken),
		TEST(test_pixels_that_inflate_to_others_then_broken),
		TEST(test_damage_beside_the_pixels_then_blemished),
		TEST(test_too_few_and_too_many_rows_then_broken_and_blemished),
		TEST(test_exif_before_the_pixels_then_applied_and_after_them_not),
		TEST(test_large_text_then_skipped),
		TEST(test_animation_then_every_frame_is_inflated),
		TEST(test_too_many_frames_then_limit),
	};
	return cmocka_run_group_tests_name("png", tests, NULL, NULL);
}
