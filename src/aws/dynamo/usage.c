/* See usage.h. */
#include "aws/dynamo/usage.h"

#include "aws/dynamo/row.h"
#include "base/clock.h"
#include "base/writer.h"

#include <assert.h>
#include <inttypes.h>

#define QUOTA_FIGURES 4

struct str dynamo_owner_key(const char *kind, struct str owner, struct arena *a)
{
	return str_printf(a, "%s#%.*s", kind, STRF(owner));
}

/* reading */

static uint64_t read_count(const json_t *item, const char *name)
{
	uint64_t n;
	/* Of an item that was spoilt a counter may be less than nothing. */
	return str_to_u64(dynamo_item_get_number(item, name), &n) ? n : 0;
}

static uint64_t less(uint64_t from, uint64_t part)
{
	return from > part ? from - part : 0;
}

struct str dynamo_quota_text(const struct owner_quota *q, struct arena *a)
{
	return str_printf(a, "%" PRIu64 "/%" PRIu64 "/%" PRIu64 "/%" PRIu64, q->bytes, q->images, q->pending, q->slots_per_minute);
}

/* "bytes/images/pending/slots". false: it is another text */
static bool read_quota(struct str text, struct owner_quota *out)
{
	uint64_t n[QUOTA_FIGURES];
	for (size_t i = 0; i < COUNT_OF(n); i++)
		if (!str_to_u64(str_cut(&text, '/'), &n[i]))
			return false;
	*out = (struct owner_quota){ n[0], n[1], n[2], n[3] };
	return true;
}

void dynamo_usage_read(const struct dynamo *t, const json_t *item, struct dynamo_usage *out)
{
	uint64_t reserved = read_count(item, "reservedBytes"), pending = read_count(item, "pendingSlots");
	*out = (struct dynamo_usage){ .is_there = item != NULL,
		.quota_text = dynamo_item_get_text(item, DYNAMO_QUOTA),
		.minute = dynamo_item_get_i64(item, "slotMinute"),
		.minute_slots = read_count(item, "minuteSlots"),
		.changes = read_count(item, "changes"),
		.changed_ms = dynamo_item_get_i64(item, "changedMs"),
		.user = { .owner = dynamo_item_get_text(item, "owner"),
			.issuer = dynamo_item_get_text(item, "issuer"),
			.subject = dynamo_item_get_text(item, "subject"),
			.usage = { .bytes = less(read_count(item, "claimedBytes"), reserved),
				.images = less(read_count(item, "claimedImages"), pending),
				.pending = pending,
				.reserved_bytes = reserved,
				.derived_bytes = read_count(item, DYNAMO_DERIVED) },
			.quota = t->quota,
			.blocked = json_object_get(item, DYNAMO_IS_BLOCKED) != NULL,
			.first_ms = dynamo_item_get_i64(item, "firstMs"),
			.seen_ms = dynamo_item_get_i64(item, "seenMs") } };
	out->user.has_quota = read_quota(out->quota_text, &out->user.quota);
}

bool dynamo_usage_counts(const struct dynamo *t, const struct dynamo_usage *u)
{
	return t->count_owners || u->user.has_quota;
}

/* The minute that a slot of this time counts in: never one before the last, whatever the clocks of others say. */
static int64_t minute_of(const struct dynamo_usage *u, const struct image_row *row)
{
	int64_t minute = row->created_ms / QUOTA_MINUTE_MS;
	return minute > u->minute ? minute : u->minute;
}

enum status dynamo_usage_check(const struct dynamo_usage *u, const struct image_row *row, struct fault *why)
{
	if (u->user.blocked)
		return owner_blocked(why);
	TRY(owner_quota_check(&u->user.quota, &u->user.usage, row->max_bytes, why));
	return owner_quota_check_rate(&u->user.quota, minute_of(u, row) == u->minute ? u->minute_slots : 0, row->created_ms, why);
}

/* writing */

void dynamo_usage_put_new(const struct image_row *row, bool counted, struct arena *a, struct buf *body)
{
	struct dynamo_item item = { 0 };
	struct owner_usage u = { 0 };
	owner_usage_add(&u, counted ? row : NULL, 1);
	dynamo_item_text(&item, DYNAMO_KEY, dynamo_owner_key(DYNAMO_USAGE, row->owner, a), a);
	dynamo_item_text(&item, "owner", row->owner, a);
	dynamo_item_text(&item, "issuer", row->issuer, a);
	dynamo_item_text(&item, "subject", row->subject, a);
	dynamo_item_signed(&item, "firstMs", row->created_ms, a);
	dynamo_item_signed(&item, "seenMs", row->created_ms, a);
	dynamo_item_signed(&item, "changedMs", clock_now_ms(), a);
	dynamo_item_signed(&item, "claimedBytes", (int64_t)u.reserved_bytes, a);
	dynamo_item_signed(&item, "claimedImages", (int64_t)u.pending, a);
	dynamo_item_signed(&item, "reservedBytes", (int64_t)u.reserved_bytes, a);
	dynamo_item_signed(&item, "pendingSlots", (int64_t)u.pending, a);
	dynamo_item_signed(&item, "slotMinute", counted ? row->created_ms / QUOTA_MINUTE_MS : 0, a);
	dynamo_item_signed(&item, "minuteSlots", counted ? 1 : 0, a);
	dynamo_item_signed(&item, "changes", 1, a);
	dynamo_item_put(&item, STR("Item"), "", body);
	writer_text(body, STR("ConditionExpression"), STR("attribute_not_exists(imageId)"));
}

void dynamo_owner_put_entry(const char *kind, struct str owner, struct arena *a, struct buf *body)
{
	struct dynamo_item item = { 0 };
	dynamo_item_text(&item, DYNAMO_KEY, dynamo_owner_key(kind, owner, a), a);
	dynamo_item_text(&item, DYNAMO_OWNED, str_of(kind), a);
	dynamo_item_text(&item, DYNAMO_OWNED_ORDER, owner, a);
	dynamo_item_put(&item, STR("Item"), "", body);
}

static void add_move(struct dynamo_item *added, const struct owner_usage *by, struct arena *a)
{
	const struct {
		const char *name;
		int64_t by;
	} counters[] = { { "claimedBytes", (int64_t)(by->bytes + by->reserved_bytes) },
		{ "claimedImages", (int64_t)(by->images + by->pending) }, { "reservedBytes", (int64_t)by->reserved_bytes },
		{ "pendingSlots", (int64_t)by->pending }, { "changes", 1 } };
	for (size_t i = 0; i < COUNT_OF(counters); i++)
		if (counters[i].by != 0)
			dynamo_item_signed(added, counters[i].name, counters[i].by, a);
}

void dynamo_usage_put_move(struct str owner, const struct owner_usage *by, struct arena *a, struct buf *body)
{
	struct dynamo_update u = { .condition = STR("attribute_exists(imageId)") };
	add_move(&u.added, by, a);
	dynamo_item_signed(&u.attributes, "changedMs", clock_now_ms(), a);
	dynamo_key_put(dynamo_owner_key(DYNAMO_USAGE, owner, a), a, body);
	dynamo_update_put(&u, a, body);
}

/* What a quota allows before this slot, so that it is within the quota after it. */
static void require_room(
	struct dynamo_update *u, struct buf *condition, const char *const names[2], uint64_t limit, uint64_t more, struct arena *a)
{
	const char *counter = names[0], *room = names[1];
	if (limit == 0)
		return;
	assert(more <= limit); /* dynamo_usage_check */
	buf_printf(condition, " AND %s <= :%s", counter, room);
	dynamo_item_signed(&u->values, room, limit - more < INT64_MAX ? (int64_t)(limit - more) : INT64_MAX, a);
}

void dynamo_usage_put_slot(const struct dynamo_usage *seen, const struct image_row *row, struct arena *a, struct buf *body)
{
	const struct owner_quota *q = &seen->user.quota;
	struct dynamo_update u = { 0 };
	struct owner_usage by = { 0 };
	struct buf condition;
	int64_t minute = minute_of(seen, row);
	buf_init_arena(&condition, a, 1024);
	buf_put(&condition, STR("attribute_exists(imageId) AND attribute_not_exists(" DYNAMO_IS_BLOCKED ") AND "));
	buf_put(&condition, seen->quota_text.n > 0 ? STR(DYNAMO_QUOTA " = :seenQuota") : STR("attribute_not_exists(" DYNAMO_QUOTA ")"));
	dynamo_item_text(&u.values, "seenQuota", seen->quota_text, a);
	require_room(&u, &condition, (const char *const[]){ "claimedBytes", "roomBytes" }, q->bytes, row->max_bytes, a);
	require_room(&u, &condition, (const char *const[]){ "claimedImages", "roomImages" }, q->images, 1, a);
	require_room(&u, &condition, (const char *const[]){ "pendingSlots", "roomPending" }, q->pending, 1, a);
	if (q->slots_per_minute > 0 && minute == seen->minute) {
		buf_put(&condition, STR(" AND slotMinute = :minute AND minuteSlots < :slots"));
		dynamo_item_signed(&u.values, "minute", minute, a);
		dynamo_item_number(&u.values, "slots", q->slots_per_minute, a);
		dynamo_item_number(&u.added, "minuteSlots", 1, a);
	} else if (q->slots_per_minute > 0) {
		buf_put(&condition, STR(" AND slotMinute < :slotMinute"));
		dynamo_item_signed(&u.attributes, "slotMinute", minute, a);
		dynamo_item_signed(&u.attributes, "minuteSlots", 1, a);
	}
	u.condition = buf_ok(&condition) ? buf_str(&condition) : STR("");
	owner_usage_add(&by, row, 1);
	add_move(&u.added, &by, a);
	dynamo_item_signed(&u.attributes, "seenMs", row->created_ms, a);
	dynamo_item_signed(&u.attributes, "changedMs", clock_now_ms(), a);
	if (seen->user.issuer.n == 0 && row->issuer.n > 0) { /* it came to be by a quota */
		dynamo_item_text(&u.attributes, "issuer", row->issuer, a);
		dynamo_item_text(&u.attributes, "subject", row->subject, a);
		dynamo_item_signed(&u.attributes, "firstMs", row->created_ms, a);
	}
	dynamo_key_put(dynamo_owner_key(DYNAMO_USAGE, row->owner, a), a, body);
	dynamo_update_put(&u, a, body);
}

enum status dynamo_owner_enter(struct dynamo *t, const char *kind, struct str owner, struct fault *why)
{
	struct dynamo_call c CLEANUP(dynamo_call_deinit) = { 0 };
	dynamo_call_init(&c, t, "PutItem", 0);
	dynamo_owner_put_entry(kind, owner, &c.scratch, &c.body);
	return dynamo_call_send(&c, t, why);
}
