/* Animated thumbnails of GIFs and WebPs: the frames are those that libwebp's own decoder shows of them, or of what gif2webp makes
 * of a GIF; and each reason for which there is only the first. */
#include "render/decoding.h"

#include "render/run.h"
#include "temp.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <webp/demux.h>

#define PICTURES "build/pictures/good/"
#define CHANNELS 4

/* All frames of an animated WebP, on their canvas. */
struct film {
	uint32_t width, height, n, loops;
	struct picture frame[64];
	int ends_ms[64];
};

static struct film read_film(struct str bytes)
{
	WebPAnimDecoderOptions options;
	WebPAnimInfo info;
	uint8_t *rgba;
	struct film film = { 0 };
	WebPAnimDecoderOptionsInit(&options);
	options.color_mode = MODE_RGBA;
	WebPAnimDecoder *decoder = WebPAnimDecoderNew(&(WebPData){ (const uint8_t *)bytes.p, bytes.n }, &options);
	assert_non_null(decoder);
	assert_true(WebPAnimDecoderGetInfo(decoder, &info));
	film.width = info.canvas_width;
	film.height = info.canvas_height;
	film.loops = info.loop_count;
	for (; WebPAnimDecoderHasMoreFrames(decoder) && film.n < COUNT_OF(film.frame); film.n++) {
		assert_true(WebPAnimDecoderGetNext(decoder, &rgba, &film.ends_ms[film.n]));
		struct str copy = str_dup(run_arena, (struct str){ (const char *)rgba, (size_t)film.width * film.height * CHANNELS });
		film.frame[film.n] = (struct picture){ film.width, film.height, true, (unsigned char *)copy.p };
	}
	assert_int_equal(film.n, info.frame_count);
	WebPAnimDecoderDelete(decoder);
	return film;
}

static struct str read_good(const char *name)
{
	char path[256];
	snprintf(path, sizeof path, PICTURES "%s", name);
	return run_read_file(path);
}

static enum render_kind kind_of(const char *name)
{
	return strstr(name, ".gif") != NULL ? RENDER_GIF : RENDER_WEBP;
}

static struct render_job job_of(enum render_kind kind, uint16_t box)
{
	struct render_job job = run_job(kind, RENDER_CHECK | RENDER_HASH | RENDER_THUMB);
	job.preset[0] =
		(struct render_preset){ .width = box, .height = box, .fit = RENDER_FIT, .format = RENDER_TO_ANIMATION, .quality = 95, .effort = 2 };
	return job;
}

static struct str thumb_of(const struct render_answer *a, size_t i)
{
	return str_dup(run_arena, (struct str){ (const char *)run_window.bytes + a->thumb[i].offset, a->thumb[i].length });
}

static bool is_animated(struct str webp)
{
	return webp.n > 20 && memcmp(webp.p + 12, "VP8X", 4) == 0 && (webp.p[20] & 2) != 0;
}

/* Which frame is shown at a time. */
static const struct picture *frame_at(const struct film *film, int ms)
{
	uint32_t i = 0;
	while (i + 1 < film->n && film->ends_ms[i] <= ms)
		i++;
	return &film->frame[i];
}

/* Transparent pixels have no color. */
static void clear_transparent(struct picture *p)
{
	for (size_t i = 0; i < (size_t)p->width * p->height * CHANNELS; i += CHANNELS)
		if (p->rgba[i + 3] == 0)
			memset(p->rgba + i, 0, CHANNELS);
}

/* In the picture's own size, at every time: what another decoder shows. */
static void expect_same_film(const char *name, struct str other, int most)
{
	struct render_answer a = run_bytes(job_of(kind_of(name), 512), read_good(name));
	struct str thumb = thumb_of(&a, 0);
	assert_true(is_animated(thumb));
	struct film made = read_film(thumb), want = read_film(other);
	assert_int_equal(made.width, want.width);
	assert_int_equal(made.height, want.height);
	assert_int_equal(made.loops, want.loops);
	assert_int_equal(made.ends_ms[made.n - 1], want.ends_ms[want.n - 1]);
	for (uint32_t i = 0; i < want.n; i++) {
		struct picture shown = *frame_at(&made, want.ends_ms[i] - 1);
		clear_transparent(&shown);
		clear_transparent(&want.frame[i]);
		run_expect_like(&shown, &want.frame[i], most);
	}
}

static void test_webp_then_the_frames_that_the_library_shows(void **state)
{
	static const char *const NAMES[] = { "animated.webp", "animated-mixed.webp", "private-animated.webp", "animated-turned.webp" };
	for (size_t i = 0; i < COUNT_OF(NAMES); i++)
		expect_same_film(NAMES[i], read_good(NAMES[i]), 8);
}

static void test_gif_then_the_frames_that_gif2webp_makes_of_it(void **state)
{
	static const char *const NAMES[] = { "loop.gif", "disposed.gif", "private.gif" };
	for (size_t i = 0; i < COUNT_OF(NAMES); i++) {
		char command[4 * TEMP_PATH_MAX], dir[TEMP_PATH_MAX];
		temp_make(dir);
		const char *path = temp_path(dir, "other.webp");
		snprintf(command, sizeof command, "gif2webp -quiet " PICTURES "%s -o %s", NAMES[i], path);
		assert_int_equal(system(command), 0);
		struct str other = run_read_file(path);
		temp_remove(dir);
		expect_same_film(NAMES[i], other, 8);
	}
}

static void test_animation_made_smaller_then_in_its_box_and_as_long_as_before(void **state)
{
	struct render_job job = job_of(RENDER_GIF, 40);
	job.presets = 3;
	job.preset[1] = (struct render_preset){ 30, 30, RENDER_COVER, RENDER_TO_ANIMATION, 80, 2 };
	job.preset[2] = (struct render_preset){ 30, 30, RENDER_COVER, RENDER_TO_JPEG, 80, 0 };
	struct render_answer a = run_bytes(job, read_good("loop.gif"));
	struct film film = read_film(thumb_of(&a, 0)), covers = read_film(thumb_of(&a, 1));
	assert_int_equal(film.width, 40);
	assert_int_equal(film.height, 36);
	assert_int_equal(covers.width, 30);
	assert_int_equal(covers.height, 30);
	assert_int_equal(film.ends_ms[film.n - 1], 500);
	assert_int_equal(covers.ends_ms[covers.n - 1], 500);
	assert_memory_equal(thumb_of(&a, 2).p, "\xff\xd8\xff", 3);
}

/* The first frame alone, and a good answer. */
static void expect_still(struct render_job job, struct str bytes)
{
	struct render_answer a = run_bytes(job, bytes);
	struct str thumb = thumb_of(&a, 0);
	assert_true(a.verdict <= RENDER_BLEMISHED);
	assert_int_equal(a.presets, 1);
	assert_memory_equal(thumb.p, "RIFF", 4);
	assert_false(is_animated(thumb));
}

static void test_one_frame_or_another_type_then_a_still(void **state)
{
	expect_still(job_of(RENDER_GIF, 512), read_good("still.gif"));
	expect_still(job_of(RENDER_WEBP, 512), read_good("lossy.webp"));
	expect_still(job_of(RENDER_PNG, 512), read_good("animated.png"));
	expect_still(job_of(RENDER_JPEG, 512), read_good("photo.jpg"));
}

/* A GIF of these frames, by hand. */
static struct str gif_of(const char *screen, const char *const *frames, const size_t *sizes, size_t n)
{
	char *out = arena_alloc(run_arena, 4096);
	size_t used = 0;
	memcpy(out, screen, 25);
	used = 25;
	for (size_t i = 0; i < n; i++) {
		memcpy(out + used, frames[i], sizes[i]);
		used += sizes[i];
	}
	out[used++] = 0x3b;
	return (struct str){ out, used };
}

/* 2 x 1 pixels, four colors; the codes of a frame are clear, a color for each pixel, end. */
#define SCREEN(width, height) "GIF89a" width height "\x81\0\0\0\0\0\xff\0\0\0\xff\0\0\0\xff"
#define CONTROL(dispose, delay) "\x21\xf9\x04" dispose delay "\0\0"
#define BOTH(codes) ",\0\0\0\0\x02\0\x01\0\0\x02" codes "\0"
#define LEFT(codes) ",\0\0\0\0\x01\0\x01\0\0\x02" codes "\0"
#define RED "\x02\x4c\x01"
#define RED_RED "\x02\x4c\x0a"

/* red red; green red, which goes back to red red; blue red, which leaves a hole; hole red; red red */
static struct str five_frames(const char *screen)
{
	static const char first[] = CONTROL("\0", "\x05\0") BOTH(RED_RED), previous[] = CONTROL("\x0c", "\x05\0") LEFT("\x02\x54\x01"),
					  background[] = CONTROL("\x08", "\x05\0") LEFT("\x02\x5c\x01"), last[] = CONTROL("\0", "\0\0") LEFT(RED);
	static const char none[] = CONTROL("\0", "\x05\0") ",\x01\0\0\0\x01\0\x01\0\0\x02\x02\x4c\x01\0";
	const char *const frames[] = { first, previous, background, none, last };
	const size_t sizes[] = { sizeof first - 1, sizeof previous - 1, sizeof background - 1, sizeof none - 1, sizeof last - 1 };
	return gif_of(screen, frames, sizes, 5);
}

static void test_gif_frames_that_are_disposed_then_the_next_is_drawn_on_what_is_left(void **state)
{
	static const unsigned char want[][2] = { { 1, 1 }, { 2, 1 }, { 3, 1 }, { 0, 1 }, { 1, 1 } };
	struct render_answer a = run_bytes(job_of(RENDER_GIF, 512), five_frames(SCREEN("\x02\0", "\x01\0")));
	assert_int_equal(a.code, RENDER_NONE);
	struct film film = read_film(thumb_of(&a, 0));
	assert_int_equal(film.n, 5);
	for (size_t i = 0; i < 5; i++) {
		const unsigned char *p = film.frame[i].rgba;
		for (size_t x = 0; x < 2; x++, p += CHANNELS) {
			assert_int_equal(p[3], want[i][x] == 0 ? 0 : 255);
			for (size_t c = 0; want[i][x] != 0 && c < 3; c++)
				assert_in_range(p[c], c + 1 == want[i][x] ? 128 : 0, c + 1 == want[i][x] ? 255 : 127);
		}
		assert_int_equal(film.ends_ms[i], i < 4 ? (int)(i + 1) * 50 : 300); /* browsers show a frame of no time for 100 ms */
	}
	assert_int_equal(film.loops, 1);
}

static void test_over_a_budget_then_a_still(void **state)
{
	struct render_job job = job_of(RENDER_GIF, 512);
	struct str film = read_good("loop.gif");
	struct render_answer a = run_bytes(job, film);
	size_t animated = a.thumb[0].length;
	job.max_output = (uint32_t)animated - 100;
	expect_still(job, film);
	job = job_of(RENDER_GIF, 512);
	job.max_area = 4 * 2 * 5 - 1; /* a quarter of it is for canvases */
	expect_still(job, five_frames(SCREEN("\x02\0", "\x01\0")));
	job = job_of(RENDER_GIF, 512);
	job.max_memory = 20 << 20; /* enough for a row of a thousand, too little for the canvases */
	expect_still(job, five_frames(SCREEN("\xe8\x03", "\xe8\x03")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		RUN_TEST(test_webp_then_the_frames_that_the_library_shows),
		RUN_TEST(test_gif_then_the_frames_that_gif2webp_makes_of_it),
		RUN_TEST(test_animation_made_smaller_then_in_its_box_and_as_long_as_before),
		RUN_TEST(test_one_frame_or_another_type_then_a_still),
		RUN_TEST(test_over_a_budget_then_a_still),
		RUN_TEST(test_gif_frames_that_are_disposed_then_the_next_is_drawn_on_what_is_left),
	};
	if (system("test/pictures/make >&2") != 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
