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
/* Append all in the Prometheus text format, 0.0.4. */
void request_metrics_write(struct request_metrics *m, struct buf *b);

#endif
