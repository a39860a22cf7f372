/* What a page shows before the picture is there: a ThumbHash of at most 25 bytes, and two colors. Pure; any thread. */
#ifndef RENDER_PICTURE_PLACEHOLDER_H
#define RENDER_PICTURE_PLACEHOLDER_H

#include "render/picture/picture.h"
#include "render/protocol.h"

#define PLACEHOLDER_SIDE_MAX 100 /* px */

/* The hash of a picture whose sides are at most PLACEHOLDER_SIDE_MAX; gives its length.
 * Source: npm thumbhash 0.1.1, rgbaToThumbHash */
size_t placeholder_hash(const struct picture *p, unsigned char out[RENDER_HASH_MAX]);
/* 0xRRGGBBAA: the mean of the colors by their alpha. */
uint32_t placeholder_average(const struct picture *p);
/* 0xRRGGBB00: the center of the fullest of 16 x 16 x 16 bins, the first one on a tie, like sharp's stats().dominant. */
uint32_t placeholder_dominant(const struct picture *p);
/* All three into the answer. */
void placeholder_make(const struct picture *p, struct render_answer *answer);

#endif
