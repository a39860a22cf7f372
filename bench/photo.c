/* A picture with the statistics of a photograph, drawn from a number: discs that cover each other, many small and few large, with
 * texture of all sizes and grain over them. Writes a PPM to the standard output; the same numbers give the same picture.
 *   photo WIDTH HEIGHT SEED */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#define CHANNELS 3
#define OCTAVES 9
#define DISCS 5000
#define GRAIN 18

static unsigned width, height;
static unsigned char *rgb;

/* SplitMix64 of a place: a number in 0..1. */
static float chance(uint64_t a, uint64_t b)
{
	uint64_t x = a * 0x9e3779b97f4a7c15U + b * 0xd1b54a32d192ed03U;
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9U;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebU;
	return (float)((x ^ (x >> 31)) >> 40) / (1 << 24);
}

static void fill_disc(int x, int y, int r, const unsigned char color[CHANNELS])
{
	int top = y - r < 0 ? 0 : y - r, bottom = y + r >= (int)height ? (int)height - 1 : y + r;
	for (int row = top; row <= bottom; row++) {
		int left = x, right = x;
		while (left >= 0 && (left - x) * (left - x) + (row - y) * (row - y) <= r * r)
			left--;
		while (right < (int)width && (right - x) * (right - x) + (row - y) * (row - y) <= r * r)
			right++;
		for (int at = left + 1; at < right; at++)
			for (int c = 0; c < CHANNELS; c++)
				rgb[((size_t)row * width + (size_t)at) * CHANNELS + (size_t)c] = color[c];
	}
}

/* Radii with a density of 1 / r^2 (1 / r^3 would hide all that is large), from 1/400 to 1/3 of the width. */
static void draw_discs(uint64_t seed)
{
	for (uint64_t i = 0; i < DISCS; i++) {
		unsigned char color[CHANNELS];
		float gray = 30 + 190 * chance(seed, 6 * i), inverse = 3 + 397 * chance(seed, 6 * i + 1);
		for (uint64_t c = 0; c < CHANNELS; c++)
			color[c] = (unsigned char)(gray + 30 * (chance(seed + 1, 3 * i + c) - 0.5F));
		fill_disc((int)(chance(seed, 6 * i + 2) * (float)width), (int)(chance(seed, 6 * i + 3) * (float)height),
			(int)((float)width / inverse), color);
	}
}

/* One row of noise whose values are `period` px apart, smooth between them. */
static void add_octave(float *row, unsigned y, unsigned period, float strength, uint64_t seed)
{
	float down = (float)(y % period) / (float)period;
	down = down * down * (3 - 2 * down);
	float left = 0, right = 0;
	for (unsigned x = 0; x < width; x++) {
		uint64_t cell = x / period;
		if (x % period == 0) {
			uint64_t above = seed + y / period, below = above + 1;
			left = chance(above, cell) + (chance(below, cell) - chance(above, cell)) * down;
			right = chance(above, cell + 1) + (chance(below, cell + 1) - chance(above, cell + 1)) * down;
		}
		float across = (float)(x % period) / (float)period;
		across = across * across * (3 - 2 * across);
		row[x] += strength * (left + (right - left) * across - 0.5F);
	}
}

static void add_texture(uint64_t seed, float *row)
{
	for (unsigned y = 0; y < height; y++) {
		for (unsigned x = 0; x < width; x++)
			row[x] = GRAIN * (chance(seed + 2, (uint64_t)y * width + x) - 0.5F);
		for (unsigned octave = 1; octave <= OCTAVES; octave++)
			add_octave(row, y, 1U << octave, octave <= 2 ? 14 : 5, (seed + 3 + octave) << 32);
		for (unsigned i = 0; i < width * CHANNELS; i++) {
			unsigned char *p = rgb + (size_t)y * width * CHANNELS + i;
			float value = (float)*p + row[i / CHANNELS];
			*p = (unsigned char)(value < 0 ? 0 : value > 255 ? 255 : value);
		}
	}
}

int main(int argc, char **argv)
{
	if (argc != 4)
		return 2;
	width = (unsigned)strtoul(argv[1], NULL, 10);
	height = (unsigned)strtoul(argv[2], NULL, 10);
	uint64_t seed = strtoull(argv[3], NULL, 10) * 1000;
	rgb = calloc((size_t)width * height, CHANNELS);
	float *row = calloc(width, sizeof *row);
	if (rgb == NULL || row == NULL)
		return 1;
	draw_discs(seed);
	add_texture(seed, row);
	(void)printf("P6\n%u %u\n255\n", width, height);
	return fwrite(rgb, (size_t)width * CHANNELS, height, stdout) == height && fflush(stdout) == 0 ? 0 : 1;
}
