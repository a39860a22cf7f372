/* The table itself: created with its sparse indexes and its TTL, and described. On demand, so that
 * nothing has to be provisioned. A table from before there were owners gets the index of owners: none of its rows has one.
 *
 * An endpoint without TTL (an emulator) is accepted: it is the sweep that removes rows, by the index `due`; the TTL is there
 * for tables that nobody sweeps. */
#include "aws/dynamo/dynamo.h"
#include "aws/dynamo/request.h"

#include "base/clock.h"
#include "base/json.h"
#include "base/writer.h"

#include <string.h>
#include <time.h>

#define ACTIVE_WITHIN_MS 120000
#define ASK_AGAIN_MS 100

/* The JSON of CreateTable's parts, of names that are literals. */
#define KEY(name, type) "{\"AttributeName\":\"" name "\",\"KeyType\":\"" type "\"}"
#define ATTRIBUTE(name) "{\"AttributeName\":\"" name "\",\"AttributeType\":\"S\"}"
#define INDEX(name, order) \
	"{\"IndexName\":\"" name "\",\"KeySchema\":[" KEY(name, "HASH") "," KEY(order, "RANGE") "],\"Projection\":{\"ProjectionType\":\"ALL\"}}"

#define OWNED_INDEX INDEX(DYNAMO_OWNED, DYNAMO_OWNED_ORDER)
#define OWNED_ATTRIBUTES ATTRIBUTE(DYNAMO_OWNED) "," ATTRIBUTE(DYNAMO_OWNED_ORDER)

static enum status create_table(const struct dynamo *t, struct fault *why)
{
	struct dynamo_call c CLEANUP(dynamo_call_deinit) = { 0 };
	dynamo_call_init(&c, t, "CreateTable", DYNAMO_IN_USE);
	writer_text(&c.body, STR("BillingMode"), STR("PAY_PER_REQUEST"));
	writer_raw(&c.body, STR("KeySchema"), STR("[" KEY("imageId", "HASH") "]"));
	writer_raw(&c.body, STR("AttributeDefinitions"),
		STR("[" ATTRIBUTE("imageId") "," ATTRIBUTE(DYNAMO_FEED) "," ATTRIBUTE(DYNAMO_FEED_ORDER) "," ATTRIBUTE(DYNAMO_DUE) "," ATTRIBUTE(
			DYNAMO_DUE_ORDER) "," OWNED_ATTRIBUTES "]"));
	writer_raw(&c.body, STR("GlobalSecondaryIndexes"),
		STR("[" INDEX(DYNAMO_FEED, DYNAMO_FEED_ORDER) "," INDEX(DYNAMO_DUE, DYNAMO_DUE_ORDER) "," OWNED_INDEX "]"));
	return dynamo_call_send(&c, t, why);
}

static bool is_active(const json_t *described, const char *member)
{
	return str_equal(json_text(json_object_get(described, member)), STR("ACTIVE"));
}

static const json_t *find_index(const json_t *table, const char *name)
{
	const json_t *indexes = json_object_get(table, "GlobalSecondaryIndexes");
	for (size_t i = 0; i < json_array_size(indexes); i++) {
		const json_t *index = json_array_get(indexes, i);
		if (str_equal(json_text(json_object_get(index, "IndexName")), str_of(name)))
			return index;
	}
	return NULL;
}

static enum status add_owned_index(const struct dynamo *t, struct fault *why)
{
	struct dynamo_call c CLEANUP(dynamo_call_deinit) = { 0 };
	dynamo_call_init(&c, t, "UpdateTable", DYNAMO_IN_USE);
	writer_raw(&c.body, STR("AttributeDefinitions"), STR("[" OWNED_ATTRIBUTES "]"));
	writer_raw(&c.body, STR("GlobalSecondaryIndexUpdates"), STR("[{\"Create\":" OWNED_INDEX "}]"));
	return dynamo_call_send(&c, t, why);
}

/* Whether the table and its indexes may be used. The index of owners is added where it is missing, as soon as nothing else is
 * being changed. */
static enum status prepare_table(const struct dynamo *t, bool *ready, struct fault *why)
{
	static const char *const indexes[] = { DYNAMO_FEED, DYNAMO_DUE };
	struct dynamo_call c CLEANUP(dynamo_call_deinit) = { 0 };
	dynamo_call_init(&c, t, "DescribeTable", DYNAMO_MISSING);
	TRY(dynamo_call_send(&c, t, why));
	const json_t *table = json_object_get(c.answer, "Table"), *owned = find_index(table, DYNAMO_OWNED);
	*ready = c.outcome == DYNAMO_DONE && is_active(table, "TableStatus");
	for (size_t i = 0; *ready && i < COUNT_OF(indexes); i++) {
		const json_t *index = find_index(table, indexes[i]);
		if (index == NULL)
			return fault_set(
				why, BAD_SETTING, "The table %s exists, but has no index \"%s\": it was not created for tintype.", t->table, indexes[i]);
		*ready = is_active(index, "IndexStatus");
	}
	if (*ready && owned == NULL)
		TRY(add_owned_index(t, why));
	*ready = *ready && is_active(owned, "IndexStatus");
	return OK;
}

static enum status turn_ttl_on(const struct dynamo *t, struct fault *why)
{
	struct dynamo_call c CLEANUP(dynamo_call_deinit) = { 0 };
	dynamo_call_init(&c, t, "UpdateTimeToLive", DYNAMO_REFUSED | DYNAMO_UNKNOWN_OPERATION);
	writer_raw(&c.body, STR("TimeToLiveSpecification"), STR("{\"Enabled\":true,\"AttributeName\":\"" DYNAMO_TTL "\"}"));
	TRY(dynamo_call_send(&c, t, why));
	const char *message = json_string_value(json_object_get(c.answer, "message"));
	if (c.outcome != DYNAMO_REFUSED || (message != NULL && strstr(message, "already enabled") != NULL))
		return OK;
	enum status end = fault_set(why, UPSTREAM_FAILED, "The table %s exists, but its TTL cannot be turned on.", t->table);
	fault_cause(why, "DynamoDB UpdateTimeToLive: %s", message == NULL ? "" : message);
	return end;
}

enum status dynamo_table_create(struct image_table *port, struct fault *why)
{
	assert(port != NULL);
	const struct dynamo *t = (struct dynamo *)port;
	TRY(create_table(t, why));
	const struct timespec pause = { .tv_nsec = ASK_AGAIN_MS * 1000000L };
	int64_t ends_ms = clock_mono_ms() + ACTIVE_WITHIN_MS;
	bool ready = false;
	TRY(prepare_table(t, &ready, why));
	while (!ready && clock_mono_ms() < ends_ms) {
		(void)clock_nanosleep(CLOCK_MONOTONIC, 0, &pause, NULL);
		TRY(prepare_table(t, &ready, why));
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
	assert(port != NULL && out != NULL);
	const struct dynamo *t = (struct dynamo *)port;
	struct dynamo_call c CLEANUP(dynamo_call_deinit) = { 0 };
	dynamo_call_init(&c, t, "DescribeTable", 0);
	TRY(dynamo_call_send(&c, t, why));
	const json_t *table = json_object_get(c.answer, "Table");
	*out = (struct image_counts){
		.pending = item_count(find_index(table, DYNAMO_DUE)),
		.uploaded = item_count(find_index(table, DYNAMO_FEED)),
	};
	return OK;
}
