/* What a decoder may use, and what it has found so far; see decoding.h. Memory is computed from the header before anything
 * is allocated, so that the answer can say how much a picture needs. */
#include "render/decoding.h"
#include "render/picture/thumbs.h"

void decoding_note(struct decoding *d, enum render_code code)
{
	assert(code < RENDER_CODES);
	if (code > d->answer->code)
		d->answer->code = (uint8_t)code;
	d->answer->verdict = (uint8_t)render_code_verdict(d->answer->code);
}

void decoding_restart(struct decoding *d)
{
	arena_deinit(d->arena);
	arena_init(d->arena, d->job->max_memory);
	*d = (struct decoding){ .job = d->job, .in = d->in, .arena = d->arena, .answer = d->answer };
	*d->answer = (struct render_answer){ .number = d->job->number };
}

bool decoding_goes_on(const struct decoding *d)
{
	return d->answer->verdict < RENDER_BROKEN;
}

bool decoding_canvas(struct decoding *d, uint32_t width, uint32_t height)
{
	assert(d->answer->width == 0);
	if (width == 0 || height == 0) {
		decoding_note(d, RENDER_HEADER);
		return false;
	}
	d->answer->width = width;
	d->answer->height = height;
	if ((uint64_t)width * height <= d->job->max_pixels && width <= RENDER_SIDE_MAX && height <= RENDER_SIDE_MAX)
		return true;
	decoding_note(d, RENDER_TOO_MANY_PIXELS);
	return false;
}

bool decoding_frame(struct decoding *d, uint32_t width, uint32_t height)
{
	d->area += (uint64_t)width * height;
	if (d->answer->frames < d->job->max_frames && d->area <= d->job->max_area) {
		d->answer->frames++;
		return true;
	}
	decoding_note(d, RENDER_TOO_MANY_FRAMES);
	return false;
}

bool decoding_memory(struct decoding *d, uint64_t bytes)
{
	struct resize_size size = { .width = d->answer->width, .height = d->answer->height };
	assert(size.width > 0);
	if (decoding_wants(d, &size.out_width, &size.out_height))
		bytes += resize_memory(&size);
	if (bytes <= d->job->max_memory)
		return true;
	d->answer->memory = bytes;
	decoding_note(d, RENDER_TOO_MUCH_MEMORY);
	return false;
}

bool decoding_wants(const struct decoding *d, uint32_t *width, uint32_t *height)
{
	return thumbs_source_size(d->job, d->answer, width, height);
}

bool decoding_wants_frames(const struct decoding *d)
{
	bool wanted = (d->job->ops & RENDER_CHECK) != 0;
	for (size_t i = 0; i < d->job->presets; i++)
		wanted = wanted || d->job->preset[i].format == RENDER_TO_ANIMATION;
	return wanted;
}

bool decoding_begin(struct decoding *d, uint32_t width, uint32_t height, bool alpha)
{
	struct resize_size size = { .width = width, .height = height, .alpha = alpha };
	if (!decoding_wants(d, &size.out_width, &size.out_height))
		return true;
	assert(size.out_width <= width && size.out_height <= height);
	d->resize = resize_new(d->arena, &size);
	if (d->resize == NULL)
		decoding_note(d, RENDER_TOO_MUCH_MEMORY);
	return d->resize != NULL;
}

void decoding_row(struct decoding *d, const unsigned char *rgba)
{
	d->rows++;
	if (d->resize != NULL)
		resize_row(d->resize, rgba);
}

void *decoding_alloc(struct decoding *d, size_t n)
{
	void *p = arena_alloc(d->arena, n);
	if (p == NULL)
		decoding_note(d, RENDER_TOO_MUCH_MEMORY);
	return p;
}

bool decoding_whole(struct decoding *d, uint64_t base_bytes, struct str *out)
{
	if (d->in->size_bytes > d->job->max_memory) {
		d->answer->memory = base_bytes + d->in->size_bytes;
		decoding_note(d, RENDER_TOO_MUCH_MEMORY);
		return false;
	}
	char *bytes = decoding_alloc(d, (size_t)d->in->size_bytes);
	if (bytes == NULL)
		return false;
	*out = (struct str){ bytes, (size_t)d->in->size_bytes };
	if (input_read(d->in, 0, bytes, out->n))
		return true;
	decoding_note(d, RENDER_UNREADABLE);
	return false;
}
