/* See history.h: folding, and the ring in memory. */
#include "port/history.h"

#include "base/mem.h"

#include <string.h>

void history_fold(struct history_point *into, const struct history_point *p)
{
	assert(into != NULL && p != NULL);
	bool is_later = into->ms == 0 || p->minute >= into->minute;
	into->ms += p->ms;
	for (size_t i = 0; i < HISTORY_COUNTS; i++)
		into->counts[i] += p->counts[i];
	for (size_t i = 0; i < HISTORY_LATENCIES; i++)
		into->latencies[i] += p->latencies[i];
	if (!is_later)
		return;
	into->minute = p->minute;
	memcpy(into->gauges, p->gauges, sizeof into->gauges);
}

static enum status add_point(struct history *h, const struct history_point *p, struct fault *why)
{
	struct history_ring *r = (struct history_ring *)h;
	struct history_point *at = &r->points[p->minute % HISTORY_MINUTES];
	pthread_mutex_lock(&r->lock);
	if (at->minute != p->minute)
		*at = (struct history_point){ 0 };
	history_fold(at, p);
	pthread_mutex_unlock(&r->lock);
	return OK;
}

static enum status each_point(
	struct history *h, int64_t from, int64_t to, void (*see)(void *arg, const struct history_point *), void *arg, struct fault *why)
{
	struct history_ring *r = (struct history_ring *)h;
	pthread_mutex_lock(&r->lock);
	for (size_t i = 0; i < HISTORY_MINUTES; i++)
		if (r->points[i].ms > 0 && r->points[i].minute >= from && r->points[i].minute <= to)
			see(arg, &r->points[i]);
	pthread_mutex_unlock(&r->lock);
	return OK;
}

static const struct history_ops ring_ops = { false, add_point, each_point };

enum status history_ring_init(struct history_ring *r, struct fault *why)
{
	assert(r != NULL && r->points == NULL);
	*r = (struct history_ring){ .port = { &ring_ops }, .points = mem_new(HISTORY_MINUTES, sizeof *r->points) };
	if (r->points == NULL)
		return fault_no_memory(why);
	pthread_mutex_init(&r->lock, NULL);
	return OK;
}

void history_ring_deinit(struct history_ring *r)
{
	if (r->points == NULL)
		return;
	pthread_mutex_destroy(&r->lock);
	mem_free(r->points);
	*r = (struct history_ring){ 0 };
}
