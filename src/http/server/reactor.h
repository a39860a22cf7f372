/* A reactor: one thread, one epoll, and the tasks that it runs: a connection is one. A task belongs to its reactor from
 * its start to its end; other threads may only resume one whose work they did, or post an order for all. The reactor knows
 * of tasks only what is declared here. */
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

struct reactor_task;

/* All on the reactor's thread. */
struct reactor_task_ops {
	void (*run)(struct reactor_task *t);      /* its turn has come again, after reactor_yield */
	void (*resume)(struct reactor_task *t);   /* after reactor_resume */
	void (*on_timer)(struct reactor_task *t); /* its timer has fired */
	void (*cut)(struct reactor_task *t);      /* end it at once, or what keeps it from ending while its work is on another thread */
};

/* The first member of an allocation by mem_new, which the reactor frees after reactor_end. */
struct reactor_task {
	struct event_source source;
	const struct reactor_task_ops *ops;
	struct reactor *reactor;
	struct timer timer;
	bool has_yielded; /* is in the list of those */
	bool is_ended;    /* and will be freed */
	struct reactor_task *yielded_next, *resumed_next, *ended_next;
};

/* What is called in every round, on the reactor's thread. */
struct reactor_hook {
	void (*on_round)(struct reactor_hook *h);
	struct reactor_hook *next;
	bool is_waiting; /* a round is due within TIMER_TICK_MS */
};

struct reactor {
	struct event_source wake;
	int epoll, wake_fd;
	pthread_t thread;
	bool is_running;
	const struct conn_timeouts *timeouts;
	struct transport_memory memory;
	struct timer_wheel wheel;
	int64_t now_ms; /* of this round */
	struct reactor_hook *hooks;
	struct reactor_task *yielded; /* whose turn was over before they were done */
	struct reactor_task *ended;   /* to be freed when the round is over */
	_Atomic(struct reactor_task *) resumed;
	_Atomic int orders;
	_Atomic int64_t open; /* tasks that have not ended */
};

enum { ORDER_CUT = 1, ORDER_END = 2 };

/* Make one that does not run yet: hooks may be added.
 * Errors  OUT_OF_MEMORY; INTERNAL no descriptors */
enum status reactor_init(struct reactor *r, const struct conn_timeouts *timeouts, struct fault *why) MUST_CHECK;
/* Start its thread.  Errors: INTERNAL */
enum status reactor_start(struct reactor *r, struct fault *why) MUST_CHECK;
/* Call it in every round. Before reactor_start. */
void reactor_add_hook(struct reactor *r, struct reactor_hook *h);
/* Wake its thread for one round: it checks its orders and its hooks. Any thread. */
void reactor_wake(struct reactor *r);
/* Start a task, whose source, ops and reactor are set, with the events of a socket, edge-triggered, for both directions. The
 * first, that it can be written, comes at once: the task is the reactor's from here on. Any thread.
 * Returns  false: no memory */
bool reactor_start_task(struct reactor_task *t, int fd) MUST_CHECK;
/* Let others run before it runs again. */
void reactor_yield(struct reactor_task *t);
/* Return a task whose work was done on another thread. Any thread, once for each such work. */
void reactor_resume(struct reactor_task *t);
/* It has ended: cancel its timer, and free it when the round is over, since an event of it may still be due in this one. */
void reactor_end(struct reactor_task *t);
/* Any thread. ORDER_CUT: end every task whose work is not on another thread. ORDER_END: and end the thread. */
void reactor_order(struct reactor *r, int order);
/* Wait for the thread, if it runs, which must have ORDER_END. */
void reactor_join(struct reactor *r);
/* Release. No reactor of the same listeners may run any more, for it might wake this one. Safe on a zeroed one. */
void reactor_deinit(struct reactor *r);

#endif
