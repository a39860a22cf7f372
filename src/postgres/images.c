/* image_table on PostgreSQL: the changes that the writer (batch.h) applies. Reads are in image_lists.c. */
#include "base/clock.h"
#include "postgres/owners.h"
#include "postgres/parts.h"
#include "postgres/rows.h"

#include <string.h>

static struct pg_writer *writer_of(struct image_table *t)
{
	return &POSTGRES_OF(t, table)->writer;
}

static void send_image(struct pg_batch *b, enum pg_query q, const struct pg_image *image)
{
	struct pg_value values[PG_IMAGE_VALUES + 1];

	pg_rows_image_values(image, values);
	batch_send(b, NULL, q, values);
}

/* insert */

struct insertion {
	struct pg_change change;
	struct write_completion *wait;
	const struct image_row *row;
	unsigned char id[UUID_BYTES];
};

/* An id that was derived from a request may already have a row, or have been removed, when the request is repeated. Other ids are random, and
 * are looked up only after an insert has failed. */
static void want_insertion(struct pg_batch *b, struct pg_change *c, bool careful)
{
	const struct insertion *in = (const struct insertion *)c;

	if (careful || in->row->request_hash.n > 0)
		batch_want_image(b, in->id);
	if (in->row->owner.n > 0)
		batch_want_owner(b, in->row->owner);
}

static enum status apply_insertion(struct pg_batch *b, struct pg_change *c)
{
	const struct insertion *in = (const struct insertion *)c;
	struct pg_image *known = batch_image(b, in->id);
	struct fault *why = in->change.call.why;
	uint64_t most = batch_writer(b)->max_pending;
	struct pg_image image = { .row = *in->row, .is_there = true };

	TRY(batch_check_change(b, why));
	if (known != NULL && (known->is_there || known->is_kept))
		return image_exists(why);
	if (most > 0 && batch_pending(b) >= most)
		return image_slots_full(why);
	TRY(batch_reserve(b, in->row, why));
	TRY(batch_move(b, NULL, in->row, why));
	image.slot_us = batch_now_us(b);
	memcpy(image.id, in->id, sizeof image.id);
	send_image(b, PQ_IMAGE_INSERT, &image);
	if (known != NULL)
		*known = image;
	return OK;
}

static void end_insertion(struct pg_call *call)
{
	struct insertion *in = (struct insertion *)call;

	in->wait->done(in->wait, call->status);
}

static void start_insert(struct image_table *t, const struct image_row *row, struct arena *a, struct write_completion *w)
{
	struct insertion *in = ARENA_NEW(a, struct insertion);

	if (in == NULL) {
		w->done(w, fault_too_much(&w->why));
		return;
	}
	*in = (struct insertion){
		.change = { .call = { .why = &w->why, .done = end_insertion }, .want = want_insertion, .apply = apply_insertion },
		.wait = w,
		.row = row,
	};
	enum status checked = image_row_check_new(row, in->id, &w->why);
	if (checked == OK)
		pg_writer_start_change(writer_of(t), &in->change);
	else
		w->done(w, checked);
}

/* changes of one row */

struct row_change {
	struct pg_change change;
	unsigned char id[UUID_BYTES];
	const struct resolution *resolution;
	const struct image_change *what;
	struct str etag, thumbs;
	int64_t ended_by_ms;
	struct arena *arena;
	struct image_row *now;
};

static void want_row(struct pg_batch *b, struct pg_change *c, bool careful)
{
	(void)careful;
	batch_want_image(b, ((const struct row_change *)c)->id);
}

static enum status run_row_change(struct image_table *t, struct str id, struct row_change *r)
{
	r->change.want = want_row;
	if (!uuid_to_bytes(id, r->id))
		return no_such_image(r->change.call.why);
	return pg_writer_run(writer_of(t), &r->change);
}

/* Find the row to be changed, and copy it for the caller. */
static enum status find_row(struct pg_batch *b, struct row_change *r, struct pg_image **out)
{
	*out = batch_image(b, r->id);
	assert(*out != NULL);
	if (!(*out)->is_there)
		return no_such_image(r->change.call.why);
	*r->now = image_row_dup(&(*out)->row, r->arena);
	return fault_check_arena(r->arena, r->change.call.why);
}

/* Write the changed row; later changes of the batch see it. */
static enum status write_row(struct pg_batch *b, struct pg_image *image, const struct image_row *now)
{
	image->row = *now;
	send_image(b, PQ_IMAGE_UPDATE, image);
	return OK;
}

static enum status apply_resolution(struct pg_batch *b, struct pg_change *c)
{
	struct row_change *r = (struct row_change *)c;
	struct fault *why = c->call.why;
	struct pg_image *image;

	TRY(batch_check_upload(b, why));
	TRY(find_row(b, r, &image));
	TRY(image_row_check_resolution(r->now, r->resolution, why));
	image_row_resolve(r->now, r->resolution, r->arena);
	TRY(fault_check_arena(r->arena, why));
	if (image->row.status != r->now->status)
		TRY(pg_outbox_add(b, r->now->status == IMAGE_UPLOADED ? OUTBOX_UPLOADED : OUTBOX_REJECTED, r->now, why));
	TRY(batch_move(b, &image->row, r->now, why));
	image->feed_us = r->now->status != IMAGE_UPLOADED ? 0 : image->feed_us > 0 ? image->feed_us : batch_now_us(b);
	return write_row(b, image, r->now);
}

static enum status resolve_row(struct image_table *t, const struct resolution *s, struct arena *a, struct image_row *now, struct fault *why)
{
	struct row_change r = { .change = { .call.why = why, .apply = apply_resolution }, .resolution = s, .arena = a, .now = now };

	return run_row_change(t, s->image_id, &r);
}

static enum status apply_change(struct pg_batch *b, struct pg_change *c)
{
	struct row_change *r = (struct row_change *)c;
	struct pg_image *image;

	TRY(batch_check_change(b, c->call.why));
	TRY(find_row(b, r, &image));
	TRY(image_row_change(r->now, r->what, r->arena, c->call.why));
	return write_row(b, image, r->now);
}

static enum status change_row(
	struct image_table *t, const struct image_change *what, struct arena *a, struct image_row *now, struct fault *why)
{
	struct row_change r = { .change = { .call.why = why, .apply = apply_change }, .what = what, .arena = a, .now = now };

	return run_row_change(t, what->image_id, &r);
}

static enum status apply_thumbs(struct pg_batch *b, struct pg_change *c)
{
	struct row_change *r = (struct row_change *)c;
	struct pg_image *image;

	TRY(find_row(b, r, &image));
	TRY(image_row_set_thumbs(r->now, r->etag, r->thumbs, r->arena, c->call.why));
	return write_row(b, image, r->now);
}

static enum status set_thumbs(
	struct image_table *t, struct str id, struct str etag, struct str thumbs, struct arena *a, struct image_row *now, struct fault *why)
{
	struct row_change r = { .change = { .call.why = why, .apply = apply_thumbs }, .etag = etag, .thumbs = thumbs, .arena = a, .now = now };

	return run_row_change(t, id, &r);
}

/* remove */

static enum status remove_image(struct pg_batch *b, struct pg_image *image, bool expired, struct fault *why)
{
	/* Rejected images have had their event; removing the expired record sends none. */
	if (!expired || image->row.status == IMAGE_PENDING)
		TRY(pg_outbox_add(b, expired ? OUTBOX_EXPIRED : OUTBOX_DELETED, &image->row, why));
	TRY(batch_move(b, &image->row, NULL, why));
	BATCH_SEND(b, NULL, PQ_IMAGE_REMOVE, pg_uuid(image->id));
	image->is_there = false;
	image->is_kept = image->row.request_hash.n > 0;
	if (image->is_kept)
		BATCH_SEND(b, NULL, PQ_KEPT_ID_ADD, pg_uuid(image->id), pg_number(clock_now_ms() + TABLE_ID_KEPT_MS));
	return OK;
}

static enum status apply_removal(struct pg_batch *b, struct pg_change *c)
{
	const struct row_change *r = (const struct row_change *)c;
	struct pg_image *image = batch_image(b, r->id);
	struct fault *why = c->call.why;

	TRY(r->ended_by_ms == 0 ? batch_check_change(b, why) : batch_check_upload(b, why));
	assert(image != NULL);
	if (!image->is_there)
		return no_such_image(why);
	TRY(image_row_check_ended(&image->row, r->ended_by_ms, why));
	return remove_image(b, image, r->ended_by_ms != 0, why);
}

static enum status remove_row(struct image_table *t, struct str id, int64_t ended_by_ms, struct fault *why)
{
	struct row_change r = { .change = { .call.why = why, .apply = apply_removal }, .ended_by_ms = ended_by_ms };

	return run_row_change(t, id, &r);
}

struct rows_removal {
	struct pg_change change;
	const struct str *ids;
	size_t n;
	bool *removed;
};

static void want_rows(struct pg_batch *b, struct pg_change *c, bool careful)
{
	const struct rows_removal *r = (const struct rows_removal *)c;
	unsigned char id[UUID_BYTES];

	(void)careful;
	for (size_t i = 0; i < r->n; i++)
		if (uuid_to_bytes(r->ids[i], id))
			batch_want_image(b, id);
}

static enum status apply_rows_removal(struct pg_batch *b, struct pg_change *c)
{
	const struct rows_removal *r = (const struct rows_removal *)c;
	unsigned char id[UUID_BYTES];

	TRY(batch_check_change(b, c->call.why));
	for (size_t i = 0; i < r->n; i++) {
		struct pg_image *image = uuid_to_bytes(r->ids[i], id) ? batch_image(b, id) : NULL;
		r->removed[i] = image != NULL && image->is_there;
		if (r->removed[i])
			TRY(remove_image(b, image, false, c->call.why));
	}
	return OK;
}

static enum status remove_rows(struct image_table *t, const struct str *ids, size_t n, bool *removed, struct fault *why)
{
	struct rows_removal r = {
		.change = { .call.why = why, .want = want_rows, .apply = apply_rows_removal }, .ids = ids, .n = n, .removed = removed
	};
	enum status status = pg_writer_run(writer_of(t), &r.change);

	for (size_t i = 0; i < n && status != OK; i++)
		removed[i] = false;
	return status;
}

const struct image_table_ops pg_image_ops = {
	.starts_without_waiting = true,
	.start_insert = start_insert,
	.get = pg_images_get,
	.resolve = resolve_row,
	.change = change_row,
	.remove = remove_row,
	.list = pg_images_list,
	.due = pg_images_due,
	.counts = pg_images_counts,
	.remove_many = remove_rows,
	.set_thumbs = set_thumbs,
};
