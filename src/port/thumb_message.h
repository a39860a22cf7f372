/* The message of a thumb_queue, both directions: {"imageId":"…","etag":"…"}. Pure; any thread. */
#ifndef PORT_THUMB_MESSAGE_H
#define PORT_THUMB_MESSAGE_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/fault.h"

struct thumb_message {
	struct str image_id; /* a UUID */
	struct str etag;     /* of the bytes that thumbnails are to be made of: hex, no quotes */
};

void thumb_message_write(struct buf *out, const struct thumb_message *m);
/* Members that are not known are ignored.
 * out     its texts live in `a`
 * Errors  INVALID_INPUT; OUT_OF_MEMORY; TOO_MUCH the arena is full */
enum status thumb_message_read(struct str text, struct arena *a, struct thumb_message *out, struct fault *why) MUST_CHECK;

#endif
