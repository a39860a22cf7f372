/* The outbox on DynamoDB: an item of each event that waits, next to the rows, written in the transaction of the change that it describes.
 *
 * Several processes share it. An event is due, by the index `due`, DYNAMO_CLAIM_MS after it was written: until then it is sent by the
 * process that wrote it, from memory (outbox_due gives those first, unless the receiver was found disabled). An event that is due by the
 * index was abandoned, and outbox_due claims it for its caller by a conditional update, which makes it due DYNAMO_CLAIM_MS later. So
 * a process does not wait for another to end, but one that is slower than that causes a second delivery.
 *
 * Delivered events are deleted. Failed ones are in a partition of their own, `failed#0`, in the order in which they were created. An item
 * that cannot be read as an event, because it is damaged or from a newer version, must not block the events after it: it is moved unchanged
 * to the partition `unreadable#0`, counted there, and moved back when failed events are sent again.
 *
 * The number of an event is its time and random bits: it increases, and is unique, since a Put with a number that is taken fails. */
#ifndef AWS_DYNAMO_OUTBOX_H
#define AWS_DYNAMO_OUTBOX_H

#include "aws/dynamo/item.h"
#include "aws/dynamo/request.h"
#include "port/outbox.h"

#define DYNAMO_CLAIM_MS ((int64_t)5 * 60000) /* longer than any function runs */
#define DYNAMO_EVENTS "events"               /* partitions of the index `due`: events#0 ... of those that wait */
#define DYNAMO_ENDED_PARTITIONS 2            /* failed events, and items that cannot be read */

extern const struct outbox_ops dynamo_outbox_ops;
struct dynamo *dynamo_of_outbox(struct outbox *port);
void dynamo_outbox_init(struct dynamo *t);
void dynamo_outbox_deinit(struct dynamo *t);

/* The source of events that was set; NULL: there is none. */
static inline const struct outbox_source *dynamo_outbox_source(struct dynamo *t)
{
	return atomic_load(&t->outbox_source);
}
/* Whether changes of this kind write an event. */
bool dynamo_outbox_wants(struct dynamo *t, enum outbox_kind kind);

/* An event that is being written; its texts are in an arena of the caller's. */
struct dynamo_event {
	struct outbox_event event;
	struct str token, owner;
};
/* Make the event of a change.
 * row     as it is after the change, or before its removal
 * Errors  those of the source; TOO_MUCH */
enum status dynamo_event_make(struct dynamo *t, enum outbox_kind kind, const struct image_row *row, struct arena *a,
	struct dynamo_event *out, struct fault *why) MUST_CHECK;
/* Append the members of a Put of it, on the condition that its number is not taken. */
void dynamo_event_put(const struct dynamo *t, const struct dynamo_event *e, struct arena *a, struct buf *body);
/* The transaction was done: this process sends the event first, and its source is notified. */
void dynamo_event_written(struct dynamo *t, const struct dynamo_event *e);
/* Forget what waits for an owner that is removed, here and in the table. */
enum status dynamo_outbox_forget_owner(struct dynamo *t, struct str owner, struct fault *why) MUST_CHECK;

/* Internal to dynamo_outbox*.c. */

/* The name of partition i: t->shards partitions of waiting events, then DYNAMO_ENDED_PARTITIONS others. */
struct str dynamo_event_partition(const struct dynamo *t, uint32_t i, struct arena *a);
static inline uint32_t dynamo_failed_partition(const struct dynamo *t)
{
	return t->shards;
}
static inline uint32_t dynamo_unreadable_partition(const struct dynamo *t)
{
	return t->shards + 1;
}

/* A range of a partition by sort key. */
struct dynamo_event_query {
	struct str partition; /* "events#0" */
	char than;            /* '<' or '>' */
	struct str than_key;
	bool newest_first, only_count;
	uint32_t limit;
};
/* Query one page; the events are in Items of the call's answer, or their number in Count. */
enum status dynamo_events_query(struct dynamo *t, const struct dynamo_event_query *q, struct dynamo_call *c, struct fault *why) MUST_CHECK;
/* Read an event from an item; texts are in `a`.
 * Errors  UPSTREAM_FAILED this version cannot read the item as an event; TOO_MUCH */
enum status dynamo_event_read(const json_t *item, bool with_body, struct arena *a, struct outbox_event *out, struct fault *why) MUST_CHECK;
/* Move an item that cannot be read to the partition `unreadable#0`, and log it.
 * reason  the fault of dynamo_event_read */
enum status dynamo_event_set_aside(struct dynamo *t, const json_t *item, const struct fault *reason, struct fault *why) MUST_CHECK;
/* Move all of these items back, to be read again.
 * n  their number is added */
enum status dynamo_events_put_back(struct dynamo *t, uint64_t *n, struct fault *why) MUST_CHECK;
#define DYNAMO_EVENT_DUE_MS "dueMs"
/* The key of the item, by the number of its event, or {NULL, 0} when the arena is full. */
struct str dynamo_event_key(int64_t n, struct arena *a);
enum status dynamo_event_delete(struct dynamo *t, struct str key, struct fault *why) MUST_CHECK;
/* Whether the item of this number has this id. false: it is not the id of an event. */
bool dynamo_event_number(struct str id, int64_t *n);
/* Change one event that waits, or that was given up: what became of an attempt, or that there shall be another.
 * was      the state that it must have; `seen_due_ms`: and when it must be due, 0: whenever
 * changed  false: it is not so */
enum status dynamo_event_change(struct dynamo *t, const struct outbox_result *now, enum outbox_state was, int64_t seen_due_ms,
	bool *changed, struct fault *why) MUST_CHECK;
/* Item of what is known of the receiver: disabledMs, reason, deliveredMs. */
#define DYNAMO_RECEIVER STR("outbox")
/* Texts of it are borrowed from the call. */
enum status dynamo_receiver_read(struct dynamo *t, struct dynamo_call *c, struct outbox_status *out, struct fault *why) MUST_CHECK;

/* Operations of the port. */
enum status dynamo_outbox_list(
	struct outbox *port, const struct outbox_query *q, struct arena *a, struct outbox_page *out, struct fault *why) MUST_CHECK;
enum status dynamo_outbox_status(struct outbox *port, struct arena *a, struct outbox_status *out, struct fault *why) MUST_CHECK;
enum status dynamo_outbox_resend(
	struct outbox *port, const struct outbox_selection *which, int64_t now_ms, uint64_t *n, struct fault *why) MUST_CHECK;
enum status dynamo_outbox_enable(struct outbox *port, int64_t now_ms, struct fault *why) MUST_CHECK;

#endif
