/* Deadlines. libmicrohttpd's own timeout is one of inactivity, which a byte a second never meets, and
 * no callback runs before a head has ended. So every connection stands in a list from accept to
 * close, with the state it is in and since when; one thread walks the list every quarter second and
 * shuts down (never closes: the descriptor is libmicrohttpd's) what is past its deadline, upon which
 * the reactor sees the end of the stream and ends the connection.
 *
 * A connection leaves the list before its descriptor is closed, and the walk holds the list's lock:
 * so no other connection that got the same number can be hit. The list is cut into shards, so that
 * accepting never waits for a walk over ten thousand. Bytes of heads and answers are asked from the
 * kernel (TCP_INFO), for libmicrohttpd tells neither; that costs nothing per request.
 *
 * The walk also finds connections whose client has gone unnoticed, see wake_reactor. */
#include "http/server/deadline.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"

#include <linux/tcp.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <sys/socket.h>
#include <time.h>

#define SHARDS 32
#define TICK_MS 250
#define SPARE_MS 1000
/* The kernel's numbers, which only netinet/tcp.h names; that header has an older struct tcp_info. */
#define STATE_CLOSE 7
#define STATE_CLOSE_WAIT 8

struct shard {
	pthread_mutex_t lock;
	struct conn *first;
};

struct deadlines {
	struct deadline_rules rules;
	deadline_last_word_fn last_word;
	struct shard shards[SHARDS];
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t end;
	bool ending;
};

static const char *const state_names[] = { "head", "body", "object", "dropped body", "work", "answer", "end" };

static bool is_slow(const struct deadline_rules *r, const struct conn_seen *seen)
{
	if (seen->for_ms <= r->grace_ms)
		return false;
	uint64_t over_ms = (uint64_t)(seen->for_ms - r->grace_ms);
	return seen->bytes / r->min_rate < over_ms / 1000 + (over_ms % 1000 > 0);
}

bool deadline_is_past(const struct deadline_rules *r, const struct conn_seen *seen)
{
	switch (seen->state) {
	case CONN_WAIT:
		return seen->for_ms > r->idle_ms || seen->head_ms > r->header_ms;
	case CONN_BODY:
		return seen->for_ms > r->body_ms;
	case CONN_DROP:
		return seen->for_ms > r->drop_ms;
	case CONN_OBJECT:
	case CONN_ANSWER:
		return is_slow(r, seen);
	case CONN_WORK:
	case CONN_CUT:
		return false;
	}
	return false;
}

/* What the kernel knows of a connection. */
struct kernel_view {
	uint64_t in, acked;        /* bytes that came, bytes that the other side has taken */
	bool hung_up;              /* the other side will send no more */
};

static struct kernel_view ask_kernel(int fd)
{
	struct tcp_info info = { 0 };
	socklen_t n = sizeof info;
	if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &n) != 0)
		return (struct kernel_view){ 0 };
	return (struct kernel_view){ info.tcpi_bytes_received, info.tcpi_bytes_acked, info.tcpi_state == STATE_CLOSE || info.tcpi_state == STATE_CLOSE_WAIT };
}

/* The first look at this state. Before its first request a connection has had no bytes; later, those
 * so far are of the last request, or of a head whose next byte will tell. */
static void note_start(struct conn *c, enum conn_state state, int64_t since_ms, const struct kernel_view *k)
{
	bool fresh = state == CONN_WAIT && !atomic_load_explicit(&c->served, memory_order_relaxed);
	c->seen_bytes = fresh ? 0 : state == CONN_WAIT ? k->in : k->acked;
	c->seen_since_ms = since_ms;
	c->head_since_ms = 0;
}

/* Look at a connection that has been in its state for a tick at least. */
static struct conn_seen look(struct conn *c, enum conn_state state, int64_t since_ms, int64_t now_ms)
{
	struct conn_seen seen = { .state = state, .for_ms = now_ms - since_ms };
	struct kernel_view k = ask_kernel(c->fd);
	if (c->seen_since_ms != since_ms)
		note_start(c, state, since_ms, &k);
	if (state == CONN_WAIT && k.in != c->seen_bytes && c->head_since_ms == 0)
		c->head_since_ms = now_ms;
	if (c->head_since_ms != 0)
		seen.head_ms = now_ms - c->head_since_ms;
	if (state == CONN_OBJECT)
		seen.bytes = atomic_load_explicit(&c->body_bytes, memory_order_relaxed);
	if (state == CONN_ANSWER)
		seen.bytes = k.acked - c->seen_bytes;
	seen.hung_up = k.hung_up;
	return seen;
}

/* End it, unless the reactor has just gone on to another state. */
static void cut(struct deadlines *d, struct conn *c, enum conn_state state, int64_t now_ms)
{
	if (!atomic_compare_exchange_strong(&c->state, &(enum conn_state){ state }, CONN_CUT))
		return;
	LOG(CONNECTION_ENDED, STR(""), LOG_C("waitedFor", state_names[state]));
	bool speaks = (state == CONN_BODY || state == CONN_OBJECT) && d->last_word != NULL;
	if (speaks && !d->last_word(c))
		c->spare_until_ms = now_ms + SPARE_MS;
	else
		shutdown(c->fd, SHUT_RDWR);
}

/* One that was spared, and over its time. */
static void end_spared(struct conn *c, int64_t now_ms)
{
	if (c->spare_until_ms == 0 || now_ms < c->spare_until_ms)
		return;
	c->spare_until_ms = 0;
	shutdown(c->fd, SHUT_RDWR);
}

/* libmicrohttpd takes a short read for the last there is, and misses the end of a stream that came with
 * the bytes: the edge is over. Shutting down what has ended already changes nothing but makes a new edge. */
static void wake_reactor(struct conn *c)
{
	shutdown(c->fd, SHUT_RD);
}

static void walk(struct deadlines *d, struct shard *s)
{
	pthread_mutex_lock(&s->lock);
	int64_t now_ms = clock_mono_ms();
	for (struct conn *c = s->first; c != NULL; c = c->next) {
		/* The state first: its time is stored before it, so the time read is of this state or of a later one. */
		enum conn_state state = atomic_load_explicit(&c->state, memory_order_acquire);
		int64_t since_ms = atomic_load_explicit(&c->since_ms, memory_order_relaxed);
		if (state == CONN_CUT)
			end_spared(c, now_ms);
		if (state == CONN_WORK || state == CONN_CUT || now_ms - since_ms < TICK_MS)
			continue;
		struct conn_seen seen = look(c, state, since_ms, now_ms);
		if (deadline_is_past(&d->rules, &seen))
			cut(d, c, state, now_ms);
		else if (seen.hung_up && state != CONN_ANSWER)
			wake_reactor(c);
	}
	pthread_mutex_unlock(&s->lock);
}

/* Wait for a tick or the end. */
static bool goes_on(struct deadlines *d)
{
	struct timespec until;
	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_nsec += TICK_MS * 1000000L;
	until.tv_sec += until.tv_nsec / 1000000000L;
	until.tv_nsec %= 1000000000L;
	pthread_mutex_lock(&d->lock);
	while (!d->ending && pthread_cond_timedwait(&d->end, &d->lock, &until) == 0)
		;
	bool on = !d->ending;
	pthread_mutex_unlock(&d->lock);
	return on;
}

static void *sweep(void *arg)
{
	struct deadlines *d = arg;
	while (goes_on(d))
		for (size_t i = 0; i < SHARDS; i++)
			walk(d, &d->shards[i]);
	return NULL;
}

static bool start_thread(struct deadlines *d)
{
	pthread_attr_t attr;
	sigset_t all, before;
	sigfillset(&all);
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, (size_t)1 << 20);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	bool ok = pthread_create(&d->thread, &attr, sweep, d) == 0;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_attr_destroy(&attr);
	return ok;
}

enum status deadlines_new(const struct deadline_rules *r, deadline_last_word_fn last_word, struct deadlines **out, struct fault *why)
{
	struct deadlines *d = mem_new(1, sizeof *d);
	if (d == NULL)
		return fault_set(why, OUT_OF_MEMORY, "No memory for the deadlines");
	d->rules = *r;
	d->last_word = last_word;
	pthread_condattr_t attr;
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&d->end, &attr);
	pthread_condattr_destroy(&attr);
	pthread_mutex_init(&d->lock, NULL);
	for (size_t i = 0; i < SHARDS; i++)
		pthread_mutex_init(&d->shards[i].lock, NULL);
	if (!start_thread(d)) {
		mem_free(d);
		return fault_set(why, OUT_OF_MEMORY, "The thread for the deadlines did not start");
	}
	*out = d;
	return OK;
}

void deadlines_free(struct deadlines **d)
{
	if (d == NULL || *d == NULL)
		return;
	pthread_mutex_lock(&(*d)->lock);
	(*d)->ending = true;
	pthread_cond_signal(&(*d)->end);
	pthread_mutex_unlock(&(*d)->lock);
	pthread_join((*d)->thread, NULL);
	pthread_mutex_destroy(&(*d)->lock);
	pthread_cond_destroy(&(*d)->end);
	for (size_t i = 0; i < SHARDS; i++)
		pthread_mutex_destroy(&(*d)->shards[i].lock);
	mem_free(*d);
	*d = NULL;
}

static struct shard *shard_of(struct deadlines *d, const struct conn *c)
{
	return &d->shards[(unsigned)c->fd % SHARDS];
}

struct conn *deadlines_add(struct deadlines *d, int fd)
{
	struct conn *c = mem_new(1, sizeof *c);
	if (c == NULL)
		return NULL;
	c->fd = fd;
	atomic_init(&c->state, CONN_WAIT);
	atomic_init(&c->since_ms, clock_mono_ms());
	struct shard *s = shard_of(d, c);
	pthread_mutex_lock(&s->lock);
	c->next = s->first;
	if (c->next != NULL)
		c->next->prev = c;
	s->first = c;
	pthread_mutex_unlock(&s->lock);
	return c;
}

void deadlines_remove(struct deadlines *d, struct conn **c)
{
	struct shard *s = shard_of(d, *c);
	pthread_mutex_lock(&s->lock);
	if ((*c)->prev != NULL)
		(*c)->prev->next = (*c)->next;
	else
		s->first = (*c)->next;
	if ((*c)->next != NULL)
		(*c)->next->prev = (*c)->prev;
	pthread_mutex_unlock(&s->lock);
	mem_free(*c);
	*c = NULL;
}

void deadlines_cut_all(struct deadlines *d)
{
	for (size_t i = 0; i < SHARDS; i++) {
		struct shard *s = &d->shards[i];
		pthread_mutex_lock(&s->lock);
		for (struct conn *c = s->first; c != NULL; c = c->next)
			shutdown(c->fd, SHUT_RDWR);
		pthread_mutex_unlock(&s->lock);
	}
}

bool conn_is_cut(const struct conn *c)
{
	return atomic_load_explicit(&c->state, memory_order_acquire) == CONN_CUT;
}

bool conn_move(struct deadlines *d, struct conn *c, enum conn_state to)
{
	enum conn_state from = atomic_load_explicit(&c->state, memory_order_acquire);
	/* The time first: a walk between the two sees the old state as fresh, which only helps it. */
	atomic_store_explicit(&c->since_ms, clock_mono_ms(), memory_order_relaxed);
	if (from == CONN_WAIT)
		atomic_store_explicit(&c->served, true, memory_order_relaxed);
	if (from != CONN_CUT && atomic_compare_exchange_strong(&c->state, &from, to))
		return true;
	/* The sweeper is the only other writer and holds the shard's lock while it speaks its last word. */
	struct shard *s = shard_of(d, c);
	pthread_mutex_lock(&s->lock);
	pthread_mutex_unlock(&s->lock);
	return false;
}
