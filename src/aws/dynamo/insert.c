/* New rows on DynamoDB. One without an owner, or of an owner who is not counted, is a PutItem; else the row and the owner's
 * counters are one transaction, whose condition is what the owner was seen to be and may use. Where another slot came between, the
 * refusal has the owner as it is now: it is checked again, and either refused, or tried again. */
#include "aws/dynamo/dynamo.h"
#include "aws/dynamo/row.h"
#include "aws/dynamo/state.h"
#include "aws/dynamo/transact.h"
#include "aws/dynamo/usage.h"

#include "base/clock.h"
#include "base/hash.h"
#include "base/writer.h"

#include <assert.h>

#define TRIES_MAX 10
#define KEYS_BYTES ((size_t)16 << 10)

struct new_row {
	struct dynamo *t;
	const struct image_row *row;
	struct dynamo_write write;
	json_t *owner; /* item of usage as it was seen; NULL: there is none */
	struct arena keys;
};

static void new_row_deinit(struct new_row *n)
{
	json_decref(n->owner);
	arena_deinit(&n->keys);
}

/* The members of a Put of the row. What a removed row left behind may be replaced when its time is over, whether DynamoDB has
 * removed it or not. */
static void put_row(const struct new_row *n, bool counted, struct arena *a, struct buf *body)
{
	struct dynamo_item item, values = { 0 };
	dynamo_item_of(n->row, false, a, &item);
	dynamo_row_add_keys(n->t, n->row, false, &n->write, &item, a);
	dynamo_item_number(&item, DYNAMO_COUNTED, counted ? 1 : 0, a);
	if (n->t->store != NULL)
		dynamo_item_text(&item, DYNAMO_FILE_URL, s3_store_address(n->t->store, n->row->key, a), a);
	dynamo_item_put(&item, STR("Item"), "", body);
	writer_text(body, STR("ConditionExpression"), STR("attribute_not_exists(imageId) OR (#status = :gone AND #ttl <= :now)"));
	writer_raw(body, STR("ExpressionAttributeNames"), STR("{\"#status\":\"status\",\"#ttl\":\"" DYNAMO_TTL "\"}"));
	dynamo_item_text(&values, "gone", STR(DYNAMO_GONE), a);
	dynamo_item_signed(&values, "now", clock_now_ms() / 1000, a);
	dynamo_item_put(&values, STR("ExpressionAttributeValues"), ":", body);
}

static enum status insert_alone(const struct new_row *n, struct fault *why)
{
	struct dynamo_call c CLEANUP(dynamo_call_deinit) = { 0 };
	const json_t *cause;
	dynamo_call_init(&c, n->t, "PutItem", DYNAMO_CONDITION_FAILED);
	put_row(n, false, &c.scratch, &c.body);
	TRY(dynamo_send_write(&c, n->t, n->row->image_id, &cause, why));
	return c.outcome == DYNAMO_DONE || dynamo_write_is_of(&n->write, cause) ? OK : image_exists(why);
}

enum status dynamo_owner_add(struct dynamo *t, const struct image_row *first, struct fault *why)
{
	struct dynamo_call c CLEANUP(dynamo_call_deinit) = { 0 };
	TRY(dynamo_owner_enter(t, DYNAMO_USERS, first->owner, why));
	dynamo_call_init(&c, t, "PutItem", DYNAMO_CONDITION_FAILED);
	dynamo_usage_put_new(first, false, &c.scratch, &c.body);
	return dynamo_call_send(&c, t, why);
}

/* The row, and its owner's counters.
 * changed  the owner is not as it was seen: n->owner is what it is now */
static enum status insert_counted(struct new_row *n, const struct dynamo_usage *seen, bool *changed, struct fault *why)
{
	struct dynamo_call c CLEANUP(dynamo_call_deinit) = { 0 };
	const json_t *item;
	*changed = false;
	dynamo_transact_init(&c);
	dynamo_transact_open(&c, n->t, "Put");
	put_row(n, true, &c.scratch, &c.body);
	dynamo_transact_close(&c, true);
	dynamo_transact_open(&c, n->t, seen->is_there ? "Update" : "Put");
	if (seen->is_there)
		dynamo_usage_put_slot(seen, n->row, &c.scratch, &c.body);
	else
		dynamo_usage_put_new(n->row, true, &c.scratch, &c.body);
	dynamo_transact_close(&c, true);
	if (!seen->is_there) {
		dynamo_transact_open(&c, n->t, "Put");
		dynamo_owner_put_entry(DYNAMO_USERS, n->row->owner, &c.scratch, &c.body);
		dynamo_transact_close(&c, false);
	}
	TRY(dynamo_transact_send(&c, n->t, why));
	if (c.outcome == DYNAMO_DONE)
		return OK;
	if (dynamo_transact_failed(&c, 0, &item))
		return dynamo_write_is_of(&n->write, item) ? OK : image_exists(why);
	(void)dynamo_transact_failed(&c, 1, &item);
	json_decref(n->owner);
	n->owner = json_incref((json_t *)item);
	*changed = true;
	return OK;
}

/* There is no room for the slot. A repeated request is refused only if it is not there already. */
static enum status refuse_slot(const struct new_row *n, enum status refused, struct fault *why)
{
	struct dynamo_call c CLEANUP(dynamo_call_deinit) = { 0 };
	struct fault lookup = { 0 };
	if (dynamo_fetch(&c, n->t, n->row->image_id, &lookup) == OK && json_object_get(c.answer, "Item") == NULL)
		return refused;
	if (lookup.code == F_NONE)
		return image_exists(why);
	*why = lookup;
	return fault_status(lookup.code);
}

static enum status insert_owned(struct new_row *n, struct fault *why)
{
	for (unsigned tries = 0; tries < TRIES_MAX; tries++) {
		struct dynamo_usage seen;
		bool changed = false;
		dynamo_usage_read(n->t, n->owner, &seen);
		enum status allowed = dynamo_usage_check(&seen, n->row, why);
		if (allowed != OK)
			return refuse_slot(n, allowed, why);
		if (!dynamo_usage_counts(n->t, &seen)) {
			if (!seen.is_there)
				TRY(dynamo_owner_add(n->t, n->row, why));
			return insert_alone(n, why);
		}
		TRY(insert_counted(n, &seen, &changed, why));
		if (!changed)
			return OK;
	}
	return fault_set(why, OVERLOADED, "Too many uploads of this user are announced at once. Try again in a moment.");
}

/* If an owner cannot be looked up, the slot is refused: quotas fail closed. */
static enum status read_owner(struct new_row *n, struct dynamo_call *c, struct fault *why)
{
	enum status found = dynamo_fetch(c, n->t, dynamo_owner_key(DYNAMO_USAGE, n->row->owner, &n->keys), why);
	if (found == UPSTREAM) {
		const struct fault failed = *why;
		found = fault_set(why, OVERLOADED, "The limits of this user cannot be looked up now. Try again.");
		fault_cause(why, "%s", failed.cause);
	}
	TRY(found);
	n->owner = json_incref(json_object_get(c->answer, "Item"));
	return OK;
}

enum status dynamo_insert(struct dynamo *t, const struct image_row *row, struct fault *why)
{
	assert(row->status == IMAGE_PENDING && uuid_valid(row->image_id));
	struct new_row n CLEANUP(new_row_deinit) = { .t = t, .row = row, .write = dynamo_write_new() };
	struct dynamo_call c CLEANUP(dynamo_call_deinit) = { 0 };
	TRY(dynamo_check_change(t, why));
	if (row->owner.n == 0)
		return insert_alone(&n, why);
	arena_init(&n.keys, KEYS_BYTES);
	TRY(read_owner(&n, &c, why));
	return insert_owned(&n, why);
}
