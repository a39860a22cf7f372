/* Port: what the server did in each minute of the last week, for the console's charts.
 *
 * A point is of one minute of the wall clock: what was counted in it, during which time, and what the gauges were at its end. Counts are those
 * of the minute, not of the process, so that a restart between two points changes nothing. A point that is added to a minute which has one
 * already, of a process before or of a clock that was set back, is folded into it: the count by the time stays right. Minutes in which no
 * server ran have no point.
 *
 * The points are in a ring of one slot per minute, so that a new one takes the place of the one a week before. Calls may block on the disk; any
 * thread. */
#ifndef PORT_HISTORY_H
#define PORT_HISTORY_H

#include "base/fault.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#define HISTORY_MINUTE_MS 60000
#define HISTORY_MINUTES (7 * 24 * 60)
#define HISTORY_LATENCIES 15 /* the server's buckets of latencies, and one of what is above the last */

/* Requests by listener, and those of both that were refused (4xx) or failed (5xx); uploads by outcome. */
enum history_count {
	HISTORY_API,
	HISTORY_STORAGE,
	HISTORY_REFUSED,
	HISTORY_FAILED,
	HISTORY_UPLOADED,
	HISTORY_REJECTED,
	HISTORY_COUNTS
};
enum history_gauge { HISTORY_IMAGES, HISTORY_STORED_BYTES, HISTORY_GAUGES };

struct history_point {
	int64_t minute; /* since 1970 UTC */
	uint64_t ms;    /* during which it was counted; 0: no point */
	uint64_t counts[HISTORY_COUNTS];
	uint64_t latencies[HISTORY_LATENCIES]; /* requests by how long they took */
	uint64_t gauges[HISTORY_GAUGES];
};

struct history;
struct history_ops {
	bool is_kept; /* over restarts */
	enum status (*add)(struct history *, const struct history_point *, struct fault *);
	enum status (*each)(struct history *, int64_t from, int64_t to, void (*see)(void *arg, const struct history_point *), void *arg,
		struct fault *);
};
struct history {
	const struct history_ops *ops;
};

/* Add a point, or fold it into the one of its minute.
 * Errors  DISK_FULL; STORAGE_FAILED */
MUST_CHECK static inline enum status history_add(struct history *h, const struct history_point *p, struct fault *why)
{
	assert(p->minute >= 0 && p->ms > 0);
	return h->ops->add(h, p, why);
}

/* See each point of the minutes from..to, in any order.
 * Errors  STORAGE_FAILED; then some may have been seen */
MUST_CHECK static inline enum status history_each(
	struct history *h, int64_t from, int64_t to, void (*see)(void *arg, const struct history_point *), void *arg, struct fault *why)
{
	return h->ops->each(h, from, to, see, arg, why);
}

/* Whether it outlives the process. */
static inline bool history_is_kept(const struct history *h)
{
	return h->ops->is_kept;
}

/* Add the counts and the time of a point; the gauges are those of the later minute, or of `p` where both are of one. A zeroed point has
 * nothing. Pure. */
void history_fold(struct history_point *into, const struct history_point *p);

/* In memory, for tables that keep none. */
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
