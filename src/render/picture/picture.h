/* A picture in memory. */
#ifndef RENDER_PICTURE_PICTURE_H
#define RENDER_PICTURE_PICTURE_H

#include "base/str.h"

struct picture {
	uint32_t width, height;
	bool alpha;          /* false: every A is 255 */
	unsigned char *rgba; /* rows without gaps, colors not multiplied by alpha; NULL: no picture */
};

#endif
