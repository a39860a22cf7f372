/* One call: POST /, the action in X-Amz-Target, JSON both ways. The service signs, sends and tries
 * again; here its answer is read, and a table maps DynamoDB's error names to what callers distinguish.
 * The client's message never quotes them: they are in the cause, for the log.
 * Source: Amazon DynamoDB developer guide, "DynamoDB low-level API" and "Error handling". */
#include "aws/dynamo_request.h"

#include "base/clock.h"
#include "base/codec.h"

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
	buf_put(b, STR("{\"TableName\":\""));
	json_escape(b, str_of(t->table));
	buf_put_char(b, '"');
}

/* The last part of "com.amazonaws.dynamodb.v20120810#ValidationException". */
static struct str error_word(const json_t *json)
{
	const json_t *type = json_object_get(json, "__type");
	struct str s = { json_string_value(type), json_string_length(type) };
	size_t hash = str_find_char(s, '#');
	return hash < s.n ? str_slice(s, hash + 1, s.n) : s;
}

static const char *error_message(const json_t *json)
{
	const char *message = json_string_value(json_object_get(json, "message"));
	if (message == NULL)
		message = json_string_value(json_object_get(json, "Message"));
	return message == NULL ? "" : message;
}

static enum dynamo_outcome outcome_of(struct str word)
{
	for (size_t i = 0; i < COUNT_OF(REFUSALS); i++)
		if (str_equal(word, str_of(REFUSALS[i].name)))
			return REFUSALS[i].outcome;
	return DYNAMO_DONE;
}

static bool fault_throttled(struct str word)
{
	for (size_t i = 0; i < COUNT_OF(THROTTLES); i++)
		if (str_equal(word, str_of(THROTTLES[i])))
			return true;
	return false;
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

static enum status fault_malformed(const struct dynamo_call *c, const struct http_response *r, const json_t *json, struct fault *why)
{
	struct str word = error_word(json);
	enum status end = fault_throttled(word) ? fault_set(why, OVERLOADED, "The image table is too busy. Try again in a moment.")
											: fault_set(why, UPSTREAM_FAILED, "The image table failed. Try again.");
	fault_cause(why, "DynamoDB %s: HTTP %d %.*s: %s", c->action, r->status, STRF(word),
		json_is_object(json) ? error_message(json) : "the answer is not a JSON object");
	return end;
}

static enum status read_answer(const struct dynamo_call *c, const struct http_response *r, struct dynamo_answer *out, struct fault *why)
{
	struct dynamo_answer got CLEANUP(dynamo_answer_deinit) = { .json = json_loadb(r->body.p, r->body.n, JSON_ALLOW_NUL, NULL) };
	bool object = json_is_object(got.json);
	if (object && r->status == 400)
		got.outcome = outcome_of(error_word(got.json));
	if (!object || (r->status != 200 && (got.outcome & c->expects) == 0))
		return fault_malformed(c, r, got.json, why);
	*out = got;
	got.json = NULL;
	return OK;
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
