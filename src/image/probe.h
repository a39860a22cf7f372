/* Read type, size and orientation of an image from its bytes, without decoding: JPEG, PNG, GIF,
 * WebP (VP8, VP8L, VP8X). Pure: no clock, no log, no allocation; bounded work per byte; any thread.
 * Source: ITU T.81 B; JPEG EXIF 2.3; PNG (RFC 2083, APNG); GIF89a; RFC 9649. */
#ifndef IMAGE_PROBE_H
#define IMAGE_PROBE_H

#include "base/str.h"

enum probe_type { PROBE_UNKNOWN, PROBE_JPEG, PROBE_PNG, PROBE_GIF, PROBE_WEBP };

enum probe_result {
	PROBE_OK,          /* everything the head tells is known */
	PROBE_NEED_MORE,   /* so far good: give a longer prefix */
	PROBE_BAD,         /* begins like an image of out->type and then breaks its format */
	PROBE_NOT_IMAGE,   /* none of the known types */
};

struct probe {
	enum probe_type type;
	uint32_t width, height;    /* as stored */
	uint32_t orientation;      /* EXIF 1..8; 0: not told */
	uint32_t frames;           /* 1 for JPEG; 0: not counted (a prefix) */
	const char *why;           /* static sentence for PROBE_BAD and PROBE_NOT_IMAGE */
};

/* bytes: a prefix, or the whole file when `whole` (then NEED_MORE is never given: it becomes BAD). */
enum probe_result probe_image(struct str bytes, bool whole, struct probe *out);
/* "image/jpeg"; "" for PROBE_UNKNOWN. */
struct str probe_media_type(enum probe_type type);

#endif
