/* All thumbnails of an image at once, where a queue has them made: who accepts an image asks for them, a function of its own makes
 * them and records in the row which there are, and links name no other. Each step may be repeated. */
#ifndef IMAGE_THUMB_SET_H
#define IMAGE_THUMB_SET_H

#include "image/thumbnails.h"

enum thumb_set_outcome {
	THUMB_SET_MADE,
	THUMB_SET_COMPLETE, /* they were there already */
	THUMB_SET_NONE,     /* there are none of such an image */
	THUMB_SET_BROKEN,   /* the picture could not be rendered; the log says why, and those that were made before are kept */
	THUMB_SET_STALE,    /* other bytes are there than those that were verified; they are verified, and asked for, by themselves */
	THUMB_SET_GONE,     /* the image was deleted, and what was made of it is removed */
	THUMB_SET_OUTCOMES
};
const char *thumb_set_outcome_name(enum thumb_set_outcome outcome);

/* Ask for an image's thumbnails, unless the row says that they are there. OK without a queue.
 * t       may be NULL: there are none
 * Errors  UPSTREAM_FAILED; OVERLOADED; DEADLINE: to be repeated, which completes what is missing
 * Threads any; blocks */
enum status thumb_set_request(struct thumbnails *t, const struct image_row *row, struct fault *why) MUST_CHECK;
/* Make those of an image that are missing, and record them. Only bytes that were verified are decoded.
 * etag    of the bytes that they were asked for; if the row's are others, all are made again, since a call that was ended may have
 *         left some of the bytes before
 * out     on OK
 * Errors  those of the table, the stores and the renderer: to be repeated */
enum status thumb_set_make(
	struct thumbnails *t, struct str image_id, struct str etag, enum thumb_set_outcome *out, struct fault *why) MUST_CHECK;

#endif
