/* The table itself: created with its two sparse indexes and its TTL, and described. On demand, so that
 * nothing has to be provisioned.
 *
 * An endpoint without TTL (an emulator) is accepted: the sweep removes rows by the index `due`, and
 * the TTL removes them where no sweep runs. */
#include "aws/dynamo.h"
#include "aws/dynamo_request.h"

#include "base/clock.h"

#include <string.h>
#include <time.h>

#define ACTIVE_WITHIN_MS 120000
#define ASK_AGAIN_MS 100

static const char *const INDEXES[][2] = { { DYNAMO_FEED, DYNAMO_FEED_ORDER }, { DYNAMO_DUE, DYNAMO_DUE_ORDER } };

/* One call whose body is the table's name and `rest`. */
static enum status ask_table(struct dynamo *t, struct dynamo_call *call, struct str rest, struct dynamo_answer *out, struct fault *why)
{
	struct arena scratch CLEANUP(arena_deinit);
	struct buf body;
	arena_init(&scratch, DYNAMO_SCRATCH_BYTES);
	dynamo_body_begin(&body, t, &scratch);
	buf_put(&body, rest);
	buf_put_char(&body, '}');
	call->body = buf_ok(&body) ? buf_str(&body) : STR("");
	return dynamo_ask(t, call, &scratch, out, why);
}

static enum status create_table(struct dynamo *t, struct fault *why)
{
	struct dynamo_answer answer CLEANUP(dynamo_answer_deinit) = { 0 };
	struct dynamo_call call = { .action = "CreateTable", .expects = DYNAMO_IN_USE };
	char memory[2048];
	struct buf schema;
	buf_init_fixed(&schema, memory, sizeof memory);
	buf_put(&schema,
		STR(",\"BillingMode\":\"PAY_PER_REQUEST\",\"KeySchema\":[{\"AttributeName\":\"imageId\",\"KeyType\":\"HASH\"}]"
			",\"AttributeDefinitions\":[{\"AttributeName\":\"imageId\",\"AttributeType\":\"S\"}"));
	for (size_t i = 0; i < COUNT_OF(INDEXES); i++)
		for (size_t k = 0; k < 2; k++)
			buf_printf(&schema, ",{\"AttributeName\":\"%s\",\"AttributeType\":\"S\"}", INDEXES[i][k]);
	buf_put(&schema, STR("],\"GlobalSecondaryIndexes\":["));
	for (size_t i = 0; i < COUNT_OF(INDEXES); i++)
		buf_printf(&schema,
			"%s{\"IndexName\":\"%s\",\"KeySchema\":[{\"AttributeName\":\"%s\",\"KeyType\":\"HASH\"},"
			"{\"AttributeName\":\"%s\",\"KeyType\":\"RANGE\"}],\"Projection\":{\"ProjectionType\":\"ALL\"}}",
			i == 0 ? "" : ",", INDEXES[i][0], INDEXES[i][0], INDEXES[i][1]);
	buf_put_char(&schema, ']');
	return ask_table(t, &call, buf_str(&schema), &answer, why);
}

static bool is_active(const json_t *described, const char *member)
{
	const char *status = json_string_value(json_object_get(described, member));
	return status != NULL && strcmp(status, "ACTIVE") == 0;
}

static const json_t *find_index(const json_t *table, const char *name)
{
	const json_t *indexes = json_object_get(table, "GlobalSecondaryIndexes");
	for (size_t i = 0; i < json_array_size(indexes); i++) {
		const json_t *index = json_array_get(indexes, i);
		const char *found = json_string_value(json_object_get(index, "IndexName"));
		if (found != NULL && strcmp(found, name) == 0)
			return index;
	}
	return NULL;
}

/* Whether the table and both indexes may be used. */
static enum status describe_table(struct dynamo *t, bool *ready, struct fault *why)
{
	struct dynamo_answer answer CLEANUP(dynamo_answer_deinit) = { 0 };
	struct dynamo_call call = { .action = "DescribeTable", .expects = DYNAMO_MISSING };
	TRY(ask_table(t, &call, STR(""), &answer, why));
	const json_t *table = json_object_get(answer.json, "Table");
	*ready = answer.outcome == DYNAMO_DONE && is_active(table, "TableStatus");
	for (size_t i = 0; *ready && i < COUNT_OF(INDEXES); i++) {
		const json_t *index = find_index(table, INDEXES[i][0]);
		if (index == NULL)
			return fault_set(
				why, BAD_SETTING, "The table %s exists, but has no index \"%s\": it was not created for tintype.", t->table, INDEXES[i][0]);
		*ready = is_active(index, "IndexStatus");
	}
	return OK;
}

static enum status turn_ttl_on(struct dynamo *t, struct fault *why)
{
	struct dynamo_answer answer CLEANUP(dynamo_answer_deinit) = { 0 };
	struct dynamo_call call = { .action = "UpdateTimeToLive", .expects = DYNAMO_REFUSED | DYNAMO_UNKNOWN_OPERATION };
	TRY(ask_table(t, &call, STR(",\"TimeToLiveSpecification\":{\"Enabled\":true,\"AttributeName\":\"" DYNAMO_TTL "\"}"), &answer, why));
	const char *message = json_string_value(json_object_get(answer.json, "message"));
	if (answer.outcome != DYNAMO_REFUSED || (message != NULL && strstr(message, "already enabled") != NULL))
		return OK;
	enum status end = fault_set(why, UPSTREAM_FAILED, "The table %s exists, but its TTL cannot be turned on.", t->table);
	fault_cause(why, "DynamoDB UpdateTimeToLive: %s", message == NULL ? "" : message);
	return end;
}

enum status dynamo_table_create(struct image_table *port, struct fault *why)
{
	struct dynamo *t = (struct dynamo *)port;
	TRY(create_table(t, why));
	const struct timespec pause = { .tv_nsec = ASK_AGAIN_MS * 1000000L };
	int64_t ends_ms = clock_mono_ms() + ACTIVE_WITHIN_MS;
	bool ready = false;
	TRY(describe_table(t, &ready, why));
	while (!ready && clock_mono_ms() < ends_ms) {
		(void)clock_nanosleep(CLOCK_MONOTONIC, 0, &pause, NULL);
		TRY(describe_table(t, &ready, why));
	}
	if (!ready)
		return fault_set(why, DEADLINE, "The table %s is being created, but is not ready after %d s.", t->table, ACTIVE_WITHIN_MS / 1000);
	return turn_ttl_on(t, why);
}

static uint64_t item_count(const json_t *described)
{
	json_int_t n = json_integer_value(json_object_get(described, "ItemCount"));
	return n > 0 ? (uint64_t)n : 0;
}

enum status dynamo_counts(struct image_table *port, struct image_counts *out, struct fault *why)
{
	struct dynamo *t = (struct dynamo *)port;
	struct dynamo_answer answer CLEANUP(dynamo_answer_deinit) = { 0 };
	struct dynamo_call call = { .action = "DescribeTable" };
	TRY(ask_table(t, &call, STR(""), &answer, why));
	const json_t *table = json_object_get(answer.json, "Table");
	*out = (struct image_counts){
		.pending = item_count(find_index(table, DYNAMO_DUE)),
		.uploaded = item_count(find_index(table, DYNAMO_FEED)),
	};
	return OK;
}
