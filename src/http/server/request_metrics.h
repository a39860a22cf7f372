/* Requests by listener, route and status, and their latencies. */
#ifndef HTTP_SERVER_REQUEST_METRICS_H
#define HTTP_SERVER_REQUEST_METRICS_H

#include "base/buf.h"
#include "base/fault.h"

struct request_metrics;

enum status request_metrics_new(struct request_metrics **out, struct fault *why) MUST_CHECK;
void request_metrics_free(struct request_metrics **m);
/* Count one request. Any thread.
 * listener   static
 * route      static; NULL: none matched
 * status     0..999; 0 when no answer could be sent */
void request_metrics_count(struct request_metrics *m, const char *listener, const char *route, int status, int64_t us);

/* Totals of all requests except those to the admin listener, which are the operator's. */
#define REQUEST_LATENCIES 15
struct request_totals {
	uint64_t api, storage, refused, failed; /* requests by listener; requests of both with status 4xx and 5xx */
	uint64_t latencies[REQUEST_LATENCIES];  /* requests above the bound before and up to the bound of the same index */
};
extern const int64_t request_latency_us[REQUEST_LATENCIES - 1]; /* the upper bounds; the last element of latencies has none */
void request_metrics_total(struct request_metrics *m, struct request_totals *out);
/* Append all in the Prometheus text format, 0.0.4. */
void request_metrics_write(struct request_metrics *m, struct buf *b);

#endif
