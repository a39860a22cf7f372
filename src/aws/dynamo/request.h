/* One call to DynamoDB and its outcome: done, or one of the refusals that callers distinguish.
 * All else is a fault, whose cause has the action, DynamoDB's error name and its message.
 *
 *   struct dynamo_call c CLEANUP(dynamo_call_deinit) = { 0 };
 *   dynamo_call_init(&c, t, "GetItem", 0);
 *   ... what the body has besides the table's name, by base/writer.h ...
 *   TRY(dynamo_call_send(&c, t, why)); */
#ifndef AWS_DYNAMO_REQUEST_H
#define AWS_DYNAMO_REQUEST_H

#include "aws/dynamo/dynamo.h"
#include "base/buf.h"
#include "base/fault.h"

enum dynamo_outcome {
	DYNAMO_DONE = 0,
	DYNAMO_CONDITION_FAILED = 1,
	DYNAMO_IN_USE = 2,             /* the table is there already */
	DYNAMO_MISSING = 4,            /* no such table, or not yet */
	DYNAMO_REFUSED = 8,            /* ValidationException */
	DYNAMO_UNKNOWN_OPERATION = 16, /* an endpoint without all of DynamoDB's operations */
	DYNAMO_CANCELED = 32,          /* a transaction; CancellationReasons say why */
};

struct dynamo_call {
	const char *action;
	unsigned expects;
	struct arena scratch; /* for the body's parts and the response */
	struct buf body;      /* begun: {"TableName":"…" */
	bool complete;        /* the body */
	unsigned sent;        /* how many attempts may have arrived */
	enum dynamo_outcome outcome;
	json_t *answer; /* an object; owned; NULL until the call was sent */
};

/* Safe on a zeroed one. */
void dynamo_call_deinit(struct dynamo_call *c);
/* Begin a call.
 * c        zeroed, or used before: what it held is released
 * action   static: "PutItem"
 * expects  refusals that the caller handles, or-ed */
void dynamo_call_init(struct dynamo_call *c, const struct dynamo *t, const char *action, unsigned expects);
/* The same without the table's name, of a call that names it elsewhere. */
void dynamo_call_init_bare(struct dynamo_call *c, const char *action, unsigned expects);
/* Complete the body, send and wait; of a call that was sent, send the same again. outcome and answer are written only on OK.
 * Errors   UPSTREAM_FAILED; DEADLINE; OVERLOADED throttled; TOO_MUCH; OUT_OF_MEMORY
 * Threads  any; blocks */
enum status dynamo_call_send(struct dynamo_call *c, const struct dynamo *t, struct fault *why) MUST_CHECK;

#endif
