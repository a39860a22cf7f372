/* A transaction that was canceled says for each write why. A condition that failed is for the caller; a conflict with another
 * transaction, or a throttle, is tried again, with the same token, since nothing was done.
 * Source: Amazon DynamoDB API reference, TransactWriteItems; developer guide, "Transaction conflict handling". */
#include "aws/dynamo/transact.h"

#include "base/clock.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/op_deadline.h"
#include "base/writer.h"

#include <string.h>

#define RETRIES_MAX 3

void dynamo_transact_init(struct dynamo_call *c)
{
	char token[UUID_CHARS + 1];
	uuid_v4(token);
	dynamo_call_init_bare(c, "TransactWriteItems", DYNAMO_CANCELED);
	writer_text(&c->body, STR("ClientRequestToken"), str_of(token));
	writer_open(&c->body, STR("TransactItems"), '[');
}

void dynamo_transact_open(struct dynamo_call *c, const struct dynamo *t, const char *kind)
{
	assert(strcmp(c->action, "TransactWriteItems") == 0);
	writer_open(&c->body, STR(""), '{');
	writer_open(&c->body, str_of(kind), '{');
	writer_text(&c->body, STR("TableName"), str_of(t->table));
}

void dynamo_transact_close(struct dynamo_call *c, bool conditional)
{
	if (conditional)
		writer_text(&c->body, STR("ReturnValuesOnConditionCheckFailure"), STR("ALL_OLD"));
	writer_close(&c->body, '}');
	writer_close(&c->body, '}');
}

static struct str reason_code(const struct dynamo_call *c, size_t i)
{
	return json_text(json_object_get(json_array_get(json_object_get(c->answer, "CancellationReasons"), i), "Code"));
}

static bool has_reason(const struct dynamo_call *c, const char *const codes[], size_t n_codes)
{
	size_t n = json_array_size(json_object_get(c->answer, "CancellationReasons"));
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < n_codes; k++)
			if (str_equal(reason_code(c, i), str_of(codes[k])))
				return true;
	return false;
}

static enum status fault_canceled(const struct dynamo_call *c, bool busy, struct fault *why)
{
	enum status end = busy ? fault_set(why, OVERLOADED, "The image table is too busy. Try again in a moment.")
						   : fault_set(why, UPSTREAM_FAILED, "The image table failed. Try again.");
	const char *message = json_string_value(json_object_get(c->answer, "Message"));
	if (message == NULL)
		message = json_string_value(json_object_get(c->answer, "message"));
	fault_cause(why, "DynamoDB TransactWriteItems: %s", message == NULL ? "canceled" : message);
	return end;
}

enum status dynamo_transact_send(struct dynamo_call *c, const struct dynamo *t, struct fault *why)
{
	static const char *const conditions[] = { "ConditionalCheckFailed" };
	static const char *const busy[] = { "TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded" };
	int64_t ends_ms = op_deadline_clamp(clock_mono_ms() + t->timeout_ms);
	writer_close(&c->body, ']');
	for (unsigned attempt = 0;; attempt++) {
		TRY(dynamo_call_send(c, t, why));
		if (c->outcome == DYNAMO_DONE)
			return OK;
		if (has_reason(c, conditions, COUNT_OF(conditions))) {
			c->outcome = DYNAMO_CONDITION_FAILED;
			return OK;
		}
		bool is_busy = has_reason(c, busy, COUNT_OF(busy));
		if (!is_busy || attempt == RETRIES_MAX || !aws_wait_before_retry(attempt, ends_ms))
			return fault_canceled(c, is_busy, why);
	}
}

bool dynamo_transact_failed(const struct dynamo_call *c, unsigned nth, const json_t **item)
{
	*item = json_object_get(json_array_get(json_object_get(c->answer, "CancellationReasons"), nth), "Item");
	return str_equal(reason_code(c, nth), STR("ConditionalCheckFailed"));
}
