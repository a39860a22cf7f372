/* See history_thread.h. A point is the difference between two readings of the counters; its duration is measured by the monotonic clock. The
 * wall clock, which may be set, only determines the minute: the one that contains the middle of that period. A point that cannot be
 * written is included in the next one. */
#include "app/history_thread.h"

#include "base/clock.h"
#include "base/log/log.h"
#include "base/mem.h"
#include "base/metrics.h"
#include "base/thread.h"

#include <string.h>

_Static_assert(HISTORY_LATENCIES == REQUEST_LATENCIES, "one element for each bucket");

/* The counters at a time of the monotonic clock. */
struct reading {
	int64_t at_ms;
	uint64_t counts[HISTORY_COUNTS], latencies[HISTORY_LATENCIES];
};

struct history_thread {
	struct history_thread_options options;
	struct timed_thread thread;
	pthread_mutex_t lock; /* protects `last` and `failed` */
	struct reading last;  /* the counters up to the end of the last point that was written */
	bool failed;          /* the last point could not be written */
};

static struct reading read_counters(const struct history_thread *t)
{
	struct request_totals all;
	struct reading now = { .at_ms = clock_mono_ms() };
	request_metrics_total(t->options.metrics, &all);
	now.counts[HISTORY_API] = all.api;
	now.counts[HISTORY_STORAGE] = all.storage;
	now.counts[HISTORY_REFUSED] = all.refused;
	now.counts[HISTORY_FAILED] = all.failed;
	now.counts[HISTORY_UPLOADED] = (uint64_t)metric_get(M_UPLOADS_ACCEPTED);
	now.counts[HISTORY_REJECTED] = (uint64_t)metric_get(M_UPLOADS_REJECTED);
	memcpy(now.latencies, all.latencies, sizeof now.latencies);
	return now;
}

static struct history_point point_of(const struct reading *last, const struct reading *now)
{
	struct history_point p = { .ms = (uint64_t)(now->at_ms - last->at_ms) };
	int64_t middle_ms = clock_now_ms() - (int64_t)(p.ms / 2);
	p.minute = middle_ms > 0 ? middle_ms / HISTORY_MINUTE_MS : 0;
	for (size_t i = 0; i < HISTORY_COUNTS; i++)
		p.counts[i] = now->counts[i] - last->counts[i];
	for (size_t i = 0; i < HISTORY_LATENCIES; i++)
		p.latencies[i] = now->latencies[i] - last->latencies[i];
	p.gauges[HISTORY_IMAGES] = (uint64_t)metric_get(M_IMAGES_UPLOADED);
	p.gauges[HISTORY_STORED_BYTES] = (uint64_t)metric_get(M_STORED_BYTES);
	return p;
}

void history_thread_running(void *arg, struct history_point *out)
{
	struct history_thread *t = arg;
	assert(t != NULL && out != NULL);
	t->options.refresh(t->options.arg);
	pthread_mutex_lock(&t->lock);
	struct reading now = read_counters(t);
	*out = point_of(&t->last, &now);
	pthread_mutex_unlock(&t->lock);
}

static void add_point(struct history_thread *t)
{
	struct fault why = { 0 };
	t->options.refresh(t->options.arg);
	struct reading now = read_counters(t);
	struct history_point p = point_of(&t->last, &now);
	if (p.ms == 0)
		return;
	bool failed = history_add(t->options.history, &p, &why) != OK;
	if (failed && !t->failed)
		LOG(HISTORY_FAILED, STR(""), LOG_C("text", why.text), LOG_C("cause", why.cause));
	pthread_mutex_lock(&t->lock);
	t->failed = failed;
	if (!failed)
		t->last = now;
	pthread_mutex_unlock(&t->lock);
}

static int64_t end_of_minute(void)
{
	return clock_mono_ms() + HISTORY_MINUTE_MS - clock_now_ms() % HISTORY_MINUTE_MS;
}

static void *run_thread(void *arg)
{
	struct history_thread *t = arg;
	while (timed_thread_sleep(&t->thread, end_of_minute()))
		add_point(t);
	add_point(t);
	return NULL;
}

struct history_thread *history_thread_start(const struct history_thread_options *o)
{
	assert(o != NULL && o->history != NULL && o->metrics != NULL && o->refresh != NULL);
	struct history_thread *t = mem_new(1, sizeof *t);
	if (t == NULL)
		return NULL;
	t->options = *o;
	t->last = read_counters(t);
	pthread_mutex_init(&t->lock, NULL);
	if (timed_thread_start(&t->thread, run_thread, t))
		return t;
	pthread_mutex_destroy(&t->lock);
	mem_free(t);
	return NULL;
}

void history_thread_free(struct history_thread **at)
{
	assert(at != NULL);
	struct history_thread *t = *at;
	*at = NULL;
	if (t == NULL)
		return;
	timed_thread_end(&t->thread);
	pthread_mutex_destroy(&t->lock);
	mem_free(t);
}
