/* Port: where events of the outbox go that are not webhooks: a bus that passes them on to whoever subscribed.
 *
 * Calls block on the network; any thread. */
#ifndef PORT_EVENT_BUS_H
#define PORT_EVENT_BUS_H

#include "port/outbox.h"

#define EVENT_BUS_BATCH 10 /* events of a call */

struct event_bus;
struct event_bus_ops {
	enum status (*send)(struct event_bus *, const struct outbox_event *events, size_t n, bool *sent, struct fault *);
};
struct event_bus {
	const struct event_bus_ops *ops;
};

/* Send up to EVENT_BUS_BATCH events, with their bodies. An event that was sent already may come twice to subscribers.
 * sent    on OK written for each: whether the bus has accepted it; also where some were not, whose cause is in why->cause then
 * Errors  UPSTREAM_FAILED; OVERLOADED; DEADLINE: none was accepted, as far as is known */
MUST_CHECK static inline enum status event_bus_send(
	struct event_bus *b, const struct outbox_event *events, size_t n, bool *sent, struct fault *why)
{
	assert(n >= 1 && n <= EVENT_BUS_BATCH);
	return b->ops->send(b, events, n, sent, why);
}

#endif
