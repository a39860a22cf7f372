/* image_table on SQLite: the changes of rows that the commit thread applies. Reads are in image_lists.c, removals in image_removal.c,
 * and functions shared by all of them in image_row.c. */
#include "store/tables/images.h"

#include "base/hash.h"
#include "store/engine.h"
#include "store/tables/outbox.h"
#include "store/db/owners.h"
#include "store/tables/rows.h"

#include <assert.h>

/* insert */

struct insertion {
	struct change change;
	struct write_completion *wait;
	const struct image_row *row;
};

/* An id that is made of a request comes again with it: then the row is there, or was, whatever the quota is. Other ids are random. */
static enum status check_id(struct writer *w, const struct image_row *row, const unsigned char id[UUID_BYTES], struct fault *why)
{
	int64_t n = 0;

	if (row->request_hash.n == 0)
		return OK;
	TRY(writer_read_number(w, DB_BIND(&w->db, Q_IMAGE_ID_USED, db_uuid(id), db_int(row->created_ms)), &n));
	return n == 0 ? OK : image_exists(why);
}

enum status images_insert(struct writer *w, const struct image_row *row, struct fault *why)
{
	unsigned char id[UUID_BYTES];

	assert(row->status == IMAGE_PENDING);
	TRY(writer_check_change(w, why));
	TRY(image_row_check_new(row, id, why));
	TRY(rows_check_room(w, why));
	TRY(check_id(w, row, id, why));
	TRY(owners_reserve(w, row, why));
	TRY(writer_run(w,
		DB_BIND(&w->db, Q_IMAGE_INSERT, db_uuid(id), db_text(row->owner), db_text(row->key), db_text(row->file_name),
			db_text(row->file_type), db_int((int64_t)row->file_size), db_text(row->etag), db_int(row->width), db_int(row->height),
			db_int(row->orientation), db_int(row->frames), db_int(row->created_ms), db_int(row->expires_ms), db_int(row->uploaded_ms),
			db_int(row->ends_ms), db_text(row->reason), db_text(row->delete_hash), db_int(row->is_public), db_text(row->issuer),
			db_text(row->subject), db_int((int64_t)row->max_bytes), db_text(row->metadata), db_text(row->request_hash))));
	if (sqlite3_changes(w->db.sq) == 0) {
		TRY(owners_move(w, row, NULL));
		return image_exists(why);
	}
	w->counters.images.pending++;
	return OK;
}

/* Expired slots do not count against the limit before the gc removes them: some of them are removed here. */
static enum status apply_insert(struct writer *w, struct change *c)
{
	const struct insertion *in = (const struct insertion *)c;
	struct image_counts removed;
	unsigned char id[UUID_BYTES];

	TRY(writer_check_change(w, c->why));
	if (uuid_to_bytes(in->row->image_id, id))
		TRY(check_id(w, in->row, id, c->why));
	if (w->counters.images.pending >= w->max_pending)
		TRY(images_remove_due(w, in->row->created_ms, &removed));
	if (w->counters.images.pending >= w->max_pending)
		return image_slots_full(c->why);
	return images_insert(w, in->row, c->why);
}

static void end_insertion(struct change *c)
{
	struct insertion *in = (struct insertion *)c;

	in->wait->done(in->wait, c->status);
}

static void table_start_row(struct image_table *t, const struct image_row *row, struct arena *a, struct write_completion *w)
{
	struct insertion *in = ARENA_NEW(a, struct insertion);

	if (in == NULL) {
		w->done(w, fault_too_much(&w->why));
		return;
	}
	*in = (struct insertion){ .change = { .apply = apply_insert, .why = &w->why, .done = end_insertion }, .wait = w, .row = row };
	group_commit_start_change(&ENGINE_OF(t, table)->group_commit, &in->change);
}

/* resolve */

/* The row as the writer sees it, and its number. */
static enum status find_row(struct writer *w, struct str image_id, struct arena *a, struct image_row *out, int64_t *n, struct fault *why)
{
	unsigned char id[UUID_BYTES];
	bool row = false;

	if (!uuid_to_bytes(image_id, id))
		return no_such_image(why);
	sqlite3_stmt *s = DB_BIND(&w->db, Q_IMAGE_GET, db_uuid(id));
	TRY(writer_step(w, s, &row));
	enum status status = row ? images_read_row(s, a, out, why) : no_such_image(why);
	*n = row ? sqlite3_column_int64(s, 0) : 0;
	sqlite3_reset(s);
	return status;
}

enum status images_find_resolved(struct writer *w, struct resolving *st, struct fault *why)
{
	TRY(writer_check_upload(w, why));
	TRY(find_row(w, st->s->image_id, st->arena, st->now, &st->n, why));
	return image_row_check_resolution(st->now, st->s, why);
}

/* The row as it will be. The texts of the resolution belong to the waiter; those of the row to its arena. Done before anything
 * is written, so that a full arena fails this change alone. */
static enum status fill_resolved(struct resolving *st, struct fault *why)
{
	assert(st->arena != NULL && st->now != NULL);
	image_row_resolve(st->now, st->s, st->arena);
	st->now->modified_ms = 0; /* objects never change here: it is not kept */
	return fault_check_arena(st->arena, why);
}

/* before   the row as it is in the table */
static enum status write_resolved(struct writer *w, const struct resolving *st, const struct image_row *before)
{
	const struct resolution *s = st->s;
	const struct image_row *row = st->now;

	assert(st->n > 0);
	if (s->status != before->status)
		TRY(outbox_add(w, s->status == IMAGE_UPLOADED ? OUTBOX_UPLOADED : OUTBOX_REJECTED, row));
	TRY(writer_run(w,
		DB_BIND(&w->db, Q_IMAGE_RESOLVE, db_int(st->n), db_int(s->status),
			s->status == IMAGE_UPLOADED ? db_int(w->counters.next_seq) : db_blob((struct str){ 0 }), db_text(s->file_type),
			db_int((int64_t)s->file_size), db_text(s->etag), db_int(s->width), db_int(s->height), db_int(s->orientation), db_int(s->frames),
			db_int(s->uploaded_ms), db_int(s->ends_ms), db_text(s->reason), db_int((int64_t)s->received_size),
			db_text(row->received_sha256), db_int(s->stripped), db_int(s->removed), db_text(row->verdict), db_text(row->damage),
			db_text(row->placeholder), db_text(row->color), db_text(row->kept_metadata))));
	row_watch_note(w->row_watch, row->key);
	image_counts_add(&w->counters.images, before, -1);
	image_counts_add(&w->counters.images, row, 1);
	w->counters.next_seq += s->status == IMAGE_UPLOADED && before->status != IMAGE_UPLOADED;
	return owners_move(w, before, row);
}

enum status images_resolve(struct writer *w, struct resolving *st, struct fault *why)
{
	const struct image_row before = *st->now;

	TRY(fill_resolved(st, why));
	return write_resolved(w, st, &before);
}

enum status images_insert_resolved(struct writer *w, const struct image_row *row, struct resolving *st, struct fault *why)
{
	assert(row->status == IMAGE_PENDING && st->s->replaces.n == 0);
	*st->now = image_row_dup(row, st->arena);
	TRY(fill_resolved(st, why));
	TRY(images_insert(w, row, why));
	st->n = sqlite3_last_insert_rowid(w->db.sq);
	return write_resolved(w, st, row);
}

struct resolve_change {
	struct change change;
	struct resolving resolving;
};

static enum status apply_resolve(struct writer *w, struct change *c)
{
	struct resolve_change *sc = (struct resolve_change *)c;

	TRY(images_find_resolved(w, &sc->resolving, c->why));
	return images_resolve(w, &sc->resolving, c->why);
}

static enum status table_resolve_row(
	struct image_table *t, const struct resolution *s, struct arena *a, struct image_row *now, struct fault *why)
{
	struct resolve_change sc = {
		.change = { .apply = apply_resolve, .why = why },
		.resolving = { .s = s, .arena = a, .now = now },
	};

	return group_commit_run(&ENGINE_OF(t, table)->group_commit, &sc.change);
}

/* change */

struct row_change {
	struct change change;
	const struct image_change *what;
	struct arena *arena;
	struct image_row *now;
};

static enum status apply_row_change(struct writer *w, struct change *c)
{
	struct row_change *r = (struct row_change *)c;
	struct image_row *row = r->now;
	int64_t n;

	TRY(writer_check_change(w, c->why));
	TRY(find_row(w, r->what->image_id, r->arena, row, &n, c->why));
	TRY(image_row_change(row, r->what, r->arena, c->why));
	return writer_run(
		w, DB_BIND(&w->db, Q_IMAGE_CHANGE, db_int(n), db_int(row->is_public), db_text(row->file_name), db_text(row->metadata)));
}

static enum status table_change_row(
	struct image_table *t, const struct image_change *what, struct arena *a, struct image_row *now, struct fault *why)
{
	struct row_change r = { .change = { .apply = apply_row_change, .why = why }, .what = what, .arena = a, .now = now };

	return group_commit_run(&ENGINE_OF(t, table)->group_commit, &r.change);
}

const struct image_table_ops images_ops = {
	.starts_without_waiting = true,
	.start_insert = table_start_row,
	.get = image_lists_get,
	.resolve = table_resolve_row,
	.change = table_change_row,
	.remove = image_removal_row,
	.list = image_lists_page,
	.due = image_lists_due,
	.counts = image_lists_counts,
	.remove_due = image_removal_due,
	.remove_many = image_removal_rows,
};
