/* One thread that adds a point to the history at the end of each minute, and when it is stopped. */
#ifndef APP_HISTORY_THREAD_H
#define APP_HISTORY_THREAD_H

#include "http/server/request_metrics.h"
#include "port/history.h"

/* All borrowed. */
struct history_thread_options {
	struct history *history;
	struct request_metrics *metrics;
	void (*refresh)(void *arg); /* update the gauges of images; any thread */
	void *arg;
};

struct history_thread;
/* NULL: memory or threads failed. */
struct history_thread *history_thread_start(const struct history_thread_options *o);
/* Add what was counted since the last point, and end. Accepts NULL inside. */
void history_thread_free(struct history_thread **t);
/* Give the current point: what was counted since the last point that was written.
 * arg      a history_thread
 * Threads  any */
void history_thread_running(void *arg, struct history_point *out);

#endif
