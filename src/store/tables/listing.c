/* catalog_list_objects: a walk in the index of keys. Where a key belongs to a common prefix the walk seeks after all
 * that belongs to it, so that a listing costs with what it gives. */
#include "store/engine.h"
#include "store/tables/meta.h"
#include "store/tables/objects.h"
#include "store/tables/key_cursor.h"
#include "store/tables/uploads.h"

struct listing_walk {
	const struct object_query *query;
	struct db *db;
	sqlite3_stmt *rows;
	struct seek from;
	int64_t bucket;
};

/* Continue at `from`. */
static void seek_to(struct listing_walk *w)
{
	w->rows = DB_BIND(w->db, Q_OBJECT_LIST, db_int(w->bucket), db_text(key_cursor_str(&w->from)));
}

/* The row at hand as an entry; after a common prefix the walk continues after all of it. */
static enum status add_entry(struct listing_walk *w, struct arena *a, struct listed *out, struct fault *why)
{
	struct str group = key_cursor_group(column_borrow(w->rows, 1), w->query->prefix, w->query->delimiter);

	if (group.n == 0) {
		struct object_checksum sum = meta_checksum((unsigned)sqlite3_column_int64(w->rows, 6));
		out->checksum = sum.kind;
		out->composite = sum.composite;
		return objects_read_info(w->rows, a, &out->info, why);
	}
	out->info.key = str_dup(a, group);
	key_cursor_skip_group(&w->from, group);
	seek_to(w);
	return fault_check_arena(a, why);
}

enum status listing_objects(struct bucket_catalog *c, const struct object_query *q, struct arena *a, struct listing *out, struct fault *why)
{
	struct db *d CLEANUP(read_pool_release) = NULL;
	struct listing_walk w = { .query = q };
	bool row = false;

	struct listing listing = { .entries = arena_array(a, q->limit, sizeof *listing.entries) };
	if (listing.entries == NULL)
		return fault_too_much(why);
	key_cursor_start(&w.from, &(struct key_cursor_query){ .prefix = q->prefix, .delimiter = q->delimiter, .after = q->after });
	TRY(read_pool_acquire(&ENGINE_OF(c, catalog)->read_pool, &d, why));
	TRY(db_find_bucket(d, q->bucket, &w.bucket, why));
	if (w.bucket == 0)
		return no_such_bucket(why);
	w.db = d;
	seek_to(&w);
	while (q->limit > 0) {
		TRY(db_step(d, w.rows, &row, why));
		row = row && str_starts_with(column_borrow(w.rows, 1), q->prefix);
		listing.more = row && listing.n == q->limit;
		if (!row || listing.more)
			break;
		TRY(add_entry(&w, a, &listing.entries[listing.n++], why));
	}
	*out = listing;
	return OK;
}
