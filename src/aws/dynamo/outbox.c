/* The outbox on DynamoDB as a port: events that this process has written and still has in memory, those that are due, and what became of
 * them. See outbox.h; the items themselves are in outbox_event.c. */
#include "aws/dynamo/outbox.h"

#include "aws/dynamo/cursor.h"
#include "aws/dynamo/row.h"
#include "aws/dynamo/state.h"
#include "aws/dynamo/update.h"
#include "base/clock.h"
#include "base/mem.h"

#include <inttypes.h>
#include <stdlib.h>

#define OWN_MAX 1024                     /* events of this process that wait in memory; more are in the table alone */
#define OWN_MAX_MS (DYNAMO_CLAIM_MS / 2) /* and not longer: others take them up then */
#define EVENT_BYTES ((size_t)64 << 10)

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

bool dynamo_outbox_wants(struct dynamo *t, enum outbox_kind kind)
{
	const struct outbox_source *source = dynamo_outbox_source(t);
	return source != NULL && (source->kinds & 1U << kind) != 0;
}

void dynamo_event_written(struct dynamo *t, const struct dynamo_event *e)
{
	const struct outbox_source *source = dynamo_outbox_source(t);
	own_add(t, e);
	if (source != NULL)
		source->changed(source->arg);
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
	int64_t next_ms = dynamo_item_get_i64(json_array_get(json_object_get(c.answer, "Items"), 0), DYNAMO_EVENT_DUE_MS);
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
	*out = (struct outbox_status){ .disabled_ms = dynamo_item_get_i64(item, "disabledMs"),
		.disabled_reason = dynamo_item_get_text(item, "reason"),
		.delivered_ms = dynamo_item_get_i64(item, "deliveredMs") };
	atomic_store(&t->receiver_disabled, out->disabled_ms != 0);
	return OK;
}

/* Nothing is written that does not change. */
static enum status record_receiver(struct dynamo *t, const struct outbox_record *r, struct fault *why)
{
	struct dynamo_call c CLEANUP(dynamo_call_deinit) = { 0 };
	struct dynamo_update u = { 0 };
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
			TRY(dynamo_event_delete(t, dynamo_event_key(r->results[i].n, &a), why));
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
			TRY(dynamo_event_delete(t, dynamo_item_get_text(json_array_get(items, i), DYNAMO_KEY), why));
	*after = last == NULL ? STR("") : str_dup(a, dynamo_item_get_text(last, DYNAMO_DUE_ORDER));
	return fault_check_arena(a, why);
}

enum status dynamo_outbox_forget_owner(struct dynamo *t, struct str owner, struct fault *why)
{
	forget_own(t, owner);
	for (uint32_t i = 0; i < t->shards + DYNAMO_ENDED_PARTITIONS; i++) {
		struct arena a CLEANUP(arena_deinit);
		struct str after = DYNAMO_FIRST_ORDER;
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
