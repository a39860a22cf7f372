/* Shared by the four formats' parts of the strip: how a format steers the machine of strip.c. Private to image/strip.
 *
 * A format is a machine over held bytes: it asks for n bytes (strip_hold), judges them, and then says what happens to those that
 * follow. Each function gives at most one piece of output a call, in *out, which is empty before. */
#ifndef IMAGE_STRIP_FORMATS_H
#define IMAGE_STRIP_FORMATS_H

#include "image/probe/formats.h"
#include "image/strip/strip.h"

#define STRIP_HELD_MAX (((size_t)64 << 10) + 16)

struct strip_format {
	/* `held` has what was asked for. false: more is needed and was asked for by strip_hold; what is held stays. */
	bool (*judge)(struct strip *s, struct str held, struct str *out);
	/* In STRIP_MODE_WALK: take at least one byte of *in, or give output. */
	void (*walk)(struct strip *s, struct str *in, struct str *out);
	/* All of strip_pass, strip_fill or strip_drop is done. */
	void (*next)(struct strip *s);
	/* The input has ended before the image has; NULL: there is nothing to give. */
	struct str (*cut)(struct strip *s);
	/* The input has ended, and all output is counted; NULL: there is nothing to do. */
	void (*finish)(struct strip *s);
};

extern const struct strip_format strip_jpeg_format, strip_png_format, strip_gif_format, strip_webp_format;

/* Hold n bytes in all, 1..STRIP_HELD_MAX, and judge them. */
void strip_hold(struct strip *s, size_t n);
/* The same with bytes that were taken already. */
void strip_hold_on(struct strip *s, struct str taken, size_t n);
/* The next n bytes; with n == 0 the format's next() follows with the next byte or at the end. */
void strip_pass(struct strip *s, uint64_t n);
void strip_fill(struct strip *s, uint64_t n);
void strip_drop(struct strip *s, uint64_t n);
/* After strip_fill or strip_drop: hold these bytes too, which strip_collected then gives in next(); empty if they were too many. */
void strip_collect(struct strip *s);
struct str strip_collected(struct strip *s);
void strip_walk(struct strip *s);
/* The image ends here; what follows is a trailer. */
void strip_over(struct strip *s);
/* The container cannot be followed. */
void strip_break(struct strip *s);
/* Up to n bytes from the front of *in. */
struct str strip_take(struct str *in, uint64_t n);
/* A copy of some bytes in s->insert, after the `at` bytes that are there already, and all of it. */
struct str strip_insert(struct strip *s, size_t at, struct str bytes);

/* A TIFF structure with an orientation and nothing else. */
#define EXIF_MINIMAL_BYTES 26
void exif_minimal(uint32_t orientation, char out[EXIF_MINIMAL_BYTES]);
/* What a TIFF structure says. Unknown members are left as they are. */
void exif_facts(struct str tiff, struct strip_facts *out);

#endif
