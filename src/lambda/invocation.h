/* One invocation from the Runtime API, and its handler. */
#ifndef LAMBDA_INVOCATION_H
#define LAMBDA_INVOCATION_H

#include "base/buf.h"
#include "base/fault.h"

struct invocation {
	struct str id;       /* Lambda's request id, as in the START and REPORT lines */
	int64_t deadline_ms; /* clock_now_ms() at which Lambda ends it; 0: unknown */
	struct str event;    /* JSON, as received */
};

struct invocation_handler {
	/* Append the answer, JSON. The thread's deadline is set.
	 * Not OK: the invocation as a whole failed, which is reported to Lambda; the caller has to retry. */
	enum status (*run)(void *arg, const struct invocation *in, struct arena *a, struct buf *answer, struct fault *why);
	void *arg;
};

#endif
