/* From a picture's own color profile to sRGB: profiles of three primaries or of gray with curves, which are those of cameras,
 * screens and editors. Profiles made of tables (scanners, printers, CMYK) are left alone. Pure; any thread. */
#ifndef RENDER_ICC_H
#define RENDER_ICC_H

#include "base/arena.h"
#include "render/picture.h"

/* Convert the colors in place. A profile that is sRGB, or made of tables, changes nothing.
 * false: the profile is malformed and nothing was changed, or the arena is full.
 * Source   ICC.1:2010, 7.2, 8.3, 9.2, 10.5, 10.15, 10.16, 10.18 */
bool icc_convert(struct arena *a, struct str profile, struct picture *p) MUST_CHECK;

#endif
