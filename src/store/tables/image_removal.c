/* Removing rows of images, on request and when they have expired, with their objects and events. See images.h. */
#include "store/tables/images.h"

#include "base/clock.h"
#include "base/hash.h"
#include "base/object_key.h"
#include "store/engine.h"
#include "store/tables/objects.h"
#include "store/tables/outbox.h"
#include "store/db/owners.h"
#include "store/tables/rows.h"

#include <assert.h>
#include <string.h>

/* The maximum number of expired ids that are deleted in one commit. */
#define KEPT_IDS_FORGOTTEN 10000
#define REMOVED_ROW_BYTES ((size_t)64 << 10)

struct row_head {
	int64_t n;
	struct image_row row; /* status, created_ms, ends_ms, file_size, max_bytes; key and owner, which are here: */
	char key[OBJECT_KEY_MAX_BYTES], owner[OWNER_MAX_BYTES];
	unsigned char id[UUID_BYTES];
	bool keeps_id;
};

static struct str borrow_text(sqlite3_stmt *s, int i, char *to, size_t most)
{
	struct str text = column_borrow(s, i);
	size_t n = text.n < most ? text.n : most;

	memcpy(to, text.p, n);
	return (struct str){ to, n };
}

/* Read the first row of a query with the columns of IMAGE_HEAD. false: there is no row. */
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
		memcpy(out->id, sqlite3_column_blob(s, 7), UUID_BYTES);
		out->keeps_id = sqlite3_column_int(s, 8) != 0;
	}
	sqlite3_reset(s);
	return OK;
}

/* Write the event of a removal, before it. Rejected images have had their event; removing the expired row sends none. */
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

enum status images_forget_row(struct writer *w, const unsigned char id[UUID_BYTES])
{
	struct row_head h = { 0 };
	bool row = false;

	TRY(read_head(w, DB_BIND(&w->db, Q_IMAGE_HEAD, db_uuid(id)), &h, &row));
	if (!row)
		return OK;
	TRY(rows_run(w, Q_IMAGE_REMOVE, h.n));
	image_counts_add(&w->counters.images, &h.row, -1);
	return owners_move(w, &h.row, NULL);
}

static enum status remove_head(struct writer *w, const struct row_head *h, bool expired)
{
	TRY(add_removal(w, h, expired));
	TRY(rows_run(w, Q_IMAGE_REMOVE, h->n));
	row_watch_note(w->row_watch, h->row.key);
	if (h->keeps_id)
		TRY(writer_run(w, DB_BIND(&w->db, Q_KEPT_ID_ADD, db_uuid(h->id), db_int(clock_now_ms() + TABLE_ID_KEPT_MS))));
	image_counts_add(&w->counters.images, &h->row, -1);
	TRY(owners_move(w, &h->row, NULL));
	return objects_remove(w, w->image_bucket, h->row.key);
}

enum status images_remove_due(struct writer *w, int64_t now_ms, struct image_counts *removed)
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

/* the operations of the port */

struct row_removal {
	struct change change;
	unsigned char id[UUID_BYTES];
	int64_t ended_by_ms;
};

static enum status apply_remove(struct writer *w, struct change *c)
{
	struct row_removal *r = (struct row_removal *)c;
	struct row_head h = { 0 };
	bool row = false;

	TRY(r->ended_by_ms == 0 ? writer_check_change(w, c->why) : writer_check_upload(w, c->why));
	TRY(read_head(w, DB_BIND(&w->db, Q_IMAGE_HEAD, db_uuid(r->id)), &h, &row));
	if (!row)
		return no_such_image(c->why);
	TRY(image_row_check_ended(&h.row, r->ended_by_ms, c->why));
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
	unsigned char id[UUID_BYTES];

	TRY(writer_check_change(w, c->why));
	for (size_t i = 0; i < r->n; i++) {
		struct row_head h = { 0 };
		if (uuid_to_bytes(r->ids[i], id))
			TRY(read_head(w, DB_BIND(&w->db, Q_IMAGE_HEAD, db_uuid(id)), &h, &r->removed[i]));
		if (r->removed[i])
			TRY(remove_head(w, &h, false));
	}
	return OK;
}

enum status image_removal_rows(struct image_table *t, const struct str *ids, size_t n, bool *removed, struct fault *why)
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
	return images_remove_due(w, r->now_ms, &r->removed);
}

enum status image_removal_due(struct image_table *t, int64_t now_ms, struct image_counts *removed, struct fault *why)
{
	struct due_removal r = { .change = { .apply = apply_remove_due, .why = why }, .now_ms = now_ms };

	TRY(group_commit_run(&ENGINE_OF(t, table)->group_commit, &r.change));
	*removed = r.removed;
	return OK;
}

enum status image_removal_row(struct image_table *t, struct str id, int64_t ended_by_ms, struct fault *why)
{
	struct row_removal r = { .change = { .apply = apply_remove, .why = why }, .ended_by_ms = ended_by_ms };

	if (!uuid_to_bytes(id, r.id))
		return no_such_image(why);
	return group_commit_run(&ENGINE_OF(t, table)->group_commit, &r.change);
}
