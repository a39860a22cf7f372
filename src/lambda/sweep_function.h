/* The sweep function: what a server's gc thread does, in pieces that fit into an invocation. The schedule calls it; the event is not read.
 *
 * An invocation takes half of its time at most, so that the last image that it verifies has the other half: events that were left
 * behind come first, then rows that are due, users whose deletion was begun, copies of public images, thumbnails, then the objects of
 * images. Of the last three it goes through one slice of all image ids, by their first digits: 256 slices of copies in 64 hours, 4,096 of the
 * others in 43 days, with an invocation every 15 minutes. Which slice, and where in it to begin, follows from the time, so that nothing has to be
 * stored, and what was left over in one round comes first in another. */
#ifndef LAMBDA_SWEEP_FUNCTION_H
#define LAMBDA_SWEEP_FUNCTION_H

#include "base/fault.h"
#include "image/maintenance/gc.h"
#include "lambda/event_sender.h"
#include "lambda/invocation.h"

#define SWEEP_EVERY_MS ((int64_t)15 * 60 * 1000) /* as the schedule has it */
#define SWEEP_SLICES 4096                        /* by the first three hexadecimal digits of an id */
#define SWEEP_COPY_SLICES 256                    /* by the first two */

/* Limit a sweep to the slice that is due, from a place in it that is another one in each of 256 rounds.
 * slices  SWEEP_SLICES or SWEEP_COPY_SLICES
 * a       where the texts live; a full arena stays marked */
void sweep_limit(struct gc_limits *limits, int64_t now_ms, unsigned slices, struct arena *a);

struct sweep_function {
	struct product *product;     /* borrowed */
	struct event_sender *events; /* likewise */
};

/* A handler's run; arg is a struct sweep_function. The answer says what was done:
 * {"ended":0,"forgotten":0,"confirmed":0,"rejected":0,"orphans":0,"copies":0,"events":0,"slice":"3fa"}
 * Errors  those of the ports: the first that failed; the rest was still tried */
enum status sweep_function_run(void *arg, const struct invocation *in, struct arena *a, struct buf *answer, struct fault *why) MUST_CHECK;

#endif
