/* From a picture's own color profile to sRGB: profiles of three primaries or of gray with curves, which are those of cameras,
 * screens and editors. Profiles made of tables (scanners, printers, CMYK) are left alone. Pure; any thread. */
#ifndef RENDER_PICTURE_ICC_H
#define RENDER_PICTURE_ICC_H

#include "base/arena.h"
#include "render/picture/picture.h"

/* Convert the colors in place. A profile that is sRGB, or made of tables, changes nothing.
 * false: the profile is malformed and nothing was changed, or the arena is full.
 * Source   ICC.1:2010, 7.2, 8.3, 9.2, 10.5, 10.15, 10.16, 10.18 */
bool icc_convert(struct arena *a, struct str profile, struct picture *p) MUST_CHECK;

/* Colors by the code points of ITU-T H.273, as HEIC and AVIF give them. */
struct icc_coded {
	uint8_t primaries; /* 9 BT.2020, 12 Display P3; others are sRGB's, or close to them */
	uint8_t transfer;  /* 16 PQ; others are sRGB's, or close to it */
};
/* The same from such colors. false: the arena is full.
 * Source   ITU-T H.273, 8.1, 8.2; SMPTE ST 2084; ITU-R BT.2408 (white at 203 cd/m2) */
bool icc_convert_coded(struct arena *a, const struct icc_coded *coded, struct picture *p) MUST_CHECK;

#endif
