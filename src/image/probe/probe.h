/* Read type, size and orientation of an image from its bytes, without decoding: JPEG, PNG, GIF,
 * WebP (VP8, VP8L, VP8X), HEIC and AVIF (still pictures whose index comes first). A file that is truncated (a GIF: before it has a frame with pixels), or whose structure no browser
 * would display, is refused; damage inside the compressed pixels is not detected. Pure: no clock, no log, no allocation; bounded work per byte; any thread.
 * Source: ITU T.81 B; JPEG EXIF 2.3; PNG (RFC 2083, APNG); GIF89a; RFC 9649; ISO/IEC 23008-12. */
#ifndef IMAGE_PROBE_PROBE_H
#define IMAGE_PROBE_PROBE_H

#include "base/str.h"

enum probe_type { PROBE_UNKNOWN, PROBE_JPEG, PROBE_PNG, PROBE_GIF, PROBE_WEBP, PROBE_HEIC, PROBE_AVIF };
#define PROBE_TYPES (PROBE_AVIF + 1)

enum probe_result {
	PROBE_OK,
	PROBE_BAD,       /* starts like an image of out->type, but is malformed */
	PROBE_NOT_IMAGE, /* none of the known types */
};

struct probe {
	enum probe_type type;
	uint32_t width, height; /* as stored */
	uint32_t orientation;   /* EXIF 1..8; 0: none */
	uint32_t frames;        /* 1 for JPEG */
	const char *why;        /* static sentence for PROBE_BAD and PROBE_NOT_IMAGE */
	bool is_cut;            /* PROBE_BAD: up to its end it is as it must be */
};

/* bytes: the whole file. For an image that is refused, out has only the type, the reason and is_cut. */
enum probe_result probe_image(struct str bytes, struct probe *out);
/* "image/jpeg"; "" for PROBE_UNKNOWN. */
struct str probe_media_type(enum probe_type type);

#endif
