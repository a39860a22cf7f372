/* Profiles made here: of known primaries and curves, against the same computed in double precision; and malformed ones. */
#include "render/picture/icc.h"

#include "fake/pictures.h"
#include "render/run.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

static unsigned char profile[2000];
static size_t used, tags;

static void put(size_t at, uint32_t value, size_t bytes)
{
	for (size_t i = 0; i < bytes; i++)
		profile[at + i] = (unsigned char)(value >> 8 * (bytes - 1 - i));
}

static void begin_profile(const char *space)
{
	memset(profile, 0, sizeof profile);
	memcpy(profile + 36, "acsp", 4);
	memcpy(profile + 16, space, 4);
	memcpy(profile + 20, "XYZ ", 4);
	tags = 0;
	used = 400;
}

static void add_tag(const char *name, size_t bytes)
{
	size_t at = 132 + tags * 12;
	memcpy(profile + at, name, 4);
	put(at + 4, (uint32_t)used, 4);
	put(at + 8, (uint32_t)bytes, 4);
	put(128, (uint32_t)++tags, 4);
	used += (bytes + 3) / 4 * 4;
}

static void add_xyz(const char *name, double x, double y, double z)
{
	memcpy(profile + used, "XYZ ", 4);
	put(used + 8, (uint32_t)lrint(x * 65536), 4);
	put(used + 12, (uint32_t)lrint(y * 65536), 4);
	put(used + 16, (uint32_t)lrint(z * 65536), 4);
	add_tag(name, 20);
}

static void add_gamma(const char *name, double gamma)
{
	memcpy(profile + used, "curv", 4);
	put(used + 8, 1, 4);
	put(used + 12, (uint32_t)lrint(gamma * 256), 2);
	add_tag(name, 14);
}

/* sRGB's own curve, as type 3. */
static void add_srgb_curve(const char *name)
{
	static const double NUMBERS[] = { 2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045 };
	memcpy(profile + used, "para", 4);
	put(used + 8, 3, 2);
	for (size_t i = 0; i < COUNT_OF(NUMBERS); i++)
		put(used + 12 + i * 4, (uint32_t)lrint(NUMBERS[i] * 65536), 4);
	add_tag(name, 32);
}

/* A table of two entries is a straight line. */
static void add_line(const char *name)
{
	memcpy(profile + used, "curv", 4);
	put(used + 8, 2, 4);
	put(used + 14, 65535, 2);
	add_tag(name, 16);
}

static const double P3[3][3] = { { 0.515102, 0.241182, -0.001053 }, { 0.291965, 0.692236, 0.041880 }, { 0.157153, 0.066580, 0.784380 } };
static const double SRGB[3][3] = { { 0.436066, 0.222488, 0.013916 }, { 0.385147, 0.716873, 0.097076 }, { 0.143066, 0.060608, 0.714096 } };
static const double ADOBE[3][3] = { { 0.609741, 0.311111, 0.019470 }, { 0.205276, 0.625671, 0.060867 }, { 0.149185, 0.063217, 0.744568 } };

static void add_primaries(const double xyz[3][3])
{
	static const char *const NAMES[] = { "rXYZ", "gXYZ", "bXYZ" };
	for (size_t i = 0; i < 3; i++)
		add_xyz(NAMES[i], xyz[i][0], xyz[i][1], xyz[i][2]);
}

static struct str made(void)
{
	return (struct str){ (const char *)profile, used };
}

/* Linear values through the profile's primaries to sRGB, by Gauss's elimination of the one and the other. */
static void expect(const double xyz[3][3], double (*curve)(double x), const struct picture *before, const struct picture *after)
{
	for (size_t i = 0; i < (size_t)before->width * before->height; i++) {
		double m[3][4];
		for (int row = 0; row < 3; row++) {
			m[row][3] = 0;
			for (int c = 0; c < 3; c++) {
				m[row][c] = SRGB[c][row];
				m[row][3] += xyz[c][row] * curve(before->rgba[i * 4 + (size_t)c] / 255.0);
			}
		}
		for (int p = 0; p < 3; p++)
			for (int row = 0; row < 3; row++)
				for (int c = 3; row != p && c >= p; c--)
					m[row][c] -= m[p][c] * m[row][p] / m[p][p];
		for (int c = 0; c < 3; c++) {
			double v = m[c][3] / m[c][c];
			v = v < 0 ? 0 : v > 1 ? 1 : v;
			double want = 255 * (v <= 0.0031308 ? 12.92 * v : 1.055 * pow(v, 1 / 2.4) - 0.055);
			if (fabs(want - after->rgba[i * 4 + (size_t)c]) > 1.2)
				fail_msg("pixel %zu channel %d: %u, not %f", i, c, after->rgba[i * 4 + (size_t)c], want);
		}
	}
}

static struct picture copy(const struct picture *p)
{
	struct picture c = *p;
	c.rgba = arena_alloc(run_arena, (size_t)p->width * p->height * 4);
	memcpy(c.rgba, p->rgba, (size_t)p->width * p->height * 4);
	return c;
}

static double srgb_curve(double x)
{
	return x <= 0.04045 ? x / 12.92 : pow((x + 0.055) / 1.055, 2.4);
}

static double gamma_22(double x)
{
	return pow(x, 563.0 / 256);
}

static double line(double x)
{
	return x;
}

static void make_rgb(const double xyz[3][3], void (*add_curve)(const char *name))
{
	begin_profile("RGB ");
	add_primaries(xyz);
	add_curve("rTRC");
	add_curve("gTRC");
	add_curve("bTRC");
}

static void add_gamma_22(const char *name)
{
	add_gamma(name, 563.0 / 256);
}

static void test_display_p3_adobe_rgb_and_a_table_then_within_one(void **state)
{
	static const struct {
		const double (*xyz)[3];
		void (*add_curve)(const char *name);
		double (*curve)(double x);
	} ROWS[] = { { P3, add_srgb_curve, srgb_curve }, { ADOBE, add_gamma_22, gamma_22 }, { SRGB, add_line, line } };
	for (size_t i = 0; i < COUNT_OF(ROWS); i++) {
		struct picture before = run_picture(40, 40, false), after = copy(&before);
		make_rgb(ROWS[i].xyz, ROWS[i].add_curve);
		assert_true(icc_convert(run_arena, made(), &after));
		expect(ROWS[i].xyz, ROWS[i].curve, &before, &after);
		assert_memory_not_equal(before.rgba, after.rgba, (size_t)40 * 40 * 4);
	}
}

static void test_srgb_then_nothing_changes(void **state)
{
	struct picture before = run_picture(40, 40, true), after = copy(&before);
	make_rgb(SRGB, add_srgb_curve);
	assert_true(icc_convert(run_arena, made(), &after));
	assert_memory_equal(before.rgba, after.rgba, (size_t)40 * 40 * 4);
}

static void test_gray_then_its_curve(void **state)
{
	struct picture p = run_picture(1, 1, false);
	memcpy(p.rgba, "\x80\x80\x80\xff", 4);
	begin_profile("GRAY");
	add_gamma("kTRC", 1);
	assert_true(icc_convert(run_arena, made(), &p));
	assert_memory_equal(p.rgba, "\xbc\xbc\xbc\xff", 4);
}

static void test_profile_of_tables_then_left_alone(void **state)
{
	struct picture before = run_picture(8, 8, false), after = copy(&before);
	begin_profile("RGB ");
	assert_true(icc_convert(run_arena, made(), &after));
	begin_profile("CMYK");
	assert_true(icc_convert(run_arena, made(), &after));
	assert_memory_equal(before.rgba, after.rgba, (size_t)8 * 8 * 4);
}

static void test_malformed_then_refused_and_unchanged(void **state)
{
	struct picture before = run_picture(8, 8, false), after = copy(&before);
	make_rgb(P3, add_srgb_curve);
	for (size_t n = 0; n < used; n++) /* cut anywhere, in memory that ends there */
		assert_false(icc_convert(run_arena, str_dup(run_arena, str_slice(made(), 0, n)), &after) && n < used - 4);
	static const struct {
		size_t at;
		unsigned char value;
	} WRONG[] = { { 36, 'x' }, { 128, 1 }, { 131, 101 }, { 132 + 4, 1 }, { 132 + 8, 1 }, { 132 + 11, 4 }, { 400, 'Y' }, { 460, 'q' },
		{ 469, 5 } };
	for (size_t i = 0; i < COUNT_OF(WRONG); i++) {
		make_rgb(P3, add_srgb_curve);
		profile[WRONG[i].at] = WRONG[i].value;
		if (icc_convert(run_arena, made(), &after))
			fail_msg("row %zu is accepted", i);
	}
	assert_memory_equal(before.rgba, after.rgba, (size_t)8 * 8 * 4);
}

static void test_parametric_types_then_each_is_read(void **state)
{
	/* gamma 1 in each form: the identity, so with sRGB's primaries the result is the inverse curve */
	static const double NUMBERS[] = { 1, 1, 0, 0, 0, 0, 0 };
	for (uint32_t type = 0; type < 5; type++) {
		struct picture p = run_picture(1, 1, false);
		memcpy(p.rgba, "\x80\x80\x80\xff", 4);
		begin_profile("GRAY");
		memcpy(profile + used, "para", 4);
		put(used + 8, type, 2);
		for (size_t i = 0; i < COUNT_OF(NUMBERS); i++)
			put(used + 12 + i * 4, (uint32_t)lrint(NUMBERS[i] * 65536), 4);
		add_tag("kTRC", 40);
		assert_true(icc_convert(run_arena, made(), &p));
		assert_memory_equal(p.rgba, "\xbc\xbc\xbc\xff", 4);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		RUN_TEST(test_display_p3_adobe_rgb_and_a_table_then_within_one),
		RUN_TEST(test_srgb_then_nothing_changes),
		RUN_TEST(test_gray_then_its_curve),
		RUN_TEST(test_profile_of_tables_then_left_alone),
		RUN_TEST(test_malformed_then_refused_and_unchanged),
		RUN_TEST(test_parametric_types_then_each_is_read),
	};
	return cmocka_run_group_tests_name("icc", tests, NULL, NULL);
}
