/* What ends a slot or an image on DynamoDB: resolutions, and removals, what they change of the owner's counters, and the event that describes
 * them. A row whose change makes an event is read first, and must have the same version still, so that the event says what it was. A
 * removal leaves no mark by which it could be recognised: if it was sent more than once, a row that is gone counts as removed. A row that was requested with an Idempotency-Key leaves
 * an item behind that keeps its id for a while. */
#include "aws/dynamo/dynamo.h"
#include "aws/dynamo/outbox.h"
#include "aws/dynamo/row.h"
#include "aws/dynamo/state.h"
#include "aws/dynamo/transact.h"
#include "aws/dynamo/usage.h"

#include "base/clock.h"
#include "base/hash.h"
#include "base/writer.h"

#include <assert.h>

#define TRIES_MAX 5
#define EVENT_BYTES ((size_t)96 << 10) /* an event, and its row */

/* resolve */

static struct image_row row_of_resolution(const struct resolution *s)
{
	return (struct image_row){ .image_id = s->image_id,
		.status = s->status,
		.file_type = s->file_type,
		.file_size = s->file_size,
		.etag = s->etag,
		.modified_ms = s->modified_ms,
		.width = s->width,
		.height = s->height,
		.orientation = s->orientation,
		.frames = s->frames,
		.uploaded_ms = s->uploaded_ms,
		.ends_ms = s->ends_ms,
		.reason = s->reason,
		.received_size = s->received_size,
		.received_sha256 = s->received_sha256,
		.stripped = s->stripped,
		.removed = s->removed,
		.verdict = s->verdict,
		.damage = s->damage,
		.placeholder = s->placeholder,
		.color = s->color,
		.kept_metadata = s->kept_metadata };
}

/* How a write goes with the counters of the row's owner. A row that was not looked at is taken for one that is not counted;
 * if it is, the refusal says so. */
enum counting {
	EITHER,      /* they do not change */
	NOT_COUNTED, /* the row is not in them */
	COUNTED,     /* they change in the same transaction */
	NO_COUNTERS, /* the row is in them, but they are gone */
};

static enum counting counting_of(const json_t *item)
{
	return json_object_get(item, DYNAMO_COUNTED) != NULL ? COUNTED : NOT_COUNTED;
}

static const char *counting_condition(enum counting how)
{
	return how == COUNTED    ? " AND attribute_exists(" DYNAMO_COUNTED ")"
		: how == NOT_COUNTED ? " AND attribute_not_exists(" DYNAMO_COUNTED ")"
							 : "";
}

/* A write of one row, in steps: what it was seen to be, and the call. */
struct row_write {
	struct dynamo *t;
	struct str id;
	struct dynamo_write mark;
	enum counting how;
	json_t *seen; /* NULL: it was not looked at */
	bool has_event;
	struct dynamo_event event;
	struct arena events; /* its texts */
	struct dynamo_call call;
	const json_t *now; /* the row after the call, done or refused; NULL: there is none */
	bool done;
	bool again; /* it is to be sent again, though the row did not change */
};

static void row_write_deinit(struct row_write *w)
{
	json_decref(w->seen);
	arena_deinit(&w->events);
	dynamo_call_deinit(&w->call);
}

/* Look at the row first where most are counted, since a refusal costs more than a read. */
static enum status look_first(struct row_write *w, struct fault *why)
{
	TRY(dynamo_fetch(&w->call, w->t, w->id, why));
	w->seen = json_incref(json_object_get(w->call.answer, "Item"));
	w->how = counting_of(w->seen);
	return OK;
}

static void look_again(struct row_write *w)
{
	json_t *now = json_incref((json_t *)w->now);
	json_decref(w->seen);
	w->seen = now;
	w->how = counting_of(now);
}

/* Make the event of a change of the row that was seen, if one is wanted.
 * resolved  what it becomes; NULL: it is removed */
static enum status make_event(struct row_write *w, enum outbox_kind kind, const struct image_row *resolved, struct fault *why)
{
	struct image_row row;
	w->has_event = false;
	if (!dynamo_outbox_wants(w->t, kind) || w->seen == NULL || dynamo_row_is_gone(w->seen))
		return OK;
	arena_deinit(&w->events);
	arena_init(&w->events, EVENT_BYTES);
	TRY(dynamo_item_read(w->seen, &w->events, &row, why));
	if (resolved != NULL) {
		dynamo_item_resolve(&row, resolved);
		row.version++;
	}
	TRY(dynamo_event_make(w->t, kind, &row, &w->events, &w->event, why));
	w->has_event = true;
	return OK;
}

static struct str seen_version(const struct row_write *w)
{
	return dynamo_item_get_number(w->seen, "version");
}

/* The condition that the row has the version that its event describes. */
static const char *version_condition(const struct row_write *w)
{
	return !w->has_event ? "" : seen_version(w).n > 0 ? " AND version = :version" : " AND attribute_not_exists(version)";
}

static void add_version(const struct row_write *w, struct dynamo_item *values, struct arena *a)
{
	uint64_t version;
	if (w->has_event && str_to_u64(seen_version(w), &version))
		dynamo_item_number(values, "version", version, a);
}

/* Whether the row, after a refusal, has the version that was seen, if that counts. */
static bool has_seen_version(const struct row_write *w)
{
	return !w->has_event || str_equal(dynamo_item_get_number(w->now, "version"), seen_version(w));
}

static bool is_transaction(const struct row_write *w)
{
	return w->how == COUNTED || w->has_event;
}

/* Send the first write of a transaction, which is in the call, with the event, and the move of the counters. */
static enum status send_transaction(struct row_write *w, const struct image_row *after, struct fault *why)
{
	struct dynamo_call *c = &w->call;
	struct image_row before;
	struct owner_usage by = { 0 };
	const json_t *taken;
	if (w->has_event) {
		dynamo_transact_open(c, w->t, "Put");
		dynamo_event_put(w->t, &w->event, &c->scratch, &c->body);
		dynamo_transact_close(c, true);
	}
	if (w->how == COUNTED) {
		TRY(dynamo_item_read(w->seen, &c->scratch, &before, why));
		owner_usage_add(&by, &before, -1);
		owner_usage_add(&by, after, 1);
		dynamo_transact_open(c, w->t, "Update");
		dynamo_usage_put_move(before.owner, &by, &c->scratch, &c->body);
		dynamo_transact_close(c, true);
	}
	TRY(dynamo_transact_send(c, w->t, why));
	w->now = NULL;
	w->done = c->outcome == DYNAMO_DONE;
	if (!w->done && dynamo_transact_failed(c, 0, &w->now))
		w->done = dynamo_write_is_of(&w->mark, w->now);
	else if (!w->done && w->has_event && dynamo_transact_failed(c, 1, &taken))
		w->again = true; /* the number of the event is taken */
	else if (!w->done)
		w->how = NO_COUNTERS;
	if (w->done && w->has_event)
		dynamo_event_written(w->t, &w->event);
	return OK;
}

static enum status send_alone(struct row_write *w, struct fault *why)
{
	TRY(dynamo_send_write(&w->call, w->t, w->id, &w->now, why));
	w->done = w->call.outcome == DYNAMO_DONE || dynamo_write_is_of(&w->mark, w->now);
	return OK;
}

/* The members of an Update, or of an UpdateItem. The row must be pending, or, for other bytes that came later, uploaded with the
 * ETag that was seen. */
static void put_resolution(struct row_write *w, const struct resolution *s)
{
	struct arena *a = &w->call.scratch;
	const struct image_row row = row_of_resolution(s);
	struct dynamo_update u = { .also = DYNAMO_NEXT_VERSION };
	bool again = s->replaces.n > 0;
	dynamo_item_of(&row, true, a, &u.attributes);
	dynamo_row_add_keys(w->t, &row, again, &w->mark, &u.attributes, a);
	if (w->how == NO_COUNTERS)
		dynamo_item_number(&u.attributes, DYNAMO_COUNTED, 0, a);
	if (!resolution_keeps_thumbs(s))
		dynamo_item_text(&u.attributes, DYNAMO_THUMBS, STR(""), a);
	u.condition =
		str_printf(a, "#status = :was%s%s%s", again ? " AND #etag = :replaces" : "", counting_condition(w->how), version_condition(w));
	add_version(w, &u.values, a);
	dynamo_item_text(&u.values, "was", again ? STR("uploaded") : STR("pending"), a);
	dynamo_item_text(&u.values, "replaces", s->replaces, a);
	dynamo_item_number(&u.values, "one", 1, a);
	dynamo_key_put(w->id, a, &w->call.body);
	dynamo_update_put(&u, a, &w->call.body);
}

static enum status send_resolution(struct row_write *w, const struct resolution *s, struct fault *why)
{
	struct dynamo_call *c = &w->call;
	const struct image_row after = { .status = s->status, .file_size = s->file_size };
	if (!is_transaction(w)) {
		dynamo_call_init(c, w->t, "UpdateItem", DYNAMO_CONDITION_FAILED);
		put_resolution(w, s);
		writer_text(&c->body, STR("ReturnValues"), STR("ALL_NEW"));
		return send_alone(w, why);
	}
	dynamo_transact_init(c);
	dynamo_transact_open(c, w->t, "Update");
	put_resolution(w, s);
	dynamo_transact_close(c, true);
	return send_transaction(w, &after, why);
}

/* Whether the row is still what the resolution requires. */
static bool may_resolve(const json_t *item, const struct resolution *s)
{
	struct str status = dynamo_item_get_text(item, "status");
	if (s->replaces.n == 0)
		return str_equal(status, image_status_name(IMAGE_PENDING));
	return str_equal(status, image_status_name(IMAGE_UPLOADED)) && str_equal(dynamo_item_get_text(item, "etag"), s->replaces);
}

/* The event of a resolution. That other bytes came to an image, or more was found out about it, is none. */
static enum status make_resolved_event(struct row_write *w, const struct resolution *s, struct fault *why)
{
	const struct image_row resolved = row_of_resolution(s);
	w->has_event = false;
	if (s->status == IMAGE_PENDING || str_equal(dynamo_item_get_text(w->seen, "status"), image_status_name(s->status)) ||
		!may_resolve(w->seen, s))
		return OK;
	return make_event(w, s->status == IMAGE_UPLOADED ? OUTBOX_UPLOADED : OUTBOX_REJECTED, &resolved, why);
}

enum status dynamo_resolve(struct image_table *port, const struct resolution *s, struct arena *a, struct image_row *now, struct fault *why)
{
	struct row_write w CLEANUP(row_write_deinit) = { .t = (struct dynamo *)port, .id = s->image_id, .mark = dynamo_write_new() };
	bool moves = s->status != IMAGE_PENDING || s->replaces.n > 0;
	if (!uuid_valid(s->image_id))
		return no_such_image(why);
	TRY(dynamo_check_upload(w.t, why));
	w.how = moves ? NOT_COUNTED : EITHER;
	if (moves && (w.t->count_owners || dynamo_outbox_wants(w.t, s->status == IMAGE_UPLOADED ? OUTBOX_UPLOADED : OUTBOX_REJECTED)))
		TRY(look_first(&w, why));
	for (unsigned tries = 0; tries < TRIES_MAX && !w.done; tries++) {
		enum counting how = w.how;
		w.again = false;
		TRY(make_resolved_event(&w, s, why));
		TRY(send_resolution(&w, s, why));
		if (w.done || w.again || w.how != how)
			continue;
		if (!moves || !may_resolve(w.now, s) || (counting_of(w.now) == how && has_seen_version(&w)))
			break;
		look_again(&w);
	}
	if (w.call.outcome == DYNAMO_DONE)
		TRY(dynamo_row_after(&w.call, w.t, s->image_id, &w.now, why));
	/* The row is gone, or resolved, by others or by this very call. */
	if (!dynamo_row_is_there(w.now))
		return no_such_image(why);
	TRY(dynamo_item_read(w.now, a, now, why));
	if (w.done)
		return OK;
	return s->replaces.n == 0 ? image_not_pending(why) : image_was_replaced(why);
}

/* remove */

static bool keeps_id(const json_t *item)
{
	return dynamo_item_get_text(item, DYNAMO_REQUEST).n > 0;
}

/* The Item that keeps a removed row's id, without any key of an index. */
static void put_gone(const struct row_write *w, struct arena *a, struct buf *body)
{
	struct dynamo_item item = { 0 };
	dynamo_item_text(&item, DYNAMO_KEY, w->id, a);
	dynamo_item_text(&item, "status", STR(DYNAMO_GONE), a);
	dynamo_item_text(&item, DYNAMO_REQUEST, dynamo_item_get_text(w->seen, DYNAMO_REQUEST), a);
	dynamo_item_signed(&item, DYNAMO_TTL, (clock_now_ms() + TABLE_ID_KEPT_MS) / 1000, a);
	dynamo_item_text(&item, DYNAMO_WRITE, str_of(w->mark.id), a);
	dynamo_item_put(&item, STR("Item"), "", body);
}

/* The members of a Delete, or of a Put of what keeps the id. What is counted of the row depends on its status, and on its bytes. */
static void put_removal(struct row_write *w, int64_t ended_by_ms)
{
	struct arena *a = &w->call.scratch;
	struct buf *body = &w->call.body;
	struct dynamo_item values = { 0 };
	bool counted = w->how == COUNTED;
	struct str etag = counted ? dynamo_item_get_text(w->seen, "etag") : STR("");
	if (keeps_id(w->seen))
		put_gone(w, a, body);
	else
		dynamo_key_put(w->id, a, body);
	writer_text(body, STR("ConditionExpression"),
		str_printf(a, "attribute_exists(objectKey)%s%s%s%s%s%s", version_condition(w), counting_condition(w->how),
			counted ? " AND #status = :status" : "", etag.n > 0 ? " AND #etag = :etag" : "",
			keeps_id(w->seen) ? "" : " AND attribute_not_exists(" DYNAMO_REQUEST ")", ended_by_ms == 0 ? "" : " AND endsMs <= :endedBy"));
	if (counted)
		writer_raw(body, STR("ExpressionAttributeNames"),
			etag.n > 0 ? STR("{\"#status\":\"status\",\"#etag\":\"etag\"}") : STR("{\"#status\":\"status\"}"));
	dynamo_item_text(&values, "status", counted ? dynamo_item_get_text(w->seen, "status") : STR(""), a);
	dynamo_item_text(&values, "etag", etag, a);
	dynamo_item_number(&values, "endedBy", (uint64_t)ended_by_ms, a);
	add_version(w, &values, a);
	if (counted || ended_by_ms != 0 || (w->has_event && seen_version(w).n > 0))
		dynamo_item_put(&values, STR("ExpressionAttributeValues"), ":", body);
}

static enum status send_removal(struct row_write *w, int64_t ended_by_ms, struct fault *why)
{
	struct dynamo_call *c = &w->call;
	bool keeps = keeps_id(w->seen);
	if (!is_transaction(w)) {
		dynamo_call_init(c, w->t, keeps ? "PutItem" : "DeleteItem", DYNAMO_CONDITION_FAILED);
		put_removal(w, ended_by_ms);
		return send_alone(w, why);
	}
	dynamo_transact_init(c);
	dynamo_transact_open(c, w->t, keeps ? "Put" : "Delete");
	put_removal(w, ended_by_ms);
	dynamo_transact_close(c, true);
	return send_transaction(w, NULL, why);
}

/* Whether a removal that saw x would be sent in the same way for y. Of one that was not looked at x is NULL. */
static bool is_as_seen(const json_t *x, const json_t *y)
{
	return counting_of(x) == counting_of(y) && keeps_id(x) == keeps_id(y) &&
		(counting_of(y) != COUNTED ||
			(str_equal(dynamo_item_get_text(x, "status"), dynamo_item_get_text(y, "status")) &&
				str_equal(dynamo_item_get_text(x, "etag"), dynamo_item_get_text(y, "etag"))));
}

static bool has_ended(const json_t *item, int64_t ended_by_ms)
{
	uint64_t ends_ms;
	return ended_by_ms == 0 ||
		(str_to_u64(dynamo_item_get_number(item, "endsMs"), &ends_ms) && ends_ms > 0 && ends_ms <= (uint64_t)ended_by_ms);
}

/* The event of a removal. That a rejected image's reason is forgotten is none. */
static enum status make_removed_event(struct row_write *w, bool expires, struct fault *why)
{
	w->has_event = false;
	if (expires && !str_equal(dynamo_item_get_text(w->seen, "status"), image_status_name(IMAGE_PENDING)))
		return OK;
	return make_event(w, expires ? OUTBOX_EXPIRED : OUTBOX_DELETED, NULL, why);
}

enum status dynamo_remove(struct image_table *port, struct str id, int64_t ended_by_ms, struct fault *why)
{
	struct row_write w CLEANUP(row_write_deinit) = { .t = (struct dynamo *)port, .id = id, .mark = dynamo_write_new(), .how = NOT_COUNTED };
	assert(ended_by_ms >= 0);
	if (!uuid_valid(id))
		return no_such_image(why);
	TRY(ended_by_ms == 0 ? dynamo_check_change(w.t, why) : dynamo_check_upload(w.t, why));
	if (w.t->count_owners || dynamo_outbox_wants(w.t, ended_by_ms > 0 ? OUTBOX_EXPIRED : OUTBOX_DELETED)) {
		TRY(look_first(&w, why));
		if (w.seen == NULL || dynamo_row_is_gone(w.seen))
			return no_such_image(why);
	}
	for (unsigned tries = 0; tries < TRIES_MAX; tries++) {
		enum counting how = w.how;
		w.again = false;
		TRY(make_removed_event(&w, ended_by_ms > 0, why));
		TRY(send_removal(&w, ended_by_ms, why));
		if (w.done)
			return OK;
		if (w.again || w.how != how)
			continue;
		if (w.now == NULL && w.call.sent > 1)
			return OK;
		if (w.now == NULL || dynamo_row_is_gone(w.now))
			return no_such_image(why);
		if (!has_ended(w.now, ended_by_ms) || (is_as_seen(w.seen, w.now) && has_seen_version(&w)))
			break;
		look_again(&w);
	}
	return image_not_ended(why);
}
