/* Counters and gauges, one table (metrics.def): name, type, help. Each is one 64-bit atomic; any
 * thread. Requests by route and status and their latencies are kept by the listener itself. */
#ifndef BASE_METRICS_H
#define BASE_METRICS_H

#include "base/buf.h"

enum metric {
#define METRIC(id, type, name, labels, help) M_##id,
#include "base/metrics.def"
#undef METRIC
	METRICS
};

/* Count, set a gauge, read. */
void metric_add(enum metric m, int64_t n);
void metric_set(enum metric m, int64_t value);
int64_t metric_get(enum metric m);
/* Append all in the Prometheus text format, 0.0.4; metrics of one name share HELP and TYPE. */
void metrics_write(struct buf *b);

#endif
