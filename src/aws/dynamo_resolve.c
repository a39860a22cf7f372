/* What ends a slot or an image on DynamoDB: resolutions, and removals, and what they change of the owner's counters. A removal leaves no mark by which it could be recognised:
 * if it was sent more than once, a row that is gone counts as removed. A row that was requested with an Idempotency-Key leaves
 * an item behind that keeps its id for a while. */
#include "aws/dynamo.h"
#include "aws/dynamo_row.h"
#include "aws/dynamo_transact.h"
#include "aws/dynamo_usage.h"

#include "base/clock.h"
#include "base/hash.h"
#include "base/writer.h"

#include <assert.h>

#define TRIES_MAX 5

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
 * if it is, the refusal tells. */
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
	struct dynamo_call call;
	const json_t *now; /* the row after the call, done or refused; NULL: there is none */
	bool done;
};

static void row_write_deinit(struct row_write *w)
{
	json_decref(w->seen);
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

/* Send the first write of a transaction, which is in the call, with the move of the counters. */
static enum status send_counted(struct row_write *w, const struct image_row *after, struct fault *why)
{
	struct dynamo_call *c = &w->call;
	struct image_row before;
	struct owner_usage by = { 0 };
	TRY(dynamo_item_read(w->seen, &c->scratch, &before, why));
	owner_usage_add(&by, &before, -1);
	owner_usage_add(&by, after, 1);
	dynamo_transact_open(c, w->t, "Update");
	dynamo_usage_put_move(before.owner, &by, &c->scratch, &c->body);
	dynamo_transact_close(c, true);
	TRY(dynamo_transact_send(c, w->t, why));
	w->now = NULL;
	w->done = c->outcome == DYNAMO_DONE;
	if (w->done)
		return OK;
	if (!dynamo_transact_failed(c, 0, &w->now)) {
		w->how = NO_COUNTERS;
		return OK;
	}
	w->done = dynamo_write_is_of(&w->mark, w->now);
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
	u.condition = str_printf(a, "#status = :was%s%s", again ? " AND #etag = :replaces" : "", counting_condition(w->how));
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
	if (w->how != COUNTED) {
		dynamo_call_init(c, w->t, "UpdateItem", DYNAMO_CONDITION_FAILED);
		put_resolution(w, s);
		writer_text(&c->body, STR("ReturnValues"), STR("ALL_NEW"));
		return send_alone(w, why);
	}
	dynamo_transact_init(c);
	dynamo_transact_open(c, w->t, "Update");
	put_resolution(w, s);
	dynamo_transact_close(c, true);
	return send_counted(w, &after, why);
}

/* Whether the row is still what the resolution requires. */
static bool may_resolve(const json_t *item, const struct resolution *s)
{
	struct str status = dynamo_item_get_text(item, "status");
	if (s->replaces.n == 0)
		return str_equal(status, image_status_name(IMAGE_PENDING));
	return str_equal(status, image_status_name(IMAGE_UPLOADED)) && str_equal(dynamo_item_get_text(item, "etag"), s->replaces);
}

enum status dynamo_resolve(struct image_table *port, const struct resolution *s, struct arena *a, struct image_row *now, struct fault *why)
{
	struct row_write w CLEANUP(row_write_deinit) = { .t = (struct dynamo *)port, .id = s->image_id, .mark = dynamo_write_new() };
	bool moves = s->status != IMAGE_PENDING || s->replaces.n > 0;
	if (!uuid_valid(s->image_id))
		return dynamo_no_such_image(why);
	w.how = moves ? NOT_COUNTED : EITHER;
	if (moves && w.t->count_owners)
		TRY(look_first(&w, why));
	for (unsigned tries = 0; tries < TRIES_MAX && !w.done; tries++) {
		enum counting how = w.how;
		TRY(send_resolution(&w, s, why));
		if (w.done || w.how != how)
			continue;
		if (!moves || !may_resolve(w.now, s) || counting_of(w.now) == how)
			break;
		look_again(&w);
	}
	if (w.call.outcome == DYNAMO_DONE)
		TRY(dynamo_row_after(&w.call, w.t, s->image_id, &w.now, why));
	/* The row is gone, or resolved, by others or by this very call. */
	if (!dynamo_row_is_there(w.now))
		return dynamo_no_such_image(why);
	TRY(dynamo_item_read(w.now, a, now, why));
	return w.done ? OK : fault_set(why, STATE_CHANGED, "The image was verified in the meantime.");
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
		str_printf(a, "attribute_exists(objectKey)%s%s%s%s%s", counting_condition(w->how), counted ? " AND #status = :status" : "",
			etag.n > 0 ? " AND #etag = :etag" : "", keeps_id(w->seen) ? "" : " AND attribute_not_exists(" DYNAMO_REQUEST ")",
			ended_by_ms == 0 ? "" : " AND endsMs <= :endedBy"));
	if (counted)
		writer_raw(body, STR("ExpressionAttributeNames"),
			etag.n > 0 ? STR("{\"#status\":\"status\",\"#etag\":\"etag\"}") : STR("{\"#status\":\"status\"}"));
	dynamo_item_text(&values, "status", counted ? dynamo_item_get_text(w->seen, "status") : STR(""), a);
	dynamo_item_text(&values, "etag", etag, a);
	dynamo_item_number(&values, "endedBy", (uint64_t)ended_by_ms, a);
	if (counted || ended_by_ms != 0)
		dynamo_item_put(&values, STR("ExpressionAttributeValues"), ":", body);
}

static enum status send_removal(struct row_write *w, int64_t ended_by_ms, struct fault *why)
{
	struct dynamo_call *c = &w->call;
	bool keeps = keeps_id(w->seen);
	if (w->how != COUNTED) {
		dynamo_call_init(c, w->t, keeps ? "PutItem" : "DeleteItem", DYNAMO_CONDITION_FAILED);
		put_removal(w, ended_by_ms);
		return send_alone(w, why);
	}
	dynamo_transact_init(c);
	dynamo_transact_open(c, w->t, keeps ? "Put" : "Delete");
	put_removal(w, ended_by_ms);
	dynamo_transact_close(c, true);
	return send_counted(w, NULL, why);
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

enum status dynamo_remove(struct image_table *port, struct str id, int64_t ended_by_ms, struct fault *why)
{
	struct row_write w CLEANUP(row_write_deinit) = { .t = (struct dynamo *)port, .id = id, .mark = dynamo_write_new(), .how = NOT_COUNTED };
	assert(ended_by_ms >= 0);
	if (!uuid_valid(id))
		return dynamo_no_such_image(why);
	if (w.t->count_owners) {
		TRY(look_first(&w, why));
		if (w.seen == NULL || dynamo_row_is_gone(w.seen))
			return dynamo_no_such_image(why);
	}
	for (unsigned tries = 0; tries < TRIES_MAX; tries++) {
		enum counting how = w.how;
		TRY(send_removal(&w, ended_by_ms, why));
		if (w.done)
			return OK;
		if (w.how != how)
			continue;
		if (w.now == NULL && w.call.sent > 1)
			return OK;
		if (w.now == NULL || dynamo_row_is_gone(w.now))
			return dynamo_no_such_image(why);
		if (!has_ended(w.now, ended_by_ms) || is_as_seen(w.seen, w.now))
			break;
		look_again(&w);
	}
	return fault_set(why, STATE_CHANGED, "The image has not expired.");
}
