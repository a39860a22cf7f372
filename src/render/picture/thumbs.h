/* Making all thumbnails of a job from one decoded picture: the largest first, and each smaller one from
 * the one before when that is at least twice its size. One thread. */
#ifndef RENDER_PICTURE_THUMBS_H
#define RENDER_PICTURE_THUMBS_H

#include "render/picture/encode.h"
#include "render/protocol.h"
#include "render/picture/resize.h"

#define HASH_BOX 64 /* px; the placeholder has 7 by 7 terms, which more pixels do not change */

/* The size in which the decoded picture must be for all that the job asks for, as it is stored (not yet upright).
 * false: the job asks for no picture. */
bool thumbs_source_size(const struct render_job *job, const struct render_answer *answer, uint32_t *width, uint32_t *height) MUST_CHECK;
/* A picture at a preset's scale, and the middle that is kept of it; `whole` is all of it. rgba is NULL: the arena is full. Where nothing
 * changes it is `from` itself. */
struct picture thumbs_fit(struct arena *a, const struct picture *from, const struct render_size *size, struct picture *whole);
/* Whether any pixel is not opaque. */
bool thumbs_has_alpha(const struct picture *p);
/* Make and encode the job's presets, and its placeholder and colors.
 * upright  of the size that thumbs_source_size gives or larger, upright, in sRGB
 * answer   thumb, presets, hash, average, dominant and alpha are written
 * The code: NONE, TOO_MUCH_MEMORY or TOO_MUCH_OUTPUT. */
enum render_code thumbs_make(
	struct arena *a, const struct render_job *job, const struct picture *upright, struct window *window, struct render_answer *answer);

#endif
