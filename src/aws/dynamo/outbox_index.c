/* The partitions of the outbox on DynamoDB: querying them, and moving items that cannot be read as an event to their own partition and back.
 * See outbox.h. */
#include "aws/dynamo/outbox.h"

#include "aws/dynamo/cursor.h"
#include "aws/dynamo/row.h"
#include "aws/dynamo/update.h"
#include "base/hash.h"
#include "base/log/log.h"
#include "base/writer.h"

#define SCRATCH_BYTES ((size_t)1 << 20)

struct str dynamo_event_partition(const struct dynamo *t, uint32_t i, struct arena *a)
{
	assert(i < t->shards + DYNAMO_ENDED_PARTITIONS);
	if (i < t->shards)
		return dynamo_partition(STR(DYNAMO_EVENTS), i, a);
	return i == dynamo_failed_partition(t) ? STR("failed#0") : STR("unreadable#0");
}

enum status dynamo_events_query(struct dynamo *t, const struct dynamo_event_query *q, struct dynamo_call *c, struct fault *why)
{
	struct dynamo_item values = { 0 };
	dynamo_call_init(c, t, "Query", 0);
	dynamo_item_text(&values, "part", q->partition, &c->scratch);
	dynamo_item_text(&values, "key", q->than_key, &c->scratch);
	writer_text(&c->body, STR("IndexName"), STR(DYNAMO_DUE));
	writer_text(
		&c->body, STR("KeyConditionExpression"), str_printf(&c->scratch, DYNAMO_DUE " = :part AND " DYNAMO_DUE_ORDER " %c :key", q->than));
	dynamo_item_put(&values, STR("ExpressionAttributeValues"), ":", &c->body);
	writer_bool(&c->body, STR("ScanIndexForward"), !q->newest_first);
	if (q->only_count)
		writer_text(&c->body, STR("Select"), STR("COUNT"));
	if (q->limit > 0)
		writer_number(&c->body, STR("Limit"), q->limit);
	return dynamo_call_send(c, t, why);
}

/* Change the partition of an item, unless it has changed since the index was read. */
static enum status move(struct dynamo *t, const json_t *item, uint32_t to, bool *moved, struct fault *why)
{
	struct dynamo_call c CLEANUP(dynamo_call_deinit) = { 0 };
	struct dynamo_update u = { .condition = STR("#" DYNAMO_DUE " = :was") };
	dynamo_call_init(&c, t, "UpdateItem", DYNAMO_CONDITION_FAILED);
	struct arena *a = &c.scratch;
	dynamo_item_text(&u.attributes, DYNAMO_DUE, dynamo_event_partition(t, to, a), a);
	dynamo_item_text(&u.values, "was", dynamo_item_get_text(item, DYNAMO_DUE), a);
	dynamo_key_put(dynamo_item_get_text(item, DYNAMO_KEY), a, &c.body);
	dynamo_update_put(&u, a, &c.body);
	TRY(dynamo_call_send(&c, t, why));
	*moved = c.outcome == DYNAMO_DONE;
	return OK;
}

enum status dynamo_event_set_aside(struct dynamo *t, const json_t *item, const struct fault *reason, struct fault *why)
{
	bool moved;
	TRY(move(t, item, dynamo_unreadable_partition(t), &moved, why));
	if (moved)
		LOG(EVENTS_UNREADABLE, STR(""), LOG_S("item", dynamo_item_get_text(item, DYNAMO_KEY)), LOG_C("text", reason->text));
	return OK;
}

enum status dynamo_events_put_back(struct dynamo *t, uint64_t *n, struct fault *why)
{
	struct arena a CLEANUP(arena_deinit);
	struct str after = DYNAMO_FIRST_ORDER;
	arena_init(&a, SCRATCH_BYTES);
	while (after.n > 0) {
		struct dynamo_call c CLEANUP(dynamo_call_deinit) = { 0 };
		const struct dynamo_event_query q = {
			.partition = dynamo_event_partition(t, dynamo_unreadable_partition(t), &a), .than = '>', .than_key = after
		};
		TRY(dynamo_events_query(t, &q, &c, why));
		const json_t *items = json_object_get(c.answer, "Items"), *last = json_object_get(c.answer, "LastEvaluatedKey");
		for (size_t i = 0; i < json_array_size(items); i++) {
			const json_t *item = json_array_get(items, i);
			bool moved;
			TRY(move(t, item, hash_fnv32(dynamo_item_get_text(item, DYNAMO_KEY)) % t->shards, &moved, why));
			*n += moved;
		}
		after = last == NULL ? STR("") : str_dup(&a, dynamo_item_get_text(last, DYNAMO_DUE_ORDER));
		TRY(fault_check_arena(&a, why));
	}
	return OK;
}
