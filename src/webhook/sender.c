/* See sender.h. What the threads share is under one lock: the queue of events to send, the list of results to write, and how the
 * receiver fares. An event is known from when it is read until its result is written, and is not read again in the meantime.
 *
 * The threads that send yield to those that answer requests: they have the lowest priority, and while the rest of the program uses more
 * than a quarter of a core, BUSY_EVENTS_PER_S are sent at most. So no thread of another part of the program may wait for one of them: whoever
 * wakes the dispatcher takes no lock. */
#include "webhook/sender.h"

#include "base/clock.h"
#include "base/hash.h"
#include "base/log/log.h"
#include "base/mem.h"
#include "base/metrics.h"
#include "base/thread.h"
#include "webhook/attempt.h"

#include <semaphore.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <unistd.h>

#define KNOWN_MAX 256
#define KNOWN_LOW 128         /* below it more are read */
#define ROUND_MS 20           /* the dispatcher's rounds are so far apart at least, so that it writes many results at once */
#define IDLE_MS 60000         /* at most, since the wall clock may be set */
#define STORAGE_PAUSE_MS 1000 /* after the database failed */
#define PAUSE_FIRST_MS 1000   /* of a receiver that is overloaded or cannot be reached; doubled each time */
#define PAUSE_MAX_MS 30000
#define WORKERS_NICE 19
#define BUSY_EVENTS_PER_S 400
#define BUSY_PERCENT 25 /* of a core */
#define BUSY_WINDOW_MS 100
#define PAGE_BYTES ((size_t)16 << 20)

struct attempt_list {
	struct webhook_attempt *first, **last;
	size_t n;
};

struct webhook_sender {
	struct webhook_options o;
	struct webhook_secrets secrets;
	int cancel_fd; /* readable once the sender stops */
	pthread_t dispatcher, workers[WEBHOOK_CONNECTIONS];
	pthread_mutex_t lock;
	pthread_cond_t to_send;
	sem_t to_write;      /* the dispatcher has something to do: results, events, or to end */
	atomic_bool changed; /* there may be more events */
	/* under the lock */
	struct attempt_list queue, results;
	unsigned n_workers, n_idle, n_sending, limit;
	int64_t paused_until_ms, pause_ms; /* of the monotonic clock */
	bool stopping;
	/* the dispatcher's */
	int64_t known[KNOWN_MAX];
	size_t n_known;
	int64_t delivered_ms;
	int64_t window_ms,
		window_us;   /* of the monotonic clock, and the processor time of the rest of the program, when it was looked at last */
	int64_t read_ms; /* when events were read last */
	bool busy;
};

static void list_init(struct attempt_list *l)
{
	*l = (struct attempt_list){ .last = &l->first };
}

static void list_add(struct attempt_list *l, struct webhook_attempt *d)
{
	d->next = NULL;
	*l->last = d;
	l->last = &d->next;
	l->n++;
}

static struct webhook_attempt *list_take(struct attempt_list *l)
{
	struct webhook_attempt *d = l->first;
	if (d == NULL)
		return NULL;
	l->first = d->next;
	l->n--;
	if (l->first == NULL)
		l->last = &l->first;
	return d;
}

static void list_clear(struct attempt_list *l)
{
	for (struct webhook_attempt *d; (d = list_take(l)) != NULL;)
		attempt_free(&d);
}

/* the workers */

/* How the receiver fares, after an attempt; the lock is held. */
static void note_outcome(struct webhook_sender *s, const struct webhook_attempt *d)
{
	if (d->outcome == WEBHOOK_DELIVERED) {
		s->limit = WEBHOOK_CONNECTIONS;
		s->pause_ms = 0;
		return;
	}
	if (d->answered && d->outcome != WEBHOOK_THROTTLED)
		return;
	s->pause_ms = s->pause_ms == 0 ? PAUSE_FIRST_MS : s->pause_ms * 2 < PAUSE_MAX_MS ? s->pause_ms * 2 : PAUSE_MAX_MS;
	int64_t until_ms = clock_mono_ms() + (d->retry_after_ms > s->pause_ms ? d->retry_after_ms : s->pause_ms);
	s->limit = 1;
	if (until_ms > s->paused_until_ms)
		s->paused_until_ms = until_ms;
}

/* The next event, once it may be sent; NULL: the sender stops. The lock is held. */
static struct webhook_attempt *wait_for_event(struct webhook_sender *s)
{
	for (;;) {
		if (s->stopping)
			return NULL;
		bool paused = clock_mono_ms() < s->paused_until_ms;
		if (s->queue.n > 0 && s->n_sending < s->limit && !paused)
			return list_take(&s->queue);
		s->n_idle++;
		if (paused)
			(void)thread_wait_until(&s->to_send, &s->lock, s->paused_until_ms);
		else
			pthread_cond_wait(&s->to_send, &s->lock);
		s->n_idle--;
	}
}

static void *run_worker(void *arg)
{
	struct webhook_sender *s = arg;
	struct http_client *client = NULL;
	(void)setpriority(PRIO_PROCESS, (id_t)gettid(), WORKERS_NICE); /* of this thread, on Linux */
	pthread_mutex_lock(&s->lock);
	for (struct webhook_attempt *d; (d = wait_for_event(s)) != NULL;) {
		s->n_sending++;
		pthread_mutex_unlock(&s->lock);
		client = client != NULL ? client : http_client_new();
		attempt_send(d, &s->o, client, s->cancel_fd);
		pthread_mutex_lock(&s->lock);
		s->n_sending--;
		/* What was cut by the end of the server counts for nothing. */
		if (s->stopping && !d->answered) {
			attempt_free(&d);
			continue;
		}
		note_outcome(s, d);
		list_add(&s->results, d);
		if (s->results.n == 1)
			sem_post(&s->to_write);
		if (s->limit > 1 && s->queue.n > 0 && s->n_idle > 0)
			pthread_cond_signal(&s->to_send);
	}
	pthread_mutex_unlock(&s->lock);
	http_client_free(&client);
	return NULL;
}

/* Start as many workers as there is work for; the lock is held. */
static void start_workers(struct webhook_sender *s)
{
	size_t wanted = s->queue.n + s->n_sending;
	for (size_t i = 0; i < s->queue.n && i < s->n_idle; i++)
		pthread_cond_signal(&s->to_send);
	while (s->n_workers < WEBHOOK_CONNECTIONS && s->n_workers < wanted && thread_start(&s->workers[s->n_workers], run_worker, s))
		s->n_workers++;
}

/* the dispatcher */

static bool is_known(const struct webhook_sender *s, int64_t n)
{
	for (size_t i = 0; i < s->n_known; i++)
		if (s->known[i] == n)
			return true;
	return false;
}

static void forget_known(struct webhook_sender *s, int64_t n)
{
	for (size_t i = 0; i < s->n_known; i++)
		if (s->known[i] == n)
			s->known[i--] = s->known[--s->n_known];
}

static void log_result(const struct webhook_attempt *d)
{
	const struct outbox_event *e = &d->event;
	struct str kind = outbox_kind_name(e->kind), error = str_of(d->error);
	char next[ISO8601_CHARS + 1];
	bool waits = d->result.state == OUTBOX_WAITING && !d->disables;
	clock_iso8601(d->result.due_ms, next);
	if (d->result.state == OUTBOX_DELIVERED)
		LOG(WEBHOOK_DELIVERED, STR(""), LOG_S("webhookId", e->id), LOG_S("type", kind), LOG_S("imageId", e->image_id),
			LOG_I("attempts", d->result.attempts));
	else if (waits)
		LOG(WEBHOOK_FAILED, STR(""), LOG_S("webhookId", e->id), LOG_S("type", kind), LOG_S("imageId", e->image_id),
			LOG_I("attempts", d->result.attempts), LOG_C("next", next), LOG_S("text", error));
	else
		LOG(WEBHOOK_GIVEN_UP, STR(""), LOG_S("webhookId", e->id), LOG_S("type", kind), LOG_S("imageId", e->image_id),
			LOG_I("attempts", d->result.attempts), LOG_S("text", error));
	metric_add(d->result.state == OUTBOX_DELIVERED ? M_WEBHOOKS_DELIVERED : M_WEBHOOKS_FAILED, 1);
}

/* The reason that is told to people; "" of none. */
static struct str find_reason(struct webhook_attempt *d)
{
	return d->outcome == WEBHOOK_GONE ? STR("The receiver answered 410: it wants no more webhooks.")
									  : STR("The last attempt of a webhook failed, and none was delivered since its first.");
}

/* Write what became of the attempts. Not OK: it is tried again. */
static enum status write_results(struct webhook_sender *s, struct attempt_list *results, struct fault *why)
{
	struct outbox_result rows[KNOWN_MAX];
	struct outbox_record record = { .results = rows };
	for (struct webhook_attempt *d = results->first; d != NULL; d = d->next)
		if (d->outcome == WEBHOOK_DELIVERED && d->at_ms > record.delivered_ms)
			record.delivered_ms = d->at_ms;
	int64_t delivered_ms = record.delivered_ms > s->delivered_ms ? record.delivered_ms : s->delivered_ms;
	for (struct webhook_attempt *d = results->first; d != NULL; d = d->next) {
		uint32_t random;
		random_bytes(&random, sizeof random);
		attempt_settle(d, delivered_ms, random);
		assert(record.n < KNOWN_MAX);
		rows[record.n++] = d->result;
		if (d->disables) {
			record.disabled_ms = d->at_ms;
			record.disabled_reason = find_reason(d);
		}
	}
	TRY(outbox_record(s->o.outbox, &record, why));
	s->delivered_ms = delivered_ms;
	for (struct webhook_attempt *d; (d = list_take(results)) != NULL; attempt_free(&d)) {
		forget_known(s, d->event.n);
		log_result(d);
	}
	if (record.disabled_ms == 0)
		return OK;
	LOG(WEBHOOK_DISABLED, STR(""), LOG_S("text", record.disabled_reason));
	pthread_mutex_lock(&s->lock);
	for (struct webhook_attempt *d; (d = list_take(&s->queue)) != NULL; attempt_free(&d))
		forget_known(s, d->event.n);
	pthread_mutex_unlock(&s->lock);
	return OK;
}

static int64_t processor_us(clockid_t clock)
{
	struct timespec t;
	return clock_gettime(clock, &t) == 0 ? t.tv_sec * INT64_C(1000000) + t.tv_nsec / 1000 : 0;
}

/* Of all threads but the workers. */
static int64_t others_us(struct webhook_sender *s)
{
	int64_t us = processor_us(CLOCK_PROCESS_CPUTIME_ID);
	clockid_t clock;
	pthread_mutex_lock(&s->lock);
	for (unsigned i = 0; i < s->n_workers; i++)
		us -= pthread_getcpuclockid(s->workers[i], &clock) == 0 ? processor_us(clock) : 0;
	pthread_mutex_unlock(&s->lock);
	return us;
}

/* How many events may be read now, so that they do not take the processor from requests. */
static size_t pace_events(struct webhook_sender *s)
{
	int64_t now_ms = clock_mono_ms(), passed_ms = now_ms - s->window_ms;
	if (passed_ms >= BUSY_WINDOW_MS) {
		int64_t us = others_us(s);
		s->busy = us - s->window_us > passed_ms * 1000 * BUSY_PERCENT / 100;
		s->window_ms = now_ms;
		s->window_us = us;
	}
	int64_t most = (now_ms - s->read_ms) * BUSY_EVENTS_PER_S / 1000;
	if (s->busy && most == 0)
		return 0;
	s->read_ms = now_ms;
	return s->busy && most < KNOWN_LOW ? (size_t)most : KNOWN_LOW;
}

/* Read more of what is due. *next_ms: when there will be more to read, of the wall clock. */
static enum status read_events(struct webhook_sender *s, int64_t *next_ms, struct fault *why)
{
	struct arena a CLEANUP(arena_deinit);
	struct outbox_page page;
	int64_t now_ms = clock_now_ms();
	arena_init(&a, PAGE_BYTES);
	*next_ms = INT64_MAX;
	if (s->n_known >= KNOWN_LOW)
		return OK;
	*next_ms = now_ms;
	size_t more = pace_events(s), most = outbox_is_shared(s->o.outbox) ? more : s->n_known + more;
	if (more == 0)
		return OK;
	/* What is known is due still, and comes first; a shared outbox does not give it again. */
	TRY(fault_blame_arena(&a, outbox_due(s->o.outbox, now_ms, (uint32_t)most, &a, &page, why), why));
	*next_ms = page.n == most ? now_ms : page.next_ms;
	pthread_mutex_lock(&s->lock);
	for (size_t i = 0; i < page.n && s->n_known < KNOWN_MAX; i++) {
		if (is_known(s, page.events[i].n))
			continue;
		struct webhook_attempt *d = attempt_new(&page.events[i]);
		if (d == NULL)
			break;
		s->known[s->n_known++] = d->event.n;
		list_add(&s->queue, d);
	}
	start_workers(s);
	pthread_mutex_unlock(&s->lock);
	return OK;
}

/* Sleep until there is something to do, or the time has come. false: the sender stops. */
static bool wait_for_work(struct webhook_sender *s, int64_t round_ms, int64_t until_ms)
{
	for (;;) {
		pthread_mutex_lock(&s->lock);
		bool stopping = s->stopping, work = s->results.n > 0 || atomic_load(&s->changed);
		pthread_mutex_unlock(&s->lock);
		int64_t at_ms = work ? round_ms : until_ms > round_ms ? until_ms : round_ms;
		if (stopping || clock_mono_ms() >= at_ms)
			return !stopping;
		struct timespec at = { at_ms / 1000, at_ms % 1000 * 1000000 };
		(void)sem_clockwait(&s->to_write, CLOCK_MONOTONIC, &at);
	}
}

/* The monotonic time of a time of the wall clock, or a while from now if that is earlier. */
static int64_t monotonic_of(int64_t wall_ms)
{
	int64_t left_ms = wall_ms - clock_now_ms();
	return clock_mono_ms() + (left_ms < 0 ? 0 : left_ms < IDLE_MS ? left_ms : IDLE_MS);
}

static void move_results(struct webhook_sender *s, struct attempt_list *to)
{
	pthread_mutex_lock(&s->lock);
	for (struct webhook_attempt *d; (d = list_take(&s->results)) != NULL;)
		list_add(to, d);
	pthread_mutex_unlock(&s->lock);
}

static void *run_dispatcher(void *arg)
{
	struct webhook_sender *s = arg;
	struct attempt_list results; /* to be written */
	int64_t round_ms = 0, until_ms = 0, next_ms = 0;
	list_init(&results);
	while (wait_for_work(s, round_ms, until_ms)) {
		struct fault why = { 0 };
		atomic_store(&s->changed, false);
		move_results(s, &results);
		enum status st = results.n > 0 ? write_results(s, &results, &why) : OK;
		if (st == OK)
			st = read_events(s, &next_ms, &why);
		if (st != OK)
			LOG(STORE_FAILED, STR(""), LOG_C("text", why.text), LOG_C("cause", why.cause));
		round_ms = clock_mono_ms() + (st == OK ? ROUND_MS : STORAGE_PAUSE_MS);
		until_ms = st == OK ? monotonic_of(next_ms) : round_ms;
	}
	for (unsigned i = 0; i < s->n_workers; i++)
		pthread_join(s->workers[i], NULL);
	move_results(s, &results);
	struct fault why = { 0 };
	if (results.n > 0 && write_results(s, &results, &why) != OK)
		LOG(STORE_FAILED, STR(""), LOG_C("text", why.text), LOG_C("cause", why.cause));
	list_clear(&results);
	return NULL;
}

/* the whole */

static void free_parts(struct webhook_sender *s)
{
	list_clear(&s->queue);
	pthread_cond_destroy(&s->to_send);
	sem_destroy(&s->to_write);
	pthread_mutex_destroy(&s->lock);
	if (s->cancel_fd > 0)
		close(s->cancel_fd);
	secret_wipe(&s->secrets, sizeof s->secrets);
	mem_free(s);
}

static int64_t read_delivered(struct outbox *o)
{
	struct arena a CLEANUP(arena_deinit);
	struct outbox_status status = { 0 };
	arena_init(&a, 4096);
	if (outbox_status(o, &a, &status, NULL) != OK)
		return 0;
	return status.delivered_ms;
}

struct webhook_sender *webhook_sender_start(const struct webhook_options *o)
{
	assert(o != NULL && o->outbox != NULL && o->url.n > 0 && o->secrets != NULL && o->secrets->n > 0);
	struct webhook_sender *s = mem_new(1, sizeof *s);
	if (s == NULL)
		return NULL;
	s->o = *o;
	s->secrets = *o->secrets;
	s->o.secrets = &s->secrets;
	s->limit = WEBHOOK_CONNECTIONS;
	s->delivered_ms = read_delivered(o->outbox);
	list_init(&s->queue);
	list_init(&s->results);
	pthread_mutex_init(&s->lock, NULL);
	pthread_cond_init(&s->to_send, NULL);
	sem_init(&s->to_write, 0, 0);
	s->cancel_fd = eventfd(0, EFD_CLOEXEC);
	if (s->cancel_fd > 0 && thread_start(&s->dispatcher, run_dispatcher, s))
		return s;
	free_parts(s);
	return NULL;
}

void webhook_sender_free(struct webhook_sender **at)
{
	assert(at != NULL);
	struct webhook_sender *s = *at;
	if (s == NULL)
		return;
	pthread_mutex_lock(&s->lock);
	s->stopping = true;
	(void)eventfd_write(s->cancel_fd, 1);
	pthread_cond_broadcast(&s->to_send);
	sem_post(&s->to_write);
	pthread_mutex_unlock(&s->lock);
	pthread_join(s->dispatcher, NULL);
	free_parts(s);
	*at = NULL;
}

void webhook_sender_wake(struct webhook_sender *s)
{
	if (!atomic_exchange(&s->changed, true))
		sem_post(&s->to_write);
}
