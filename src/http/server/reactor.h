/* A reactor: one thread, one epoll, its connections and their timers. A connection belongs to its reactor from accept to
 * close; other threads may only resume one whose request they processed, or post an order for all. */
#ifndef HTTP_SERVER_REACTOR_H
#define HTTP_SERVER_REACTOR_H

#include "base/fault.h"
#include "http/server/conn_timeouts.h"
#include "http/server/timer_wheel.h"
#include "http/server/transport.h"

#include <pthread.h>
#include <stdatomic.h>

/* The receiver of an epoll event. */
struct event_source {
	void (*on_event)(struct event_source *source, uint32_t events);
};

struct acceptor;
struct connection;

struct reactor {
	struct event_source wake;
	int epoll, wake_fd;
	pthread_t thread;
	bool is_running;
	const struct conn_timeouts *timeouts;
	struct transport_memory memory;
	struct timer_wheel wheel;
	int64_t now_ms; /* of this round */
	struct acceptor *acceptors;
	struct connection *yielded; /* whose turn was over before they were done */
	struct connection *closed;  /* to be freed when the round is over */
	_Atomic(struct connection *) resumed;
	_Atomic int orders;
	_Atomic int64_t open; /* connections */
};

enum { ORDER_CUT = 1, ORDER_END = 2 };

/* Make one that does not run yet: acceptors may be added.
 * Errors  OUT_OF_MEMORY; INTERNAL no descriptors */
enum status reactor_init(struct reactor *r, const struct conn_timeouts *timeouts, struct fault *why) MUST_CHECK;
/* Start its thread.  Errors: INTERNAL */
enum status reactor_start(struct reactor *r, struct fault *why) MUST_CHECK;
/* Wake its thread for one round: it checks its orders and its acceptors. Any thread. */
void reactor_wake(struct reactor *r);
/* Return a connection whose request was processed on another thread. Any thread, once for each such request. */
void reactor_resume(struct connection *c);
/* Any thread. ORDER_CUT: close every connection whose request is not on another thread. ORDER_END: and end the thread. */
void reactor_order(struct reactor *r, int order);
/* Wait for the thread, if it runs, which must have ORDER_END. */
void reactor_join(struct reactor *r);
/* Release. No reactor of the same listeners may run any more, for it might wake this one. Safe on a zeroed one. */
void reactor_deinit(struct reactor *r);

#endif
