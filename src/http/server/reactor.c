/* See reactor.h.
 *
 * Sockets are registered once, edge-triggered, for both directions: there is no epoll_ctl per request. Timers are set
 * lazily: as requests come and go only a connection's times change, and when its timer fires the rules say whether
 * it has expired, or when to check again (connection.c). Every task has a timer set, by which all are found.
 *
 * A task whose work was elsewhere comes back by a list that other threads push on without a lock, and an
 * eventfd which the first of them writes. Reactors are scheduled as batch threads: one that wakes does not preempt the
 * thread that woke it, so that more is ready when its round begins, and there are fewer rounds. A round handles events, that
 * list, those that have yielded, and timers; what has ended is freed when it is over, so that no event is of a task that is
 * gone. */
#include "http/server/reactor.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/thread.h"

#include <sched.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#define EVENTS_MAX 256

static _Thread_local struct reactor *own_reactor;

static void on_wake(struct event_source *source, uint32_t events)
{
	struct reactor *r = (struct reactor *)source;
	eventfd_t count;
	eventfd_read(r->wake_fd, &count);
}

void reactor_wake(struct reactor *r)
{
	eventfd_write(r->wake_fd, 1);
}

void reactor_add_hook(struct reactor *r, struct reactor_hook *h)
{
	assert(!r->is_running && h->on_round != NULL);
	h->next = r->hooks;
	r->hooks = h;
}

bool reactor_start_task(struct reactor_task *t, int fd)
{
	assert(t->source.on_event != NULL && t->ops != NULL);
	struct reactor *r = t->reactor;
	struct epoll_event e = { .events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, .data.ptr = &t->source };
	atomic_fetch_add(&r->open, 1);
	if (epoll_ctl(r->epoll, EPOLL_CTL_ADD, fd, &e) == 0)
		return true;
	atomic_fetch_sub(&r->open, 1);
	return false;
}

void reactor_yield(struct reactor_task *t)
{
	if (t->has_yielded)
		return;
	t->has_yielded = true;
	t->yielded_next = t->reactor->yielded;
	t->reactor->yielded = t;
}

void reactor_resume(struct reactor_task *t)
{
	struct reactor *r = t->reactor;
	struct reactor_task *first = atomic_load(&r->resumed);
	do
		t->resumed_next = first;
	while (!atomic_compare_exchange_weak(&r->resumed, &first, t));
	if (first == NULL && r != own_reactor)
		reactor_wake(r);
}

void reactor_end(struct reactor_task *t)
{
	assert(!t->is_ended);
	struct reactor *r = t->reactor;
	timer_cancel(&r->wheel, &t->timer);
	t->is_ended = true;
	t->ended_next = r->ended;
	r->ended = t;
	atomic_fetch_sub(&r->open, 1);
}

static void continue_yielded(struct reactor *r)
{
	struct reactor_task *t = r->yielded;
	r->yielded = NULL;
	for (struct reactor_task *next; t != NULL; t = next) {
		next = t->yielded_next;
		t->has_yielded = false;
		if (!t->is_ended)
			t->ops->run(t);
	}
}

/* But those that are still in the list of the yielded, which the next round takes out of it. */
static void free_ended(struct reactor *r)
{
	struct reactor_task *t = r->ended;
	r->ended = NULL;
	for (struct reactor_task *next; t != NULL; t = next) {
		next = t->ended_next;
		if (!t->has_yielded) {
			mem_free(t);
			continue;
		}
		t->ended_next = r->ended;
		r->ended = t;
	}
}

static struct reactor_task *task_of(struct timer *timer)
{
	return (struct reactor_task *)((char *)timer - offsetof(struct reactor_task, timer));
}

static void cut_tasks(struct reactor *r)
{
	for (size_t i = 0; i < TIMER_SLOTS; i++)
		for (struct timer *timer = r->wheel.slots[i], *next; timer != NULL; timer = next) {
			next = timer->next;
			task_of(timer)->ops->cut(task_of(timer));
		}
}

static int time_to_sleep(const struct reactor *r, int orders)
{
	bool short_only = orders != 0;
	for (const struct reactor_hook *h = r->hooks; h != NULL; h = h->next)
		short_only = short_only || h->is_waiting;
	if (r->yielded != NULL || atomic_load(&r->resumed) != NULL)
		return 0;
	int ms = timer_wheel_wait_ms(&r->wheel, clock_mono_ms());
	return short_only && (ms < 0 || ms > TIMER_TICK_MS) ? TIMER_TICK_MS : ms;
}

static void run_round(struct reactor *r, int orders)
{
	struct epoll_event events[EVENTS_MAX];
	int n = epoll_wait(r->epoll, events, EVENTS_MAX, time_to_sleep(r, orders));
	r->now_ms = clock_mono_ms();
	for (int i = 0; i < n; i++) {
		struct event_source *source = events[i].data.ptr;
		source->on_event(source, events[i].events);
	}
	for (struct reactor_hook *h = r->hooks; h != NULL; h = h->next)
		h->on_round(h);
	for (struct reactor_task *t = atomic_exchange(&r->resumed, NULL), *next; t != NULL; t = next) {
		next = t->resumed_next;
		t->ops->resume(t);
	}
	continue_yielded(r);
	for (struct timer *timer; (timer = timer_wheel_pop(&r->wheel, r->now_ms)) != NULL;)
		task_of(timer)->ops->on_timer(task_of(timer));
}

static void *run_reactor(void *arg)
{
	struct reactor *r = arg;
	own_reactor = r;
	(void)sched_setscheduler(0, SCHED_BATCH, &(struct sched_param){ 0 }); /* where it is not allowed, it is as before */
	for (int orders = 0; (orders & ORDER_END) == 0 || atomic_load(&r->open) > 0 || r->ended != NULL;) {
		run_round(r, orders);
		orders = atomic_load(&r->orders);
		if (orders != 0)
			cut_tasks(r);
		free_ended(r);
	}
	return NULL;
}

enum status reactor_init(struct reactor *r, const struct conn_timeouts *timeouts, struct fault *why)
{
	assert(timeouts != NULL);
	*r = (struct reactor){ .wake = { on_wake }, .timeouts = timeouts, .now_ms = clock_mono_ms() };
	timer_wheel_init(&r->wheel, r->now_ms);
	r->epoll = epoll_create1(EPOLL_CLOEXEC);
	r->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	struct epoll_event e = { .events = EPOLLIN, .data.ptr = &r->wake };
	if (transport_memory_init(&r->memory) && r->epoll >= 0 && r->wake_fd >= 0 && epoll_ctl(r->epoll, EPOLL_CTL_ADD, r->wake_fd, &e) == 0)
		return OK;
	reactor_deinit(r);
	return fault_set(why, INTERNAL, "No memory or no descriptors for a reactor");
}

enum status reactor_start(struct reactor *r, struct fault *why)
{
	assert(!r->is_running);
	r->is_running = thread_start(&r->thread, run_reactor, r);
	return r->is_running ? OK : fault_set(why, INTERNAL, "No thread for a reactor");
}

void reactor_order(struct reactor *r, int order)
{
	assert(order == ORDER_CUT || order == ORDER_END);
	atomic_fetch_or(&r->orders, order);
	reactor_wake(r);
}

void reactor_join(struct reactor *r)
{
	if (r->is_running)
		pthread_join(r->thread, NULL);
	r->is_running = false;
}

void reactor_deinit(struct reactor *r)
{
	assert(!r->is_running);
	if (r->wake.on_event == NULL)
		return;
	if (r->epoll >= 0)
		close(r->epoll);
	if (r->wake_fd >= 0)
		close(r->wake_fd);
	transport_memory_deinit(&r->memory);
	*r = (struct reactor){ 0 };
}
