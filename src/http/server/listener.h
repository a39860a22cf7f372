/* Listeners: what each serves, its limits, and the counts of its connections. acceptor.h accepts them. */
#ifndef HTTP_SERVER_LISTENER_H
#define HTTP_SERVER_LISTENER_H

#include "base/metrics.h"
#include "http/handler.h"
#include "http/server/client_limit.h"
#include "http/server/fd_limits.h"
#include "http/server/host.h"
#include "http/server/listen.h"

struct traffic;
struct acceptor;

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

/* Stop accepting; open connections continue. Any thread. */
void listener_shut(struct listener *l);
/* Once its reactors have ended. */
void listener_close(struct listener *l);
/* Whether it may have one more connection. */
bool listener_may_open(struct listener *l);
/* Count a connection that is open. */
void listener_note_opened(struct listener *l);
/* Count one that is closed; a client in the backlog may take its place. */
void listener_note_closed(struct listener *l);

/* Whether this client's connections (and its requests through a proxy) are counted. */
static inline bool listener_counts(const struct listener *l, const struct client_addr *a)
{
	return !client_addr_is_loopback(a) && !proxy_list_has(l->proxies, a);
}

#endif
