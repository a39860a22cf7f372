/* An animated WebP from the frames of a GIF or an animated WebP, for presets that ask for one. A reader sends each frame as it is shown,
 * on its whole canvas. What does not change from one frame to the next is not encoded again. One thread. */
#ifndef RENDER_ANIMATION_H
#define RENDER_ANIMATION_H

#include "render/decoding.h"
#include "render/picture/encode.h"

struct animation;

/* For readers: the next frame, and how long it is shown; its pixels are the reader's, and stay as they are. false: no more are wanted. */
bool animation_frame(struct animation *m, const struct picture *canvas, uint32_t ms) MUST_CHECK;
/* How often it is played, 0: for ever. Once if it is not called. */
void animation_loops(struct animation *m, uint32_t loops);

/* Each sends all frames that are whole. The canvas is d->answer's, and nothing of d is changed but its arena. */
void gif_play(const struct decoding *d, struct animation *m);
void webp_play(const struct decoding *d, struct animation *m);

/* Make those of the job's presets animated that ask for it. Each has the first frame in `answer` already; it stays where there is but
 * one, where decoding all again, or what is made of it, would be too much, and where memory is missing.
 * d  after decoding, with a picture that is good */
void animation_make(struct decoding *d, struct window *window);

#endif
