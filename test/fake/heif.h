/* HEIC and AVIF files for tests, put together box by box. Results live in picture_arena (fake/pictures.h). One thread. */
#ifndef FAKE_HEIF_H
#define FAKE_HEIF_H

#include "fake/pictures.h"

#define HEIF_PARTS_MAX 8

struct made_item {
	const char *type; /* NULL: the list ends; the first is the picture, and ids begin with 1 */
	struct str rest;  /* behind the name in infe */
	struct str data;
	bool in_index;       /* the data are in idat */
	unsigned properties; /* bits: property number i + 1 is the item's */
};

struct made_reference {
	const char *type; /* NULL: the list ends */
	unsigned from, to;
};

struct made_heif {
	const char *brand;                  /* major; NULL: heic */
	struct str before, in_index, after; /* boxes before the index, in it, and after the data */
	struct str properties;              /* of ipco */
	struct str unused;                  /* between the items' data */
	struct made_item item[HEIF_PARTS_MAX];
	struct made_reference reference[HEIF_PARTS_MAX];
};

struct str heif_make_box(const char *type, struct str content);
/* An ispe property. */
struct str heif_make_size(uint32_t width, uint32_t height);
struct str heif_make(const struct made_heif *h);

#endif
