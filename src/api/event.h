/* What a webhook says: the text of an event of the outbox.
 * Source: Standard Webhooks 1.0.0, "Payload structure": {"type", "timestamp", "data"}, below 20 kB */
#ifndef API_EVENT_H
#define API_EVENT_H

#include "base/buf.h"
#include "base/fault.h"
#include "image/product.h"
#include "port/outbox.h"

struct event {
	enum outbox_kind kind;
	const struct image_row *row; /* after the change, or before the removal */
	int64_t at_ms;
};

/* Append the event: its data is the image's record as its owner and administrators see it, but without anything that is a
 * secret or expires: no download URL, no link to a private image, no delete token. Links that do not fit are left out. Does not block; any thread.
 * Errors  TOO_MUCH; OUT_OF_MEMORY */
enum status event_write(struct product *p, const struct event *e, struct buf *b, struct fault *why) MUST_CHECK;

#endif
