/* See resize.h. 16-bit arithmetic, eight values at a time: a color of 8 bits is 128 * color, so that 255 is 32,640; a
 * weight of 1 is 32,767; a product keeps its high 16 bits. After the vertical filter a color is 64 * color, after the
 * horizontal one 32 * color, with room for the overshoot of the filter. Each product loses half a unit on average, which
 * is added again at the end.
 *
 * The vertical filter goes first, because it is the same for the whole row: rows that it still needs are in a ring. */
#include "render/picture/resize.h"

#include <math.h>
#include <string.h>

#define LOBES 3.0 /* lanczos() is for three alone */
#define ONE 32767 /* the weight 1 */
#define LANES 8
#define CHANNELS 4
#define COLOR_SCALE 128
#define ROWS 4 /* added at once */

/* Compiled for AVX2 too; the program chooses when it starts. */
#if defined __x86_64__ && defined __GNUC__ && !defined __clang__ && !defined __SANITIZE_ADDRESS__ && !defined __SANITIZE_THREAD__
#define FOR_EACH_CPU __attribute__((target_clones("avx2", "default")))
#else
#define FOR_EACH_CPU
#endif

typedef int16_t lanes __attribute__((vector_size(2 * LANES)));
typedef int64_t lane_halves __attribute__((vector_size(2 * LANES)));
typedef uint8_t lanes_of_bytes __attribute__((vector_size(LANES)));

#if defined __SSE2__
#include <emmintrin.h>

static inline lanes multiply_high(lanes a, lanes b)
{
	return (lanes)_mm_mulhi_epi16((__m128i)a, (__m128i)b);
}
#elif defined __ARM_NEON
#include <arm_neon.h>

/* vqdmulh gives the high half of the doubled product. */
static inline lanes multiply_high(lanes a, lanes b)
{
	return (lanes)vshrq_n_s16(vqdmulhq_s16((int16x8_t)a, (int16x8_t)b), 1);
}
#else
static inline lanes multiply_high(lanes a, lanes b)
{
	lanes product;
	for (int i = 0; i < LANES; i++)
		product[i] = (int16_t)(a[i] * b[i] >> 16);
	return product;
}
#endif

/* The filter along one axis: output i is the sum of weight[i * taps + t] * input[first[i] + t] for t below count[i]. */
struct axis {
	uint32_t in, out;      /* values before and after; in: after the boxes */
	uint32_t box;          /* pixels that are averaged into one value before */
	uint32_t taps;         /* even; the largest count */
	uint32_t period, step; /* after `period` outputs the weights repeat, for values that come `step` later */
	uint32_t *first, *count;
	int16_t *weight; /* 0 from count[i] on */
};

struct resize {
	struct resize_size size;
	bool copies; /* in and out have the same size */
	struct axis across, down;
	int16_t *wide;       /* the weights of `across`, each once a channel */
	size_t row_values;   /* of a row in the ring, with what the filter may read beyond its end */
	int16_t *ring;       /* down.taps rows */
	int16_t *column;     /* one row after the vertical filter */
	uint32_t *sums;      /* a row of boxes in the making; NULL without boxes */
	uint32_t rows_in;    /* rows that came */
	uint32_t rows_boxed; /* rows that went into the ring */
	uint32_t rows_out;
	unsigned char *rgba;
};

/* LOBES * sin(pi x) * sin(pi x / LOBES) / (pi x)^2, where the first is the sine of three times the angle: s * (3 - 4 * s^2). */
static double lanczos(double x)
{
	if (fabs(x) >= LOBES)
		return 0;
	if (fabs(x) < 1e-9)
		return 1;
	double s = sin(M_PI * x / LOBES), square = s * s;
	return LOBES * square * (3 - 4 * square) / (M_PI * M_PI * x * x);
}

/* How many pixels are averaged first: at least twice the wanted size is left for the filter. */
static uint32_t box_of(uint32_t in, uint32_t out)
{
	uint32_t box = in / 2 / out;
	return box < 1 ? 1 : box;
}

static uint32_t taps_of(uint32_t in, uint32_t out)
{
	uint32_t taps = (uint32_t)ceil(2 * LOBES * in / box_of(in, out) / out) + 2;
	return taps + taps % 2;
}

static void set_weights(struct axis *axis, uint32_t i, double scale)
{
	double centre = (i + 0.5) * scale, sum = 0, weights[64];
	int64_t first = (int64_t)floor(centre - LOBES * scale + 0.5), end = (int64_t)floor(centre + LOBES * scale + 0.5);
	first = first < 0 ? 0 : first;
	end = end > axis->in ? axis->in : end;
	if (first >= end) /* the last box is partial, and takes the nearest value */
		first = (end = axis->in) - 1;
	uint32_t count = (uint32_t)(end - first), largest = 0;
	int16_t *weight = axis->weight + (size_t)i * axis->taps;
	assert(count >= 1 && count <= axis->taps && axis->taps <= COUNT_OF(weights));
	axis->first[i] = (uint32_t)first;
	axis->count[i] = count;
	uint32_t same = i >= axis->period ? i - axis->period : i; /* its centre lies between two values where that of i does */
	if (same < i && axis->count[same] == count && axis->first[same] + axis->step == first) {
		memcpy(weight, axis->weight + (size_t)same * axis->taps, axis->taps * sizeof *weight);
		return;
	}
	for (uint32_t t = 0; t < count; t++) {
		weights[t] = lanczos(((double)(first + t) - centre + 0.5) / scale);
		sum += weights[t];
		largest = weights[t] > weights[largest] ? t : largest;
	}
	int32_t left = ONE;
	for (uint32_t t = 0; t < count; t++) {
		weight[t] = (int16_t)lrint((sum > 0 ? weights[t] / sum : 1.0 / count) * ONE);
		left -= weight[t];
	}
	weight[largest] = (int16_t)(weight[largest] + left); /* so that a flat area stays what it is */
}

static uint64_t common_divisor(uint64_t a, uint64_t b)
{
	while (b > 0) {
		uint64_t rest = a % b;
		a = b;
		b = rest;
	}
	return a;
}

static bool axis_init(struct axis *axis, struct arena *a, uint32_t in, uint32_t out)
{
	axis->box = box_of(in, out);
	axis->in = (in + axis->box - 1) / axis->box;
	axis->out = out;
	axis->taps = taps_of(in, out);
	axis->first = arena_array(a, out, sizeof *axis->first);
	axis->count = arena_array(a, out, sizeof *axis->count);
	axis->weight = arena_array(a, (size_t)out * axis->taps, sizeof *axis->weight);
	if (!arena_ok(a))
		return false;
	double scale = (double)in / axis->box / out;
	uint64_t divisor = common_divisor(in, (uint64_t)axis->box * out);
	axis->step = (uint32_t)(in / divisor);
	axis->period = (uint32_t)((uint64_t)axis->box * out / divisor);
	for (uint32_t i = 0; i < out; i++)
		set_weights(axis, i, scale < 1 ? 1 : scale);
	return true;
}

static size_t row_values(const struct resize_size *size)
{
	uint32_t box = box_of(size->width, size->out_width);
	size_t values = CHANNELS * ((size_t)(size->width + box - 1) / box + taps_of(size->width, size->out_width));
	return (values + LANES - 1) / LANES * LANES;
}

uint64_t resize_memory(const struct resize_size *size)
{
	uint64_t across = taps_of(size->width, size->out_width), down = taps_of(size->height, size->out_height);
	uint64_t weights = (across * (1 + CHANNELS) * sizeof(int16_t) + 8) * size->out_width + (down * sizeof(int16_t) + 8) * size->out_height;
	uint64_t rows = row_values(size) * sizeof(int16_t) * (down + 1) + CHANNELS * sizeof(uint32_t) * (uint64_t)size->width;
	return weights + rows + (uint64_t)CHANNELS * size->out_width * size->out_height + ((uint64_t)1 << 20);
}

static bool filters_init(struct resize *r, struct arena *a)
{
	if (!axis_init(&r->across, a, r->size.width, r->size.out_width) || !axis_init(&r->down, a, r->size.height, r->size.out_height))
		return false;
	r->row_values = row_values(&r->size);
	r->ring = arena_array(a, r->row_values * r->down.taps, sizeof *r->ring);
	r->column = arena_array(a, r->row_values, sizeof *r->column);
	size_t weights = (size_t)r->across.out * r->across.taps;
	r->wide = arena_array(a, weights * CHANNELS, sizeof *r->wide);
	if (r->across.box > 1 || r->down.box > 1)
		r->sums = arena_array(a, (size_t)r->size.width * CHANNELS, sizeof *r->sums);
	if (!arena_ok(a))
		return false;
	for (size_t i = 0; i < weights * CHANNELS; i++)
		r->wide[i] = r->across.weight[i / CHANNELS];
	return true;
}

struct resize *resize_new(struct arena *a, const struct resize_size *size)
{
	assert(size->out_width >= 1 && size->out_width <= size->width);
	assert(size->out_height >= 1 && size->out_height <= size->height);
	struct resize *r = ARENA_NEW(a, struct resize);
	unsigned char *rgba = arena_array(a, (size_t)size->out_width * CHANNELS, size->out_height);
	if (r == NULL || rgba == NULL)
		return NULL;
	r->size = *size;
	r->rgba = rgba;
	r->copies = size->width == size->out_width && size->height == size->out_height;
	return r->copies || filters_init(r, a) ? r : NULL;
}

/* A row without boxes, into the ring. */
static void widen_row(const struct resize *r, const unsigned char *restrict rgba, int16_t *restrict to)
{
	size_t n = (size_t)r->size.width * CHANNELS;
	if (!r->size.alpha) {
		for (size_t i = 0; i < n; i++)
			to[i] = (int16_t)(rgba[i] * COLOR_SCALE);
		return;
	}
	for (size_t i = 0; i < n; i += CHANNELS) {
		uint32_t alpha = rgba[i + 3];
		for (size_t c = 0; c < 3; c++)
			to[i + c] = (int16_t)((rgba[i + c] * alpha * COLOR_SCALE + 127) / 255);
		to[i + 3] = (int16_t)(alpha * COLOR_SCALE);
	}
}

static void add_to_sums(const struct resize *r, const unsigned char *restrict rgba, uint32_t *restrict sums)
{
	size_t n = (size_t)r->size.width * CHANNELS;
	if (!r->size.alpha) {
		for (size_t i = 0; i < n; i++)
			sums[i] += rgba[i];
		return;
	}
	for (size_t i = 0; i < n; i += CHANNELS) {
		uint32_t alpha = rgba[i + 3];
		for (size_t c = 0; c < 3; c++)
			sums[i + c] += rgba[i + c] * alpha;
		sums[i + 3] += 255 * alpha;
	}
}

/* The sums of `rows` rows as a row of averages, and the sums back to 0. */
static void average_sums(const struct resize *r, uint32_t rows, int16_t *to)
{
	uint32_t box = r->across.box, width = r->size.width;
	uint64_t largest = r->size.alpha ? 255 : 1;
	for (uint32_t x = 0; x < r->across.in; x++) {
		uint32_t from = x * box, end = width - from < box ? width : from + box;
		float factor = COLOR_SCALE / (float)(largest * (end - from) * rows);
		uint64_t sum[CHANNELS] = { 0 };
		for (uint32_t i = from; i < end; i++)
			for (uint32_t c = 0; c < CHANNELS; c++)
				sum[c] += r->sums[(size_t)i * CHANNELS + c];
		for (uint32_t c = 0; c < CHANNELS; c++)
			to[(size_t)x * CHANNELS + c] = (int16_t)((float)sum[c] * factor + 0.5F);
	}
	memset(r->sums, 0, (size_t)width * CHANNELS * sizeof *r->sums);
}

/* Add ROWS rows by their weights. */
FOR_EACH_CPU static void add_rows(int16_t *restrict to, const int16_t *const rows[ROWS], const int16_t weights[ROWS], size_t n)
{
	const int16_t *restrict a = rows[0], *restrict b = rows[1], *restrict c = rows[2], *restrict d = rows[3];
	int16_t wa = weights[0], wb = weights[1], wc = weights[2], wd = weights[3];
	for (size_t i = 0; i < n; i++)
		to[i] = (int16_t)(to[i] + (a[i] * wa >> 16) + (b[i] * wb >> 16) + (c[i] * wc >> 16) + (d[i] * wd >> 16));
}

/* Row y of the output, of the rows in the ring, into r->column. */
static void filter_down(const struct resize *r, uint32_t y)
{
	const int16_t *weights = r->down.weight + (size_t)y * r->down.taps, *rows[ROWS];
	uint32_t count = r->down.count[y];
	int16_t *to = r->column, w[ROWS];
	for (size_t i = 0; i < r->row_values; i++)
		to[i] = (int16_t)(count / 2);
	for (uint32_t t = 0; t < count; t += ROWS) {
		for (uint32_t i = 0; i < ROWS; i++) {
			uint32_t row = t + i < count ? t + i : t;
			rows[i] = r->ring + (size_t)((r->down.first[y] + row) % r->down.taps) * r->row_values;
			w[i] = (int16_t)(row == t + i ? weights[row] : 0);
		}
		add_rows(to, rows, w, r->row_values);
	}
}

static unsigned char clamp(int value)
{
	return (unsigned char)(value < 0 ? 0 : value > 255 ? 255 : value);
}

static void divide_by_alpha(unsigned char *rgba)
{
	unsigned alpha = rgba[3];
	for (int c = 0; c < 3 && alpha < 255; c++)
		rgba[c] = alpha == 0 ? 0 : clamp((int)((rgba[c] * 255U + alpha / 2) / alpha));
}

static void filter_across(const struct resize *r, uint32_t y)
{
	uint32_t taps = r->across.taps;
	unsigned char *to = r->rgba + (size_t)y * r->across.out * CHANNELS;
	for (uint32_t x = 0; x < r->across.out; x++, to += CHANNELS) {
		const int16_t *from = r->column + (size_t)r->across.first[x] * CHANNELS, *weight = r->wide + (size_t)x * taps * CHANNELS;
		lanes sum = { 0 }, value, w;
		lanes_of_bytes colors;
		for (size_t i = 0; i < (size_t)r->across.count[x] * CHANNELS; i += LANES) {
			memcpy(&value, from + i, sizeof value);
			memcpy(&w, weight + i, sizeof w);
			sum += multiply_high(value, w);
		}
		sum = (sum + (lanes)(lane_halves){ ((lane_halves)sum)[1] } + (int16_t)(r->across.count[x] / 2 + 16)) >> 5;
		sum = (sum & (sum > 0)) | (sum > 255);
		colors = __builtin_convertvector(sum, lanes_of_bytes);
		memcpy(to, &colors, CHANNELS);
		if (r->size.alpha)
			divide_by_alpha(to);
		else
			to[3] = 255;
	}
}

void resize_row(struct resize *r, const unsigned char *rgba)
{
	assert(r->rows_in < r->size.height);
	uint32_t row = r->rows_in++;
	if (r->copies) {
		memcpy(r->rgba + (size_t)row * r->size.width * CHANNELS, rgba, (size_t)r->size.width * CHANNELS);
		return;
	}
	int16_t *to = r->ring + (size_t)(r->rows_boxed % r->down.taps) * r->row_values;
	if (r->sums == NULL) {
		widen_row(r, rgba, to);
	} else {
		add_to_sums(r, rgba, r->sums);
		uint32_t summed = row % r->down.box + 1;
		if (summed < r->down.box && r->rows_in < r->size.height)
			return;
		average_sums(r, summed, to);
	}
	r->rows_boxed++;
	for (; r->rows_out < r->down.out && r->down.first[r->rows_out] + r->down.count[r->rows_out] <= r->rows_boxed; r->rows_out++) {
		filter_down(r, r->rows_out);
		filter_across(r, r->rows_out);
	}
}

struct picture resize_picture(const struct resize *r)
{
	assert(r->rows_in == r->size.height && (r->copies || r->rows_out == r->down.out));
	return (struct picture){ r->size.out_width, r->size.out_height, r->size.alpha, r->rgba };
}

struct picture resize_part(struct arena *a, const struct picture *from, const struct resize_part *part)
{
	assert(part->x + part->width <= from->width && part->y + part->height <= from->height);
	if (part->out_width == from->width && part->out_height == from->height)
		return *from;
	struct resize *r = resize_new(a, &(struct resize_size){ part->width, part->height, part->out_width, part->out_height, from->alpha });
	if (r == NULL)
		return (struct picture){ 0 };
	for (uint32_t y = part->y; y < part->y + part->height; y++)
		resize_row(r, from->rgba + ((size_t)y * from->width + part->x) * CHANNELS);
	return resize_picture(r);
}
