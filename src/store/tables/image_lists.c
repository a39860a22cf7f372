/* The reads of image_table on SQLite: point reads and index walks on a connection of the pool, so that no writer waits. */
#include "port/cursor.h"
#include "store/tables/images.h"
#include "store/engine.h"

#include <inttypes.h>

/* Rows that a page may read to find those of one status, and those of a filter, which reads less of each. */
#define LIST_SCAN_MAX 5000
#define FILTER_SCAN_MAX 20000

enum status image_lists_get(struct image_table *t, struct str id, struct arena *a, struct image_row *out, struct fault *why)
{
	struct engine *e = ENGINE_OF(t, table);
	struct db *d CLEANUP(read_pool_release) = NULL;
	unsigned char packed[UUID_BYTES];
	bool row = false;

	if (!uuid_to_bytes(id, packed))
		return no_such_image(why);
	if (!e->beside && row_cache_find(&e->row_cache, id, a, out))
		return fault_check_arena(a, why);
	uint64_t generation = row_cache_generation(&e->row_cache);
	TRY(read_pool_acquire(&e->read_pool, &d, why));
	sqlite3_stmt *s = DB_BIND(d, Q_IMAGE_GET, db_uuid(packed));
	TRY(db_step(d, s, &row, why));
	if (!row)
		return no_such_image(why);
	TRY(images_read_row(s, a, out, why));
	if (!e->beside)
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

/* Whether it is the list of all owners, which is in the order of commits. */
static bool is_of_all(const struct image_query *q)
{
	return q->owner.n == 0 && q->received_sha256.n == 0;
}

/* Which list a cursor is good for. That of everybody, newest first, has no name, as it had none when there was no other. */
static struct str name_list(const struct image_query *q, struct arena *a)
{
	const struct image_filter *f = &q->filter;
	struct str list = is_of_all(q)
		? q->oldest_first ? STR("oldest") : STR("")
		: str_printf(a, "%.*s\n%d\n%.*s\n%d", STRF(q->owner), q->status, STRF(q->received_sha256), q->oldest_first);

	return image_filter_is_empty(f) ? list
									: str_printf(a, "%.*s\n%.*s\n%.*s\n%" PRId64 "\n%" PRId64, STRF(list), STRF(f->name), STRF(f->type),
										  f->uploaded_from, f->uploaded_to);
}

/* How many rows a page may read. One more is: whether there is a next page. */
static size_t most_read(const struct image_query *q)
{
	return !image_filter_is_empty(&q->filter) ? FILTER_SCAN_MAX : is_of_all(q) ? q->limit : LIST_SCAN_MAX;
}

/* The rows of the list and, of an owner's, those of other statuses among them: from a place on, and one more than may be read. */
static sqlite3_stmt *seek_list(struct db *d, const struct image_query *q, int64_t from)
{
	const struct db_value at = db_int(from), most = db_int((int64_t)most_read(q) + 1);

	if (is_of_all(q))
		return DB_BIND(d, q->oldest_first ? Q_IMAGE_LIST_OLDEST : Q_IMAGE_LIST, at, most);
	if (q->owner.n == 0)
		return DB_BIND(d, q->oldest_first ? Q_IMAGE_LIST_UNOWNED_OLDEST : Q_IMAGE_LIST_UNOWNED, at, most, db_text(q->received_sha256));
	if (q->received_sha256.n == 0)
		return DB_BIND(d, q->oldest_first ? Q_IMAGE_LIST_OWN_OLDEST : Q_IMAGE_LIST_OWN, at, most, db_text(q->owner));
	return DB_BIND(
		d, q->oldest_first ? Q_IMAGE_LIST_HASH_OLDEST : Q_IMAGE_LIST_HASH, at, most, db_text(q->owner), db_text(q->received_sha256));
}

static const int status_of[] = {
	[LIST_UPLOADED] = IMAGE_UPLOADED, [LIST_PENDING] = IMAGE_PENDING, [LIST_REJECTED] = IMAGE_REJECTED, [LIST_ALL] = -1
};

/* Go on from the last of the rows that are passed over, if there are so many. */
static enum status skip_rows(struct db *d, const struct image_query *q, int64_t *place, bool *is_there, struct fault *why)
{
	const struct db_value at = db_int(*place), passed = db_int((int64_t)q->skip - 1);
	sqlite3_stmt *s = is_of_all(q) ? DB_BIND(d, q->oldest_first ? Q_IMAGE_SKIP_OLDEST : Q_IMAGE_SKIP, at, passed)
								   : DB_BIND(d, q->oldest_first ? Q_IMAGE_SKIP_OWN_OLDEST : Q_IMAGE_SKIP_OWN, at, passed, db_text(q->owner),
										 db_int(status_of[q->status]));

	TRY(db_step(d, s, is_there, why));
	if (*is_there)
		*place = sqlite3_column_int64(s, 0);
	sqlite3_reset(s);
	return OK;
}

static bool is_listed(sqlite3_stmt *s, const struct image_query *q)
{
	const struct image_filter *f = &q->filter;

	if (q->status != LIST_ALL && sqlite3_column_int(s, 2) != status_of[q->status])
		return false;
	if (image_filter_is_empty(f))
		return true;
	/* No more is read of a row that may not be wanted. */
	struct image_row row = {
		.file_name = column_borrow(s, 6), .file_type = column_borrow(s, 7), .uploaded_ms = sqlite3_column_int64(s, 16)
	};
	return image_filter_matches(f, &row);
}

/* How many rows there are, as of the last commit. */
static enum status read_counts(struct engine *e, struct db *d, struct image_counts *out, struct fault *why)
{
	bool row = false;

	if (!e->beside) {
		group_commit_counts(&e->group_commit, out);
		return OK;
	}
	sqlite3_stmt *s = db_query(d, Q_COUNTERS_LOAD);
	TRY(db_step(d, s, &row, why));
	*out = (struct image_counts){ 0 };
	if (row)
		*out = (struct image_counts){ (uint64_t)sqlite3_column_int64(s, 0), (uint64_t)sqlite3_column_int64(s, 1),
			(uint64_t)sqlite3_column_int64(s, 2), (uint64_t)sqlite3_column_int64(s, 3) };
	sqlite3_reset(s);
	return OK;
}

/* What is counted anyway. */
static enum status add_total(struct engine *e, struct db *d, const struct image_query *q, struct image_page *page, struct fault *why)
{
	struct image_counts counts;
	bool row = false;

	if (!image_filter_is_empty(&q->filter))
		return OK;
	if (is_of_all(q)) {
		TRY(read_counts(e, d, &counts, why));
		page->has_total = true;
		page->total = counts.uploaded;
		return OK;
	}
	if (q->received_sha256.n > 0 || q->status == LIST_REJECTED || q->status == LIST_ALL)
		return OK;
	sqlite3_stmt *s = DB_BIND(d, Q_USER_GET, db_text(q->owner));
	TRY(db_step(d, s, &row, why));
	struct owner_usage usage = row ? column_usage(s, 3) : (struct owner_usage){ 0 };
	sqlite3_reset(s);
	page->has_total = true;
	page->total = q->status == LIST_UPLOADED ? usage.images : usage.pending;
	return OK;
}

enum status image_lists_page(struct image_table *t, const struct image_query *q, struct arena *a, struct image_page *out, struct fault *why)
{
	struct engine *e = ENGINE_OF(t, table);
	struct db *d CLEANUP(read_pool_release) = NULL;
	const struct str list = name_list(q, a);
	const int place_column = is_of_all(q) ? 3 : 0; /* seq, n */
	int64_t place = q->oldest_first ? 0 : INT64_MAX;
	bool row = true;
	struct image_page page;

	if (q->cursor.n != 0)
		TRY(cursor_read(q->cursor, list, a, &place, why));
	TRY(make_page(a, q->limit, &page, why));
	TRY(read_pool_acquire(&e->read_pool, &d, why));
	if (q->skip > 0)
		TRY(skip_rows(d, q, &place, &row, why));
	sqlite3_stmt *s = seek_list(d, q, place);
	for (size_t scanned = 0; row; scanned++) {
		TRY(db_step(d, s, &row, why));
		if (!row || scanned == most_read(q))
			break;
		bool listed = is_listed(s, q);
		if (page.n == q->limit && listed)
			break;
		if (page.n == q->limit) /* a page that is full is not the last only if more of the list follows */
			continue;
		place = sqlite3_column_int64(s, place_column);
		if (listed)
			TRY(images_read_row(s, a, &page.rows[page.n++], why));
	}
	sqlite3_reset(s);
	if (row)
		page.next_cursor = cursor_write(place, list, a);
	TRY(add_total(e, d, q, &page, why));
	*out = page;
	return fault_check_arena(a, why);
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
	struct engine *e = ENGINE_OF(t, table);
	struct db *d CLEANUP(read_pool_release) = NULL;

	if (e->beside)
		TRY(read_pool_acquire(&e->read_pool, &d, why));
	return read_counts(e, d, out, why);
}
