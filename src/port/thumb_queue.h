/* Port: tells whoever makes thumbnails that an image has none yet. A message may be lost with the call that sends it, arrive twice,
 * late, or in another order. Any thread; blocks: workers only. */
#ifndef PORT_THUMB_QUEUE_H
#define PORT_THUMB_QUEUE_H

#include "base/fault.h"
#include "base/str.h"

struct thumb_queue;

struct thumb_queue_ops {
	enum status (*send)(struct thumb_queue *, struct str id, struct str etag, struct fault *);
};
struct thumb_queue {
	const struct thumb_queue_ops *ops;
};

/* Ask for the thumbnails of an image.
 * etag    of the bytes that they are to be made of
 * Errors  UPSTREAM_FAILED; OVERLOADED; DEADLINE: it may have been sent or not */
MUST_CHECK static inline enum status thumb_queue_send(struct thumb_queue *q, struct str id, struct str etag, struct fault *why)
{
	assert(id.n > 0 && etag.n > 0);
	return q->ops->send(q, id, etag, why);
}

#endif
