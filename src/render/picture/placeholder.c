/* See placeholder.h. The hash is the cosine transform of luminance, two color differences and alpha, a few terms of each in
 * four bits. Values that differ from 0 by a rounding error alone are made 0, so that flat pictures have one hash. */
#include "render/picture/placeholder.h"

#include <math.h>
#include <string.h>

#define PIXELS_MAX (PLACEHOLDER_SIDE_MAX * PLACEHOLDER_SIDE_MAX)
#define TERMS_MAX 7

struct channel {
	double dc, scale;
	double ac[TERMS_MAX * TERMS_MAX];
	size_t n;
};

static double snap(double f)
{
	return fabs(f) < 1e-9 ? 0 : f;
}

static long round_half_up(double x)
{
	return (long)floor(x + 0.5); /* as JavaScript's Math.round */
}

struct cosines {
	uint32_t width, height;
	double x[PLACEHOLDER_SIDE_MAX][TERMS_MAX], y[PLACEHOLDER_SIDE_MAX][TERMS_MAX];
};

static void fill_cosines(double out[][TERMS_MAX], uint32_t side)
{
	for (uint32_t i = 0; i < side; i++)
		for (int c = 0; c < TERMS_MAX; c++)
			out[i][c] = cos(M_PI / side * c * (i + 0.5));
}

/* The terms of one channel: those with cx * ny < nx * (ny - cy). A row is transformed first, then its terms are added to all in which they are. */
static void transform(const double *values, const struct cosines *k, int nx, int ny, struct channel *out)
{
	double sums[TERMS_MAX][TERMS_MAX] = { 0 };
	assert(nx <= TERMS_MAX && ny <= TERMS_MAX);
	for (uint32_t y = 0; y < k->height; y++) {
		double row[TERMS_MAX] = { 0 };
		for (uint32_t x = 0; x < k->width; x++, values++)
			for (int cx = 0; cx < nx; cx++)
				row[cx] += *values * k->x[x][cx];
		for (int cy = 0; cy < ny; cy++)
			for (int cx = 0; cx < nx; cx++)
				sums[cy][cx] += row[cx] * k->y[y][cy];
	}
	*out = (struct channel){ .dc = snap(sums[0][0] / ((double)k->width * k->height)) };
	for (int cy = 0; cy < ny; cy++)
		for (int cx = cy == 0; cx * ny < nx * (ny - cy); cx++) {
			double f = snap(sums[cy][cx] / ((double)k->width * k->height));
			out->ac[out->n++] = f;
			out->scale = fmax(out->scale, fabs(f));
		}
	for (size_t i = 0; i < out->n && out->scale > 0; i++)
		out->ac[i] = 0.5 + 0.5 / out->scale * out->ac[i];
}

/* The nibbles of a channel's terms. */
static size_t put_terms(const struct channel *c, unsigned char *hash, size_t start, size_t nibble)
{
	for (size_t i = 0; i < c->n; i++, nibble++)
		hash[start + (nibble >> 1)] |= (unsigned char)(round_half_up(15 * c->ac[i]) << ((nibble & 1) * 4));
	return nibble;
}

struct means {
	double r, g, b, a; /* colors multiplied by alpha and divided by the sum of it; a: the sum of alpha, 0..1 a pixel */
};

static struct means find_means(const struct picture *p)
{
	struct means m = { 0 };
	size_t n = (size_t)p->width * p->height;
	for (size_t i = 0; i < n; i++) {
		const unsigned char *px = p->rgba + i * 4;
		double alpha = px[3] / 255.0;
		m.r += alpha / 255 * px[0];
		m.g += alpha / 255 * px[1];
		m.b += alpha / 255 * px[2];
		m.a += alpha;
	}
	if (m.a > 0) {
		m.r /= m.a;
		m.g /= m.a;
		m.b /= m.a;
	}
	return m;
}

static int terms(uint32_t side, uint32_t longest, int limit)
{
	long n = round_half_up((double)limit * side / longest);
	return n < 1 ? 1 : (int)n;
}

static int at_least_3(int n)
{
	return n < 3 ? 3 : n;
}

/* Luminance, yellow minus blue, red minus green, alpha; transparent pixels take the mean color. */
static void split_channels(const struct picture *p, double values[4][PIXELS_MAX])
{
	struct means m = find_means(p);
	for (size_t i = 0; i < (size_t)p->width * p->height; i++) {
		const unsigned char *px = p->rgba + i * 4;
		double alpha = px[3] / 255.0;
		double r = m.r * (1 - alpha) + alpha / 255 * px[0], g = m.g * (1 - alpha) + alpha / 255 * px[1],
			   b = m.b * (1 - alpha) + alpha / 255 * px[2];
		values[0][i] = (r + g + b) / 3;
		values[1][i] = (r + g) / 2 - b;
		values[2][i] = r - g;
		values[3][i] = alpha;
	}
}

size_t placeholder_hash(const struct picture *p, unsigned char out[RENDER_HASH_MAX])
{
	static double values[4][PIXELS_MAX]; /* one thread; 320 KB are much for a stack */
	static struct cosines cosines;
	assert(p->width >= 1 && p->width <= PLACEHOLDER_SIDE_MAX && p->height >= 1 && p->height <= PLACEHOLDER_SIDE_MAX);
	struct channel l, yellow, red, alpha = { .dc = 1, .scale = 1 };
	uint32_t w = p->width, h = p->height, longest = w > h ? w : h;
	bool has_alpha = find_means(p).a < (double)w * h;
	int lx = terms(w, longest, has_alpha ? 5 : 7), ly = terms(h, longest, has_alpha ? 5 : 7);
	split_channels(p, values);
	cosines.width = w;
	cosines.height = h;
	fill_cosines(cosines.x, w);
	fill_cosines(cosines.y, h);
	transform(values[0], &cosines, at_least_3(lx), at_least_3(ly), &l);
	transform(values[1], &cosines, 3, 3, &yellow);
	transform(values[2], &cosines, 3, 3, &red);
	if (has_alpha)
		transform(values[3], &cosines, 5, 5, &alpha);
	bool landscape = w > h;
	long head = round_half_up(63 * l.dc) | round_half_up(31.5 + 31.5 * yellow.dc) << 6 | round_half_up(31.5 + 31.5 * red.dc) << 12 |
		round_half_up(31 * l.scale) << 18 | (long)has_alpha << 23;
	long more = (landscape ? ly : lx) | round_half_up(63 * yellow.scale) << 3 | round_half_up(63 * red.scale) << 9 | (long)landscape << 15;
	memset(out, 0, RENDER_HASH_MAX);
	for (int i = 0; i < 3; i++)
		out[i] = (unsigned char)(head >> 8 * i);
	for (int i = 0; i < 2; i++)
		out[3 + i] = (unsigned char)(more >> 8 * i);
	size_t start = 5, nibble = 0;
	if (has_alpha)
		out[start++] = (unsigned char)(round_half_up(15 * alpha.dc) | round_half_up(15 * alpha.scale) << 4);
	nibble = put_terms(&l, out, start, nibble);
	nibble = put_terms(&yellow, out, start, nibble);
	nibble = put_terms(&red, out, start, nibble);
	if (has_alpha)
		nibble = put_terms(&alpha, out, start, nibble);
	assert(start + (nibble + 1) / 2 <= RENDER_HASH_MAX);
	return start + (nibble + 1) / 2;
}

uint32_t placeholder_average(const struct picture *p)
{
	struct means m = find_means(p);
	double n = (double)p->width * p->height;
	return (uint32_t)lround(m.r * 255) << 24 | (uint32_t)lround(m.g * 255) << 16 | (uint32_t)lround(m.b * 255) << 8 |
		(uint32_t)lround(m.a / n * 255);
}

uint32_t placeholder_dominant(const struct picture *p)
{
	uint16_t bins[16][16][16] = { 0 }; /* at most PIXELS_MAX in one */
	uint32_t fullest = 0, most = 0;
	for (size_t i = 0; i < (size_t)p->width * p->height; i++) {
		const unsigned char *px = p->rgba + i * 4;
		bins[px[0] >> 4][px[1] >> 4][px[2] >> 4]++;
	}
	for (uint32_t i = 0; i < 16 * 16 * 16; i++) {
		uint32_t count = bins[i >> 8][i >> 4 & 15][i & 15];
		if (count > most) {
			most = count;
			fullest = i;
		}
	}
	return ((fullest >> 8) * 16 + 8) << 24 | ((fullest >> 4 & 15) * 16 + 8) << 16 | ((fullest & 15) * 16 + 8) << 8;
}

void placeholder_make(const struct picture *p, struct render_answer *answer)
{
	answer->hash_bytes = (uint8_t)placeholder_hash(p, answer->hash);
	answer->average = placeholder_average(p);
	answer->dominant = placeholder_dominant(p);
}
