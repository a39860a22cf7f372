/* image_table on SQLite: rows, and the changes that the commit thread applies to them. Reads are in image_lists.c. */
#include "store/db/images.h"

#include "base/clock.h"
#include "base/codec.h"
#include "base/hash.h"
#include "base/object_key.h"
#include "store/engine.h"
#include "store/db/objects.h"
#include "store/db/outbox.h"
#include "store/db/owners.h"
#include "store/db/rows.h"

#include <assert.h>
#include <string.h>

/* So many ids whose time is over are forgotten in one commit. */
#define KEPT_IDS_FORGOTTEN 10000
#define REMOVED_ROW_BYTES ((size_t)64 << 10)

struct str images_unpack_id(struct arena *a, const unsigned char *id)
{
	char hex[2 * IMAGE_ID_BYTES + 1];

	hex_encode(id, IMAGE_ID_BYTES, hex);
	return str_printf(a, "%.8s-%.4s-%.4s-%.4s-%s", hex, hex + 8, hex + 12, hex + 16, hex + 20);
}

enum status images_read_row(sqlite3_stmt *s, struct arena *a, struct image_row *out, struct fault *why)
{
	*out = (struct image_row){
		.image_id = images_unpack_id(a, sqlite3_column_blob(s, 1)),
		.status = (enum image_status)sqlite3_column_int(s, 2),
		.owner = column_str(s, 4, a),
		.key = column_str(s, 5, a),
		.file_name = column_str(s, 6, a),
		.file_type = column_str(s, 7, a),
		.file_size = (uint64_t)sqlite3_column_int64(s, 8),
		.etag = column_str(s, 9, a),
		.width = (uint32_t)sqlite3_column_int64(s, 10),
		.height = (uint32_t)sqlite3_column_int64(s, 11),
		.orientation = (uint32_t)sqlite3_column_int64(s, 12),
		.frames = (uint32_t)sqlite3_column_int64(s, 13),
		.created_ms = sqlite3_column_int64(s, 14),
		.expires_ms = sqlite3_column_int64(s, 15),
		.uploaded_ms = sqlite3_column_int64(s, 16),
		.ends_ms = sqlite3_column_int64(s, 17),
		.reason = column_str(s, 18, a),
		.delete_hash = column_str(s, 19, a),
		.is_public = sqlite3_column_int(s, 20) != 0,
		.received_size = (uint64_t)sqlite3_column_int64(s, 21),
		.received_sha256 = column_str(s, 22, a),
		.stripped = sqlite3_column_int(s, 23) != 0,
		.removed = (uint32_t)sqlite3_column_int64(s, 24),
		.verdict = column_str(s, 25, a),
		.damage = column_str(s, 26, a),
		.placeholder = column_str(s, 27, a),
		.color = column_str(s, 28, a),
		.kept_metadata = column_str(s, 29, a),
		.version = (uint64_t)sqlite3_column_int64(s, 30),
		.issuer = column_str(s, 31, a),
		.subject = column_str(s, 32, a),
		.max_bytes = (uint64_t)sqlite3_column_int64(s, 33),
		.metadata = column_str(s, 34, a),
		.request_hash = column_str(s, 35, a),
	};
	return fault_check_arena(a, why);
}

/* what is removed */

struct row_head {
	int64_t n;
	struct image_row row; /* status, created_ms, ends_ms, file_size, max_bytes; key and owner, which are here: */
	char key[OBJECT_KEY_MAX_BYTES], owner[OWNER_MAX_BYTES];
	unsigned char id[IMAGE_ID_BYTES];
	bool keeps_id;
};

static struct str borrow_text(sqlite3_stmt *s, int i, char *to, size_t most)
{
	struct str text = column_borrow(s, i);
	size_t n = text.n < most ? text.n : most;

	memcpy(to, text.p, n);
	return (struct str){ to, n };
}

/* The first row of a query whose columns are those of IMAGE_HEAD. false: it gives none. */
static enum status read_head(struct writer *w, sqlite3_stmt *s, struct row_head *out, bool *row)
{
	TRY(writer_step(w, s, row));
	if (*row) {
		out->n = sqlite3_column_int64(s, 0);
		out->row = (struct image_row){
			.status = (enum image_status)sqlite3_column_int(s, 1),
			.ends_ms = sqlite3_column_int64(s, 2),
			.file_size = (uint64_t)sqlite3_column_int64(s, 3),
			.key = borrow_text(s, 4, out->key, sizeof out->key),
			.owner = borrow_text(s, 5, out->owner, sizeof out->owner),
			.max_bytes = (uint64_t)sqlite3_column_int64(s, 6),
			.created_ms = sqlite3_column_int64(s, 9),
		};
		memcpy(out->id, sqlite3_column_blob(s, 7), IMAGE_ID_BYTES);
		out->keeps_id = sqlite3_column_int(s, 8) != 0;
	}
	sqlite3_reset(s);
	return OK;
}

void images_count(struct image_counts *c, const struct image_row *row, int by)
{
	switch (row->status) {
	case IMAGE_PENDING:
		c->pending += (uint64_t)by;
		break;
	case IMAGE_UPLOADED:
		c->uploaded += (uint64_t)by;
		c->stored_bytes += (uint64_t)by * row->file_size;
		break;
	case IMAGE_REJECTED:
		c->rejected += (uint64_t)by;
		break;
	}
}

/* The event of a removal, before it. That a rejected image's reason is forgotten is none. */
static enum status add_removal(struct writer *w, const struct row_head *h, bool expired)
{
	enum outbox_kind kind = expired ? OUTBOX_EXPIRED : OUTBOX_DELETED;
	if (!outbox_wants(w, kind) || (expired && h->row.status != IMAGE_PENDING))
		return OK;
	struct arena a CLEANUP(arena_deinit);
	struct image_row row;
	bool there = false;
	arena_init(&a, REMOVED_ROW_BYTES);
	sqlite3_stmt *s = DB_BIND(&w->db, Q_IMAGE_BY_NUMBER, db_int(h->n));
	TRY(writer_step(w, s, &there));
	assert(there);
	enum status read = images_read_row(s, &a, &row, &w->failure);
	sqlite3_reset(s);
	return read == OK ? outbox_add(w, kind, &row) : writer_fail(w);
}

enum status images_forget_row(struct writer *w, const unsigned char id[IMAGE_ID_BYTES])
{
	struct row_head h = { 0 };
	bool row = false;

	TRY(read_head(w, DB_BIND(&w->db, Q_IMAGE_HEAD, db_blob(images_id_str(id))), &h, &row));
	if (!row)
		return OK;
	TRY(rows_run(w, Q_IMAGE_REMOVE, h.n));
	images_count(&w->counters.images, &h.row, -1);
	return owners_move(w, &h.row, NULL);
}

static enum status remove_head(struct writer *w, const struct row_head *h, bool expired)
{
	TRY(add_removal(w, h, expired));
	TRY(rows_run(w, Q_IMAGE_REMOVE, h->n));
	row_watch_note(w->row_watch, h->row.key);
	if (h->keeps_id)
		TRY(writer_run(w, DB_BIND(&w->db, Q_KEPT_ID_ADD, db_blob(images_id_str(h->id)), db_int(clock_now_ms() + TABLE_ID_KEPT_MS))));
	images_count(&w->counters.images, &h->row, -1);
	TRY(owners_move(w, &h->row, NULL));
	return objects_remove(w, w->image_bucket, h->row.key);
}

/* Remove rows whose time has come, up to a bound, but pending ones that have an object after all; they are counted in `removed`. */
static enum status remove_due(struct writer *w, int64_t now_ms, struct image_counts *removed)
{
	bool row = true;

	*removed = (struct image_counts){ 0 };
	for (int i = 0; i < TABLE_DUE_MAX; i++) {
		struct row_head h = { 0 };
		TRY(read_head(w, DB_BIND(&w->db, Q_IMAGE_DUE_HEAD, db_int(now_ms), db_int(w->image_bucket)), &h, &row));
		if (!row)
			return OK;
		TRY(remove_head(w, &h, true));
		removed->pending += h.row.status == IMAGE_PENDING;
		removed->rejected += h.row.status == IMAGE_REJECTED;
	}
	return OK;
}

/* insert */

struct insertion {
	struct change change;
	struct write_completion *wait;
	const struct image_row *row;
};

static enum status image_exists(struct fault *why)
{
	return fault_set(why, IMAGE_EXISTS, "An image with this id already exists.");
}

/* An id that is made of a request comes again with it: then the row is there, or was, whatever the quota is. Other ids are random. */
static enum status check_id(struct writer *w, const struct image_row *row, const unsigned char id[IMAGE_ID_BYTES], struct fault *why)
{
	int64_t n = 0;

	if (row->request_hash.n == 0)
		return OK;
	TRY(writer_read_number(w, DB_BIND(&w->db, Q_IMAGE_ID_USED, db_blob(images_id_str(id)), db_int(row->created_ms)), &n));
	return n == 0 ? OK : image_exists(why);
}

enum status images_insert(struct writer *w, const struct image_row *row, struct fault *why)
{
	unsigned char id[IMAGE_ID_BYTES];

	assert(row->status == IMAGE_PENDING);
	TRY(writer_check_change(w, why));
	if (!uuid_to_bytes(row->image_id, id))
		return fault_set(why, INVALID_INPUT, "an image id must be a UUID of version 4");
	if (row->owner.n > OWNER_MAX_BYTES)
		return fault_set(why, INVALID_INPUT, "the name of an owner has at most %d bytes", OWNER_MAX_BYTES);
	TRY(rows_check_room(w, why));
	TRY(check_id(w, row, id, why));
	TRY(owners_reserve(w, row, why));
	TRY(writer_run(w,
		DB_BIND(&w->db, Q_IMAGE_INSERT, db_blob(images_id_str(id)), db_text(row->owner), db_text(row->key), db_text(row->file_name),
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
	unsigned char id[IMAGE_ID_BYTES];

	TRY(writer_check_change(w, c->why));
	if (uuid_to_bytes(in->row->image_id, id))
		TRY(check_id(w, in->row, id, c->why));
	if (w->counters.images.pending >= w->max_pending)
		TRY(remove_due(w, in->row->created_ms, &removed));
	if (w->counters.images.pending >= w->max_pending)
		return fault_set(c->why, SLOTS_FULL, "Too many uploads are pending; try again later.");
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
	unsigned char id[IMAGE_ID_BYTES];
	bool row = false;

	if (!uuid_to_bytes(image_id, id))
		return no_such_image(why);
	sqlite3_stmt *s = DB_BIND(&w->db, Q_IMAGE_GET, db_blob(images_id_str(id)));
	TRY(writer_step(w, s, &row));
	enum status status = row ? images_read_row(s, a, out, why) : no_such_image(why);
	*n = row ? sqlite3_column_int64(s, 0) : 0;
	sqlite3_reset(s);
	return status;
}

enum status images_find_resolved(struct writer *w, struct resolving *st, struct fault *why)
{
	struct str replaces = st->s->replaces;

	TRY(writer_check_upload(w, why));
	TRY(find_row(w, st->s->image_id, st->arena, st->now, &st->n, why));
	if (replaces.n == 0)
		return st->now->status == IMAGE_PENDING ? OK : fault_set(why, STATE_CHANGED, "The image is no longer pending.");
	bool same = st->now->status == IMAGE_UPLOADED && str_equal(st->now->etag, replaces);
	return same ? OK : fault_set(why, STATE_CHANGED, "The image is not the one that was there.");
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
	images_count(&w->counters.images, before, -1);
	images_count(&w->counters.images, row, 1);
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
	if (r->what->if_version != 0 && r->what->if_version != row->version)
		return fault_set(c->why, PRECONDITION, "The record has another version.");
	if (r->what->has_visibility)
		row->is_public = r->what->is_public;
	if (r->what->has_file_name)
		row->file_name = str_dup(r->arena, r->what->file_name);
	if (r->what->has_metadata)
		row->metadata = str_dup(r->arena, r->what->metadata);
	row->version++;
	TRY(fault_check_arena(r->arena, c->why));
	return writer_run(
		w, DB_BIND(&w->db, Q_IMAGE_CHANGE, db_int(n), db_int(row->is_public), db_text(row->file_name), db_text(row->metadata)));
}

static enum status table_change_row(
	struct image_table *t, const struct image_change *what, struct arena *a, struct image_row *now, struct fault *why)
{
	struct row_change r = { .change = { .apply = apply_row_change, .why = why }, .what = what, .arena = a, .now = now };

	return group_commit_run(&ENGINE_OF(t, table)->group_commit, &r.change);
}

/* remove */

struct row_removal {
	struct change change;
	unsigned char id[IMAGE_ID_BYTES];
	int64_t ended_by_ms;
};

static enum status apply_remove(struct writer *w, struct change *c)
{
	struct row_removal *r = (struct row_removal *)c;
	struct row_head h = { 0 };
	bool row = false;

	TRY(r->ended_by_ms == 0 ? writer_check_change(w, c->why) : writer_check_upload(w, c->why));
	TRY(read_head(w, DB_BIND(&w->db, Q_IMAGE_HEAD, db_blob(images_id_str(r->id))), &h, &row));
	if (!row)
		return no_such_image(c->why);
	if (r->ended_by_ms != 0 && (h.row.ends_ms == 0 || h.row.ends_ms > r->ended_by_ms))
		return fault_set(c->why, STATE_CHANGED, "The image has not expired.");
	return remove_head(w, &h, r->ended_by_ms != 0);
}

struct rows_removal {
	struct change change;
	const struct str *ids;
	size_t n;
	bool *removed;
};

static enum status apply_remove_many(struct writer *w, struct change *c)
{
	struct rows_removal *r = (struct rows_removal *)c;
	unsigned char id[IMAGE_ID_BYTES];

	TRY(writer_check_change(w, c->why));
	for (size_t i = 0; i < r->n; i++) {
		struct row_head h = { 0 };
		if (uuid_to_bytes(r->ids[i], id))
			TRY(read_head(w, DB_BIND(&w->db, Q_IMAGE_HEAD, db_blob(images_id_str(id))), &h, &r->removed[i]));
		if (r->removed[i])
			TRY(remove_head(w, &h, false));
	}
	return OK;
}

static enum status table_remove_rows(struct image_table *t, const struct str *ids, size_t n, bool *removed, struct fault *why)
{
	struct rows_removal r = { .change = { .apply = apply_remove_many, .why = why }, .ids = ids, .n = n, .removed = removed };
	enum status st = group_commit_run(&ENGINE_OF(t, table)->group_commit, &r.change);

	for (size_t i = 0; i < n && st != OK; i++)
		removed[i] = false;
	return st;
}

struct due_removal {
	struct change change;
	int64_t now_ms;
	struct image_counts removed;
};

static enum status apply_remove_due(struct writer *w, struct change *c)
{
	struct due_removal *r = (struct due_removal *)c;

	TRY(writer_check_upload(w, c->why));
	TRY(writer_run(w, DB_BIND(&w->db, Q_KEPT_IDS_FORGET, db_int(r->now_ms), db_int(KEPT_IDS_FORGOTTEN))));
	return remove_due(w, r->now_ms, &r->removed);
}

static enum status table_remove_due_rows(struct image_table *t, int64_t now_ms, struct image_counts *removed, struct fault *why)
{
	struct due_removal r = { .change = { .apply = apply_remove_due, .why = why }, .now_ms = now_ms };

	TRY(group_commit_run(&ENGINE_OF(t, table)->group_commit, &r.change));
	*removed = r.removed;
	return OK;
}

static enum status table_remove_row(struct image_table *t, struct str id, int64_t ended_by_ms, struct fault *why)
{
	struct row_removal r = { .change = { .apply = apply_remove, .why = why }, .ended_by_ms = ended_by_ms };

	if (!uuid_to_bytes(id, r.id))
		return no_such_image(why);
	return group_commit_run(&ENGINE_OF(t, table)->group_commit, &r.change);
}

const struct image_table_ops images_ops = {
	.starts_without_waiting = true,
	.start_insert = table_start_row,
	.get = image_lists_get,
	.resolve = table_resolve_row,
	.change = table_change_row,
	.remove = table_remove_row,
	.list = image_lists_page,
	.due = image_lists_due,
	.counts = image_lists_counts,
	.remove_due = table_remove_due_rows,
	.remove_many = table_remove_rows,
};
