/* See acceptor.h. Every reactor of a listener accepts; a new connection goes to the one that has the fewest.
 *
 * At the limit a reactor stops accepting, so that clients wait in the kernel's backlog, and continues when a connection has
 * closed. A client that has too many is closed at once: it would else take the place of all others. */
#include "http/server/acceptor.h"
#include "base/clock.h"
#include "base/log/log.h"
#include "base/mem.h"
#include "http/server/connection.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <unistd.h>

#define ACCEPTS_MAX 64     /* in a row, before others have their turn */
#define LINGERING_SHARE 10 /* at most a tenth of the connections */
#define LOG_EVERY_MS 1000

static bool watch_socket(struct acceptor *a)
{
	struct epoll_event e = { .events = EPOLLIN | EPOLLEXCLUSIVE, .data.ptr = &a->source };
	return epoll_ctl(a->reactor->epoll, EPOLL_CTL_ADD, a->listener->socket.fd, &e) == 0;
}

static void pause_accepting(struct acceptor *a, int64_t for_ms)
{
	a->retry_ms = a->reactor->now_ms + for_ms;
	epoll_ctl(a->reactor->epoll, EPOLL_CTL_DEL, a->listener->socket.fd, NULL);
	a->hook.is_waiting = true;
	atomic_fetch_add(&a->listener->paused, 1);
}

/* Called in every round, and so again after a pause was noted: no close in between is missed. */
static void end_pause(struct reactor_hook *h)
{
	struct acceptor *a = (struct acceptor *)((char *)h - offsetof(struct acceptor, hook));
	if (!h->is_waiting || a->reactor->now_ms < a->retry_ms || !listener_may_open(a->listener) || !watch_socket(a))
		return;
	h->is_waiting = false;
	atomic_fetch_sub(&a->listener->paused, 1);
}

static struct acceptor *choose_acceptor(struct listener *l)
{
	struct acceptor *best = &l->acceptors[0];
	for (unsigned i = 1; i < l->n_acceptors; i++)
		if (atomic_load_explicit(&l->acceptors[i].reactor->open, memory_order_relaxed) <
			atomic_load_explicit(&best->reactor->open, memory_order_relaxed))
			best = &l->acceptors[i];
	return best;
}

static void take_connection(struct listener *l, int fd, const struct client_addr *peer)
{
	bool counted = listener_counts(l, peer);
	if (counted && !client_limit_enter(l->clients, peer)) {
		char text[CLIENT_ADDR_CHARS];
		int64_t now_ms = clock_mono_ms(), last_ms = atomic_load(&l->refusal_logged_ms);
		if ((last_ms == 0 || now_ms - last_ms >= LOG_EVERY_MS) && atomic_compare_exchange_strong(&l->refusal_logged_ms, &last_ms, now_ms))
			LOG(CONNECTION_REFUSED, STR(""), LOG_C("listener", l->name), LOG_S("client", client_addr_text(peer, text)));
		close(fd);
		return;
	}
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){ 1 }, sizeof(int));
	listener_note_opened(l);
	if (connection_start(choose_acceptor(l), fd, peer, counted))
		return;
	close(fd);
	if (counted)
		client_limit_leave(l->clients, peer);
	listener_note_closed(l);
}

static void on_event(struct event_source *source, uint32_t events)
{
	struct acceptor *a = (struct acceptor *)source;
	struct listener *l = a->listener;
	for (int i = 0; i < ACCEPTS_MAX; i++) {
		struct sockaddr_storage at = { 0 };
		socklen_t n = sizeof at;
		if (!listener_may_open(l)) {
			pause_accepting(a, 0);
			return;
		}
		int fd = accept4(l->socket.fd, (struct sockaddr *)&at, &n, SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd >= 0) {
			struct client_addr peer = client_addr_of((struct sockaddr *)&at);
			take_connection(l, fd, &peer);
			continue;
		}
		if (errno == EINVAL) /* shut down */
			epoll_ctl(a->reactor->epoll, EPOLL_CTL_DEL, l->socket.fd, NULL);
		else if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED)
			pause_accepting(a, TIMER_TICK_MS); /* or no descriptor, no memory: they wait, and it is tried again soon */
		return;
	}
}

enum status acceptor_start_all(struct listener *l, struct reactor *reactors, unsigned n, unsigned client_most, struct fault *why)
{
	assert(l->handler != NULL && l->most > 0 && n > 0);
	TRY(client_limit_new(client_most, &l->clients, why));
	l->acceptors = mem_new(n, sizeof *l->acceptors);
	if (l->acceptors == NULL)
		return fault_no_memory(why);
	l->n_acceptors = n;
	unsigned lingering_max = l->most / LINGERING_SHARE / n;
	for (unsigned i = 0; i < n; i++) {
		struct acceptor *a = &l->acceptors[i];
		*a = (struct acceptor){ .source = { on_event },
			.hook = { .on_round = end_pause },
			.listener = l,
			.reactor = &reactors[i],
			.lingering_max = lingering_max > 0 ? lingering_max : 1 };
		reactor_add_hook(&reactors[i], &a->hook);
		if (!watch_socket(a))
			return fault_set(why, INTERNAL, "The %s listener did not start", l->name);
	}
	return OK;
}
