/* Turn a picture upright by its EXIF orientation. Pure; any thread. */
#ifndef RENDER_PICTURE_ORIENT_H
#define RENDER_PICTURE_ORIENT_H

#include "base/arena.h"
#include "render/picture/picture.h"

/* orientation: 1..8, 0 means 1. The picture itself when it is upright; else a new one in the arena, rgba NULL when it is full.
 * Source   EXIF 2.3, 4.6.4 A, Orientation */
struct picture orient_picture(struct arena *a, const struct picture *p, unsigned orientation);

#endif
