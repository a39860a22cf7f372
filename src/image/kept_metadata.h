/* What an image's row keeps of what is removed from the image, for callers with the API key. Pure. */
#ifndef IMAGE_KEPT_METADATA_H
#define IMAGE_KEPT_METADATA_H

#include "base/arena.h"
#include "image/strip/strip.h"

enum keep_metadata { KEEP_TAKEN_AT = 1 << 0, KEEP_CAMERA = 1 << 1, KEEP_POSITION = 1 << 2 };

/* The set that the setting's words name; others are ignored. */
unsigned kept_metadata_read(struct str words);
/* A JSON object of what is to be kept and was there, {"takenAt":"…","camera":"…","position":{"latitude":…,"longitude":…}}; "": nothing.
 * keep  a set of enum keep_metadata
 * Lives in `a`; {NULL, 0} when that is full */
struct str kept_metadata(unsigned keep, const struct strip_facts *facts, struct arena *a);

#endif
