/* Port: what the server did in each minute of the last week, for the console's charts.
 *
 * A point belongs to one minute of the wall clock: the counts, the time during which they were counted, and the gauges at its end. Counts are
 * those of the minute, not of the process, so that a restart between two points changes nothing. If the minute already has a point, from
 * an earlier process or because the clock was set back, the new one is added to it, and count divided by time is still the rate. Minutes in
 * which no server ran have no point.
 *
 * The points are in a ring with one slot per minute, so that a new point replaces the one from a week before. Calls may block on the disk; any
 * thread. */
#ifndef PORT_HISTORY_H
#define PORT_HISTORY_H

#include "base/fault.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#define HISTORY_MINUTE_MS 60000
#define HISTORY_MINUTES (7 * 24 * 60)
#define HISTORY_LATENCIES 15 /* the server's latency buckets, and one for slower requests */

/* Requests by listener; requests of both listeners that were refused (4xx) or failed (5xx); uploads by outcome. */
enum history_count { HISTORY_API, HISTORY_STORAGE, HISTORY_REFUSED, HISTORY_FAILED, HISTORY_UPLOADED, HISTORY_REJECTED, HISTORY_COUNTS };
enum history_gauge { HISTORY_IMAGES, HISTORY_STORED_BYTES, HISTORY_GAUGES };

struct history_point {
	int64_t minute; /* since 1970 UTC */
	uint64_t ms;    /* the time during which it was counted; 0: no point */
	uint64_t counts[HISTORY_COUNTS];
	uint64_t latencies[HISTORY_LATENCIES]; /* requests by how long they took */
	uint64_t gauges[HISTORY_GAUGES];
};

struct history;
struct history_ops {
	bool is_kept; /* over restarts */
	enum status (*add)(struct history *, const struct history_point *, struct fault *);
	enum status (*each)(
		struct history *, int64_t from, int64_t to, void (*see)(void *arg, const struct history_point *), void *arg, struct fault *);
};
struct history {
	const struct history_ops *ops;
};

/* Add a point; if its minute already has one, they are added up by history_fold.
 * Errors  DISK_FULL; STORAGE_FAILED */
MUST_CHECK static inline enum status history_add(struct history *h, const struct history_point *p, struct fault *why)
{
	assert(p->minute >= 0 && p->ms > 0);
	return h->ops->add(h, p, why);
}

/* Call `see` for each point of the minutes from..to, in any order.
 * Errors  STORAGE_FAILED; `see` may have been called for some */
MUST_CHECK static inline enum status history_each(
	struct history *h, int64_t from, int64_t to, void (*see)(void *arg, const struct history_point *), void *arg, struct fault *why)
{
	return h->ops->each(h, from, to, see, arg, why);
}

/* Whether the history is kept over restarts. */
static inline bool history_is_kept(const struct history *h)
{
	return h->ops->is_kept;
}

/* Add the counts and the time of a point; the gauges are those of the later minute, or of `p` if both are of the same minute. A zeroed point
 * is empty. Pure. */
void history_fold(struct history_point *into, const struct history_point *p);

/* A history in memory, for backends that keep none. */
struct history_ring {
	struct history port;
	pthread_mutex_t lock;
	struct history_point *points;
};
/* Errors  OUT_OF_MEMORY */
enum status history_ring_init(struct history_ring *r, struct fault *why) MUST_CHECK;
/* Safe on a zeroed one. */
void history_ring_deinit(struct history_ring *r);

#endif
