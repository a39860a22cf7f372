/* One call: POST /, the action in X-Amz-Target, JSON both ways. The service signs, sends and tries
 * again; here its response is read, and a table maps DynamoDB's error names to what callers distinguish.
 * The client's message never quotes them; they go to the cause, for the log.
 * Source: Amazon DynamoDB developer guide, "DynamoDB low-level API" and "Error handling". */
#include "aws/dynamo/request.h"

#include "base/clock.h"
#include "base/json.h"
#include "base/writer.h"

#define RESPONSE_MAX_BYTES ((uint64_t)16 << 20)

struct word {
	const char *name;
	enum dynamo_outcome outcome;
};

static const struct word REFUSALS[] = {
	{ "ConditionalCheckFailedException", DYNAMO_CONDITION_FAILED },
	{ "ResourceInUseException", DYNAMO_IN_USE },
	{ "ResourceNotFoundException", DYNAMO_MISSING },
	{ "ValidationException", DYNAMO_REFUSED },
	{ "UnknownOperationException", DYNAMO_UNKNOWN_OPERATION },
	{ "TransactionCanceledException", DYNAMO_CANCELED },
};

void dynamo_call_deinit(struct dynamo_call *c)
{
	json_decref(c->answer);
	arena_deinit(&c->scratch);
	*c = (struct dynamo_call){ 0 };
}

void dynamo_call_init_bare(struct dynamo_call *c, const char *action, unsigned expects)
{
	assert(c != NULL && action != NULL);
	dynamo_call_deinit(c);
	c->action = action;
	c->expects = expects;
	arena_init(&c->scratch, DYNAMO_SCRATCH_BYTES);
	buf_init_arena(&c->body, &c->scratch, DYNAMO_BODY_MAX);
	writer_open(&c->body, STR(""), '{');
}

void dynamo_call_init(struct dynamo_call *c, const struct dynamo *t, const char *action, unsigned expects)
{
	assert(t != NULL);
	dynamo_call_init_bare(c, action, expects);
	writer_text(&c->body, STR("TableName"), str_of(t->table));
}

/* A call without a response; the service's own message goes to the log too. */
static enum status fault_lost(const char *action, const struct fault *from, struct fault *why)
{
	enum status end;
	if (from->code == F_DEADLINE)
		end = fault_set(why, DEADLINE, "The image table took too long to respond. Try again.");
	else if (from->code == F_OVERLOADED)
		end = fault_set(why, OVERLOADED, "The image table is too busy. Try again in a moment.");
	else if (from->code == F_OUT_OF_MEMORY)
		end = fault_no_memory(why);
	else
		end = fault_set(why, UPSTREAM_FAILED, "The image table does not respond. Try again.");
	fault_cause(why, "DynamoDB %s: %s%s%s", action, from->text, from->cause[0] != '\0' ? " " : "", from->cause);
	return end;
}

static enum status read_answer(struct dynamo_call *c, const struct http_response *r, struct fault *why)
{
	json_error_t error;
	bool starved;
	json_auto_t *json = json_read(r->body, JSON_ALLOW_NUL, &error, &starved);
	bool object = json_is_object(json);
	/* The last part of "com.amazonaws.dynamodb.v20120810#ValidationException". */
	struct str word = json_text(json_object_get(json, "__type"));
	size_t hash = str_find_char(word, '#');
	enum dynamo_outcome outcome = DYNAMO_DONE;
	if (hash < word.n)
		word = str_slice(word, hash + 1, word.n);
	for (size_t i = 0; object && r->status == 400 && i < COUNT_OF(REFUSALS); i++)
		if (str_equal(word, str_of(REFUSALS[i].name)))
			outcome = REFUSALS[i].outcome;
	if (object && (r->status == 200 || (outcome & c->expects) != 0)) {
		c->outcome = outcome;
		c->answer = json_incref(json);
		return OK;
	}
	if (starved)
		return fault_no_memory(why);
	enum status end = fault_set(why, UPSTREAM_FAILED, "The image table failed. Try again.");
	const json_t *message = json_object_get(json, "message");
	const char *text = json_string_value(message != NULL ? message : json_object_get(json, "Message"));
	if (text == NULL)
		text = object ? "" : "the answer is not a JSON object";
	fault_cause(why, "DynamoDB %s: HTTP %d %.*s: %s", c->action, r->status, STRF(word), text);
	return end;
}

enum status dynamo_call_send(struct dynamo_call *c, const struct dynamo *t, struct fault *why)
{
	assert(c->action != NULL);
	struct str target = str_printf(&c->scratch, "DynamoDB_20120810.%s", c->action);
	unsigned sent = 0;
	if (!c->complete)
		writer_close(&c->body, '}');
	c->complete = true;
	json_decref(c->answer);
	c->answer = NULL;
	TRY(fault_check_arena(&c->scratch, why));
	TRY(fault_check_buf(&c->body, why));
	const struct header headers[] = {
		{ STR("content-type"), STR("application/x-amz-json-1.0") },
		{ STR("x-amz-target"), target },
	};
	const struct aws_call call = { .method = STR("POST"),
		.path = STR("/"),
		.headers = headers,
		.n_headers = COUNT_OF(headers),
		.body = buf_str(&c->body),
		.deadline_ms = clock_mono_ms() + t->timeout_ms,
		.repeatable = true,
		.max_response_bytes = RESPONSE_MAX_BYTES,
		.sent = &sent };
	struct http_response response;
	struct fault from = { 0 };
	enum status got = aws_service_call(t->service, &call, &c->scratch, &response, &from);
	c->sent += sent;
	if (got != OK)
		return fault_lost(c->action, &from, why);
	return read_answer(c, &response, why);
}
