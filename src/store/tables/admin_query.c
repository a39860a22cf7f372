/* admin_query on SQLite. Each status has the index that holds its rows and few others, so that a page of the
 * few that wait is not a walk over the many that are there:
 *
 *   all                 by row number, which is the order the slots were made in
 *   uploaded            by seq, as the gallery
 *   pending, rejected   by ends_ms and row number: only rows that end are in that index
 *   of an owner         by the owner and row number, whatever the status
 *
 * A walk is a cursor's letter and one or two numbers; it stops at the page's end or after
 * ADMIN_QUERY_SCAN_MAX rows. Read on a connection of the pool, so that no writer waits. */
#include "port/cursor.h"
#include "store/engine.h"
#include "store/tables/images.h"

struct place {
	int64_t at; /* row number, seq or ends_ms: the walk continues below it */
	int64_t n;  /* the row number, among rows of one ends_ms */
};

struct admin_walk {
	enum db_query_id query;
	char letter;
	int at_column; /* of IMAGE_COLUMNS */
	bool is_pair;
};
#define OWNER_WALK (ADMIN_QUERY_REJECTED + 1)
static const struct admin_walk walks[] = {
	[ADMIN_QUERY_ALL] = { Q_IMAGE_WALK, 'a', 0, false },
	[ADMIN_QUERY_PENDING] = { Q_IMAGE_WALK_ENDING, 'e', 17, true },
	[ADMIN_QUERY_UPLOADED] = { Q_IMAGE_LIST, 'u', 3, false },
	[ADMIN_QUERY_REJECTED] = { Q_IMAGE_WALK_ENDING, 'e', 17, true },
	[OWNER_WALK] = { Q_IMAGE_LIST_OWN, 'o', 0, false },
};

/* A letter, the first number and, of a pair, a dot and the second. */
static struct str write_cursor(const struct admin_walk *w, struct place p, struct arena *a)
{
	struct str at = cursor_write(p.at, STR(""), a), n = w->is_pair ? cursor_write(p.n, STR(""), a) : (struct str){ "", 0 };

	return str_printf(a, "%c%.*s%s%.*s", w->letter, STRF(at), w->is_pair ? "." : "", STRF(n));
}

static enum status read_cursor(const struct admin_walk *w, struct str text, struct arena *a, struct place *p, struct fault *why)
{
	*p = (struct place){ INT64_MAX, INT64_MAX };
	if (text.n == 0)
		return OK;
	struct str rest = str_slice(text, 1, text.n), at = str_cut(&rest, '.');
	if (text.p[0] != w->letter || (rest.p != NULL) != w->is_pair)
		return bad_cursor(why);
	TRY(cursor_read(at, STR(""), a, &p->at, why));
	return w->is_pair ? cursor_read(rest, STR(""), a, &p->n, why) : OK;
}

struct row_scan {
	const struct admin_query_filter *q;
	const struct admin_walk *walk;
	struct place place;
};

static enum status scan_row(struct row_scan *l, sqlite3_stmt *s, struct arena *a, struct admin_query_page *page, struct fault *why)
{
	struct arena scratch CLEANUP(arena_deinit);

	arena_init(&scratch, 256);
	l->place = (struct place){ sqlite3_column_int64(s, l->walk->at_column), sqlite3_column_int64(s, 0) };
	page->looked++;
	/* Only what the filter asks of is read of a row that may not be wanted. */
	struct image_row row = {
		.image_id = l->q->text.n > 0 ? uuid_dup(&scratch, sqlite3_column_blob(s, 1)) : (struct str){ 0 },
		.status = (enum image_status)sqlite3_column_int(s, 2),
		.file_name = column_borrow(s, 6),
		.file_type = column_borrow(s, 7),
		.owner = l->q->owner.n > 0 ? column_borrow(s, 4) : (struct str){ 0 },
		.subject = l->q->owner.n > 0 ? column_borrow(s, 32) : (struct str){ 0 },
		.reason = l->q->reason.n > 0 ? column_borrow(s, 18) : (struct str){ 0 },
		.damage = l->q->reason.n > 0 ? column_borrow(s, 26) : (struct str){ 0 },
	};
	if (!admin_query_matches(l->q, &row))
		return OK;
	return images_read_row(s, a, &page->rows[page->n++], why);
}

/* Find the owner that the filter names by owner or subject, in the arena; "": none.  Errors: STORAGE_FAILED */
static enum status find_owner(struct db *d, struct str wanted, struct arena *a, struct str *owner, struct fault *why)
{
	bool row = false;
	sqlite3_stmt *s = DB_BIND(d, Q_USER_FIND, db_text(wanted));

	TRY(db_step(d, s, &row, why));
	*owner = row ? column_str(s, 0, a) : STR("");
	sqlite3_reset(s);
	return OK;
}

static enum status page_of_rows(
	struct admin_query *port, const struct admin_query_filter *q, struct arena *a, struct admin_query_page *out, struct fault *why)
{
	struct row_scan l = { .q = q, .walk = &walks[q->owner.n > 0 ? OWNER_WALK : (int)q->status] };
	struct str owner = STR("");
	struct admin_query_page page = { .rows = arena_array(a, q->limit, sizeof *page.rows) };
	struct db *d CLEANUP(read_pool_release) = NULL;
	bool row = false;

	if (page.rows == NULL)
		return fault_too_much(why);
	TRY(read_cursor(l.walk, q->cursor, a, &l.place, why));
	TRY(read_pool_acquire(&ENGINE_OF(port, admin_query)->read_pool, &d, why));
	struct db_value most = db_int(ADMIN_QUERY_SCAN_MAX + 1);
	if (q->owner.n > 0)
		TRY(find_owner(d, q->owner, a, &owner, why));
	sqlite3_stmt *s = l.walk->is_pair ? DB_BIND(d, l.walk->query, db_int(l.place.at), db_int(l.place.n), most)
		: q->owner.n > 0              ? DB_BIND(d, l.walk->query, db_int(l.place.at), most, db_text(owner))
									  : DB_BIND(d, l.walk->query, db_int(l.place.at), most);
	for (;;) {
		TRY(db_step(d, s, &row, why));
		if (!row || page.n == q->limit || page.looked == ADMIN_QUERY_SCAN_MAX)
			break;
		TRY(scan_row(&l, s, a, &page, why));
	}
	if (row)
		page.next_cursor = write_cursor(l.walk, l.place, a);
	*out = page;
	return fault_check_arena(a, why);
}

const struct admin_query_ops sqlite_admin_query_ops = { page_of_rows };
