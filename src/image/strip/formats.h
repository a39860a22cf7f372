/* Shared by the four formats: how each controls the state machine of strip.c. Private to image/strip.
 *
 * A format requests n bytes (strip_hold), judges them, and then selects what happens to the bytes that follow.
 * Each function writes at most one piece of output per call to *out, which is empty before. */
#ifndef IMAGE_STRIP_FORMATS_H
#define IMAGE_STRIP_FORMATS_H

#include "image/probe/formats.h"
#include "image/strip/strip.h"

#define STRIP_HELD_MAX (((size_t)64 << 10) + 16)
#define STRIP_RANGES_MAX ((size_t)16 << 10)

struct strip_format {
	/* `held` has the requested bytes. false: strip_hold requested more; the held bytes stay. */
	bool (*judge)(struct strip *s, struct str held, struct str *out);
	/* In STRIP_MODE_WALK: take at least one byte of *in, or write output. */
	void (*walk)(struct strip *s, struct str *in, struct str *out);
	/* All bytes of strip_pass, strip_fill or strip_drop were processed. */
	void (*next)(struct strip *s);
	/* The input ended before the image: the last piece of output. NULL: none */
	struct str (*cut)(struct strip *s);
	/* The input ended, and all output is counted. NULL: nothing to do */
	void (*finish)(struct strip *s);
};

extern const struct strip_format strip_jpeg_format, strip_png_format, strip_gif_format, strip_webp_format, strip_heif_format;

/* Hold n bytes in all, 1..STRIP_HELD_MAX, and judge them. */
void strip_hold(struct strip *s, size_t n);
/* The same, beginning with bytes that were taken from the input before. */
void strip_hold_on(struct strip *s, struct str taken, size_t n);
/* Pass on, overwrite with zeros, or drop the next n bytes. With n == 0, next() is called at the next byte or at the end. */
void strip_pass(struct strip *s, uint64_t n);
void strip_fill(struct strip *s, uint64_t n);
void strip_drop(struct strip *s, uint64_t n);
/* After strip_fill or strip_drop: hold a copy of these bytes; next() gets it by strip_collected, empty if there were too many. */
void strip_collect(struct strip *s);
struct str strip_collected(struct strip *s);
void strip_walk(struct strip *s);
/* The image ends here; the rest is a trailer. */
void strip_over(struct strip *s);
/* The container cannot be parsed further. */
void strip_break(struct strip *s);
/* Up to n bytes from the front of *in. */
struct str strip_take(struct str *in, uint64_t n);
/* Copy bytes to s->insert at offset `at`, and return all of s->insert up to their end. */
struct str strip_insert(struct strip *s, size_t at, struct str bytes);

/* Write a TIFF structure with the orientation as its only tag. */
#define EXIF_MINIMAL_BYTES 26
void exif_minimal(uint32_t orientation, char out[EXIF_MINIMAL_BYTES]);
/* Read the facts from a TIFF structure. Members without a valid value stay as they are. */
void exif_facts(struct str tiff, struct strip_facts *out);

#endif
