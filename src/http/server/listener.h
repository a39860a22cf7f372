/* Listeners: accepting connections, their limits, and their counts. */
#ifndef HTTP_SERVER_LISTENER_H
#define HTTP_SERVER_LISTENER_H

#include "base/metrics.h"
#include "http/handler.h"
#include "http/server/client_limit.h"
#include "http/server/fd_limits.h"
#include "http/server/host.h"
#include "http/server/listen.h"
#include "http/server/reactor.h"

struct traffic;

/* One listener's part of one reactor. Belongs to that reactor's thread. */
struct acceptor {
	struct event_source source;
	struct acceptor *next; /* of the reactor */
	struct listener *listener;
	struct reactor *reactor;
	bool is_paused;   /* clients wait in the backlog */
	int64_t retry_ms; /* paused until then at least */
	unsigned lingering, lingering_max;
	struct connection *linger_first, *linger_last; /* the oldest first */
};

struct listener {
	const char *name; /* in logs and metrics */
	enum metric connections;
	struct listen_socket socket;
	struct host_names hosts;
	struct traffic *traffic;
	struct handler *handler;
	struct listener *other; /* shares its room with this one; NULL: none does */
	struct fd_limits limits;
	unsigned most; /* connections */
	struct client_limit *clients;
	const struct proxy_list *proxies;
	struct acceptor *acceptors; /* one for each of its reactors */
	unsigned n_acceptors;
	_Atomic int64_t open; /* connections */
	_Atomic int paused;   /* acceptors */
	_Atomic int64_t refusal_logged_ms;
};

/* Register it with these reactors, none of which runs yet.
 * client_most   connections of one client
 * Errors        OUT_OF_MEMORY; INTERNAL */
enum status listener_start(struct listener *l, struct reactor *reactors, unsigned n, unsigned client_most, struct fault *why) MUST_CHECK;
/* Stop accepting; open connections continue. Any thread. */
void listener_shut(struct listener *l);
/* Once its reactors have ended. */
void listener_close(struct listener *l);
/* Count a connection that is closed; a client in the backlog may take its place. */
void listener_note_closed(struct listener *l);
/* Whether this client's connections (and its requests through a proxy) are counted. */
bool listener_counts(const struct listener *l, const struct client_addr *a);
/* Accept again if there is room. */
void acceptor_unpause(struct acceptor *a);

#endif
