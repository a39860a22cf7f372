/* api_key_table on SQLite: few rows, read on a connection of the pool and written by the commit thread. */
#include "port/api_key_table.h"
#include "store/tables/rows.h"
#include "store/engine.h"

static void read_key(sqlite3_stmt *s, struct arena *a, struct api_key_row *out)
{
	*out = (struct api_key_row){
		.id = column_str(s, 0, a),
		.hash = column_str(s, 1, a),
		.name = column_str(s, 2, a),
		.scopes = (unsigned)sqlite3_column_int64(s, 3),
		.owner = column_str(s, 4, a),
		.issuer = column_str(s, 5, a),
		.subject = column_str(s, 6, a),
		.created_ms = sqlite3_column_int64(s, 7),
		.expires_ms = sqlite3_column_int64(s, 8),
		.used_ms = sqlite3_column_int64(s, 9),
	};
}

static enum status get_key(struct api_key_table *t, struct str id, struct arena *a, struct api_key_row *out, struct fault *why)
{
	struct db *d CLEANUP(read_pool_release) = NULL;
	bool row = false;

	TRY(read_pool_acquire(&ENGINE_OF(t, api_keys)->read_pool, &d, why));
	sqlite3_stmt *s = DB_BIND(d, Q_API_KEY_GET, db_text(id));
	TRY(db_step(d, s, &row, why));
	if (!row)
		return no_such_api_key(why);
	read_key(s, a, out);
	return fault_check_arena(a, why);
}

static enum status list_keys(struct api_key_table *t, struct arena *a, struct api_key_page *out, struct fault *why)
{
	struct db *d CLEANUP(read_pool_release) = NULL;
	bool row = false;
	struct api_key_page page = { .rows = arena_array(a, API_KEYS_MAX, sizeof *page.rows) };

	if (page.rows == NULL)
		return fault_too_much(why);
	TRY(read_pool_acquire(&ENGINE_OF(t, api_keys)->read_pool, &d, why));
	sqlite3_stmt *s = db_query(d, Q_API_KEY_LIST);
	for (;;) {
		TRY(db_step(d, s, &row, why));
		if (!row || page.n == API_KEYS_MAX)
			break;
		read_key(s, a, &page.rows[page.n++]);
	}
	*out = page;
	return fault_check_arena(a, why);
}

struct api_key_change {
	struct change change;
	const struct api_key_row *row;
	struct str id;
	int64_t hour_ms;
};

static enum status apply_add(struct writer *w, struct change *c)
{
	const struct api_key_row *row = ((const struct api_key_change *)c)->row;
	int64_t n = 0;

	TRY(writer_check_change(w, c->why));
	TRY(rows_check_room(w, c->why));
	TRY(writer_read_number(w, db_query(&w->db, Q_API_KEY_COUNT), &n));
	if (n >= API_KEYS_MAX)
		return api_keys_full(c->why);
	TRY(writer_run(w,
		DB_BIND(&w->db, Q_API_KEY_ADD, db_text(row->id), db_text(row->hash), db_text(row->name), db_int(row->scopes), db_text(row->owner),
			db_text(row->issuer), db_text(row->subject), db_int(row->created_ms), db_int(row->expires_ms), db_int(row->used_ms))));
	return sqlite3_changes(w->db.sq) > 0 ? OK : api_key_exists(c->why);
}

static enum status add_key(struct api_key_table *t, const struct api_key_row *row, struct fault *why)
{
	struct api_key_change kc = { .change = { .apply = apply_add, .why = why }, .row = row };

	return group_commit_run(&ENGINE_OF(t, api_keys)->group_commit, &kc.change);
}

static enum status apply_touch(struct writer *w, struct change *c)
{
	const struct api_key_change *kc = (const struct api_key_change *)c;

	return writer_run(w, DB_BIND(&w->db, Q_API_KEY_TOUCH, db_text(kc->id), db_int(kc->hour_ms)));
}

static enum status touch_key(struct api_key_table *t, struct str id, int64_t hour_ms, struct fault *why)
{
	struct api_key_change kc = { .change = { .apply = apply_touch, .why = why }, .id = id, .hour_ms = hour_ms };

	return group_commit_run(&ENGINE_OF(t, api_keys)->group_commit, &kc.change);
}

static enum status apply_remove(struct writer *w, struct change *c)
{
	TRY(writer_check_change(w, c->why));
	TRY(writer_run(w, DB_BIND(&w->db, Q_API_KEY_REMOVE, db_text(((const struct api_key_change *)c)->id))));
	return sqlite3_changes(w->db.sq) > 0 ? OK : no_such_api_key(c->why);
}

static enum status remove_key(struct api_key_table *t, struct str id, struct fault *why)
{
	struct api_key_change kc = { .change = { .apply = apply_remove, .why = why }, .id = id };

	return group_commit_run(&ENGINE_OF(t, api_keys)->group_commit, &kc.change);
}

const struct api_key_table_ops api_keys_ops = { add_key, get_key, list_keys, touch_key, remove_key };
