/* Thumbnails as objects of a remote store: thumbs/<image id>/<variant>. Their number is bounded by the presets alone: a rule of the
 * bucket may expire them. */
#ifndef IMAGE_THUMB_OBJECTS_H
#define IMAGE_THUMB_OBJECTS_H

#include "port/thumb_store.h"

#define THUMB_PREFIX STR("thumbs/")

/* The key of one; {NULL, 0} when the arena is full. */
struct str thumb_objects_key(struct arena *a, struct str image_id, struct str name);
/* The media type that it is stored with. */
struct str thumb_objects_type(struct str name);

struct thumb_objects {
	struct thumb_store port;
	struct object_store *store;
};

/* store: borrowed. */
void thumb_objects_init(struct thumb_objects *t, struct object_store *store);

#endif
