/* The presets of thumbnails, as the setting has them: NAME:WIDTHxHEIGHT[:fit|:cover][:webp|:animated|:jpeg][:qQUALITY][:eEFFORT],
 * separated by commas, and the variant of each in each format. Pure; any thread. */
#ifndef IMAGE_PRESETS_H
#define IMAGE_PRESETS_H

#include "base/fault.h"
#include "image/thumbnails.h"
#include "port/renderer.h"
#include "port/thumb_store.h"

struct preset {
	struct str name; /* a part of the text that was read */
	bool no_webp;
	struct render_preset as[THUMBNAIL_FORMATS];
	char variant[THUMBNAIL_FORMATS][THUMB_NAME_MAX + 1]; /* "small-1a2b3c4d.webp" */
};

/* The place of a format in `as` and `variant`. */
size_t preset_format_index(enum render_format format);
/* Read the setting; blanks around the commas are ignored, an empty text has no presets.
 * text    borrowed for as long as the presets are used
 * out, n  written on OK
 * Errors  BAD_SETTING */
enum status presets_read(struct str text, struct preset out[THUMBNAIL_PRESETS_MAX], size_t *n, struct fault *why) MUST_CHECK;
/* false: none of the n has this name. */
bool presets_find(const struct preset *presets, size_t n, struct str name, size_t *out) MUST_CHECK;

#endif
