/* The event function: object events in, rows resolved. See image/reconcile.h for what is done with each. */
#ifndef LAMBDA_EVENT_FUNCTION_H
#define LAMBDA_EVENT_FUNCTION_H

#include "base/fault.h"
#include "image/product.h"
#include "lambda/invocation.h"

struct event_function {
	struct product *product; /* borrowed */
	struct str bucket;       /* events for any other bucket are refused */
};

/* A handler's run; arg is a struct event_function. Of an SQS batch the response lists the messages that failed,
 * which are then delivered again, and finally go to the dead-letter queue. A bare event that fails is a failed
 * invocation, which Lambda repeats.
 * Errors  INVALID_INPUT not an object event; of bare events, the first failure */
enum status event_function_run(void *arg, const struct invocation *in, struct arena *a, struct buf *answer, struct fault *why) MUST_CHECK;

#endif
