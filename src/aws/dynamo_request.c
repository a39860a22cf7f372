/* One call: POST /, the action in X-Amz-Target, JSON both ways. The service signs, sends and tries
 * again; here its answer is read, and a table maps DynamoDB's error names to what callers distinguish.
 * The client's message never quotes them: they are in the cause, for the log.
 * Source: Amazon DynamoDB developer guide, "DynamoDB low-level API" and "Error handling". */
#include "aws/dynamo_request.h"

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
};

static const char *const THROTTLES[] = { "ProvisionedThroughputExceededException", "ThrottlingException", "RequestLimitExceeded",
	"ThrottledException", "LimitExceededException" };

void dynamo_answer_deinit(struct dynamo_answer *a)
{
	json_decref(a->json);
	a->json = NULL;
}

void dynamo_body_begin(struct buf *b, const struct dynamo *t, struct arena *scratch)
{
	buf_init_arena(b, scratch, DYNAMO_BODY_MAX);
	writer_open(b, STR(""), '{');
	writer_text(b, STR("TableName"), str_of(t->table));
}

/* The last part of "com.amazonaws.dynamodb.v20120810#ValidationException". */
static struct str error_word(const json_t *json)
{
	const json_t *type = json_object_get(json, "__type");
	struct str s = { json_string_value(type), json_string_length(type) };
	size_t hash = str_find_char(s, '#');
	return hash < s.n ? str_slice(s, hash + 1, s.n) : s;
}

/* A call that did not come to an answer: the service's sentence is for the log as well. */
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
	fault_cause(why, "DynamoDB %s: %s %s", action, from->text, from->cause);
	return end;
}

static enum status read_answer(const struct dynamo_call *c, const struct http_response *r, struct dynamo_answer *out, struct fault *why)
{
	json_error_t error;
	bool starved;
	struct dynamo_answer got CLEANUP(dynamo_answer_deinit) = { .json = json_read(r->body, JSON_ALLOW_NUL, &error, &starved) };
	bool object = json_is_object(got.json), throttled = false;
	struct str word = error_word(got.json);
	for (size_t i = 0; object && r->status == 400 && i < COUNT_OF(REFUSALS); i++)
		if (str_equal(word, str_of(REFUSALS[i].name)))
			got.outcome = REFUSALS[i].outcome;
	if (object && (r->status == 200 || (got.outcome & c->expects) != 0)) {
		*out = got;
		got.json = NULL;
		return OK;
	}
	if (starved)
		return fault_no_memory(why);
	for (size_t i = 0; i < COUNT_OF(THROTTLES); i++)
		throttled = throttled || str_equal(word, str_of(THROTTLES[i]));
	enum status end = throttled ? fault_set(why, OVERLOADED, "The image table is too busy. Try again in a moment.")
								: fault_set(why, UPSTREAM_FAILED, "The image table failed. Try again.");
	const json_t *message = json_object_get(got.json, "message");
	const char *text = json_string_value(message != NULL ? message : json_object_get(got.json, "Message"));
	if (text == NULL)
		text = object ? "" : "the answer is not a JSON object";
	fault_cause(why, "DynamoDB %s: HTTP %d %.*s: %s", c->action, r->status, STRF(word), text);
	return end;
}

enum status dynamo_ask(struct dynamo *t, const struct dynamo_call *c, struct arena *scratch, struct dynamo_answer *out, struct fault *why)
{
	struct str target = str_printf(scratch, "DynamoDB_20120810.%s", c->action);
	const struct header headers[] = {
		{ STR("content-type"), STR("application/x-amz-json-1.0") },
		{ STR("x-amz-target"), target },
	};
	const struct aws_call call = { .method = STR("POST"),
		.host_prefix = STR(""),
		.path = STR("/"),
		.headers = headers,
		.n_headers = COUNT_OF(headers),
		.body = c->body,
		.deadline_ms = clock_mono_ms() + t->timeout_ms,
		.repeatable = true,
		.max_response_bytes = RESPONSE_MAX_BYTES,
		.sent = c->sent };
	struct http_response response;
	struct fault from = { 0 };
	if (!arena_ok(scratch) || c->body.n == 0)
		return fault_too_much(why);
	if (aws_service_call(t->service, &call, scratch, &response, &from) != OK)
		return fault_lost(c->action, &from, why);
	return read_answer(c, &response, out, why);
}
