/* What the server did in the last hour, day or week, for charts: one point for each step of some minutes, with its counts, the time during
 * which they were counted, and the gauges at its end. Steps in which no server ran are left out. The client computes rates and quantiles. */
#include "admin/call.h"

#include "base/clock.h"
#include "base/writer.h"
#include "http/server/request_metrics.h"

struct range {
	const char *name;
	int64_t minutes, step; /* minutes */
};
static const struct range ranges[] = { { "hour", 60, 1 }, { "day", 24 * 60, 5 }, { "week", HISTORY_MINUTES, 30 } };

/* The points, one for each step. */
struct steps {
	int64_t first, step; /* minutes; the first is a multiple of the step */
	struct history_point *points;
	size_t n;
};

static void fold_point(void *arg, const struct history_point *p)
{
	struct steps *all = arg;
	int64_t i = (p->minute - all->first) / all->step;
	if (p->minute >= all->first && i < (int64_t)all->n)
		history_fold(&all->points[i], p);
}

static void write_point(struct buf *b, int64_t minute, const struct history_point *p)
{
	static const char *const counts[HISTORY_COUNTS] = { "api", "storage", "refused", "failed", "uploaded", "rejected" };
	static const char *const gauges[HISTORY_GAUGES] = { "images", "storedBytes" };
	writer_open(b, STR(""), '{');
	writer_time(b, STR("at"), minute * HISTORY_MINUTE_MS);
	writer_number(b, STR("ms"), p->ms);
	for (size_t i = 0; i < HISTORY_COUNTS; i++)
		writer_number(b, str_of(counts[i]), p->counts[i]);
	for (size_t i = 0; i < HISTORY_GAUGES; i++)
		writer_number(b, str_of(gauges[i]), p->gauges[i]);
	writer_open(b, STR("latencies"), '[');
	for (size_t i = 0; i < HISTORY_LATENCIES; i++)
		writer_number(b, STR(""), p->latencies[i]);
	writer_close(b, ']');
	writer_close(b, '}');
}

static void write_steps(struct console_call *c, const struct steps *all, int64_t now_ms)
{
	struct buf *b = &c->body;
	writer_open(b, STR(""), '{');
	writer_text(b, STR("kept"), history_is_kept(c->console->options.history) ? STR("database") : STR("memory"));
	writer_time(b, STR("now"), now_ms);
	writer_number(b, STR("stepSeconds"), (uint64_t)all->step * 60);
	writer_open(b, STR("latencyBoundsMs"), '[');
	for (size_t i = 0; i < HISTORY_LATENCIES - 1; i++)
		writer_raw(b, STR(""), str_printf(c->arena, "%g", (double)request_latency_us[i] / 1e3));
	writer_close(b, ']');
	writer_open(b, STR("points"), '[');
	for (size_t i = 0; i < all->n; i++)
		if (all->points[i].ms > 0)
			write_point(b, all->first + (int64_t)i * all->step, &all->points[i]);
	writer_close(b, ']');
	writer_close(b, '}');
}

enum status console_history(struct console_call *c, struct fault *why)
{
	assert(c != NULL);
	const struct console_options *o = &c->console->options;
	const struct range *range = &ranges[0];
	struct str name = { 0 };
	struct history_point running;
	const struct param params[] = { { "range", PARAM_CHOICE, .choices = "hour|day|week", .text = &name } };

	TRY(params_read(&c->x->request, params, COUNT_OF(params), why));
	for (size_t i = 0; i < COUNT_OF(ranges); i++)
		if (str_equal(str_of(ranges[i].name), name))
			range = &ranges[i];
	int64_t now_ms = clock_now_ms(), last = now_ms / HISTORY_MINUTE_MS, first = last - range->minutes + 1;
	struct steps all = { .first = first - first % range->step, .step = range->step };
	all.n = (size_t)((last - all.first) / all.step + 1);
	all.points = arena_array(c->arena, all.n, sizeof *all.points);
	if (all.points == NULL)
		return fault_too_much(why);
	o->running(o->running_arg, &running);
	TRY(history_each(o->history, all.first, last, fold_point, &all, why));
	if (running.ms > 0)
		fold_point(&all, &running);
	write_steps(c, &all, now_ms);
	return OK;
}
