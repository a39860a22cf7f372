/* GIF: frames put together here, code by code. */
#include "render/decoding.h"

#include "fake/pictures.h"
#include "render/run.h"
#include <string.h>

static int set_up(void **state)
{
	return run_set_up(state) + picture_set_up(state);
}

static int tear_down(void **state)
{
	return run_tear_down(state) + picture_tear_down(state);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

static const char COLORS[] = "\x10\x20\x30\x40\x50\x60\x70\x80\x90\xa0\xb0\xc0"; /* four */

static struct str le16(uint32_t n)
{
	char p[2] = { (char)n, (char)(n >> 8) };
	return str_dup(picture_arena, (struct str){ p, 2 });
}

static struct str screen(uint32_t width, uint32_t height)
{
	return JOIN(BYTES("GIF89a"), le16(width), le16(height), BYTES("\x81\0\0"), ((struct str){ COLORS, 12 }));
}

/* Codes of fixed width 3: a clear code after each two pixels keeps the table small. */
static struct str codes_of(const char *pixels, size_t n, bool end)
{
	unsigned char *out = arena_alloc(run_arena, n + 10), *p = arena_alloc(run_arena, 2 * n + 40);
	uint32_t acc = 0, bits = 0;
	size_t used = 0, to = 0;
	for (size_t i = 0; i < n + (n + 1) / 2 + (end ? 1 : 0); i++) {
		uint32_t code = i == n + (n + 1) / 2 ? 5 : i % 3 == 0 ? 4 : (uint32_t)pixels[i / 3 * 2 + i % 3 - 1];
		acc |= code << bits;
		for (bits += 3; bits >= 8; bits -= 8, acc >>= 8)
			out[used++] = (unsigned char)acc;
	}
	if (bits > 0)
		out[used++] = (unsigned char)acc;
	for (size_t i = 0; i < used; i += 255) {
		size_t part = used - i < 255 ? used - i : 255;
		p[to++] = (unsigned char)part;
		memcpy(p + to, out + i, part);
		to += part;
	}
	p[to++] = 0;
	return (struct str){ (const char *)p, to };
}

static struct str image_head(uint32_t left, uint32_t top, uint32_t width, uint32_t height)
{
	return JOIN(BYTES(","), le16(left), le16(top), le16(width), le16(height));
}

static struct str image(uint32_t width, uint32_t height, const char *pixels)
{
	return JOIN(image_head(0, 0, width, height), BYTES("\0\2"), codes_of(pixels, (size_t)width * height, true));
}

static const char PIXELS[] = "\0\1\2\3\3\2\1\0\0\0\1\1\2\2\3\3"; /* 4 x 4 */

/* The index of the color at x, y; -1: transparent. */
static int color_at(const struct picture *p, uint32_t x, uint32_t y)
{
	const unsigned char *px = p->rgba + ((size_t)y * p->width + x) * 4;
	if (px[3] == 0)
		return -1;
	for (int i = 0; i < 4; i++)
		if (memcmp(px, COLORS + i * 3, 3) == 0)
			return i;
	fail_msg("no color at %u,%u", x, y);
	return -2;
}

static void test_whole_then_its_pixels(void **state)
{
	struct picture p = run_pixels(RENDER_GIF, JOIN(screen(4, 4), image(4, 4, PIXELS), BYTES(";")), 9);
	assert_false(p.alpha);
	for (uint32_t i = 0; i < 16; i++)
		assert_int_equal(color_at(&p, i % 4, i / 4), PIXELS[i]);
}

static void test_interlaced_then_rows_in_their_order(void **state)
{
	char pixels[10 * 2];
	static const int ORDER[] = { 0, 8, 4, 2, 6, 1, 3, 5, 7, 9 };
	for (size_t i = 0; i < 10; i++)
		pixels[2 * i] = pixels[2 * i + 1] = (char)(ORDER[i] % 4);
	struct str bytes = JOIN(screen(2, 10), image_head(0, 0, 2, 10), BYTES("\x40\2"), codes_of(pixels, 20, true), BYTES(";"));
	struct picture p = run_pixels(RENDER_GIF, bytes, 20);
	for (uint32_t y = 0; y < 10; y++)
		assert_int_equal(color_at(&p, 1, y), y % 4);
}

static void test_frame_inside_its_screen_then_transparent_around(void **state)
{
	struct str bytes = JOIN(screen(6, 7), image_head(1, 2, 4, 4), BYTES("\0\2"), codes_of(PIXELS, 16, true), BYTES(";"));
	struct picture p = run_pixels(RENDER_GIF, bytes, 20);
	assert_int_equal(p.width, 6);
	assert_int_equal(p.height, 7);
	assert_int_equal(color_at(&p, 0, 2), -1);
	assert_int_equal(color_at(&p, 2, 2), 1);
	assert_int_equal(color_at(&p, 4, 5), 3);
	assert_int_equal(color_at(&p, 5, 6), -1);
}

static void test_frame_beyond_its_screen_then_the_screen_grows(void **state)
{
	struct picture p = run_pixels(RENDER_GIF, JOIN(screen(2, 2), image(4, 4, PIXELS), BYTES(";")), 20);
	assert_int_equal(p.width, 4);
	assert_int_equal(color_at(&p, 3, 3), 3);
}

static void test_transparent_color_then_transparent(void **state)
{
	struct str control = BYTES("!\xf9\4\1\0\0\2\0"), bytes = JOIN(screen(4, 4), control, image(4, 4, PIXELS), BYTES(";"));
	struct picture p = run_pixels(RENDER_GIF, bytes, 20);
	for (uint32_t i = 0; i < 16; i++)
		assert_int_equal(color_at(&p, i % 4, i / 4), PIXELS[i] == 2 ? -1 : PIXELS[i]);
}

static void test_local_colors_then_used(void **state)
{
	struct str local = JOIN(image_head(0, 0, 2, 1), BYTES("\x80\1\2\3\x10\x20\x30\2"), codes_of("\1\1", 2, true));
	struct picture p = run_pixels(RENDER_GIF, JOIN(screen(2, 1), local, BYTES(";")), 9);
	assert_int_equal(color_at(&p, 0, 0), 0);
}

/* What encoders do and browsers accept. */
static void test_oddities_then_intact(void **state)
{
	struct str head = screen(4, 4);
	static const char MORE[] = "\0\1\2\3\3\2\1\0\0\0\1\1\2\2\3\3\1\1\1\1\1\1\1\1";
	run_expect(RENDER_GIF, JOIN(head, image_head(0, 0, 4, 4), BYTES("\0\2"), codes_of(MORE, 24, true), BYTES(";")),
		RENDER_NONE); /* too many pixels */
	run_expect(RENDER_GIF, JOIN(head, image_head(0, 0, 4, 4), BYTES("\0\2"), codes_of(PIXELS, 16, false), BYTES(";")),
		RENDER_NONE); /* no end code */
	run_expect(RENDER_GIF, JOIN(head, BYTES("!\xfe\3abc\0!\xff\x0bNETSCAPE2.0\3\1\0\0\0"), image(4, 4, PIXELS), BYTES(";")), RENDER_NONE);
}

static void test_damage_then_by_the_table(void **state)
{
	struct str head = screen(4, 4), one = JOIN(head, image(4, 4, PIXELS)),
			   few = JOIN(image_head(0, 0, 4, 4), BYTES("\0\2"), codes_of(PIXELS, 12, true));
	run_expect(RENDER_GIF, one, RENDER_END_MISSING);
	run_expect(RENDER_GIF, str_slice(one, 0, one.n - 1), RENDER_END_MISSING);
	run_expect(RENDER_GIF, str_slice(one, 0, one.n - 5), RENDER_TRUNCATED);
	run_expect(RENDER_GIF, str_slice(one, 0, 10), RENDER_TRUNCATED);
	run_expect(RENDER_GIF, head, RENDER_TRUNCATED);
	run_expect(RENDER_GIF, JOIN(head, BYTES(";")), RENDER_HEADER);
	run_expect(RENDER_GIF, JOIN(one, BYTES(";x")), RENDER_TRAILING_BYTES);
	run_expect(RENDER_GIF, JOIN(head, few, BYTES(";")), RENDER_DAMAGED);
	run_expect(RENDER_GIF, JOIN(one, few, BYTES(";")), RENDER_LATER_FRAME);
	run_expect(RENDER_GIF, JOIN(one, str_slice(few, 0, few.n - 3)), RENDER_LATER_FRAME);
	run_expect(RENDER_GIF, JOIN(one, BYTES("x")), RENDER_LATER_FRAME);
	run_expect(RENDER_GIF, JOIN(head, BYTES("x")), RENDER_HEADER);
	run_expect(RENDER_GIF, JOIN(head, image_head(0, 0, 4, 4), BYTES("\0\2\3\x3c\xff\xff\0;")), RENDER_DAMAGED); /* a code that cannot be */
}

static void test_code_size_beyond_8_or_0_then_unsupported(void **state)
{
	static const char SIZES[] = { 0, 9, 11, 12, '\xff' };
	for (size_t i = 0; i < COUNT_OF(SIZES); i++) {
		struct str size = { SIZES + i, 1 };
		run_expect(RENDER_GIF, JOIN(screen(4, 4), image_head(0, 0, 4, 4), BYTES("\0"), size, BYTES("\1\0\0;")), RENDER_UNSUPPORTED);
	}
}

static void test_many_frames_then_counted_and_limited(void **state)
{
	struct str one = image(4, 4, PIXELS), head = screen(4, 4);
	size_t n = 10001;
	char *p = arena_alloc(run_arena, head.n + n * one.n + 1);
	memcpy(p, head.p, head.n);
	for (size_t i = 0; i < n; i++)
		memcpy(p + head.n + i * one.n, one.p, one.n);
	p[head.n + n * one.n] = ';';
	assert_int_equal(run_bytes(run_job(RENDER_GIF, RENDER_CHECK), (struct str){ p, head.n + n * one.n + 1 }).code, RENDER_TOO_MANY_FRAMES);
	p[head.n + (n - 1) * one.n] = ';';
	struct render_answer a = run_bytes(run_job(RENDER_GIF, RENDER_CHECK), (struct str){ p, head.n + (n - 1) * one.n + 1 });
	assert_int_equal(a.code, RENDER_NONE);
	assert_int_equal(a.frames, 10000);
	a = run_bytes(run_job(RENDER_GIF, RENDER_THUMB), (struct str){ p, head.n + (n - 1) * one.n + 1 });
	assert_int_equal(a.frames, 1); /* a thumbnail is of the first alone */
	assert_int_equal(a.presets, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_whole_then_its_pixels),
		TEST(test_interlaced_then_rows_in_their_order),
		TEST(test_frame_inside_its_screen_then_transparent_around),
		TEST(test_frame_beyond_its_screen_then_the_screen_grows),
		TEST(test_transparent_color_then_transparent),
		TEST(test_local_colors_then_used),
		TEST(test_oddities_then_intact),
		TEST(test_damage_then_by_the_table),
		TEST(test_code_size_beyond_8_or_0_then_unsupported),
		TEST(test_many_frames_then_counted_and_limited),
	};
	return cmocka_run_group_tests_name("gif", tests, NULL, NULL);
}
