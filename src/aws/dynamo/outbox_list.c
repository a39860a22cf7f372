/* The outbox on DynamoDB as people see it: what waits or was given up, and sending it again. The index has those that wait by the time
 * when they are due, so that no more than OUTBOX_LIST_MAX of them are looked at; what lies beyond is sent all the same. */
#include "aws/dynamo/outbox.h"

#include "aws/dynamo/cursor.h"
#include "aws/dynamo/row.h"
#include "aws/dynamo/update.h"
#include "base/json.h"

#include <stdlib.h>

#define PAGE_EVENTS 100
#define SCRATCH_BYTES ((size_t)8 << 20)
#define COUNT_PAGES_MAX 10 /* of 1 MB each, of a partition */

/* Add the events of a partition that are older than `before_n`, the last ones of the index first, until there are OUTBOX_LIST_MAX. */
static enum status read_partition(
	struct dynamo *t, struct str partition, int64_t before_n, struct arena *a, struct outbox_page *page, struct fault *why)
{
	struct dynamo_event_query q = {
		.partition = partition, .than = '<', .than_key = DYNAMO_LAST_ORDER, .newest_first = true, .limit = PAGE_EVENTS
	};
	while (q.than_key.n > 0) {
		struct dynamo_call c CLEANUP(dynamo_call_deinit) = { 0 };
		TRY(dynamo_events_query(t, &q, &c, why));
		const json_t *items = json_object_get(c.answer, "Items");
		for (size_t i = 0; i < json_array_size(items) && page->n < OUTBOX_LIST_MAX; i++) {
			struct outbox_event *e = &page->events[page->n];
			enum status end = dynamo_event_read(json_array_get(items, i), false, a, e, why);
			if (end != UPSTREAM) /* items that cannot be read are counted, but not listed */
				TRY(end);
			page->n += end == OK && e->n < before_n;
		}
		const json_t *last = json_object_get(c.answer, "LastEvaluatedKey");
		q.than_key = last == NULL || page->n == OUTBOX_LIST_MAX ? STR("") : str_dup(a, dynamo_item_get_text(last, DYNAMO_DUE_ORDER));
		TRY(fault_check_arena(a, why));
	}
	return OK;
}

static enum status read_state(
	struct dynamo *t, enum outbox_state state, int64_t before_n, struct arena *a, struct outbox_page *page, struct fault *why)
{
	uint32_t from = state == OUTBOX_FAILED ? dynamo_failed_partition(t) : 0, until = state == OUTBOX_FAILED ? from + 1 : t->shards;
	for (uint32_t i = from; i < until && state != OUTBOX_DELIVERED; i++)
		TRY(read_partition(t, dynamo_event_partition(t, i, a), before_n, a, page, why));
	return OK;
}

static int compare_newest(const void *x, const void *y)
{
	const struct outbox_event *a = x, *b = y;
	return (a->n < b->n) - (a->n > b->n);
}

enum status dynamo_outbox_list(
	struct outbox *port, const struct outbox_query *q, struct arena *a, struct outbox_page *out, struct fault *why)
{
	struct dynamo *t = dynamo_of_outbox(port);
	struct outbox_page page = { .events = arena_array(a, OUTBOX_LIST_MAX, sizeof *page.events), .next_ms = INT64_MAX };
	int64_t before_n = q->before_n > 0 ? q->before_n : INT64_MAX;
	TRY(fault_check_arena(a, why));
	if (!q->has_state || q->state == OUTBOX_FAILED)
		TRY(read_state(t, OUTBOX_FAILED, before_n, a, &page, why));
	if (!q->has_state || q->state == OUTBOX_WAITING)
		TRY(read_state(t, OUTBOX_WAITING, before_n, a, &page, why));
	qsort(page.events, page.n, sizeof *page.events, compare_newest);
	if (page.n > q->limit)
		page.n = q->limit;
	*out = page;
	return OK;
}

static enum status count_partition(struct dynamo *t, struct str partition, uint64_t *n, struct arena *a, struct fault *why)
{
	struct dynamo_event_query q = {
		.partition = partition, .than = '<', .than_key = DYNAMO_LAST_ORDER, .newest_first = true, .only_count = true
	};
	for (unsigned page = 0; page < COUNT_PAGES_MAX && q.than_key.n > 0; page++) {
		struct dynamo_call c CLEANUP(dynamo_call_deinit) = { 0 };
		TRY(dynamo_events_query(t, &q, &c, why));
		json_int_t found = json_integer_value(json_object_get(c.answer, "Count"));
		const json_t *last = json_object_get(c.answer, "LastEvaluatedKey");
		*n += found > 0 ? (uint64_t)found : 0;
		q.than_key = last == NULL ? STR("") : str_dup(a, dynamo_item_get_text(last, DYNAMO_DUE_ORDER));
		TRY(fault_check_arena(a, why));
	}
	return OK;
}

enum status dynamo_outbox_status(struct outbox *port, struct arena *a, struct outbox_status *out, struct fault *why)
{
	struct dynamo *t = dynamo_of_outbox(port);
	struct dynamo_call c CLEANUP(dynamo_call_deinit) = { 0 };
	struct outbox_status status;
	TRY(dynamo_receiver_read(t, &c, &status, why));
	status.disabled_reason = str_dup(a, status.disabled_reason);
	for (uint32_t i = 0; i < t->shards + DYNAMO_ENDED_PARTITIONS; i++) {
		uint64_t *n = i < t->shards           ? &status.counts[OUTBOX_WAITING]
			: i == dynamo_failed_partition(t) ? &status.counts[OUTBOX_FAILED]
											  : &status.unreadable;
		TRY(count_partition(t, dynamo_event_partition(t, i, a), n, a, why));
	}
	TRY(fault_check_arena(a, why));
	*out = status;
	return OK;
}

/* Send one again, with all its attempts before it. */
static enum status send_again(struct dynamo *t, const struct outbox_event *e, int64_t now_ms, uint64_t *n, struct fault *why)
{
	const struct outbox_result fresh = { .n = e->n, .state = OUTBOX_WAITING, .due_ms = now_ms };
	bool changed;
	TRY(dynamo_event_change(t, &fresh, e->state, 0, &changed, why));
	*n += changed;
	return OK;
}

static enum status resend_state(struct dynamo *t, enum outbox_state state, int64_t now_ms, uint64_t *n, struct fault *why)
{
	for (uint64_t before = UINT64_MAX; *n != before;) {
		struct arena a CLEANUP(arena_deinit);
		arena_init(&a, SCRATCH_BYTES);
		struct outbox_page page = { .events = arena_array(&a, OUTBOX_LIST_MAX, sizeof *page.events) };
		TRY(fault_check_arena(&a, why));
		TRY(read_state(t, state, INT64_MAX, &a, &page, why));
		before = *n;
		for (size_t i = 0; i < page.n; i++)
			if (page.events[i].state == OUTBOX_FAILED || page.events[i].attempts > 0)
				TRY(send_again(t, &page.events[i], now_ms, n, why));
		if (page.n < OUTBOX_LIST_MAX)
			break;
	}
	return OK;
}

static enum status resend_one(struct dynamo *t, struct str id, int64_t now_ms, uint64_t *n, struct fault *why)
{
	struct dynamo_call c CLEANUP(dynamo_call_deinit) = { 0 };
	struct arena a CLEANUP(arena_deinit);
	struct outbox_event e;
	int64_t number;
	arena_init(&a, SCRATCH_BYTES);
	if (!dynamo_event_number(id, &number))
		return no_such_event(why);
	TRY(dynamo_fetch(&c, t, dynamo_event_key(number, &a), why));
	if (json_object_get(c.answer, "Item") == NULL)
		return no_such_event(why);
	TRY(dynamo_event_read(json_object_get(c.answer, "Item"), false, &a, &e, why));
	if (str_equal(e.id, id))
		TRY(send_again(t, &e, now_ms, n, why));
	return *n > 0 ? OK : no_such_event(why);
}

static void tell_source(struct dynamo *t)
{
	const struct outbox_source *source = atomic_load(&t->outbox_source);
	if (source != NULL)
		source->changed(source->arg);
}

enum status dynamo_outbox_resend(struct outbox *port, const struct outbox_selection *which, int64_t now_ms, uint64_t *n, struct fault *why)
{
	struct dynamo *t = dynamo_of_outbox(port);
	*n = 0;
	TRY(which->id.n > 0 ? resend_one(t, which->id, now_ms, n, why) : resend_state(t, which->state, now_ms, n, why));
	if (which->id.n == 0 && which->state == OUTBOX_FAILED)
		TRY(dynamo_events_put_back(t, n, why));
	if (*n > 0)
		tell_source(t);
	return OK;
}

enum status dynamo_outbox_enable(struct outbox *port, int64_t now_ms, struct fault *why)
{
	struct dynamo *t = dynamo_of_outbox(port);
	struct dynamo_call c CLEANUP(dynamo_call_deinit) = { 0 };
	struct dynamo_update u = { .condition = STR("#disabledMs > :zero") };
	uint64_t n = 0;
	dynamo_call_init(&c, t, "UpdateItem", DYNAMO_CONDITION_FAILED);
	dynamo_item_text(&u.attributes, "disabledMs", STR(""), &c.scratch);
	dynamo_item_text(&u.attributes, "reason", STR(""), &c.scratch);
	dynamo_item_signed(&u.values, "zero", 0, &c.scratch);
	dynamo_key_put(DYNAMO_RECEIVER, &c.scratch, &c.body);
	dynamo_update_put(&u, &c.scratch, &c.body);
	TRY(dynamo_call_send(&c, t, why));
	atomic_store(&t->receiver_disabled, false);
	if (c.outcome != DYNAMO_DONE)
		return OK;
	TRY(resend_state(t, OUTBOX_WAITING, now_ms, &n, why));
	tell_source(t);
	return OK;
}
