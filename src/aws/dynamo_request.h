/* One call to DynamoDB and its outcome: done, or one of the refusals that callers distinguish.
 * All else is a fault, whose cause has the action, DynamoDB's error name and its message. */
#ifndef AWS_DYNAMO_REQUEST_H
#define AWS_DYNAMO_REQUEST_H

#include "aws/dynamo.h"
#include "base/buf.h"
#include "base/fault.h"

enum dynamo_outcome {
	DYNAMO_DONE = 0,
	DYNAMO_CONDITION_FAILED = 1,
	DYNAMO_IN_USE = 2,             /* the table is there already */
	DYNAMO_MISSING = 4,            /* no such table, or not yet */
	DYNAMO_REFUSED = 8,            /* ValidationException */
	DYNAMO_UNKNOWN_OPERATION = 16, /* an endpoint that has not all of DynamoDB */
};

struct dynamo_call {
	const char *action; /* "PutItem" */
	struct str body;
	unsigned expects; /* refusals that the caller handles, or-ed */
	unsigned *sent;   /* how often it may have arrived; may be NULL */
};

struct dynamo_answer {
	enum dynamo_outcome outcome;
	json_t *json; /* an object; owned */
};

/* Safe on a zeroed one. */
void dynamo_answer_deinit(struct dynamo_answer *a);
/* Send and wait. *out is written only on OK.
 * scratch  takes the answer's bytes
 * Errors   UPSTREAM_FAILED; DEADLINE; OVERLOADED throttled; TOO_MUCH */
enum status dynamo_ask(
	struct dynamo *t, const struct dynamo_call *c, struct arena *scratch, struct dynamo_answer *out, struct fault *why) MUST_CHECK;

/* Begin a body: {"TableName":"…". On the arena. */
void dynamo_body_begin(struct buf *b, const struct dynamo *t, struct arena *scratch);

#endif
