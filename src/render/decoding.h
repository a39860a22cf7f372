/* One picture on its way through a decoder: what the readers (jpeg.c, png.c, gif.c, webp.c, heif.c) share. A reader reports the
 * size of the canvas, asks whether its memory and its frames are within the job's limits, sends the rows of the first frame,
 * and notes what it finds. One thread. */
#ifndef RENDER_DECODING_H
#define RENDER_DECODING_H

#include "render/picture/icc.h"
#include "render/input.h"
#include "render/protocol.h"
#include "render/picture/resize.h"

#define PROFILE_BYTES_MAX ((size_t)4 << 20)
#define METADATA_BYTES_MAX ((size_t)4 << 20) /* of one chunk besides the pixels that is kept */

struct decoding {
	const struct render_job *job;
	struct input *in;
	struct arena *arena;
	struct render_answer *answer; /* code, verdict, row, width, height, orientation, frames and memory are the decoder's */
	struct str profile;           /* the ICC profile, in the arena; n = 0: none, or one that is not for RGB or gray */
	struct icc_coded coded;       /* without a profile: the colors by their code points; zeros: sRGB */
	struct resize *resize;        /* NULL: no rows are wanted */
	uint64_t area;                /* pixels of all frames so far */
	uint32_t rows;                /* sent to decoding_row */
};

/* Each decodes all that the job's file has, and leaves its findings in d->answer. */
void jpeg_decode(struct decoding *d);
void png_decode(struct decoding *d);
void gif_decode(struct decoding *d);
void webp_decode(struct decoding *d);
void heif_decode(struct decoding *d); /* HEIC and AVIF; in tintype-render-more only, elsewhere UNSUPPORTED */

/* Forget all that was found and allocated, to decode the picture again in another way. */
void decoding_restart(struct decoding *d);
/* Keep the worst finding. */
void decoding_note(struct decoding *d, enum render_code code);
/* Whether the picture is as good as browsers need it: nothing but blemishes so far. */
bool decoding_goes_on(const struct decoding *d);
/* Once, from the header. false: too many pixels, which is noted. Sides of 0 are a malformed header. */
bool decoding_canvas(struct decoding *d, uint32_t width, uint32_t height);
/* Each frame. false: too many of them, or too many pixels in all, which is noted. */
bool decoding_frame(struct decoding *d, uint32_t width, uint32_t height);
/* false: more than the job allows, which is noted with the size. bytes: what decoding takes in addition to resizing. */
bool decoding_memory(struct decoding *d, uint64_t bytes);
/* The least size that the decoder must send, by the canvas; false: no rows are wanted. */
bool decoding_wants(const struct decoding *d, uint32_t *width, uint32_t *height) MUST_CHECK;
/* Whether the frames after the first are: to be checked, or shown. */
bool decoding_wants_frames(const struct decoding *d);
/* Before the first row: they come in this size, at least what decoding_wants says. false: no memory, which is noted. */
bool decoding_begin(struct decoding *d, uint32_t width, uint32_t height, bool alpha);
/* The next row of RGBA; nothing happens when none is wanted. */
void decoding_row(struct decoding *d, const unsigned char *rgba);
/* The whole file, in the arena. false: no memory or not readable, which is noted.
 * base_bytes  what decoding takes at least in addition, for the answer */
bool decoding_whole(struct decoding *d, uint64_t base_bytes, struct str *out) MUST_CHECK;
/* n bytes, zeroed; NULL: no memory, which is noted. */
void *decoding_alloc(struct decoding *d, size_t n);

#endif
