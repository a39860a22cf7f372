/* Make a picture smaller as its rows come in, so that only a few rows are in memory: boxes of whole pixels are averaged
 * until at most four times the wanted size is left, and a Lanczos filter of three lobes does the rest. Colors are weighted
 * by alpha. Values stay gamma-encoded, as in libvips, sharp and browsers by default. One thread. */
#ifndef RENDER_PICTURE_RESIZE_H
#define RENDER_PICTURE_RESIZE_H

#include "base/arena.h"
#include "render/picture/picture.h"

struct resize_size {
	uint32_t width, height;         /* of the rows that come */
	uint32_t out_width, out_height; /* 1 to these */
	bool alpha;                     /* of the rows that come; false: every A is 255 */
};

struct resize_part {
	uint32_t x, y, width, height;   /* of the picture; inside it */
	uint32_t out_width, out_height; /* 1 to these */
};

struct resize;

/* NULL: the arena is full. */
struct resize *resize_new(struct arena *a, const struct resize_size *size);
/* The next row, size->width pixels of RGBA. Rows beyond the height are a bug. */
void resize_row(struct resize *r, const unsigned char *rgba);
/* The result, in the arena. After the last row only. */
struct picture resize_picture(const struct resize *r);
/* The bytes of arena that a resize of this size takes, at most. */
uint64_t resize_memory(const struct resize_size *size);

/* A part of a picture, made smaller; the picture itself when that is its size. rgba is NULL: the arena is full. */
struct picture resize_part(struct arena *a, const struct picture *from, const struct resize_part *part);

#endif
