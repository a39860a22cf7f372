/* The reads of image_table on SQLite: point reads and index walks on a connection of the pool, so that no writer waits. */
#include "store/db/cursor.h"
#include "store/db/images.h"
#include "store/engine.h"

enum status image_lists_get(struct image_table *t, struct str id, struct arena *a, struct image_row *out, struct fault *why)
{
	struct engine *e = ENGINE_OF(t, table);
	struct db *d CLEANUP(read_pool_release) = NULL;
	unsigned char packed[IMAGE_ID_BYTES];
	bool row = false;

	if (!images_pack_id(id, packed))
		return no_such_image(why);
	if (row_cache_find(&e->row_cache, id, a, out))
		return fault_check_arena(a, why);
	uint64_t generation = row_cache_generation(&e->row_cache);
	TRY(read_pool_acquire(&e->read_pool, &d, why));
	sqlite3_stmt *s = DB_BIND(d, Q_IMAGE_GET, db_blob(images_id_str(packed)));
	TRY(db_step(d, s, &row, why));
	if (!row)
		return no_such_image(why);
	TRY(images_read_row(s, a, out, why));
	row_cache_offer(&e->row_cache, generation, out);
	return OK;
}

static enum status make_page(struct arena *a, size_t n, struct image_page *out, struct fault *why)
{
	*out = (struct image_page){ .rows = arena_array(a, n, sizeof *out->rows) };
	if (out->rows == NULL)
		return fault_too_much(why);
	return OK;
}

enum status image_lists_page(
	struct image_table *t, const struct image_query *q, struct arena *a, struct image_page *out, struct fault *why)
{
	struct db *d CLEANUP(read_pool_release) = NULL;
	int64_t seq = INT64_MAX;
	bool row = false;
	struct image_page page;

	if (q->cursor.n != 0)
		TRY(cursor_read(q->cursor, a, &seq, why));
	TRY(make_page(a, q->limit, &page, why));
	TRY(read_pool_acquire(&ENGINE_OF(t, table)->read_pool, &d, why));
	sqlite3_stmt *s = DB_BIND(d, Q_IMAGE_LIST, db_int(seq), db_int((int64_t)q->limit + 1));
	for (;;) {
		TRY(db_step(d, s, &row, why));
		if (!row || page.n == q->limit)
			break;
		TRY(images_read_row(s, a, &page.rows[page.n++], why));
		seq = sqlite3_column_int64(s, 3);
	}
	if (row)
		page.next_cursor = cursor_write(seq, a);
	*out = page;
	return OK;
}

enum status image_lists_due(
	struct image_table *t, int64_t now_ms, uint32_t limit, struct arena *a, struct image_page *out, struct fault *why)
{
	struct db *d CLEANUP(read_pool_release) = NULL;
	bool row = false;
	struct image_page page;

	TRY(make_page(a, limit, &page, why));
	TRY(read_pool_acquire(&ENGINE_OF(t, table)->read_pool, &d, why));
	sqlite3_stmt *s = DB_BIND(d, Q_IMAGE_DUE, db_int(now_ms), db_int(limit));
	for (;;) {
		TRY(db_step(d, s, &row, why));
		if (!row)
			break;
		TRY(images_read_row(s, a, &page.rows[page.n++], why));
	}
	*out = page;
	return OK;
}

enum status image_lists_counts(struct image_table *t, struct image_counts *out, struct fault *why)
{
	(void)why;
	group_commit_counts(&ENGINE_OF(t, table)->group_commit, out);
	return OK;
}
