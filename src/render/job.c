/* See job.h. All that a job allocates itself is in one arena; what the libraries allocate is theirs. */
#include "render/job.h"
#include "render/animation.h"
#include "render/decoding.h"
#include "render/picture/icc.h"
#include "render/picture/orient.h"
#include "render/picture/thumbs.h"

/* What comes after decoding. The profile is read even where there is no picture to convert, as part of the check. */
static void finish_picture(struct decoding *d, struct window *window)
{
	struct picture p = { 0 };
	if (d->resize != NULL)
		p = resize_picture(d->resize);
	if (d->profile.n > 0 && !icc_convert(d->arena, d->profile, &p))
		decoding_note(d, arena_ok(d->arena) ? RENDER_PROFILE : RENDER_TOO_MUCH_MEMORY);
	if (d->resize == NULL)
		return;
	if (d->profile.n == 0 && !icc_convert_coded(d->arena, &d->coded, &p))
		decoding_note(d, RENDER_TOO_MUCH_MEMORY);
	p = orient_picture(d->arena, &p, d->answer->orientation);
	if (p.rgba == NULL)
		decoding_note(d, RENDER_TOO_MUCH_MEMORY);
	else
		decoding_note(d, thumbs_make(d->arena, d->job, &p, window, d->answer));
	if (decoding_goes_on(d))
		animation_make(d, window);
}

void job_run(const struct render_job *job, struct input *in, struct window *window, struct render_answer *answer)
{
	static void (*const decoders[])(struct decoding *) = { [RENDER_JPEG] = jpeg_decode,
		[RENDER_PNG] = png_decode,
		[RENDER_GIF] = gif_decode,
		[RENDER_WEBP] = webp_decode,
		[RENDER_HEIF] = heif_decode };
	struct arena arena;
	struct decoding d = { .job = job, .in = in, .arena = &arena, .answer = answer };
	assert(job->kind >= RENDER_JPEG && job->kind <= RENDER_HEIF);
	*answer = (struct render_answer){ .number = job->number };
	arena_init(&arena, job->max_memory);
	decoders[job->kind](&d);
	if (in->failed)
		decoding_note(&d, RENDER_UNREADABLE);
	if (decoding_goes_on(&d))
		finish_picture(&d, window);
	if (!decoding_goes_on(&d)) {
		answer->presets = 0;
		answer->hash_bytes = 0;
	}
	arena_deinit(&arena);
}
