/* user_recount on DynamoDB: an owner's rows are read from the index `owned`, and what they count is compared with the counters. Those
 * are only repaired if nobody changed them since before the rows were read, and if that is so long ago that the index has followed
 * the table; else the owner is counted again, a few times, and then left to the next recount.
 *
 * Rows from a time in which the owner was not counted are added to the counters first, each in a transaction that marks it. Rows
 * past their TTL count as long as they are there: the sweep takes them off. */
#include "aws/dynamo/dynamo.h"
#include "aws/dynamo/row.h"
#include "aws/dynamo/transact.h"
#include "aws/dynamo/usage.h"

#include "base/clock.h"

#include <assert.h>
#include <time.h>

#define OWNERS_A_CALL 10
#define TRIES_MAX 10
#define ROW_BYTES ((size_t)64 << 10)
#define KEYS_BYTES ((size_t)16 << 10)

struct owner_count {
	struct dynamo *t;
	struct str owner;
	struct owner_usage sum;
	bool repair;
	bool added; /* a row was added to the counters, or is to be */
};

/* The row, if it is as it was seen, is marked as counted, and counted. */
static enum status count_row(struct owner_count *n, const struct image_row *row, struct fault *why)
{
	struct dynamo_call c CLEANUP(dynamo_call_deinit) = { 0 };
	struct dynamo_update u = { .condition = STR("attribute_not_exists(" DYNAMO_COUNTED ") AND #status = :status AND version = :version") };
	struct owner_usage by = { 0 };
	owner_usage_add(&by, row, 1);
	dynamo_transact_init(&c);
	dynamo_transact_open(&c, n->t, "Update");
	dynamo_item_number(&u.attributes, DYNAMO_COUNTED, 1, &c.scratch);
	dynamo_item_text(&u.attributes, "status", image_status_name(row->status), &c.scratch);
	dynamo_item_number(&u.values, "version", row->version, &c.scratch);
	dynamo_key_put(row->image_id, &c.scratch, &c.body);
	dynamo_update_put(&u, &c.scratch, &c.body);
	dynamo_transact_close(&c, true);
	dynamo_transact_open(&c, n->t, "Update");
	dynamo_usage_put_move(n->owner, &by, &c.scratch, &c.body);
	dynamo_transact_close(&c, true);
	return dynamo_transact_send(&c, n->t, why);
}

static enum status add_row(void *arg, const json_t *item, struct fault *why)
{
	struct owner_count *n = arg;
	struct arena a CLEANUP(arena_deinit);
	struct image_row row;
	arena_init(&a, ROW_BYTES);
	TRY(dynamo_item_read(item, &a, &row, why));
	if (json_object_get(item, DYNAMO_COUNTED) == NULL && row.status != IMAGE_REJECTED) {
		n->added = true;
		return n->repair ? count_row(n, &row, why) : OK;
	}
	owner_usage_add(&n->sum, &row, 1);
	return OK;
}

/* done  false: others changed the counters */
static enum status repair(const struct owner_count *n, const struct dynamo_usage *seen, bool *done, struct fault *why)
{
	struct dynamo_call c CLEANUP(dynamo_call_deinit) = { 0 };
	struct dynamo_update u = { .condition = STR("changes = :seen") };
	dynamo_call_init(&c, n->t, "UpdateItem", DYNAMO_CONDITION_FAILED);
	dynamo_item_signed(&u.attributes, "claimedBytes", (int64_t)(n->sum.bytes + n->sum.reserved_bytes), &c.scratch);
	dynamo_item_signed(&u.attributes, "claimedImages", (int64_t)(n->sum.images + n->sum.pending), &c.scratch);
	dynamo_item_signed(&u.attributes, "reservedBytes", (int64_t)n->sum.reserved_bytes, &c.scratch);
	dynamo_item_signed(&u.attributes, "pendingSlots", (int64_t)n->sum.pending, &c.scratch);
	dynamo_item_signed(&u.values, "seen", (int64_t)seen->changes, &c.scratch);
	dynamo_item_number(&u.added, "changes", 1, &c.scratch);
	dynamo_key_put(dynamo_owner_key(DYNAMO_USAGE, n->owner, &c.scratch), &c.scratch, &c.body);
	dynamo_update_put(&u, &c.scratch, &c.body);
	TRY(dynamo_call_send(&c, n->t, why));
	*done = c.outcome == DYNAMO_DONE;
	return OK;
}

/* Rows that are to be added are no fault of the counters. */
static enum status recount_owner(
	struct dynamo *t, struct str owner, bool repairs, struct arena *of_call, struct user_recount *out, struct fault *why)
{
	struct arena a CLEANUP(arena_deinit);
	const struct timespec pause = { .tv_sec = 1 };
	arena_init(&a, KEYS_BYTES);
	for (unsigned tries = 0; tries < TRIES_MAX; tries++) {
		struct dynamo_call c CLEANUP(dynamo_call_deinit) = { 0 };
		struct owner_count n = { .t = t, .owner = owner, .repair = repairs };
		struct dynamo_usage u;
		bool done = false;
		TRY(dynamo_fetch(&c, t, dynamo_owner_key(DYNAMO_USAGE, owner, &a), why));
		dynamo_usage_read(t, json_object_get(c.answer, "Item"), &u);
		if (!u.is_there)
			return OK;
		if (dynamo_usage_counts(t, &u))
			TRY(dynamo_each_owned(t, owner, add_row, &n, why));
		bool right = n.added ? !repairs : owner_usage_equal(&n.sum, &u.user.usage);
		if (!dynamo_usage_counts(t, &u) || right) {
			out->owners++;
			return OK;
		}
		if (n.added)
			continue;
		bool settled = u.changed_ms <= clock_now_ms() - DYNAMO_INDEX_FOLLOWS_MS;
		if (settled && repairs)
			TRY(repair(&n, &u, &done, why));
		else if (!settled)
			(void)clock_nanosleep(CLOCK_MONOTONIC, 0, &pause, NULL);
		if (done || (settled && !repairs)) {
			user_recount_note(out, of_call, owner, &u.user.usage, &n.sum);
			return OK;
		}
	}
	return OK;
}

enum status dynamo_recount(
	struct user_table *port, struct str from_owner, bool repair, struct arena *a, struct user_recount *out, struct fault *why)
{
	struct dynamo *t = dynamo_of_users(port);
	struct dynamo_call c CLEANUP(dynamo_call_deinit) = { 0 };
	struct user_recount counted = { .next_owner = STR("") };
	struct str owner = STR("");
	TRY(dynamo_owned_after(t, DYNAMO_USERS, from_owner, OWNERS_A_CALL, &c, why));
	const json_t *found = json_object_get(c.answer, "Items");
	for (size_t i = 0; i < json_array_size(found); i++) {
		owner = dynamo_item_get_text(json_array_get(found, i), DYNAMO_OWNED_ORDER);
		TRY(recount_owner(t, owner, repair, a, &counted, why));
	}
	if (json_object_get(c.answer, "LastEvaluatedKey") != NULL)
		counted.next_owner = str_dup(a, owner);
	TRY(fault_check_arena(a, why));
	*out = counted;
	return OK;
}
