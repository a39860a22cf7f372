/* One event as an item of the table: its number and id, making and writing it, reading it, and changing or deleting it. See outbox.h. */
#include "aws/dynamo/outbox.h"

#include "aws/dynamo/cursor.h"
#include "aws/dynamo/row.h"
#include "aws/dynamo/update.h"
#include "base/clock.h"
#include "base/codec.h"
#include "base/hash.h"
#include "base/writer.h"

#include <inttypes.h>

#define RANDOM_BITS 21
#define NUMBER_CHARS 16
#define TOKEN_CHARS (OUTBOX_ID_CHARS - 4 - NUMBER_CHARS)
#define ID_PREFIX "msg_"
#define EVENT_KEY "event#"
#define STATE "eventState"

static int64_t new_number(int64_t now_ms)
{
	uint32_t random;
	random_bytes(&random, sizeof random);
	return now_ms << RANDOM_BITS | (random & ((1U << RANDOM_BITS) - 1));
}

static struct str write_id(int64_t n, struct str token, struct arena *a)
{
	return str_printf(a, ID_PREFIX "%0*" PRIx64 "%.*s", NUMBER_CHARS, (uint64_t)n, STRF(token));
}

bool dynamo_event_number(struct str id, int64_t *n)
{
	unsigned char bytes[(OUTBOX_ID_CHARS - 4) / 2];
	uint64_t number = 0;
	if (id.n != OUTBOX_ID_CHARS || !str_starts_with(id, STR(ID_PREFIX)) || !hex_decode(str_slice(id, 4, id.n), bytes, sizeof bytes))
		return false;
	for (size_t i = 0; i < NUMBER_CHARS / 2; i++)
		number = number << 8 | bytes[i];
	*n = (int64_t)number;
	return *n > 0;
}

struct str dynamo_event_key(int64_t n, struct arena *a)
{
	return str_printf(a, EVENT_KEY "%0*" PRIx64, NUMBER_CHARS, (uint64_t)n);
}

enum status dynamo_event_make(
	struct dynamo *t, enum outbox_kind kind, const struct image_row *row, struct arena *a, struct dynamo_event *out, struct fault *why)
{
	const struct outbox_source *source = dynamo_outbox_source(t);
	struct buf body;
	char token[TOKEN_CHARS + 1];
	unsigned char random[TOKEN_CHARS / 2];
	int64_t now_ms = clock_now_ms();
	assert(source != NULL);
	buf_init_arena(&body, a, OUTBOX_BODY_MAX);
	TRY(source->write(source->arg, kind, row, now_ms, &body, why));
	TRY(fault_check_buf(&body, why));
	random_bytes(random, sizeof random);
	hex_encode(random, sizeof random, token);
	*out = (struct dynamo_event){ .token = str_dup(a, str_of(token)),
		.owner = row->owner,
		.event = { .n = new_number(now_ms),
			.kind = kind,
			.state = OUTBOX_WAITING,
			.image_id = row->image_id,
			.body = buf_str(&body),
			.created_ms = now_ms,
			.due_ms = now_ms + DYNAMO_CLAIM_MS } };
	out->event.id = write_id(out->event.n, out->token, a);
	return fault_check_arena(a, why);
}

/* The keys of the index. The order of two events that are due at the same time is that of their numbers. */
static void add_keys(const struct dynamo *t, int64_t n, enum outbox_state state, int64_t due_ms, struct dynamo_item *item, struct arena *a)
{
	struct str key = dynamo_event_key(n, a);
	bool waits = state == OUTBOX_WAITING;
	uint32_t partition = waits ? hash_fnv32(key) % t->shards : dynamo_failed_partition(t);
	dynamo_item_text(item, DYNAMO_DUE, dynamo_event_partition(t, partition, a), a);
	int64_t order_ms = waits ? due_ms : n >> RANDOM_BITS;
	dynamo_item_text(item, DYNAMO_DUE_ORDER, str_printf(a, "%0*" PRId64 "#%.*s", DYNAMO_ORDER_DIGITS, order_ms, STRF(key)), a);
	dynamo_item_text(item, STATE, outbox_state_name(state), a);
	dynamo_item_signed(item, DYNAMO_EVENT_DUE_MS, due_ms, a);
}

void dynamo_event_put(const struct dynamo *t, const struct dynamo_event *e, struct arena *a, struct buf *body)
{
	struct dynamo_item item = { 0 };
	dynamo_item_text(&item, DYNAMO_KEY, dynamo_event_key(e->event.n, a), a);
	dynamo_item_text(&item, "eventKind", outbox_kind_name(e->event.kind), a);
	dynamo_item_text(&item, "eventImage", e->event.image_id, a);
	dynamo_item_text(&item, "eventOwner", e->owner, a);
	dynamo_item_text(&item, "token", e->token, a);
	dynamo_item_text(&item, "body", e->event.body, a);
	dynamo_item_signed(&item, "createdMs", e->event.created_ms, a);
	add_keys(t, e->event.n, OUTBOX_WAITING, e->event.due_ms, &item, a);
	dynamo_item_put(&item, STR("Item"), "", body);
	writer_text(body, STR("ConditionExpression"), STR("attribute_not_exists(imageId)"));
}

static struct str read_text(const json_t *item, const char *name, struct arena *a)
{
	return str_dup(a, dynamo_item_get_text(item, name));
}

enum status dynamo_event_read(const json_t *item, bool with_body, struct arena *a, struct outbox_event *out, struct fault *why)
{
	struct str key = dynamo_item_get_text(item, DYNAMO_KEY), kind = dynamo_item_get_text(item, "eventKind");
	struct outbox_event e = { .id = str_printf(a, ID_PREFIX "%.*s%.*s", STRF(str_slice(key, sizeof EVENT_KEY - 1, key.n)),
								  STRF(dynamo_item_get_text(item, "token"))),
		.kind = OUTBOX_KINDS,
		.image_id = read_text(item, "eventImage", a),
		.body = with_body ? read_text(item, "body", a) : (struct str){ 0 },
		.created_ms = dynamo_item_get_i64(item, "createdMs"),
		.due_ms = dynamo_item_get_i64(item, DYNAMO_EVENT_DUE_MS),
		.first_ms = dynamo_item_get_i64(item, "firstMs"),
		.ended_ms = dynamo_item_get_i64(item, "endedMs"),
		.attempts = (unsigned)dynamo_item_get_i64(item, "attempts"),
		.error = read_text(item, "error", a) };
	TRY(fault_check_arena(a, why));
	for (enum outbox_kind k = 0; k < OUTBOX_KINDS; k++)
		if (str_equal(kind, outbox_kind_name(k)))
			e.kind = k;
	bool has_body = !with_body || (e.body.n > 0 && e.body.n <= OUTBOX_BODY_MAX);
	if (e.kind == OUTBOX_KINDS || !has_body || !dynamo_event_number(e.id, &e.n) || !str_equal(dynamo_event_key(e.n, a), key) ||
		!outbox_state_parse(dynamo_item_get_text(item, STATE), &e.state))
		return fault_set(why, UPSTREAM_FAILED,
			"The item %.*s of the table cannot be read as an event by this version: repair or delete it.", STRF(str_slice(key, 0, 64)));
	*out = e;
	return OK;
}

enum status dynamo_event_change(
	struct dynamo *t, const struct outbox_result *now, enum outbox_state was, int64_t seen_due_ms, bool *changed, struct fault *why)
{
	struct dynamo_call c CLEANUP(dynamo_call_deinit) = { 0 };
	struct dynamo_update u = { .condition = seen_due_ms > 0 ? STR("#" STATE " = :was AND #" DYNAMO_EVENT_DUE_MS " = :seen")
															: STR("#" STATE " = :was") };
	dynamo_call_init(&c, t, "UpdateItem", DYNAMO_CONDITION_FAILED);
	struct arena *a = &c.scratch;
	add_keys(t, now->n, now->state, now->due_ms, &u.attributes, a);
	dynamo_item_number(&u.attributes, "firstMs", (uint64_t)now->first_ms, a);
	dynamo_item_number(&u.attributes, "endedMs", (uint64_t)now->ended_ms, a);
	dynamo_item_number(&u.attributes, "attempts", now->attempts, a);
	dynamo_item_text(&u.attributes, "error", now->error, a);
	dynamo_item_text(&u.values, "was", outbox_state_name(was), a);
	if (seen_due_ms > 0)
		dynamo_item_signed(&u.values, "seen", seen_due_ms, a);
	dynamo_key_put(dynamo_event_key(now->n, a), a, &c.body);
	dynamo_update_put(&u, a, &c.body);
	TRY(dynamo_call_send(&c, t, why));
	/* If the call was sent twice, the condition on the time fails because the first one has set it. The event is sent again later. */
	*changed = c.outcome == DYNAMO_DONE;
	return OK;
}

enum status dynamo_event_delete(struct dynamo *t, struct str key, struct fault *why)
{
	struct dynamo_call c CLEANUP(dynamo_call_deinit) = { 0 };
	dynamo_call_init(&c, t, "DeleteItem", 0);
	dynamo_key_put(key, &c.scratch, &c.body);
	return dynamo_call_send(&c, t, why);
}
