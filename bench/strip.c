/* What it costs to strip a picture while it comes in, against memcpy of the same bytes: both take FILE in pieces of 64 KB from memory that
 * no cache holds, in turn. The strip alone gives slices of its input; with --copy they are copied too, as a
 * server does that gathers them. Prints one JSON object: bytes a second of processor time of each, medians.
 *   strip FILE [--copy] */
#include "image/strip/strip.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define PIECE ((size_t)64 << 10)
#define COPIES 24 /* of the file in memory, so that each is cold when its turn comes again */
#define ROUNDS 15

static char *files, *out;
static size_t size;
static uint64_t stored;

static double now_s(void)
{
	struct timespec t;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void strip_file(const char *p, bool copy)
{
	struct strip s;
	struct str piece;
	const struct strip_result *result;
	size_t at = 0;
	strip_init(&s, NULL);
	for (size_t from = 0; from < size; from += PIECE) {
		struct str in = { p + from, size - from < PIECE ? size - from : PIECE };
		while (strip_next(&s, &in, &piece)) {
			if (copy)
				memcpy(out + at, piece.p, piece.n);
			at += piece.n;
		}
	}
	if (strip_end(&s, &piece))
		at += piece.n;
	if (strip_result(&s, &result, NULL) != OK || result->type == PROBE_UNKNOWN || result->broken)
		exit(1);
	stored = result->stored_bytes;
	strip_deinit(&s);
}

static void copy_file(const char *p)
{
	for (size_t from = 0; from < size; from += PIECE)
		memcpy(out + from, p + from, size - from < PIECE ? size - from : PIECE);
}

static int compare_doubles(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

static double median_rate(double *seconds)
{
	qsort(seconds, ROUNDS, sizeof *seconds, compare_doubles);
	return (double)size * COPIES / seconds[ROUNDS / 2];
}

int main(int argc, char **argv)
{
	double ours[ROUNDS], theirs[ROUNDS];
	bool copy = argc > 2 && strcmp(argv[2], "--copy") == 0;
	FILE *f = argc > 1 ? fopen(argv[1], "rb") : NULL;
	if (f == NULL || fseek(f, 0, SEEK_END) != 0)
		return 2;
	size = (size_t)ftell(f);
	rewind(f);
	files = malloc(size * COPIES);
	out = malloc(size + 64);
	if (files == NULL || out == NULL || fread(files, 1, size, f) != size)
		return 2;
	fclose(f);
	for (size_t i = 1; i < COPIES; i++)
		memcpy(files + i * size, files, size);
	for (size_t round = 0; round < ROUNDS; round++) {
		double begin = now_s();
		for (size_t i = 0; i < COPIES; i++)
			strip_file(files + i * size, copy);
		double middle = now_s();
		for (size_t i = 0; i < COPIES; i++)
			copy_file(files + i * size);
		ours[round] = middle - begin;
		theirs[round] = now_s() - middle;
	}
	printf("{\"bytes\": %zu, \"stored\": %llu, \"strip\": %.0f, \"memcpy\": %.0f}\n", size, (unsigned long long)stored, median_rate(ours),
		median_rate(theirs));
	return 0;
}
