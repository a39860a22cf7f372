/* See orient.h. Row and column 0 of what is stored are at these sides of the upright picture: 1 top left, 2 top right,
 * 3 bottom right, 4 bottom left, 5 left top, 6 right top, 7 right bottom, 8 left bottom. */
#include "render/picture/orient.h"

#include <string.h>

struct picture orient_picture(struct arena *a, const struct picture *p, unsigned orientation)
{
	assert(orientation <= 8 && p->rgba != NULL);
	if (orientation <= 1)
		return *p;
	bool turned = orientation >= 5;
	struct picture to = { .width = turned ? p->height : p->width, .height = turned ? p->width : p->height, .alpha = p->alpha };
	to.rgba = arena_array(a, (size_t)to.width * 4, to.height);
	if (to.rgba == NULL)
		return to;
	bool from_right = orientation == 2 || orientation == 3 || orientation == 7 || orientation == 8; /* of what is stored */
	bool from_bottom = orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7;
	for (uint32_t y = 0; y < to.height; y++) {
		for (uint32_t x = 0; x < to.width; x++) {
			uint32_t column = turned ? y : x, row = turned ? x : y;
			if (from_right)
				column = p->width - 1 - column;
			if (from_bottom)
				row = p->height - 1 - row;
			memcpy(to.rgba + ((size_t)y * to.width + x) * 4, p->rgba + ((size_t)row * p->width + column) * 4, 4);
		}
	}
	return to;
}
