/* See rows.h. */
#include "store/tables/rows.h"

#include <assert.h>

/* A blob of this size still goes into the row: a checksum and a little more. */
#define META_ROW_BYTES 128

enum status rows_find_bucket(struct writer *w, struct str name, int64_t *id)
{
	return writer_read_number(w, DB_BIND(&w->db, Q_BUCKET, db_text(name)), id);
}

enum status no_such_bucket(struct fault *why)
{
	return fault_set(why, NO_SUCH_BUCKET, "The specified bucket does not exist.");
}

enum status rows_need_bucket(struct writer *w, struct str name, int64_t *id, struct fault *why)
{
	TRY(rows_find_bucket(w, name, id));
	return *id != 0 ? OK : no_such_bucket(why);
}

enum status rows_check_room(const struct writer *w, struct fault *why)
{
	return w->rows_fit ? OK : fault_set(why, DISK_FULL, "Not enough free space; try again later.");
}

/* etag: of the object that is there; {NULL, 0} when there is none. */
static enum status check_condition(const struct object_condition *c, struct str etag, struct fault *why)
{
	if (c == NULL)
		return OK;
	if (c->absent && etag.p != NULL)
		return fault_set(why, PRECONDITION, "At least one of the pre-conditions you specified did not hold: the key is taken.");
	if (c->etag.n > 0 && etag.p == NULL)
		return fault_set(why, NO_SUCH_KEY, "The specified key does not exist.");
	if (c->etag.n > 0 && !str_equal(c->etag, STR("*")) && !str_equal(c->etag, etag))
		return fault_set(why, PRECONDITION, "At least one of the pre-conditions you specified did not hold: the object is another one.");
	return OK;
}

struct stored rows_read_stored(sqlite3_stmt *s, bool row)
{
	return row ? (struct stored){ true, sqlite3_column_int64(s, 0), (unsigned)sqlite3_column_int64(s, 1) } : (struct stored){ 0 };
}

enum status rows_find_object(
	struct writer *w, const struct object_place *at, const struct object_condition *c, struct stored *out, struct fault *why)
{
	sqlite3_stmt *s = DB_BIND(&w->db, Q_OBJECT_HEAD, db_int(at->bucket), db_text(at->key));
	bool row = false;

	TRY(writer_step(w, s, &row));
	*out = rows_read_stored(s, row);
	enum status status = check_condition(c, row ? column_borrow(s, 2) : (struct str){ 0 }, why);
	sqlite3_reset(s);
	return status;
}

enum status rows_run(struct writer *w, enum db_query_id q, int64_t n)
{
	return writer_run(w, DB_BIND(&w->db, q, db_int(n)));
}

enum status rows_drop(struct writer *w, const struct stored *s)
{
	if (!s->there)
		return OK;
	w->trashed = true;
	if ((s->flags & ROW_META_ASIDE) != 0)
		TRY(rows_run(w, Q_META_REMOVE, s->file));
	if ((s->flags & ROW_INLINED) != 0)
		return rows_run(w, Q_BODY_REMOVE, s->file);
	w->has_trash = true;
	return rows_run(w, Q_TRASH_ADD, s->file);
}

static enum status add_blob(struct writer *w, enum db_query_id q, uint64_t file, struct str blob)
{
	return writer_run(w, DB_BIND(&w->db, q, db_int((int64_t)file), db_blob(blob.p != NULL ? blob : STR(""))));
}

enum status rows_add_body(struct writer *w, struct new_body *a)
{
	if (!a->inlined)
		return OK;
	a->file = atomic_fetch_add(&w->tree->next_file, 1);
	return add_blob(w, Q_BODY_ADD, a->file, a->bytes);
}

enum status rows_put_object(struct writer *w, const struct object_place *at, struct new_body *a, const struct stored *old)
{
	bool aside = a->meta.n > META_ROW_BYTES;

	assert(at->bucket > 0 && a->etag.n > 0 && (a->inlined ? a->bytes.n == a->size : a->file > 0));
	TRY(rows_drop(w, old));
	TRY(rows_add_body(w, a));
	if (aside)
		TRY(add_blob(w, Q_META_ADD, a->file, a->meta));
	unsigned flags = a->checksum_flags | (aside ? ROW_META_ASIDE : 0) | (a->inlined ? ROW_INLINED : 0);

	return writer_run(w,
		DB_BIND(&w->db, Q_OBJECT_PUT, db_int(at->bucket), db_text(at->key), db_int((int64_t)a->file), db_int((int64_t)a->size),
			db_text(a->etag), db_text(at->content_type), db_int(a->modified_ms), db_int(flags),
			db_blob(aside || a->meta.n == 0 ? (struct str){ 0 } : a->meta)));
}

enum status rows_remove_object(struct writer *w, const struct object_place *at, const struct stored *old)
{
	if (!old->there)
		return OK;
	TRY(writer_run(w, DB_BIND(&w->db, Q_OBJECT_REMOVE, db_int(at->bucket), db_text(at->key))));
	return rows_drop(w, old);
}
