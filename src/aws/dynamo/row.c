/* See row.h. A row that will expire has a TTL a week after that time, for a table that nobody sweeps: the sweep checks the object
 * first, and takes the row off its owner's counters, and DynamoDB does neither. It may still be resolved as long as it has not been removed.
 * Source: Amazon DynamoDB developer guide, "Condition expressions", "Working with expired items". */
#include "aws/dynamo/row.h"

#include "aws/dynamo/cursor.h"
#include "base/clock.h"
#include "base/codec.h"
#include "base/hash.h"
#include "base/writer.h"

#include <assert.h>
#include <inttypes.h>

#define TTL_AFTER_MS ((int64_t)7 * 86400000)

struct dynamo_write dynamo_write_new(void)
{
	unsigned char bytes[sizeof((struct dynamo_write *)0)->id / 2];
	struct dynamo_write w;
	random_bytes(bytes, sizeof bytes);
	hex_encode(bytes, sizeof bytes, w.id);
	return w;
}

bool dynamo_write_is_of(const struct dynamo_write *w, const json_t *item)
{
	return str_equal(dynamo_item_get_text(item, DYNAMO_WRITE), str_of(w->id));
}

static bool is_expired(const json_t *item)
{
	uint64_t at_s;
	return str_to_u64(dynamo_item_get_number(item, DYNAMO_TTL), &at_s) && at_s <= (uint64_t)(clock_now_ms() / 1000);
}

bool dynamo_row_is_there(const json_t *item)
{
	return item != NULL && !is_expired(item) && !dynamo_row_is_gone(item);
}

bool dynamo_row_is_gone(const json_t *item)
{
	return str_equal(dynamo_item_get_text(item, "status"), STR(DYNAMO_GONE));
}

/* calls */

void dynamo_key_put(struct str key, struct arena *a, struct buf *body)
{
	struct dynamo_item item = { 0 };
	dynamo_item_text(&item, DYNAMO_KEY, key, a);
	dynamo_item_put(&item, STR("Key"), "", body);
}

enum status dynamo_fetch(struct dynamo_call *c, const struct dynamo *t, struct str key, struct fault *why)
{
	dynamo_call_init(c, t, "GetItem", 0);
	dynamo_key_put(key, &c->scratch, &c->body);
	writer_bool(&c->body, STR("ConsistentRead"), true);
	return dynamo_call_send(c, t, why);
}

enum status dynamo_send_write(struct dynamo_call *c, const struct dynamo *t, struct str key, const json_t **cause, struct fault *why)
{
	assert(c->expects == DYNAMO_CONDITION_FAILED);
	writer_text(&c->body, STR("ReturnValuesOnConditionCheckFailure"), STR("ALL_OLD"));
	TRY(dynamo_call_send(c, t, why));
	enum dynamo_outcome outcome = c->outcome;
	unsigned sent = c->sent;
	if (outcome == DYNAMO_CONDITION_FAILED && json_object_get(c->answer, "Item") == NULL)
		TRY(dynamo_fetch(c, t, key, why));
	*cause = outcome == DYNAMO_CONDITION_FAILED ? json_object_get(c->answer, "Item") : NULL;
	c->outcome = outcome;
	c->sent = sent;
	return OK;
}

enum status dynamo_row_after(struct dynamo_call *c, const struct dynamo *t, struct str key, const json_t **item, struct fault *why)
{
	*item = json_object_get(c->answer, "Attributes");
	if (*item != NULL)
		return OK;
	TRY(dynamo_fetch(c, t, key, why));
	*item = json_object_get(c->answer, "Item");
	return OK;
}

/* the index keys and the TTL */

/* A time later than all returned before, so that rows are listed in the order in which this process commits them. */
static int64_t next_commit_ms(struct dynamo *t)
{
	int64_t last = atomic_load(&t->last_commit_ms), next;
	do {
		int64_t now = clock_now_ms();
		next = now > last ? now : last + 1;
	} while (!atomic_compare_exchange_weak(&t->last_commit_ms, &last, next));
	return next;
}

static int64_t later_of(int64_t x, int64_t y)
{
	return x > y ? x : y;
}

/* Even over random ids, and the same on every machine. */
static uint32_t shard_of(const struct dynamo *t, const struct image_row *row)
{
	return hash_fnv32(row->image_id) % t->shards;
}

/* partition: of all rows of the index; "": the row is not in it. */
static void add_index(
	struct dynamo_item *item, const char *const names[2], struct str partition, uint32_t shard, struct str order, struct arena *a)
{
	dynamo_item_text(item, names[0], order.n > 0 ? dynamo_partition(partition, shard, a) : STR(""), a);
	dynamo_item_text(item, names[1], order, a);
}

static const char *const feed[2] = { DYNAMO_FEED, DYNAMO_FEED_ORDER };

void dynamo_row_add_feed(const struct dynamo *t, const struct image_row *row, int64_t at_ms, struct dynamo_item *item, struct arena *a)
{
	add_index(item, feed, STR(DYNAMO_FEED), shard_of(t, row), dynamo_order(at_ms, row->image_id, a), a);
}

void dynamo_row_add_keys(
	struct dynamo *t, const struct image_row *row, bool replaced, const struct dynamo_write *w, struct dynamo_item *item, struct arena *a)
{
	static const char *const due[2] = { DYNAMO_DUE, DYNAMO_DUE_ORDER }, *const owned[2] = { DYNAMO_OWNED, DYNAMO_OWNED_ORDER };
	bool listed = row->status == IMAGE_UPLOADED, ends = !listed && row->ends_ms > 0;
	/* Never before a week from now, whatever the clocks of others say. */
	int64_t ttl_ms = later_of(row->ends_ms, later_of(row->expires_ms, clock_now_ms())) + TTL_AFTER_MS;
	uint32_t shard = shard_of(t, row);
	if (listed && !replaced)
		dynamo_row_add_feed(t, row, next_commit_ms(t), item, a);
	if (!listed)
		add_index(item, feed, STR(DYNAMO_FEED), shard, STR(""), a);
	add_index(item, due, STR(DYNAMO_DUE), shard, ends ? dynamo_order(row->ends_ms, row->image_id, a) : STR(""), a);
	if (row->owner.n > 0)
		add_index(item, owned, row->owner, shard, dynamo_order(row->created_ms, row->image_id, a), a);
	dynamo_item_number(item, DYNAMO_TTL, ends ? (uint64_t)ttl_ms / 1000 : 0, a);
	dynamo_item_text(item, DYNAMO_WRITE, str_of(w->id), a);
}
