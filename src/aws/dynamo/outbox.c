/* See outbox.h: events from the change that writes them until they are delivered or given up. */
#include "aws/dynamo/outbox.h"

#include "aws/dynamo/cursor.h"
#include "aws/dynamo/row.h"
#include "aws/dynamo/state.h"
#include "aws/dynamo/update.h"
#include "base/clock.h"
#include "base/codec.h"
#include "base/hash.h"
#include "base/mem.h"
#include "base/writer.h"

#include <inttypes.h>
#include <stdlib.h>

#define OWN_MAX 1024                     /* events of this process that wait in memory; more are in the table alone */
#define OWN_MAX_MS (DYNAMO_CLAIM_MS / 2) /* and not longer: others take them up then */
#define EVENT_BYTES ((size_t)64 << 10)
#define RANDOM_BITS 21
#define NUMBER_CHARS 16
#define TOKEN_CHARS (OUTBOX_ID_CHARS - 4 - NUMBER_CHARS)
#define ID_PREFIX "msg_"
#define EVENT_KEY "event#"
#define STATE "eventState"
#define DUE_MS "dueMs"

/* An event that this process has written and not handed out. */
struct own_event {
	struct arena a;
	struct outbox_event event;
	struct str owner;
	struct own_event *next;
};

struct dynamo *dynamo_of_outbox(struct outbox *port)
{
	return (struct dynamo *)((char *)port - offsetof(struct dynamo, outbox));
}

struct outbox *dynamo_outbox(struct image_table *table)
{
	return &((struct dynamo *)table)->outbox;
}

/* events of this process */

static void own_free(struct own_event **e)
{
	arena_deinit(&(*e)->a);
	mem_free(*e);
	*e = NULL;
}

/* The lock is held. */
static struct own_event *own_take(struct dynamo *t)
{
	struct own_event *e = t->own_events;
	if (e != NULL) {
		t->own_events = e->next;
		t->n_own_events--;
	}
	return e;
}

void dynamo_outbox_init(struct dynamo *t)
{
	t->outbox.ops = &dynamo_outbox_ops;
	pthread_mutex_init(&t->outbox_lock, NULL);
}

void dynamo_outbox_deinit(struct dynamo *t)
{
	for (struct own_event *e; (e = own_take(t)) != NULL;)
		own_free(&e);
	pthread_mutex_destroy(&t->outbox_lock);
}

static struct outbox_event dup_event(const struct outbox_event *e, struct arena *a)
{
	struct outbox_event copy = *e;
	copy.id = str_dup(a, e->id);
	copy.image_id = str_dup(a, e->image_id);
	copy.body = str_dup(a, e->body);
	copy.error = STR("");
	return copy;
}

/* What memory has no room for is found in the table later. */
static void own_add(struct dynamo *t, const struct dynamo_event *e)
{
	struct own_event *own = mem_new(1, sizeof *own), **last;
	if (own == NULL)
		return;
	arena_init(&own->a, EVENT_BYTES);
	own->event = dup_event(&e->event, &own->a);
	own->owner = str_dup(&own->a, e->owner);
	pthread_mutex_lock(&t->outbox_lock);
	bool fits = arena_ok(&own->a) && t->n_own_events < OWN_MAX;
	if (fits) {
		for (last = &t->own_events; *last != NULL; last = &(*last)->next)
			continue;
		*last = own;
		t->n_own_events++;
	}
	pthread_mutex_unlock(&t->outbox_lock);
	if (!fits)
		own_free(&own);
}

/* writing */

static const struct outbox_source *source_of(struct dynamo *t)
{
	return atomic_load(&t->outbox_source);
}

bool dynamo_outbox_wants(struct dynamo *t, enum outbox_kind kind)
{
	const struct outbox_source *source = source_of(t);
	return source != NULL && (source->kinds & 1U << kind) != 0;
}

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
	const struct outbox_source *source = source_of(t);
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
	dynamo_item_signed(item, DUE_MS, due_ms, a);
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

void dynamo_event_written(struct dynamo *t, const struct dynamo_event *e)
{
	const struct outbox_source *source = source_of(t);
	own_add(t, e);
	if (source != NULL)
		source->changed(source->arg);
}

/* reading */

static int64_t read_number(const json_t *item, const char *name)
{
	uint64_t n;
	return str_to_u64(dynamo_item_get_number(item, name), &n) && n <= INT64_MAX ? (int64_t)n : 0;
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
		.created_ms = read_number(item, "createdMs"),
		.due_ms = read_number(item, DUE_MS),
		.first_ms = read_number(item, "firstMs"),
		.ended_ms = read_number(item, "endedMs"),
		.attempts = (unsigned)read_number(item, "attempts"),
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

/* changes of one event */

enum status dynamo_event_change(
	struct dynamo *t, const struct outbox_result *now, enum outbox_state was, int64_t seen_due_ms, bool *changed, struct fault *why)
{
	struct dynamo_call c CLEANUP(dynamo_call_deinit) = { 0 };
	struct dynamo_update u = { .condition = seen_due_ms > 0 ? STR("#" STATE " = :was AND #" DUE_MS " = :seen") : STR("#" STATE " = :was") };
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
	/* Of one that was sent twice a condition on the time fails on what the first did. It is sent again later. */
	*changed = c.outcome == DYNAMO_DONE;
	return OK;
}

static enum status delete_event(struct dynamo *t, struct str key, struct fault *why)
{
	struct dynamo_call c CLEANUP(dynamo_call_deinit) = { 0 };
	dynamo_call_init(&c, t, "DeleteItem", 0);
	dynamo_key_put(key, &c.scratch, &c.body);
	return dynamo_call_send(&c, t, why);
}

/* due */

/* Take events of this process. */
static enum status take_own(struct dynamo *t, uint32_t limit, struct arena *a, struct outbox_page *page, struct fault *why)
{
	pthread_mutex_lock(&t->outbox_lock);
	while (page->n < limit) {
		struct own_event *e = own_take(t);
		if (e == NULL)
			break;
		if (e->event.created_ms > clock_now_ms() - OWN_MAX_MS)
			page->events[page->n++] = dup_event(&e->event, a);
		own_free(&e);
	}
	pthread_mutex_unlock(&t->outbox_lock);
	return fault_check_arena(a, why);
}

/* Add an item of a partition of waiting events to the page as an event, or set it aside if it cannot be read. */
static enum status read_waiting(struct dynamo *t, const json_t *item, struct arena *a, struct outbox_page *page, struct fault *why)
{
	struct outbox_event e;
	enum status end = dynamo_event_read(item, true, a, &e, why);
	if (end == OK && e.state != OUTBOX_WAITING)
		end = fault_set(
			why, UPSTREAM_FAILED, "An event in the state \"%.*s\" is in a partition of waiting events.", STRF(outbox_state_name(e.state)));
	if (end == OK)
		page->events[page->n++] = e;
	if (end != UPSTREAM)
		return end;
	const struct fault reason = *why;
	return dynamo_event_set_aside(t, item, &reason, why);
}

/* What is due of one shard, and when its next one is. */
static enum status read_shard(
	struct dynamo *t, uint32_t shard, int64_t now_ms, uint32_t limit, struct arena *a, struct outbox_page *page, struct fault *why)
{
	struct dynamo_call c CLEANUP(dynamo_call_deinit) = { 0 };
	struct dynamo_event_query q = { .partition = dynamo_event_partition(t, shard, a),
		.than = '<',
		.than_key = str_printf(a, "%0*" PRId64 "~", DYNAMO_ORDER_DIGITS, now_ms),
		.limit = limit };
	TRY(fault_check_arena(a, why));
	TRY(dynamo_events_query(t, &q, &c, why));
	const json_t *items = json_object_get(c.answer, "Items");
	for (size_t i = 0; i < json_array_size(items); i++)
		TRY(read_waiting(t, json_array_get(items, i), a, page, why));
	if (json_object_get(c.answer, "LastEvaluatedKey") != NULL) {
		page->next_ms = now_ms;
		return OK;
	}
	q.than = '>';
	q.limit = 1;
	TRY(dynamo_events_query(t, &q, &c, why));
	int64_t next_ms = read_number(json_array_get(json_object_get(c.answer, "Items"), 0), DUE_MS);
	if (next_ms > 0 && next_ms < page->next_ms)
		page->next_ms = next_ms;
	return OK;
}

static int compare_due(const void *x, const void *y)
{
	const struct outbox_event *a = x, *b = y;
	return a->due_ms != b->due_ms ? (a->due_ms < b->due_ms ? -1 : 1) : (a->n > b->n) - (a->n < b->n);
}

/* Claim the first of them, as many as are wanted; the others stay due. */
static enum status claim(struct dynamo *t, int64_t now_ms, uint32_t limit, struct outbox_page *page, struct fault *why)
{
	size_t found = page->n;
	page->n = 0;
	qsort(page->events, found, sizeof *page->events, compare_due);
	for (size_t i = 0; i < found && page->n < limit; i++) {
		struct outbox_event *e = &page->events[i];
		const struct outbox_result claimed = { .n = e->n,
			.state = OUTBOX_WAITING,
			.due_ms = now_ms < INT64_MAX - DYNAMO_CLAIM_MS ? now_ms + DYNAMO_CLAIM_MS : INT64_MAX,
			.first_ms = e->first_ms,
			.attempts = e->attempts,
			.error = e->error };
		bool mine;
		TRY(dynamo_event_change(t, &claimed, OUTBOX_WAITING, e->due_ms, &mine, why));
		if (mine)
			page->events[page->n++] = *e;
	}
	return OK;
}

static enum status read_due(
	struct outbox *port, int64_t now_ms, uint32_t limit, struct arena *a, struct outbox_page *out, struct fault *why)
{
	struct dynamo *t = dynamo_of_outbox(port);
	struct dynamo_call c CLEANUP(dynamo_call_deinit) = { 0 };
	struct outbox_page page = { .events = arena_array(a, (size_t)limit * t->shards, sizeof *page.events), .next_ms = INT64_MAX };
	struct outbox_status receiver;
	struct fault closed;
	TRY(fault_check_arena(a, why));
	if (dynamo_check_upload(t, &closed) == BUSY && closed.code == F_READ_ONLY) {
		page.next_ms = now_ms + TRANSFER_LOOK_AGAIN_MS;
		*out = page;
		return OK;
	}
	if (!atomic_load(&t->receiver_disabled))
		TRY(take_own(t, limit, a, &page, why));
	if (page.n > 0)
		page.next_ms = now_ms; /* the table was not looked at */
	else {
		TRY(dynamo_receiver_read(t, &c, &receiver, why));
		for (uint32_t i = 0; i < t->shards && receiver.disabled_ms == 0; i++)
			TRY(read_shard(t, i, now_ms, limit, a, &page, why));
		size_t found = page.n;
		TRY(claim(t, now_ms, limit, &page, why));
		if (found > page.n)
			page.next_ms = now_ms;
	}
	*out = page;
	return OK;
}

/* record */

enum status dynamo_receiver_read(struct dynamo *t, struct dynamo_call *c, struct outbox_status *out, struct fault *why)
{
	TRY(dynamo_fetch(c, t, DYNAMO_RECEIVER, why));
	const json_t *item = json_object_get(c->answer, "Item");
	*out = (struct outbox_status){ .disabled_ms = read_number(item, "disabledMs"),
		.disabled_reason = dynamo_item_get_text(item, "reason"),
		.delivered_ms = read_number(item, "deliveredMs") };
	atomic_store(&t->receiver_disabled, out->disabled_ms != 0);
	return OK;
}

/* Nothing is written that does not change. */
static enum status record_receiver(struct dynamo *t, const struct outbox_record *r, struct fault *why)
{
	struct dynamo_call c CLEANUP(dynamo_call_deinit) = { 0 };
	struct dynamo_update u = { .condition = STR("attribute_not_exists(imageId) OR attribute_exists(imageId)") };
	if (r->delivered_ms == 0 && r->disabled_ms == 0)
		return OK;
	dynamo_call_init(&c, t, "UpdateItem", 0);
	if (r->delivered_ms != 0)
		dynamo_item_signed(&u.attributes, "deliveredMs", r->delivered_ms, &c.scratch);
	if (r->disabled_ms != 0) {
		atomic_store(&t->receiver_disabled, true);
		dynamo_item_signed(&u.attributes, "disabledMs", r->disabled_ms, &c.scratch);
		dynamo_item_text(&u.attributes, "reason", r->disabled_reason, &c.scratch);
	}
	dynamo_key_put(DYNAMO_RECEIVER, &c.scratch, &c.body);
	dynamo_update_put(&u, &c.scratch, &c.body);
	return dynamo_call_send(&c, t, why);
}

static enum status record_results(struct outbox *port, const struct outbox_record *r, struct fault *why)
{
	struct dynamo *t = dynamo_of_outbox(port);
	struct arena a CLEANUP(arena_deinit);
	bool changed;
	arena_init(&a, EVENT_BYTES);
	for (size_t i = 0; i < r->n; i++)
		if (r->results[i].state == OUTBOX_DELIVERED)
			TRY(delete_event(t, dynamo_event_key(r->results[i].n, &a), why));
		else
			TRY(dynamo_event_change(t, &r->results[i], OUTBOX_WAITING, 0, &changed, why));
	TRY(fault_check_arena(&a, why));
	return record_receiver(t, r, why);
}

static enum status start_outbox(struct outbox *port, const struct outbox_source *source, struct fault *why)
{
	(void)why;
	atomic_store(&dynamo_of_outbox(port)->outbox_source, source);
	return OK;
}

/* owners that are removed */

static void forget_own(struct dynamo *t, struct str owner)
{
	pthread_mutex_lock(&t->outbox_lock);
	for (struct own_event **at = &t->own_events; *at != NULL;) {
		struct own_event *e = *at;
		if (!str_equal(e->owner, owner)) {
			at = &e->next;
			continue;
		}
		*at = e->next;
		t->n_own_events--;
		own_free(&e);
	}
	pthread_mutex_unlock(&t->outbox_lock);
}

/* A page of one partition, by the sort key that the last one ended with; "": there is none after it. */
static enum status forget_page(
	struct dynamo *t, struct str partition, struct str owner, struct arena *a, struct str *after, struct fault *why)
{
	struct dynamo_call c CLEANUP(dynamo_call_deinit) = { 0 };
	const struct dynamo_event_query q = { .partition = partition, .than = '>', .than_key = *after };
	TRY(dynamo_events_query(t, &q, &c, why));
	const json_t *items = json_object_get(c.answer, "Items"), *last = json_object_get(c.answer, "LastEvaluatedKey");
	for (size_t i = 0; i < json_array_size(items); i++)
		if (str_equal(dynamo_item_get_text(json_array_get(items, i), "eventOwner"), owner))
			TRY(delete_event(t, dynamo_item_get_text(json_array_get(items, i), DYNAMO_KEY), why));
	*after = last == NULL ? STR("") : str_dup(a, dynamo_item_get_text(last, DYNAMO_DUE_ORDER));
	return fault_check_arena(a, why);
}

enum status dynamo_outbox_forget_owner(struct dynamo *t, struct str owner, struct fault *why)
{
	forget_own(t, owner);
	for (uint32_t i = 0; i < t->shards + DYNAMO_ENDED_PARTITIONS; i++) {
		struct arena a CLEANUP(arena_deinit);
		struct str after = STR("!"); /* before every sort key: those begin with a digit */
		arena_init(&a, EVENT_BYTES);
		struct str partition = dynamo_event_partition(t, i, &a);
		while (after.n > 0)
			TRY(forget_page(t, partition, owner, &a, &after, why));
	}
	return OK;
}

const struct outbox_ops dynamo_outbox_ops = { .shared = true,
	.start = start_outbox,
	.due = read_due,
	.record = record_results,
	.list = dynamo_outbox_list,
	.status = dynamo_outbox_status,
	.resend = dynamo_outbox_resend,
	.enable = dynamo_outbox_enable };
