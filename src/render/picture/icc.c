/* See icc.h. A color goes through three curves to linear light, through one matrix (the profile's primaries, then the
 * inverse of sRGB's, both adapted to D50 as profiles are) and through the inverse curve of sRGB, a table. */
#include "render/picture/icc.h"

#include "image/probe/formats.h"

#include <math.h>
#include <string.h>

#define HEADER_BYTES 128
#define TAGS_MAX 100
#define CURVE_ENTRIES_MAX 4096
#define SRGB_ENTRIES 4096

struct icc_profile {
	float curve[3][256]; /* 0..1 */
	float matrix[3][3];  /* linear RGB of the profile to linear sRGB */
};

/* Inverse of sRGB's primaries at D50 (columns of sRGB IEC61966-2.1: rXYZ, gXYZ, bXYZ). */
static const double TO_SRGB[3][3] = { { 3.1341864, -1.6172090, -0.4906941 }, { -0.9787485, 1.9161301, 0.0334334 },
	{ 0.0719639, -0.2289939, 1.4057537 } };

static double fixed16(struct str s, size_t at)
{
	return (int32_t)be32(s, at) / 65536.0;
}

/* The bytes of a tag; empty: there is none. false: malformed. */
static bool find_tag(struct str profile, const char *name, struct str *out)
{
	assert(has(profile, HEADER_BYTES, 4));
	*out = (struct str){ NULL, 0 };
	uint32_t n = be32(profile, HEADER_BYTES), wanted = be32((struct str){ name, 4 }, 0);
	if (n > TAGS_MAX || !has(profile, HEADER_BYTES + 4, (size_t)n * 12))
		return false;
	for (size_t i = 0, at = HEADER_BYTES + 4; i < n; i++, at += 12) {
		if (be32(profile, at) != wanted)
			continue;
		size_t from = be32(profile, at + 4), bytes = be32(profile, at + 8);
		if (!has(profile, from, bytes) || bytes < 12)
			return false;
		*out = (struct str){ profile.p + from, bytes };
		return true;
	}
	return true;
}

/* 'para': Y = (aX + b)^g + e from d on, cX + f below; the types 0 to 4 give the first 1, 3, 4, 5, 7 of g a b c d e f. */
static bool read_parametric(struct str tag, float out[256])
{
	static const size_t COUNTS[] = { 1, 3, 4, 5, 7 };
	double v[7] = { 1, 1, 0, 0, 0, 0, 0 };
	uint32_t type = be16(tag, 8);
	if (type >= COUNT_OF(COUNTS) || !has(tag, 12, COUNTS[type] * 4))
		return false;
	for (size_t i = 0; i < COUNTS[type]; i++)
		v[i] = fixed16(tag, 12 + i * 4);
	if (type == 1 || type == 2) { /* below -b/a: 0, or the fourth number, which is added everywhere */
		v[5] = v[6] = type == 2 ? v[3] : 0;
		v[3] = 0;
		v[4] = v[1] != 0 ? -v[2] / v[1] : 0;
	}
	for (int i = 0; i < 256; i++) {
		double x = i / 255.0, base = v[1] * x + v[2];
		double y = x >= v[4] ? pow(base < 0 ? 0 : base, v[0]) + v[5] : v[3] * x + v[6];
		out[i] = (float)(y < 0 || isnan(y) ? 0 : y > 1 ? 1 : y);
	}
	return true;
}

/* 'curv': no entry is the identity, one is a gamma, more are a table. */
static bool read_curve(struct str tag, float out[256])
{
	assert(has(tag, 0, 12));
	if (be32(tag, 0) == 0x70617261) /* para */
		return read_parametric(tag, out);
	uint32_t n = be32(tag, 8);
	if (be32(tag, 0) != 0x63757276 || n > CURVE_ENTRIES_MAX || !has(tag, 12, (size_t)n * 2)) /* curv */
		return false;
	for (int i = 0; i < 256; i++) {
		double x = i / 255.0;
		if (n <= 1) {
			out[i] = (float)(n == 0 ? x : pow(x, be16(tag, 12) / 256.0));
			continue;
		}
		double at = x * (n - 1);
		uint32_t low = (uint32_t)at, high = low + 1 < n ? low + 1 : low;
		double below = be16(tag, 12 + (size_t)low * 2), above = be16(tag, 12 + (size_t)high * 2);
		out[i] = (float)((below + (above - below) * (at - low)) / 65535);
	}
	return true;
}

static bool read_primaries(struct str columns[3], struct icc_profile *out)
{
	double primary[3][3];
	for (int c = 0; c < 3; c++) {
		if (be32(columns[c], 0) != 0x58595a20 || !has(columns[c], 8, 12)) /* XYZ */
			return false;
		for (size_t i = 0; i < 3; i++)
			primary[i][c] = fixed16(columns[c], 8 + i * 4);
	}
	for (int row = 0; row < 3; row++) {
		for (int c = 0; c < 3; c++) {
			double sum = 0;
			for (int i = 0; i < 3; i++)
				sum += TO_SRGB[row][i] * primary[i][c];
			out->matrix[row][c] = (float)sum;
		}
	}
	return true;
}

enum profile_kind { PROFILE_BAD, PROFILE_OTHER, PROFILE_USABLE };

static enum profile_kind read_rgb(struct str profile, struct icc_profile *out)
{
	static const char *const CURVES[] = { "rTRC", "gTRC", "bTRC" }, *const COLUMNS[] = { "rXYZ", "gXYZ", "bXYZ" };
	struct str columns[3], curve;
	for (int c = 0; c < 3; c++) {
		if (!find_tag(profile, CURVES[c], &curve) || !find_tag(profile, COLUMNS[c], &columns[c]))
			return PROFILE_BAD;
		if (curve.n == 0 || columns[c].n == 0)
			return PROFILE_OTHER;
		if (!read_curve(curve, out->curve[c]))
			return PROFILE_BAD;
	}
	return read_primaries(columns, out) ? PROFILE_USABLE : PROFILE_BAD;
}

static enum profile_kind read_gray(struct str profile, struct icc_profile *out)
{
	struct str curve;
	if (!find_tag(profile, "kTRC", &curve) || (curve.n > 0 && !read_curve(curve, out->curve[0])))
		return PROFILE_BAD;
	if (curve.n == 0)
		return PROFILE_OTHER;
	for (int i = 0; i < 256; i++)
		out->curve[1][i] = out->curve[2][i] = out->curve[0][i];
	for (int i = 0; i < 3; i++)
		out->matrix[i][i] = 1;
	return PROFILE_USABLE;
}

static enum profile_kind read_profile(struct str profile, struct icc_profile *out)
{
	if (!has(profile, HEADER_BYTES, 4) || be32(profile, 36) != 0x61637370) /* acsp */
		return PROFILE_BAD;
	switch (be32(profile, 16)) {
	case 0x52474220: /* RGB */
		return read_rgb(profile, out);
	case 0x47524159: /* GRAY */
		return read_gray(profile, out);
	}
	return PROFILE_OTHER;
}

static void fill_srgb(unsigned char table[SRGB_ENTRIES])
{
	for (int i = 0; i < SRGB_ENTRIES; i++) {
		double x = (double)i / (SRGB_ENTRIES - 1), y = x <= 0.0031308 ? 12.92 * x : 1.055 * pow(x, 1 / 2.4) - 0.055;
		table[i] = (unsigned char)lrint(255 * y);
	}
}

static void convert_color(const struct icc_profile *icc, const unsigned char *srgb, unsigned char *px)
{
	float linear[3];
	for (int c = 0; c < 3; c++)
		linear[c] = icc->curve[c][px[c]];
	for (int c = 0; c < 3; c++) {
		float value = icc->matrix[c][0] * linear[0] + icc->matrix[c][1] * linear[1] + icc->matrix[c][2] * linear[2];
		value = value > 0 ? value : 0; /* NaN too */
		px[c] = srgb[value < 1 ? (int)(value * (SRGB_ENTRIES - 1) + 0.5F) : SRGB_ENTRIES - 1];
	}
}

static void convert_colors(const struct icc_profile *icc, const unsigned char *srgb, struct picture *p)
{
	for (size_t i = 0; i < (size_t)p->width * p->height; i++)
		convert_color(icc, srgb, p->rgba + i * 4);
}

/* Whether the profile changes no color by more than rounding: most pictures have sRGB's own. */
static bool changes_nothing(const struct icc_profile *icc, const unsigned char *srgb)
{
	for (int i = 0; i < 125; i++) {
		unsigned char is[3] = { (unsigned char)(i % 5 * 63), (unsigned char)(i / 5 % 5 * 63), (unsigned char)(i / 25 * 63) },
					  px[3] = { is[0], is[1], is[2] };
		convert_color(icc, srgb, px);
		for (int c = 0; c < 3; c++)
			if (px[c] > is[c] + 1 || px[c] + 1 < is[c])
				return false;
	}
	return true;
}

bool icc_convert(struct arena *a, struct str profile, struct picture *p)
{
	struct icc_profile *icc = ARENA_NEW(a, struct icc_profile);
	unsigned char *srgb = arena_alloc(a, SRGB_ENTRIES);
	if (icc == NULL || srgb == NULL)
		return false;
	enum profile_kind kind = read_profile(profile, icc);
	if (kind != PROFILE_USABLE)
		return kind == PROFILE_OTHER;
	fill_srgb(srgb);
	if (changes_nothing(icc, srgb))
		return true;
	convert_colors(icc, srgb, p);
	return true;
}

/* Linear RGB of these primaries, both of white D65, to linear sRGB. */
static const float FROM_P3[3][3] = { { 1.2249402F, -0.2249402F, 0 }, { -0.0420570F, 1.0420570F, 0 },
	{ -0.0196376F, -0.0786360F, 1.0982736F } };
static const float FROM_BT2020[3][3] = { { 1.6604910F, -0.5876411F, -0.0728499F }, { -0.1245505F, 1.1328999F, -0.0083494F },
	{ -0.0181508F, -0.1005789F, 1.1187297F } };

static float linear_of_srgb(double x)
{
	return (float)(x <= 0.04045 ? x / 12.92 : pow((x + 0.055) / 1.055, 2.4));
}

/* 1 is 10,000 cd/m2; what is brighter than white becomes white. */
static float linear_of_pq(double x)
{
	double root = pow(x, 1 / 78.84375), over = root - 0.8359375,
		   y = pow((over > 0 ? over : 0) / (18.8515625 - 18.6875 * root), 1 / 0.1593017578125);
	return (float)(y * 10000 / 203 < 1 ? y * 10000 / 203 : 1);
}

bool icc_convert_coded(struct arena *a, const struct icc_coded *coded, struct picture *p)
{
	static const float SAME[3][3] = { { 1, 0, 0 }, { 0, 1, 0 }, { 0, 0, 1 } };
	bool p3 = coded->primaries == 12, wide = coded->primaries == 9, pq = coded->transfer == 16;
	if (!p3 && !wide && !pq)
		return true;
	struct icc_profile *icc = ARENA_NEW(a, struct icc_profile);
	unsigned char *srgb = arena_alloc(a, SRGB_ENTRIES);
	if (icc == NULL || srgb == NULL)
		return false;
	memcpy(icc->matrix, p3 ? FROM_P3 : wide ? FROM_BT2020 : SAME, sizeof icc->matrix);
	for (int i = 0; i < 256; i++)
		icc->curve[0][i] = icc->curve[1][i] = icc->curve[2][i] = pq ? linear_of_pq(i / 255.0) : linear_of_srgb(i / 255.0);
	fill_srgb(srgb);
	convert_colors(icc, srgb, p);
	return true;
}
