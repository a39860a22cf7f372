/* Requests by listener, route and status, and a histogram of latencies by listener and route.
 *
 * Routes come from the handlers and are static texts, a few dozen in all, so the tables have a fixed
 * size; should they fill up, what finds no row is counted under the route "other". Nothing that a
 * client writes (method, path) becomes a label. One lock: counting takes some tens of nanoseconds. */
#include "http/server/request_metrics.h"
#include "base/hash.h"
#include "base/mem.h"

#include <inttypes.h>
#include <pthread.h>
#include <string.h>

#define ROWS 512 /* a power of two */
#define ROWS_FILLED (ROWS - ROWS / 4)

#define BUCKETS (REQUEST_LATENCIES - 1)
const int64_t request_latency_us[BUCKETS] = { 500, 1000, 2500, 5000, 10000, 25000, 50000, 100000, 250000, 500000, 1000000, 2500000, 5000000,
	10000000 };

/* A row of counts has status >= 0, a row of latencies -1: both are in one table. */
struct row {
	const char *listener, *route;
	int status;
	uint64_t count;
	uint64_t sum_us;
	uint64_t buckets[BUCKETS];
};

struct request_metrics {
	pthread_mutex_t lock;
	size_t filled;
	struct row rows[ROWS];
};

enum status request_metrics_new(struct request_metrics **out, struct fault *why)
{
	struct request_metrics *m = mem_new(1, sizeof *m);
	if (m == NULL)
		return fault_no_memory(why);
	pthread_mutex_init(&m->lock, NULL);
	*out = m;
	return OK;
}

void request_metrics_free(struct request_metrics **m)
{
	if (m == NULL || *m == NULL)
		return;
	pthread_mutex_destroy(&(*m)->lock);
	mem_free(*m);
	*m = NULL;
}

/* The row of these labels, made when there is none; NULL when the table is full. Under the lock. */
static struct row *find_row(struct request_metrics *m, const char *listener, const char *route, int status)
{
	size_t at = hash_fnv64(hash_fnv64(HASH_FNV64 + (unsigned)status, str_of(listener)), str_of(route)) % ROWS;
	for (struct row *r; (r = &m->rows[at])->listener != NULL; at = (at + 1) % ROWS)
		if (r->status == status && strcmp(r->listener, listener) == 0 && strcmp(r->route, route) == 0)
			return r;
	/* What is kept free beyond the bound is for the few rows of "other", and for the search to end. */
	if (m->filled >= ROWS_FILLED && strcmp(route, "other") != 0)
		return find_row(m, listener, "other", status);
	if (m->filled >= ROWS - 1)
		return NULL;
	m->filled++;
	m->rows[at] = (struct row){ .listener = listener, .route = route, .status = status };
	return &m->rows[at];
}

static void add_latency(struct row *r, int64_t us)
{
	r->count++;
	r->sum_us += us > 0 ? (uint64_t)us : 0;
	for (size_t i = 0; i < BUCKETS; i++)
		if (us <= request_latency_us[i]) {
			r->buckets[i]++;
			return;
		}
}

void request_metrics_count(struct request_metrics *m, const char *listener, const char *route, int status, int64_t us)
{
	assert(status >= 0 && status <= 999);
	const char *label = route == NULL ? "none" : route;
	pthread_mutex_lock(&m->lock);
	struct row *count = find_row(m, listener, label, status);
	if (count != NULL)
		count->count++;
	struct row *latency = find_row(m, listener, label, -1);
	if (latency != NULL)
		add_latency(latency, us);
	pthread_mutex_unlock(&m->lock);
}

static void write_latency(const struct row *r, struct buf *b)
{
	uint64_t sum = 0;
	for (size_t i = 0; i < BUCKETS; i++) {
		sum += r->buckets[i];
		buf_printf(b, "tintype_request_seconds_bucket{listener=\"%s\",route=\"%s\",le=\"%g\"} %" PRIu64 "\n", r->listener, r->route,
			(double)request_latency_us[i] / 1e6, sum);
	}
	buf_printf(
		b, "tintype_request_seconds_bucket{listener=\"%s\",route=\"%s\",le=\"+Inf\"} %" PRIu64 "\n", r->listener, r->route, r->count);
	buf_printf(b, "tintype_request_seconds_sum{listener=\"%s\",route=\"%s\"} %.6f\n", r->listener, r->route, (double)r->sum_us / 1e6);
	buf_printf(b, "tintype_request_seconds_count{listener=\"%s\",route=\"%s\"} %" PRIu64 "\n", r->listener, r->route, r->count);
}

static void add_row(struct request_totals *all, const struct row *r)
{
	if (r->status >= 0) {
		*(strcmp(r->listener, "api") == 0 ? &all->api : &all->storage) += r->count;
		all->refused += r->status / 100 == 4 ? r->count : 0;
		all->failed += r->status / 100 == 5 ? r->count : 0;
		return;
	}
	uint64_t within = 0;
	for (size_t i = 0; i < BUCKETS; i++) {
		within += r->buckets[i];
		all->latencies[i] += r->buckets[i];
	}
	all->latencies[BUCKETS] += r->count - within;
}

void request_metrics_total(struct request_metrics *m, struct request_totals *out)
{
	assert(m != NULL && out != NULL);
	*out = (struct request_totals){ 0 };
	pthread_mutex_lock(&m->lock);
	for (size_t i = 0; i < ROWS; i++)
		if (m->rows[i].listener != NULL && strcmp(m->rows[i].listener, "admin") != 0)
			add_row(out, &m->rows[i]);
	pthread_mutex_unlock(&m->lock);
}

void request_metrics_write(struct request_metrics *m, struct buf *b)
{
	pthread_mutex_lock(&m->lock);
	buf_put(b,
		STR("# HELP tintype_requests_total requests, by route and status; 0: no answer could be sent\n# TYPE tintype_requests_total counter\n"));
	for (size_t i = 0; i < ROWS; i++) {
		const struct row *r = &m->rows[i];
		if (r->listener != NULL && r->status >= 0)
			buf_printf(b, "tintype_requests_total{listener=\"%s\",route=\"%s\",status=\"%d\"} %" PRIu64 "\n", r->listener, r->route,
				r->status, r->count);
	}
	buf_put(b,
		STR("# HELP tintype_request_seconds from the end of the head to the end of the answer\n# TYPE tintype_request_seconds histogram\n"));
	for (size_t i = 0; i < ROWS; i++)
		if (m->rows[i].listener != NULL && m->rows[i].status < 0)
			write_latency(&m->rows[i], b);
	pthread_mutex_unlock(&m->lock);
}
