/* Transactions of DynamoDB: some writes of the table, most with a condition, all done or none.
 *
 *   struct dynamo_call c CLEANUP(dynamo_call_deinit) = { 0 };
 *   dynamo_transact_init(&c);
 *   dynamo_transact_open(&c, t, "Put");
 *   ... the members of a PutItem, with its condition, to c.body ...
 *   dynamo_transact_close(&c, true);
 *   TRY(dynamo_transact_send(&c, t, why)); */
#ifndef AWS_DYNAMO_TRANSACT_H
#define AWS_DYNAMO_TRANSACT_H

#include "aws/dynamo/request.h"

/* Begin one, with a ClientRequestToken, by which DynamoDB recognises it for ten minutes when it is sent again. */
void dynamo_transact_init(struct dynamo_call *c);
/* kind  static: "Put", "Update", "Delete" */
void dynamo_transact_open(struct dynamo_call *c, const struct dynamo *t, const char *kind);
/* conditional  the write has a ConditionExpression */
void dynamo_transact_close(struct dynamo_call *c, bool conditional);
/* Send, and again where another transaction of the same items or a throttle was in the way. outcome is DYNAMO_DONE or
 * DYNAMO_CONDITION_FAILED.
 * Errors  OVERLOADED the others were in the way each time; those of dynamo_call_send */
enum status dynamo_transact_send(struct dynamo_call *c, const struct dynamo *t, struct fault *why) MUST_CHECK;
/* After DYNAMO_CONDITION_FAILED: whether the condition of the nth write failed.
 * item  then the item that made it fail, NULL: there is none. It is of the call */
bool dynamo_transact_failed(const struct dynamo_call *c, unsigned nth, const json_t **item);

#endif
