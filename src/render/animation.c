/* See animation.h. The file is put together here, chunk by chunk, in the window: a frame is encoded as a WebP of its own, whose head is
 * then replaced. Frames are drawn over what was there without blending, and only the rectangle that has changed.
 * Source: WebP Container Specification, "Animation", "ANMF chunk". */
#include "render/animation.h"

#include "render/picture/icc.h"
#include "render/picture/thumbs.h"

#include <string.h>

#define CHANNELS 4
/* Of all presets of a job together, so that a good picture is not ended for the time that its thumbnails take. */
#define ENCODED_PIXELS_MAX ((uint64_t)24000000) /* about a second */
#define AREA_PART 4                             /* of the job's max_area, on canvases */
#define EFFORT_MAX 2
#define MS_MAX 0xffffffu
#define LOOPS_MAX 0xffffu
#define RIFF_BYTES 12
#define VP8X_BYTES 18
#define ANIM_BYTES 14
#define ANMF_BYTES 24 /* its head, before the chunks of the picture */
#define HEAD_BYTES (RIFF_BYTES + VP8X_BYTES + ANIM_BYTES)

enum { FLAG_ANIMATION = 0x02, FLAG_ALPHA = 0x10, FRAME_OVERWRITES = 0x02 };

struct animation {
	const struct decoding *d;
	struct render_preset preset;
	struct render_size size;
	struct window *window;
	size_t begin, newest;   /* offsets in the window: of the file, of the newest frame */
	struct picture shown;   /* the newest frame, in the arena */
	uint32_t frames, loops; /* encoded */
	uint32_t ms;            /* of the newest */
	uint64_t pixels_left;   /* to encode */
	bool alpha, failed;
};

struct rectangle {
	uint32_t x, y, width, height;
};

static void put_le(unsigned char *to, uint32_t value, unsigned bytes)
{
	for (unsigned i = 0; i < bytes; i++)
		to[i] = (unsigned char)(value >> (8 * i));
}

/* The file */

static void write_head(struct animation *m)
{
	unsigned char *at = m->window->bytes + m->begin;
	memset(at, 0, HEAD_BYTES);
	memcpy(at, "RIFF", 4);
	put_le(at + 4, (uint32_t)(m->window->used - m->begin - 8), 4);
	memcpy(at + 8, "WEBPVP8X", 8);
	put_le(at + 16, VP8X_BYTES - 8, 4);
	at[20] = (unsigned char)(FLAG_ANIMATION | (m->alpha ? FLAG_ALPHA : 0));
	put_le(at + 24, m->shown.width - 1, 3);
	put_le(at + 27, m->shown.height - 1, 3);
	memcpy(at + 30, "ANIM", 4);
	put_le(at + 34, ANIM_BYTES - 8, 4);
	put_le(at + 42, m->loops < LOOPS_MAX ? m->loops : LOOPS_MAX, 2);
}

static void write_duration(struct animation *m)
{
	put_le(m->window->bytes + m->newest + 20, m->ms, 3);
}

/* A frame: the encoder's RIFF head, and its VP8X chunk if there is one, make way for that of the frame. */
static bool put_frame(struct animation *m, const struct picture *p, const struct rectangle *r)
{
	static const unsigned char ROOM[ANMF_BYTES - RIFF_BYTES] = { 0 };
	struct window *w = m->window;
	m->newest = w->used;
	window_put(w, ROOM, sizeof ROOM);
	if (!encode_picture(p, &m->preset, w))
		return false;
	unsigned char *at = w->bytes + m->newest, *chunks = at + ANMF_BYTES;
	if (memcmp(chunks, "VP8X", 4) == 0) {
		memmove(chunks, chunks + VP8X_BYTES, w->used - m->newest - ANMF_BYTES - VP8X_BYTES);
		w->used -= VP8X_BYTES;
	}
	memset(at, 0, ANMF_BYTES);
	memcpy(at, "ANMF", 4);
	put_le(at + 4, (uint32_t)(w->used - m->newest - 8), 4);
	put_le(at + 8, r->x / 2, 3);
	put_le(at + 11, r->y / 2, 3);
	put_le(at + 14, r->width - 1, 3);
	put_le(at + 17, r->height - 1, 3);
	at[23] = FRAME_OVERWRITES;
	m->frames++;
	m->alpha |= p->alpha;
	return true;
}

/* Frames */

/* The rectangle that differs, at even coordinates; width is 0: nothing differs. */
static struct rectangle find_change(const struct picture *a, const struct picture *b)
{
	uint32_t left = a->width, right = 0, top = a->height, bottom = 0;
	for (uint32_t y = 0; y < a->height; y++) {
		const unsigned char *p = a->rgba + (size_t)y * a->width * CHANNELS, *q = b->rgba + (size_t)y * a->width * CHANNELS;
		if (memcmp(p, q, (size_t)a->width * CHANNELS) == 0)
			continue;
		uint32_t from = 0, to = a->width;
		while (memcmp(p + from * CHANNELS, q + from * CHANNELS, CHANNELS) == 0)
			from++;
		while (memcmp(p + (to - 1) * CHANNELS, q + (to - 1) * CHANNELS, CHANNELS) == 0)
			to--;
		left = from < left ? from : left;
		right = to > right ? to : right;
		top = y < top ? y : top;
		bottom = y + 1;
	}
	left -= left % 2;
	top -= top % 2;
	return right == 0 ? (struct rectangle){ 0 } : (struct rectangle){ left, top, right - left, bottom - top };
}

/* The frame as the thumbnail shows it; in the arena, or the canvas itself. */
static struct picture shrink(struct arena *a, const struct animation *m, const struct picture *canvas)
{
	struct picture whole, p = thumbs_fit(a, canvas, &m->size, &whole);
	if (p.rgba == NULL || m->d->profile.n == 0)
		return p;
	if (p.rgba == canvas->rgba) {
		size_t bytes = (size_t)p.width * p.height * CHANNELS;
		p.rgba = arena_alloc(a, bytes);
		if (p.rgba == NULL)
			return p;
		memcpy(p.rgba, canvas->rgba, bytes);
	}
	if (!icc_convert(a, m->d->profile, &p) && !arena_ok(a))
		p.rgba = NULL;
	return p;
}

static bool encode_frame(struct animation *m, struct arena *a, const struct picture *canvas)
{
	struct picture p = shrink(a, m, canvas);
	if (p.rgba == NULL)
		return false;
	assert(p.width == m->shown.width && p.height == m->shown.height);
	struct rectangle r = m->frames == 0 ? (struct rectangle){ 0, 0, p.width, p.height } : find_change(&p, &m->shown);
	if (r.width == 0)
		return true;
	uint64_t pixels = (uint64_t)r.width * r.height;
	if (pixels > m->pixels_left)
		return false;
	m->pixels_left -= pixels;
	struct picture part = resize_part(a, &p, &(struct resize_part){ r.x, r.y, r.width, r.height, r.width, r.height });
	if (part.rgba == NULL)
		return false;
	part.alpha = thumbs_has_alpha(&part);
	memcpy(m->shown.rgba, p.rgba, (size_t)p.width * p.height * CHANNELS);
	m->ms = 0;
	return put_frame(m, &part, &r);
}

bool animation_frame(struct animation *m, const struct picture *canvas, uint32_t ms)
{
	struct arena a;
	assert(m != NULL && canvas->rgba != NULL);
	arena_init(&a, m->d->job->max_memory);
	m->failed = m->failed || !encode_frame(m, &a, canvas);
	arena_deinit(&a);
	if (m->failed)
		return false;
	m->ms = ms < MS_MAX - m->ms ? m->ms + ms : MS_MAX;
	write_duration(m);
	return true;
}

void animation_loops(struct animation *m, uint32_t loops)
{
	m->loops = loops;
}

/* One thumbnail. false: it stays as it is. */
static bool make_one(struct decoding *d, size_t i, uint64_t *pixels_left, struct window *window)
{
	const struct render_preset *preset = &d->job->preset[i];
	struct render_thumb *thumb = &d->answer->thumb[i];
	static const unsigned char ROOM[HEAD_BYTES] = { 0 };
	struct animation m = {
		.d = d, .preset = *preset, .window = window, .begin = window->used, .loops = 1, .shown = { thumb->width, thumb->height, true, NULL }
	};
	m.pixels_left = *pixels_left;
	m.preset.effort = preset->effort < EFFORT_MAX ? preset->effort : EFFORT_MAX;
	m.size = render_preset_size(preset, d->answer->width, d->answer->height);
	m.shown.rgba = arena_alloc(d->arena, (size_t)thumb->width * thumb->height * CHANNELS);
	if (m.shown.rgba == NULL)
		return false;
	window_put(window, ROOM, sizeof ROOM);
	if (window->full)
		return false;
	(d->job->kind == RENDER_GIF ? gif_play : webp_play)(d, &m);
	*pixels_left = m.pixels_left;
	if (m.failed || m.frames < 2)
		return false;
	write_head(&m);
	*thumb = (struct render_thumb){ (uint32_t)m.begin, (uint32_t)(window->used - m.begin), thumb->width, thumb->height };
	return true;
}

/* Whether playing it this many times more is within the limits of the job: each frame is seen on its canvas. */
static bool may_play(const struct decoding *d, uint64_t times)
{
	uint64_t canvas = (uint64_t)d->answer->width * d->answer->height;
	bool moves = d->answer->frames > 1 && (d->job->kind == RENDER_GIF || d->job->kind == RENDER_WEBP);
	uint64_t bytes = canvas * CHANNELS * 4 + d->in->size_bytes; /* two canvases, and the resizer */
	return moves && canvas * d->answer->frames * times <= d->job->max_area / AREA_PART && bytes <= d->job->max_memory / 2;
}

void animation_make(struct decoding *d, struct window *window)
{
	assert(decoding_goes_on(d));
	uint64_t times = 0, pixels_left = ENCODED_PIXELS_MAX;
	for (size_t i = 0; i < d->job->presets; i++)
		times += d->job->preset[i].format == RENDER_TO_ANIMATION;
	for (size_t i = 0; i < d->job->presets && may_play(d, times); i++) {
		size_t before = window->used;
		if (d->job->preset[i].format == RENDER_TO_ANIMATION && !make_one(d, i, &pixels_left, window)) {
			window->used = before;
			window->full = false;
		}
	}
}
