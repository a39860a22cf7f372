/* Counters and gauges: one array of atomics, one table of names. The atomics are relaxed, for each
 * stands for itself; a scrape may see one counter a moment older than another. */
#include "base/metrics.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <string.h>

static _Atomic int64_t values[METRICS];

static const struct {
	const char *type, *name, *labels, *help;
} metrics[METRICS] = {
#define METRIC(id, type, name, labels, help) { type, name, labels, help },
#include "base/metrics.def"
#undef METRIC
};

void metric_add(enum metric m, int64_t n)
{
	atomic_fetch_add_explicit(&values[m], n, memory_order_relaxed);
}

void metric_set(enum metric m, int64_t value)
{
	atomic_store_explicit(&values[m], value, memory_order_relaxed);
}

int64_t metric_get(enum metric m)
{
	return atomic_load_explicit(&values[m], memory_order_relaxed);
}

void metrics_write(struct buf *b)
{
	assert(b != NULL);
	for (size_t m = 0; m < METRICS; m++) {
		const char *labels = metrics[m].labels;
		bool braces = labels[0] != '\0';
		if (m == 0 || strcmp(metrics[m].name, metrics[m - 1].name) != 0)
			buf_printf(b, "# HELP %s %s\n# TYPE %s %s\n", metrics[m].name, metrics[m].help, metrics[m].name, metrics[m].type);
		buf_printf(b, "%s%s%s%s %" PRId64 "\n", metrics[m].name, braces ? "{" : "", labels, braces ? "}" : "", metric_get((enum metric)m));
	}
}
