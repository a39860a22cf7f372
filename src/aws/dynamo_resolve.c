/* What ends a slot or an image on DynamoDB: resolutions, and removals. A removal leaves no mark by which it could be recognised:
 * if it was sent more than once, a row that is gone counts as removed. A row that was requested with an Idempotency-Key leaves
 * an item behind that keeps its id for a while. */
#include "aws/dynamo.h"
#include "aws/dynamo_row.h"
#include "aws/dynamo_update.h"

#include "base/clock.h"
#include "base/hash.h"
#include "base/writer.h"

#include <assert.h>

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

/* The row must be pending, or, for other bytes that came later, uploaded with the ETag that was seen. */
static void put_resolution(struct dynamo *t, const struct resolution *s, const struct dynamo_write *w, struct arena *a, struct buf *body)
{
	const struct image_row row = row_of_resolution(s);
	struct dynamo_update u = { .also = DYNAMO_NEXT_VERSION };
	bool again = s->replaces.n > 0;
	dynamo_item_of(&row, true, a, &u.attributes);
	dynamo_row_add_keys(t, &row, again, w, &u.attributes, a);
	u.condition = again ? "#status = :was AND #etag = :replaces" : "#status = :was";
	dynamo_item_text(&u.values, "was", again ? STR("uploaded") : STR("pending"), a);
	dynamo_item_text(&u.values, "replaces", s->replaces, a);
	dynamo_item_number(&u.values, "one", 1, a);
	dynamo_update_put(&u, a, body);
}

enum status dynamo_resolve(struct image_table *port, const struct resolution *s, struct arena *a, struct image_row *now, struct fault *why)
{
	struct dynamo *t = (struct dynamo *)port;
	struct dynamo_call c CLEANUP(dynamo_call_deinit) = { 0 };
	struct dynamo_write w = dynamo_write_new();
	const json_t *item;
	if (!uuid_valid(s->image_id))
		return dynamo_no_such_image(why);
	dynamo_call_init(&c, t, "UpdateItem", DYNAMO_CONDITION_FAILED);
	dynamo_key_put(s->image_id, &c.scratch, &c.body);
	put_resolution(t, s, &w, &c.scratch, &c.body);
	writer_text(&c.body, STR("ReturnValues"), STR("ALL_NEW"));
	TRY(dynamo_send_write(&c, t, s->image_id, &item, why));
	bool done = c.outcome == DYNAMO_DONE || dynamo_write_is_of(&w, item);
	if (c.outcome == DYNAMO_DONE)
		TRY(dynamo_row_after(&c, t, s->image_id, &item, why));
	/* The row is gone, or resolved, by others or by this very call. */
	if (!dynamo_row_is_there(item))
		return dynamo_no_such_image(why);
	TRY(dynamo_item_read(item, a, now, why));
	return done ? OK : fault_set(why, STATE_CHANGED, "The image was verified in the meantime.");
}

/* remove */

/* The Item that keeps a removed row's id, without any key of an index. */
static void put_gone(const json_t *row, struct str id, const struct dynamo_write *w, struct arena *a, struct buf *body)
{
	struct dynamo_item item = { 0 };
	dynamo_item_text(&item, DYNAMO_KEY, id, a);
	dynamo_item_text(&item, "status", STR(DYNAMO_GONE), a);
	dynamo_item_text(&item, DYNAMO_REQUEST, dynamo_item_get_text(row, DYNAMO_REQUEST), a);
	dynamo_item_signed(&item, DYNAMO_TTL, (clock_now_ms() + TABLE_ID_KEPT_MS) / 1000, a);
	dynamo_item_text(&item, DYNAMO_WRITE, str_of(w->id), a);
	dynamo_item_put(&item, STR("Item"), "", body);
}

/* kept  has a requestHash, as seen; NULL: has none */
static void put_removal(struct dynamo_call *c, struct str id, int64_t ended_by_ms, const json_t *kept, const struct dynamo_write *w)
{
	struct dynamo_item values = { 0 };
	if (kept != NULL)
		put_gone(kept, id, w, &c->scratch, &c->body);
	else
		dynamo_key_put(id, &c->scratch, &c->body);
	writer_text(&c->body, STR("ConditionExpression"),
		str_printf(&c->scratch, "attribute_exists(objectKey)%s%s", kept != NULL ? "" : " AND attribute_not_exists(" DYNAMO_REQUEST ")",
			ended_by_ms == 0 ? "" : " AND endsMs <= :endedBy"));
	dynamo_item_number(&values, "endedBy", (uint64_t)ended_by_ms, &c->scratch);
	if (ended_by_ms != 0)
		dynamo_item_put(&values, STR("ExpressionAttributeValues"), ":", &c->body);
}

enum status dynamo_remove(struct image_table *port, struct str id, int64_t ended_by_ms, struct fault *why)
{
	struct dynamo *t = (struct dynamo *)port;
	struct dynamo_call c CLEANUP(dynamo_call_deinit) = { 0 }, second CLEANUP(dynamo_call_deinit) = { 0 };
	struct dynamo_write w = dynamo_write_new();
	const json_t *cause;
	assert(ended_by_ms >= 0);
	if (!uuid_valid(id))
		return dynamo_no_such_image(why);
	dynamo_call_init(&c, t, "DeleteItem", DYNAMO_CONDITION_FAILED);
	put_removal(&c, id, ended_by_ms, NULL, &w);
	TRY(dynamo_send_write(&c, t, id, &cause, why));
	if (c.outcome == DYNAMO_DONE || (cause == NULL && c.sent > 1))
		return OK;
	if (dynamo_item_get_text(cause, DYNAMO_REQUEST).n > 0 && !dynamo_row_is_gone(cause)) {
		dynamo_call_init(&second, t, "PutItem", DYNAMO_CONDITION_FAILED);
		put_removal(&second, id, ended_by_ms, cause, &w);
		TRY(dynamo_send_write(&second, t, id, &cause, why));
		if (second.outcome == DYNAMO_DONE || dynamo_write_is_of(&w, cause))
			return OK;
	}
	if (cause == NULL || dynamo_row_is_gone(cause))
		return dynamo_no_such_image(why);
	return fault_set(why, STATE_CHANGED, "The image has not expired.");
}
