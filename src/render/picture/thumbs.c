/* See thumbs.h. */
#include "render/picture/thumbs.h"
#include "render/picture/placeholder.h"

static uint32_t least(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

static const struct render_preset HASH_PRESET = { .width = HASH_BOX, .height = HASH_BOX, .fit = RENDER_FIT };

bool thumbs_source_size(const struct render_job *job, const struct render_answer *answer, uint32_t *width, uint32_t *height)
{
	const struct render_preset *presets[RENDER_PRESETS_MAX + 1];
	size_t n = 0;
	uint32_t w = answer->width, h = answer->height;
	*width = *height = 0;
	if (job->ops & RENDER_HASH)
		presets[n++] = &HASH_PRESET;
	for (size_t i = 0; i < job->presets; i++)
		presets[n++] = &job->preset[i];
	for (size_t i = 0; i < n; i++) {
		/* In both orientations: that of a PNG may come after its pixels. */
		struct render_size upright = render_preset_size(presets[i], w, h), turned = render_preset_size(presets[i], h, w);
		if (upright.width > *width || upright.height > *height) {
			*width = upright.width;
			*height = upright.height;
		}
		if (turned.height > *width || turned.width > *height) {
			*width = turned.height;
			*height = turned.width;
		}
	}
	return n > 0;
}

/* The presets in falling order of size. */
static void order_presets(const struct render_job *job, const struct render_size *sizes, size_t order[RENDER_PRESETS_MAX])
{
	for (size_t i = 0; i < job->presets; i++) {
		size_t at = i;
		for (; at > 0 && sizes[order[at - 1]].width < sizes[i].width; at--)
			order[at] = order[at - 1];
		order[at] = i;
	}
}

static struct picture resize_whole(struct arena *a, const struct picture *from, uint32_t width, uint32_t height)
{
	return resize_part(
		a, from, &(struct resize_part){ 0, 0, from->width, from->height, least(width, from->width), least(height, from->height) });
}

struct picture thumbs_fit(struct arena *a, const struct picture *from, const struct render_size *size, struct picture *whole)
{
	*whole = resize_whole(a, from, size->width, size->height);
	if (whole->rgba == NULL)
		return *whole;
	struct resize_part middle = { .width = least(size->crop_width, whole->width), .height = least(size->crop_height, whole->height) };
	middle.x = (whole->width - middle.width) / 2;
	middle.y = (whole->height - middle.height) / 2;
	middle.out_width = middle.width;
	middle.out_height = middle.height;
	return resize_part(a, whole, &middle);
}

static enum render_code encode_thumb(
	const struct picture *p, const struct render_preset *preset, struct window *window, struct render_thumb *out)
{
	size_t before = window->used;
	if (!encode_picture(p, preset, window))
		return window->full ? RENDER_TOO_MUCH_OUTPUT : RENDER_TOO_MUCH_MEMORY;
	*out = (struct render_thumb){ (uint32_t)before, (uint32_t)(window->used - before), (uint16_t)p->width, (uint16_t)p->height };
	return RENDER_NONE;
}

static enum render_code make_presets(
	struct arena *a, const struct render_job *job, struct picture *source, struct window *window, struct render_answer *answer)
{
	struct render_size sizes[RENDER_PRESETS_MAX];
	size_t order[RENDER_PRESETS_MAX];
	bool turned = answer->orientation >= 5;
	for (size_t i = 0; i < job->presets; i++)
		sizes[i] = render_preset_size(&job->preset[i], turned ? answer->height : answer->width, turned ? answer->width : answer->height);
	order_presets(job, sizes, order);
	struct picture last = *source;
	for (size_t i = 0; i < job->presets; i++) {
		const struct render_size *size = &sizes[order[i]];
		if (last.width >= 2 * size->width && last.height >= 2 * size->height)
			*source = last;
		struct picture cropped = thumbs_fit(a, source, size, &last);
		if (cropped.rgba == NULL)
			return RENDER_TOO_MUCH_MEMORY;
		enum render_code code = encode_thumb(&cropped, &job->preset[order[i]], window, &answer->thumb[order[i]]);
		if (code != RENDER_NONE)
			return code;
	}
	*source = last;
	answer->presets = job->presets;
	return RENDER_NONE;
}

bool thumbs_has_alpha(const struct picture *p)
{
	for (size_t i = 3; p->alpha && i < (size_t)p->width * p->height * 4; i += 4)
		if (p->rgba[i] != 255)
			return true;
	return false;
}

enum render_code thumbs_make(
	struct arena *a, const struct render_job *job, const struct picture *upright, struct window *window, struct render_answer *answer)
{
	struct picture source = *upright;
	source.alpha = thumbs_has_alpha(upright);
	answer->alpha = source.alpha;
	struct picture smallest = source;
	if (job->presets > 0) {
		enum render_code code = make_presets(a, job, &smallest, window, answer);
		if (code != RENDER_NONE)
			return code;
	}
	if ((job->ops & RENDER_HASH) == 0)
		return RENDER_NONE;
	struct render_size size = render_preset_size(&HASH_PRESET, source.width, source.height);
	if (smallest.width >= size.width && smallest.height >= size.height)
		source = smallest;
	struct picture small = resize_whole(a, &source, size.width, size.height);
	if (small.rgba == NULL)
		return RENDER_TOO_MUCH_MEMORY;
	placeholder_make(&small, answer);
	return RENDER_NONE;
}
