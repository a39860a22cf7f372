/* Accepting connections: one acceptor for each reactor of a listener. */
#ifndef HTTP_SERVER_ACCEPTOR_H
#define HTTP_SERVER_ACCEPTOR_H

#include "http/server/listener.h"
#include "http/server/reactor.h"

/* One listener's part of one reactor. Belongs to that reactor's thread. */
struct acceptor {
	struct event_source source;
	struct reactor_hook hook;
	struct listener *listener;
	struct reactor *reactor;
	int64_t retry_ms; /* while the hook is waiting, clients wait in the backlog: until then at least */
	unsigned lingering, lingering_max;
	struct connection *linger_first, *linger_last; /* the oldest first */
};

/* Register the listener with these reactors, none of which runs yet.
 * client_most   connections of one client
 * Errors        OUT_OF_MEMORY; INTERNAL */
enum status acceptor_start_all(
	struct listener *l, struct reactor *reactors, unsigned n, unsigned client_most, struct fault *why) MUST_CHECK;

#endif
