/* See run.h. */
#include "render/run.h"

#include "base/mem.h"

#include <png.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WINDOW_BYTES ((size_t)4 << 20)

static struct arena arena;
struct arena *const run_arena = &arena;
struct window run_window;
static unsigned char window_bytes[WINDOW_BYTES];

int run_set_up(void **state)
{
	arena_init(&arena, (size_t)1 << 30);
	return 0;
}

int run_tear_down(void **state)
{
	arena_deinit(&arena);
	return 0;
}

struct render_job run_job(enum render_kind kind, unsigned ops)
{
	struct render_job job = { .number = 7,
		.ops = (uint8_t)ops,
		.kind = (uint8_t)kind,
		.max_frames = 10000,
		.max_pixels = 50000000,
		.max_area = 200000000,
		.max_memory = (uint64_t)384 << 20,
		.max_output = WINDOW_BYTES };
	if (ops & RENDER_THUMB) {
		job.presets = 1;
		job.preset[0] =
			(struct render_preset){ .width = 512, .height = 512, .fit = RENDER_FIT, .format = RENDER_TO_PNG, .quality = 80, .effort = 1 };
	}
	return job;
}

struct render_answer run_bytes(struct render_job job, struct str bytes)
{
	static struct input input;
	unsigned char packet[RENDER_ANSWER_BYTES];
	struct render_answer answer, decoded;
	char *copy = mem_new(bytes.n, 1);
	assert_non_null(copy);
	memcpy(copy, bytes.p, bytes.n);
	job.size_bytes = bytes.n;
	run_window = (struct window){ .bytes = window_bytes, .max = job.max_output };
	input_init_bytes(&input, (struct str){ copy, bytes.n });
	job_run(&job, &input, &run_window, &answer);
	mem_free(copy);
	render_encode_answer(&answer, packet);
	assert_true(render_decode_answer((struct str){ (const char *)packet, sizeof packet }, &job, &decoded));
	return decoded;
}

void run_expect(enum render_kind kind, struct str bytes, enum render_code code)
{
	struct render_answer a = run_bytes(run_job(kind, RENDER_CHECK | RENDER_HASH | RENDER_THUMB), bytes);
	struct render_answer check = run_bytes(run_job(kind, RENDER_CHECK), bytes);
	if (a.code != code || check.code != code)
		fail_msg("%.*s, checked alone %.*s, not %.*s", STRF(render_code_name(a.code)), STRF(render_code_name(check.code)),
			STRF(render_code_name(code)));
	assert_int_equal(a.presets, a.verdict < RENDER_BROKEN ? 1 : 0);
	assert_int_equal(a.hash_bytes > 0, a.verdict < RENDER_BROKEN);
}

static struct picture decode_png(const unsigned char *bytes, size_t n)
{
	png_image image = { .version = PNG_IMAGE_VERSION };
	assert_true(png_image_begin_read_from_memory(&image, bytes, n));
	bool alpha = (image.format & PNG_FORMAT_FLAG_ALPHA) != 0;
	image.format = PNG_FORMAT_RGBA;
	struct picture p = { image.width, image.height, alpha, arena_alloc(&arena, PNG_IMAGE_SIZE(image)) };
	assert_true(png_image_finish_read(&image, NULL, p.rgba, 0, NULL));
	return p;
}

struct picture run_pixels(enum render_kind kind, struct str bytes, uint16_t box)
{
	struct render_job job = run_job(kind, RENDER_CHECK | RENDER_THUMB);
	job.preset[0].width = job.preset[0].height = box;
	struct render_answer a = run_bytes(job, bytes);
	if (a.code != RENDER_NONE)
		fail_msg("the image %.*s", STRF(render_code_sentence(a.code)));
	struct picture p = decode_png(run_window.bytes + a.thumb[0].offset, a.thumb[0].length);
	assert_int_equal(p.width, a.thumb[0].width);
	assert_int_equal(p.height, a.thumb[0].height);
	return p;
}

struct picture run_picture(uint32_t width, uint32_t height, bool alpha)
{
	struct picture p = { width, height, alpha, arena_array(&arena, (size_t)width * 4, height) };
	for (uint32_t y = 0; y < height; y++) {
		for (uint32_t x = 0; x < width; x++) {
			unsigned char *px = p.rgba + ((size_t)y * width + x) * 4;
			px[0] = (unsigned char)(255 * x / width);
			px[1] = (unsigned char)(255 * y / height);
			px[2] = (unsigned char)(128 + 100 * x / width - 100 * y / height);
			px[3] = (unsigned char)(255 - (alpha ? 200 * (x + y) / (width + height) : 0));
		}
	}
	return p;
}

struct str run_encode(const struct picture *p, enum render_format format, uint8_t quality)
{
	struct window w = { .bytes = arena_alloc(&arena, WINDOW_BYTES), .max = WINDOW_BYTES };
	struct render_preset preset = {
		.width = 1, .height = 1, .fit = RENDER_FIT, .format = (uint8_t)format, .quality = quality, .effort = 1
	};
	assert_true(encode_picture(p, &preset, &w));
	return (struct str){ (const char *)w.bytes, w.used };
}

struct str run_read_file(const char *path)
{
	FILE *f = fopen(path, "rb");
	if (f == NULL)
		fail_msg("cannot read %s", path);
	assert_int_equal(fseek(f, 0, SEEK_END), 0);
	size_t n = (size_t)ftell(f);
	rewind(f);
	char *p = arena_alloc(&arena, n);
	assert_int_equal(fread(p, 1, n, f), n);
	fclose(f);
	return (struct str){ p, n };
}

struct str run_with_byte(struct str bytes, size_t at, unsigned char value)
{
	struct str copy = str_dup(&arena, bytes);
	assert_true(at < bytes.n);
	((unsigned char *)copy.p)[at] = value;
	return copy;
}

size_t run_find(struct str bytes, struct str what)
{
	size_t at = str_find(bytes, what);
	assert_true(at < bytes.n);
	return at;
}

void run_expect_close(const struct picture *a, const struct picture *b, int most)
{
	assert_int_equal(a->width, b->width);
	assert_int_equal(a->height, b->height);
	for (size_t i = 0; i < (size_t)a->width * a->height * 4; i++)
		if (abs(a->rgba[i] - b->rgba[i]) > most)
			fail_msg("pixel %zu,%zu channel %zu: %u and %u", i / 4 % a->width, i / 4 / a->width, i % 4, a->rgba[i], b->rgba[i]);
}

void run_expect_like(const struct picture *a, const struct picture *b, double most)
{
	double sum = 0;
	size_t n = (size_t)a->width * a->height * 4;
	assert_int_equal(a->width, b->width);
	assert_int_equal(a->height, b->height);
	for (size_t i = 0; i < n; i++)
		sum += abs(a->rgba[i] - b->rgba[i]);
	if (sum / (double)n > most)
		fail_msg("they differ by %f on average", sum / (double)n);
}
