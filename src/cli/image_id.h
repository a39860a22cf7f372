/* The image that a command line names: by its ID, or by the first characters of it. */
#ifndef CLI_IMAGE_ID_H
#define CLI_IMAGE_ID_H

#include "cli/api_client.h"

#define ID_PREFIX_MIN 4       /* characters */
#define ID_PREFIX_SAFE_MIN 8  /* where there are more images than are searched */
#define ID_SEARCHED_MAX 10000 /* the newest images */

/* Find the ID that begins with `text`, among the images that the caller may list. What cannot be the start of an ID, or is a whole one, is
 * given back as it is, for the server to judge. Where several begin so they are shown on stderr.
 * id      lives in `a`
 * Errors  NO_SUCH_IMAGE; INVALID_INPUT too short, or ambiguous; KEY_NEEDED the caller may not list; those of remote_json */
enum status image_id_find(struct remote *r, struct arena *a, const char *text, struct str *id, struct fault *why) MUST_CHECK;

#endif
