/* See listener.h. */
#include "http/server/listener.h"
#include "base/mem.h"
#include "http/server/acceptor.h"

#include <sys/socket.h>

bool listener_may_open(struct listener *l)
{
	int64_t open = atomic_load(&l->open);
	return open < l->most && (l->other == NULL || fd_limits_may_open(&l->limits, open, atomic_load(&l->other->open)));
}

void listener_note_opened(struct listener *l)
{
	metric_add(l->connections, 1);
	atomic_fetch_add(&l->open, 1);
}

static void wake_if_paused(struct listener *l)
{
	if (l == NULL || atomic_load(&l->paused) == 0)
		return;
	for (unsigned i = 0; i < l->n_acceptors; i++)
		reactor_wake(l->acceptors[i].reactor);
}

void listener_note_closed(struct listener *l)
{
	metric_add(l->connections, -1);
	atomic_fetch_sub(&l->open, 1);
	wake_if_paused(l);
	wake_if_paused(l->other);
}

/* Closed at the end: a number that is in use again must not be accepted on. */
void listener_shut(struct listener *l)
{
	if (l->socket.fd >= 0)
		shutdown(l->socket.fd, SHUT_RDWR);
}

void listener_close(struct listener *l)
{
	listen_close(&l->socket);
	client_limit_free(&l->clients);
	mem_free(l->acceptors);
	l->acceptors = NULL;
	l->n_acceptors = 0;
}
