/* A picture as WebP, JPEG or PNG. One thread. */
#ifndef RENDER_PICTURE_ENCODE_H
#define RENDER_PICTURE_ENCODE_H

#include "render/picture/picture.h"
#include "render/protocol.h"

/* Where encoded bytes go. */
struct window {
	unsigned char *bytes;
	size_t max, used;
	bool full; /* more would have been written */
};

void window_put(struct window *w, const void *bytes, size_t n);

/* Append the picture in the preset's format, quality and effort; JPEG over white. false: no memory, or the window is full
 * (w->full); what was written before stays. */
bool encode_picture(const struct picture *p, const struct render_preset *preset, struct window *w) MUST_CHECK;

#endif
