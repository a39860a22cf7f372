/* Multipart uploads: begin, find, list, end. The parts' bytes come through bucket_store (commit.c); what makes one
 * object of them is complete.c. */
#include "base/clock.h"
#include "base/hash.h"
#include "base/object_key.h"
#include "store/engine.h"
#include "store/tables/uploads.h"
#include "store/tables/key_cursor.h"

#include <string.h>

/* Ended in one commit by the gc thread. */
#define ENDED_MAX 100

/* changes */

struct upload_change {
	struct change change;
	const struct part_upload *upload; /* start's */
	struct str bucket, key;
	struct upload_id id;
	int64_t now_ms, before_ms;
	struct str meta;
	uint32_t ended;
};

static enum status apply_start(struct writer *w, struct change *c)
{
	struct upload_change *uc = (struct upload_change *)c;
	int64_t bucket = 0;

	TRY(rows_need_bucket(w, uc->upload->bucket, &bucket, c->why));
	TRY(rows_check_room(w, c->why));
	const struct part_upload *u = uc->upload;

	TRY(writer_run(w,
		DB_BIND(&w->db, Q_UPLOAD_ADD, upload_secret(&uc->id), db_int(bucket), db_text(u->key), db_text(u->owner), db_int(uc->now_ms),
			db_text(u->content_type), db_int(meta_flags(&u->meta)), db_blob(uc->meta))));
	uc->id.n = sqlite3_last_insert_rowid(w->db.sq);
	return OK;
}

static enum status start_upload(struct part_store *p, const struct part_upload *u, struct arena *a, struct str *id, struct fault *why)
{
	struct upload_change uc = { .change = { .apply = apply_start, .why = why }, .upload = u, .now_ms = clock_now_ms() };
	struct buf meta;

	assert(u->key.n > 0 && u->key.n <= OBJECT_KEY_MAX_BYTES);
	buf_init_arena(&meta, a, META_MAX_BYTES);
	meta_encode(&u->meta, &meta);
	if (!buf_ok(&meta))
		return fault_set(why, TOO_MUCH, "The object has more metadata than can be stored.");
	uc.meta = buf_str(&meta);
	random_bytes(uc.id.secret, sizeof uc.id.secret);
	TRY(group_commit_run(&ENGINE_OF(p, parts)->group_commit, &uc.change));
	*id = upload_id_write(&uc.id, a);
	return fault_check_arena(a, why);
}

static enum status apply_abort(struct writer *w, struct change *c)
{
	struct upload_change *uc = (struct upload_change *)c;
	struct object_place at = { .key = uc->key };

	TRY(rows_find_bucket(w, uc->bucket, &at.bucket));
	TRY(uploads_find(w, &uc->id, &at, c->why));
	return uploads_end(w, uc->id.n);
}

static enum status abort_upload(struct part_store *p, struct str bucket, struct str key, struct str id, struct fault *why)
{
	struct upload_change uc = { .change = { .apply = apply_abort, .why = why }, .bucket = bucket, .key = key };

	if (!upload_id_read(id, &uc.id))
		return no_such_upload(why);
	return group_commit_run(&ENGINE_OF(p, parts)->group_commit, &uc.change);
}

/* Numbers rise with time: the upload with the lowest number is the oldest. */
static enum status apply_end(struct writer *w, struct change *c)
{
	struct upload_change *uc = (struct upload_change *)c;
	bool row = true;

	for (uc->ended = 0; uc->ended < ENDED_MAX; uc->ended++) {
		sqlite3_stmt *s = db_query(&w->db, Q_UPLOAD_OLDEST);
		TRY(writer_step(w, s, &row));
		int64_t n = row && sqlite3_column_int64(s, 1) < uc->before_ms ? sqlite3_column_int64(s, 0) : 0;
		sqlite3_reset(s);
		if (n == 0)
			return OK;
		TRY(uploads_end(w, n));
	}
	return OK;
}

static enum status end_older(struct part_store *p, int64_t before_ms, uint32_t *ended, struct fault *why)
{
	struct upload_change uc = { .ended = ENDED_MAX };

	for (*ended = 0; uc.ended == ENDED_MAX; *ended += uc.ended) {
		uc = (struct upload_change){ .change = { .apply = apply_end, .why = why }, .before_ms = before_ms };
		TRY(group_commit_run(&ENGINE_OF(p, parts)->group_commit, &uc.change));
	}
	return OK;
}

/* reads */

static enum status parts_read_upload(sqlite3_stmt *s, struct arena *a, struct part_upload *out, struct fault *why)
{
	struct upload_id id = { .n = sqlite3_column_int64(s, 0) };
	struct str secret = column_blob(s, 1);

	if (secret.n == sizeof id.secret)
		memcpy(id.secret, secret.p, sizeof id.secret);
	*out = (struct part_upload){
		.id = upload_id_write(&id, a),
		.key = column_str(s, 2, a),
		.owner = column_str(s, 3, a),
		.begun_ms = sqlite3_column_int64(s, 4),
		.content_type = column_str(s, 5, a),
	};
	return meta_decode(column_blob(s, 7), (unsigned)sqlite3_column_int64(s, 6), a, &out->meta, why);
}

static enum status find_upload(
	struct part_store *p, struct str bucket, struct str key, struct str text, struct arena *a, struct part_upload *out, struct fault *why)
{
	struct db *d CLEANUP(read_pool_release) = NULL;
	struct upload_id id;
	struct part_upload found;
	bool row = false;

	if (!upload_id_read(text, &id))
		return no_such_upload(why);
	TRY(read_pool_acquire(&ENGINE_OF(p, parts)->read_pool, &d, why));
	sqlite3_stmt *s = DB_BIND(d, Q_UPLOAD_GET, db_int(id.n), upload_secret(&id));
	TRY(db_step(d, s, &row, why));
	if (!row || !str_equal(column_borrow(s, 2), key) || !str_equal(column_borrow(s, 9), bucket))
		return no_such_upload(why);
	TRY(parts_read_upload(s, a, &found, why));
	found.bucket = column_str(s, 9, a);
	TRY(fault_check_arena(a, why));
	*out = found;
	return OK;
}

/* A walk over uploads, like that over objects: by key, then by number. */
struct upload_walk {
	const struct part_upload_query *query;
	struct db *db;
	sqlite3_stmt *rows;
	int64_t bucket;
	struct seek from;
	int64_t after; /* of the key `from` itself: uploads after this number */
};

static void seek_to(struct upload_walk *w)
{
	w->rows = DB_BIND(w->db, Q_UPLOAD_LIST, db_int(w->bucket), db_text(key_cursor_str(&w->from)), db_int(w->after));
}

/* After an upload of a key that belongs to no common prefix the walk continues at that key. */
static void first_key(struct upload_walk *w)
{
	const struct part_upload_query *q = w->query;
	struct upload_id id;
	bool inside = str_starts_with(q->after_key, q->prefix) && key_cursor_group(q->after_key, q->prefix, q->delimiter).n == 0;

	key_cursor_start(&w->from, &(struct key_cursor_query){ .prefix = q->prefix, .delimiter = q->delimiter, .after = q->after_key });
	w->after = -1;
	if (!inside || q->after_key.n == 0 || q->after_key.n > OBJECT_KEY_MAX_BYTES || !upload_id_read(q->after_id, &id))
		return;
	w->from.n = q->after_key.n; /* without the NUL that passes the key over */
	w->after = id.n;
}

static enum status add_entry(struct upload_walk *w, struct arena *a, struct part_upload *out, struct fault *why)
{
	struct str group = key_cursor_group(column_borrow(w->rows, 2), w->query->prefix, w->query->delimiter);

	if (group.n == 0) {
		TRY(parts_read_upload(w->rows, a, out, why));
		out->bucket = w->query->bucket;
		return OK;
	}
	*out = (struct part_upload){ .bucket = w->query->bucket, .key = str_dup(a, group) };
	key_cursor_skip_group(&w->from, group);
	w->after = -1;
	seek_to(w);
	return fault_check_arena(a, why);
}

static enum status list_uploads(
	struct part_store *p, const struct part_upload_query *q, struct arena *a, struct part_upload_page *out, struct fault *why)
{
	struct db *d CLEANUP(read_pool_release) = NULL;
	struct upload_walk w = { .query = q };
	bool row = false;

	struct part_upload_page page = { .uploads = arena_array(a, q->limit, sizeof *page.uploads) };
	if (page.uploads == NULL)
		return fault_too_much(why);
	first_key(&w);
	TRY(read_pool_acquire(&ENGINE_OF(p, parts)->read_pool, &d, why));
	TRY(db_find_bucket(d, q->bucket, &w.bucket, why));
	if (w.bucket == 0)
		return no_such_bucket(why);
	w.db = d;
	seek_to(&w);
	while (q->limit > 0) {
		TRY(db_step(d, w.rows, &row, why));
		row = row && str_starts_with(column_borrow(w.rows, 2), q->prefix);
		page.more = row && page.n == q->limit;
		if (!row || page.more)
			break;
		TRY(add_entry(&w, a, &page.uploads[page.n++], why));
	}
	*out = page;
	return OK;
}

static enum status list_parts(
	struct part_store *p, struct str id, uint32_t after, uint32_t limit, struct arena *a, struct part_page *out, struct fault *why)
{
	struct db *d CLEANUP(read_pool_release) = NULL;
	struct upload_id upload;
	bool row = false;

	if (!upload_id_read(id, &upload))
		return no_such_upload(why);
	struct part_page page = { .parts = arena_array(a, limit, sizeof *page.parts) };
	if (page.parts == NULL)
		return fault_too_much(why);
	TRY(read_pool_acquire(&ENGINE_OF(p, parts)->read_pool, &d, why));
	sqlite3_stmt *s = DB_BIND(d, Q_UPLOAD_GET, db_int(upload.n), upload_secret(&upload));
	TRY(db_step(d, s, &row, why));
	if (!row)
		return no_such_upload(why);
	s = DB_BIND(d, Q_PART_LIST, db_int(upload.n), db_int(after));
	while (limit > 0) {
		TRY(db_step(d, s, &row, why));
		page.more = row && page.n == limit;
		if (!row || page.more)
			break;
		/* The columns are those of PART_COLUMNS. */
		struct object_part *part = &page.parts[page.n++];
		*part = (struct object_part){
			.number = (uint32_t)sqlite3_column_int64(s, 0),
			.size = (uint64_t)sqlite3_column_int64(s, 1),
			.etag = column_str(s, 2, a),
			.modified_ms = sqlite3_column_int64(s, 3),
			.checksum = meta_checksum((unsigned)sqlite3_column_int64(s, 4)),
		};
		part->checksum.value = column_str(s, 5, a);
		TRY(fault_check_arena(a, why));
	}
	*out = page;
	return OK;
}

const struct part_store_ops parts_ops = {
	.start = start_upload,
	.find = find_upload,
	.list_uploads = list_uploads,
	.list_parts = list_parts,
	.complete = complete_upload,
	.abort = abort_upload,
	.end_older = end_older,
};
