/* Metrics through the log: CloudWatch makes metrics of a line in its Embedded Metric Format, so that
 * a function need not call any API. One line per invocation, with the counters that changed; none if none did.
 * Source: CloudWatch user guide, "Embedded metric format specification". */
#ifndef LAMBDA_EMF_H
#define LAMBDA_EMF_H

#include "base/buf.h"
#include "base/metrics.h"

#define EMF_NAMES 6 /* each is a custom metric of each function that counts it; ten are free */

struct emf {
	int64_t seen[EMF_NAMES]; /* the counters as last reported */
};

/* Append the line and its newline, if a counter has changed since the last call.
 * function    its name, the dimension
 * invocation  a field next to the metrics, to find the line by */
void emf_write(struct emf *e, struct buf *b, int64_t now_ms, struct str function, struct str invocation);

#endif
