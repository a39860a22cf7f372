/* One event on its way: a copy of it, one attempt, and what follows from that. No thread of its own and no database. */
#ifndef WEBHOOK_ATTEMPT_H
#define WEBHOOK_ATTEMPT_H

#include "port/outbox.h"
#include "webhook/schedule.h"
#include "webhook/sender.h"

struct webhook_attempt {
	struct webhook_attempt *next;
	struct outbox_event event; /* its texts are with it */
	/* of the attempt */
	enum webhook_outcome outcome;
	bool answered;          /* whatever it was */
	int64_t at_ms;          /* when it ended; of the wall clock */
	int64_t retry_after_ms; /* that was asked for; 0: it was not */
	char error[OUTBOX_ERROR_MAX + 1];
	/* what attempt_settle makes of it */
	struct outbox_result result;
	bool disables; /* the receiver wants, or gets, nothing more; error says why */
};

/* A copy on the heap; NULL when memory fails. */
struct webhook_attempt *attempt_new(const struct outbox_event *e);
void attempt_free(struct webhook_attempt **d);
/* Send it once and fill in what came of it. Blocks, WEBHOOK_TIMEOUT_MS at most.
 * c          NULL: memory for it failed, and so does this
 * cancel_fd  as struct http_request has it */
void attempt_send(struct webhook_attempt *d, const struct webhook_options *o, struct http_client *c, int cancel_fd);
/* Fill in result and disables. Pure.
 * delivered_ms  when the receiver last accepted an event; 0: never
 * random        any number */
void attempt_settle(struct webhook_attempt *d, int64_t delivered_ms, uint32_t random);

#endif
