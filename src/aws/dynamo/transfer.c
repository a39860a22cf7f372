/* transfer on DynamoDB: rows and kept ids by a consistent Scan of the table, events by the partitions that have them. A row is one PutItem
 * without a condition: nothing else writes to a table that is being filled. */
#include "aws/dynamo/cursor.h"
#include "aws/dynamo/outbox.h"
#include "aws/dynamo/row.h"
#include "aws/dynamo/state.h"
#include "aws/dynamo/usage.h"
#include "base/clock.h"
#include "base/codec.h"
#include "base/writer.h"
#include "port/cursor.h"

#include <inttypes.h>

#define PAGE_ROWS 200
#define ID_PREFIX_CHARS (sizeof "msg_" - 1)
#define NUMBER_CHARS 16

/* walk */

/* 0: it has none. */
static int64_t read_ttl_ms(const json_t *item)
{
	uint64_t s;
	return str_to_u64(dynamo_item_get_number(item, DYNAMO_TTL), &s) && s <= INT64_MAX / 1000 ? (int64_t)s * 1000 : 0;
}

/* Other items than those of images have keys that are no UUIDs. What is past its TTL is not there. */
static enum status read_entry(const json_t *item, struct arena *a, struct transfer_page *page, struct fault *why)
{
	struct transfer_entry e = { 0 };
	struct str id = dynamo_item_get_text(item, DYNAMO_KEY);
	int64_t ttl_ms = read_ttl_ms(item);
	if (!uuid_valid(id) || (ttl_ms > 0 && ttl_ms <= clock_now_ms()))
		return OK;
	if (dynamo_row_is_gone(item)) {
		e.row.image_id = str_dup(a, id);
		e.row.request_hash = str_dup(a, dynamo_item_get_text(item, DYNAMO_REQUEST));
		e.kept_ms = ttl_ms;
	} else
		TRY(dynamo_item_read(item, a, &e.row, why));
	page->entries[page->n++] = e;
	return OK;
}

static enum status walk(struct transfer *port, struct str cursor, struct arena *a, struct transfer_page *out, struct fault *why)
{
	struct dynamo_call c CLEANUP(dynamo_call_deinit) = { 0 };
	struct dynamo_item from = { 0 };
	struct transfer_page page = { .entries = arena_array(a, PAGE_ROWS, sizeof *page.entries) };
	TRY(fault_check_arena(a, why));
	dynamo_call_init(&c, dynamo_of_transfer(port), "Scan", 0);
	writer_bool(&c.body, STR("ConsistentRead"), true);
	writer_number(&c.body, STR("Limit"), PAGE_ROWS);
	dynamo_item_text(&from, DYNAMO_KEY, cursor, &c.scratch);
	if (cursor.n > 0)
		dynamo_item_put(&from, STR("ExclusiveStartKey"), "", &c.body);
	TRY(dynamo_call_send(&c, dynamo_of_transfer(port), why));
	const json_t *items = json_object_get(c.answer, "Items"), *last = json_object_get(c.answer, "LastEvaluatedKey");
	for (size_t i = 0; i < json_array_size(items) && i < PAGE_ROWS; i++)
		TRY(read_entry(json_array_get(items, i), a, &page, why));
	page.next_cursor = last == NULL ? STR("") : str_dup(a, dynamo_item_get_text(last, DYNAMO_KEY));
	*out = page;
	return fault_check_arena(a, why);
}

/* put */

static void fill_kept(const struct transfer_entry *e, struct dynamo_item *item, struct arena *a)
{
	dynamo_item_text(item, DYNAMO_KEY, e->row.image_id, a);
	dynamo_item_text(item, "status", STR(DYNAMO_GONE), a);
	dynamo_item_text(item, DYNAMO_REQUEST, e->row.request_hash, a);
	dynamo_item_number(item, DYNAMO_TTL, (uint64_t)e->kept_ms / 1000, a);
}

static void fill_row(struct dynamo *t, const struct image_row *row, struct dynamo_item *item, struct arena *a)
{
	const struct dynamo_write w = dynamo_write_new();
	dynamo_item_of(row, false, a, item);
	dynamo_row_add_keys(t, row, true, &w, item, a);
	if (row->status == IMAGE_UPLOADED)
		dynamo_row_add_feed(t, row, row->uploaded_ms, item, a);
	dynamo_item_number(item, DYNAMO_COUNTED, t->count_owners && row->owner.n > 0 ? 1 : 0, a);
	if (t->store != NULL)
		dynamo_item_text(item, DYNAMO_FILE_URL, s3_store_address(t->store, row->key, a), a);
}

static enum status put(struct transfer *port, const struct transfer_entry *e, struct fault *why)
{
	struct dynamo *t = dynamo_of_transfer(port);
	struct dynamo_call c CLEANUP(dynamo_call_deinit) = { 0 };
	struct dynamo_item item = { 0 };
	if (!uuid_valid(e->row.image_id))
		return transfer_bad_row(e->row.image_id, why);
	dynamo_call_init(&c, t, "PutItem", 0);
	if (e->kept_ms > 0)
		fill_kept(e, &item, &c.scratch);
	else
		fill_row(t, &e->row, &item, &c.scratch);
	dynamo_item_put(&item, STR("Item"), "", &c.body);
	return dynamo_call_send(&c, t, why);
}

/* Counters of a new item begin with 0. */
static enum status put_user(struct transfer *port, const struct user_row *user, struct fault *why)
{
	static const char *const counters[] = { "claimedBytes", "claimedImages", "reservedBytes", "pendingSlots", "slotMinute", "minuteSlots" };
	struct dynamo *t = dynamo_of_transfer(port);
	struct dynamo_call c CLEANUP(dynamo_call_deinit) = { 0 };
	struct dynamo_update u = { 0 };
	dynamo_call_init(&c, t, "UpdateItem", 0);
	struct arena *a = &c.scratch;
	dynamo_item_text(&u.attributes, "owner", user->owner, a);
	dynamo_item_text(&u.attributes, "issuer", user->issuer, a);
	dynamo_item_text(&u.attributes, "subject", user->subject, a);
	dynamo_item_signed(&u.attributes, "firstMs", user->first_ms, a);
	dynamo_item_signed(&u.attributes, "seenMs", user->seen_ms, a);
	dynamo_item_signed(&u.attributes, "changedMs", clock_now_ms(), a);
	dynamo_item_text(&u.attributes, DYNAMO_QUOTA, user->has_quota ? dynamo_quota_text(&user->quota, a) : STR(""), a);
	dynamo_item_number(&u.attributes, DYNAMO_IS_BLOCKED, user->blocked ? 1 : 0, a);
	dynamo_item_number(&u.added, "changes", 1, a);
	for (size_t i = 0; i < COUNT_OF(counters); i++)
		dynamo_item_signed(&u.added, counters[i], 0, a);
	dynamo_key_put(dynamo_owner_key(DYNAMO_USAGE, user->owner, a), a, &c.body);
	dynamo_update_put(&u, a, &c.body);
	TRY(dynamo_call_send(&c, t, why));
	TRY(dynamo_owner_enter(t, DYNAMO_USERS, user->owner, why));
	return user->blocked ? dynamo_owner_enter(t, DYNAMO_BLOCKED, user->owner, why) : OK;
}

/* events: a cursor is the number of a partition, a '/', and the last sort key in it */

static enum status events(struct transfer *port, struct str cursor, struct arena *a, struct transfer_event_page *out, struct fault *why)
{
	struct dynamo *t = dynamo_of_transfer(port);
	struct dynamo_call c CLEANUP(dynamo_call_deinit) = { 0 };
	struct transfer_event_page page = { .next_cursor = STR("") };
	struct str key = cursor;
	uint64_t part = 0;
	const uint64_t partitions = t->shards + DYNAMO_ENDED_PARTITIONS; /* an item that cannot be read is an error here: it would be lost */
	if (cursor.n > 0 && (!str_to_u64(str_cut(&key, '/'), &part) || part >= partitions))
		return bad_cursor(why);
	const struct dynamo_event_query q = {
		.partition = dynamo_event_partition(t, (uint32_t)part, a), .than = '>', .than_key = key.n > 0 ? key : DYNAMO_FIRST_ORDER
	};
	TRY(dynamo_events_query(t, &q, &c, why));
	const json_t *items = json_object_get(c.answer, "Items"), *last = json_object_get(c.answer, "LastEvaluatedKey");
	page.events = arena_array(a, json_array_size(items) + 1, sizeof *page.events);
	TRY(fault_check_arena(a, why));
	for (size_t i = 0; i < json_array_size(items); i++) {
		struct transfer_event *e = &page.events[page.n++];
		TRY(dynamo_event_read(json_array_get(items, i), true, a, &e->event, why));
		e->owner = str_dup(a, dynamo_item_get_text(json_array_get(items, i), "eventOwner"));
	}
	if (last != NULL)
		page.next_cursor = str_printf(a, "%" PRIu64 "/%.*s", part, STRF(dynamo_item_get_text(last, DYNAMO_DUE_ORDER)));
	else if (part + 1 < partitions)
		page.next_cursor = str_printf(a, "%" PRIu64 "/", part + 1);
	*out = page;
	return fault_check_arena(a, why);
}

/* What became of earlier attempts is written after it, as by the server that made them. */
static enum status put_event(struct transfer *port, const struct transfer_event *te, struct fault *why)
{
	struct dynamo *t = dynamo_of_transfer(port);
	const struct outbox_event *e = &te->event;
	struct dynamo_call c CLEANUP(dynamo_call_deinit) = { 0 };
	struct dynamo_event made = { .event = *e, .owner = te->owner, .token = str_slice(e->id, ID_PREFIX_CHARS + NUMBER_CHARS, e->id.n) };
	bool changed;
	if (!dynamo_event_number(e->id, &made.event.n))
		return transfer_bad_event(e->id, why);
	dynamo_call_init(&c, t, "PutItem", DYNAMO_CONDITION_FAILED);
	dynamo_event_put(t, &made, &c.scratch, &c.body);
	TRY(dynamo_call_send(&c, t, why));
	const struct outbox_result now = { .n = made.event.n,
		.state = e->state,
		.due_ms = e->due_ms,
		.first_ms = e->first_ms,
		.ended_ms = e->ended_ms,
		.attempts = e->attempts,
		.error = e->error };
	return e->attempts == 0 && e->state == OUTBOX_WAITING ? OK : dynamo_event_change(t, &now, OUTBOX_WAITING, 0, &changed, why);
}

const struct transfer_ops dynamo_transfer_ops = { walk, put, put_user, events, put_event, dynamo_get_state, dynamo_set_state };
