/* Buckets: changes that the commit thread applies, and reads. Which objects they hold is listing.c's. */
#include "base/clock.h"
#include "store/engine.h"
#include "store/tables/rows.h"
#include "store/tables/uploads.h"

/* Deleting a bucket ends so many uploads, or forgets so many that were completed, in one commit, so that others' changes come
 * in between. */
#define REMOVE_STEP 100

/* changes */

struct bucket_change {
	struct change change;
	struct str name, owner, cors;
	int64_t now_ms;
	bool more; /* something is left: once more */
};

static enum status apply_create(struct writer *w, struct change *c)
{
	struct bucket_change *bc = (struct bucket_change *)c;
	int64_t id = 0;

	TRY(rows_find_bucket(w, bc->name, &id));
	if (id != 0)
		return fault_set(c->why, BUCKET_EXISTS, "A bucket with this name already exists.");
	TRY(rows_check_room(w, c->why));
	return writer_run(w, DB_BIND(&w->db, Q_BUCKET_ADD, db_text(bc->name), db_text(bc->owner), db_int(bc->now_ms)));
}

static enum status create_bucket(struct bucket_catalog *catalog, struct str name, struct str owner, struct fault *why)
{
	struct bucket_change bc = { .change = { .apply = apply_create, .why = why }, .name = name, .owner = owner, .now_ms = clock_now_ms() };

	return group_commit_run(&ENGINE_OF(catalog, catalog)->group_commit, &bc.change);
}

static enum status end_uploads(struct writer *w, int64_t bucket, struct bucket_change *bc)
{
	int64_t upload = 0;

	for (int i = 0; i < REMOVE_STEP; i++) {
		TRY(writer_read_number(w, DB_BIND(&w->db, Q_BUCKET_UPLOAD, db_int(bucket)), &upload));
		bc->more = upload != 0;
		if (!bc->more)
			return OK;
		TRY(uploads_end(w, upload));
	}
	return OK;
}

static enum status apply_remove(struct writer *w, struct change *c)
{
	struct bucket_change *bc = (struct bucket_change *)c;
	int64_t id = 0, object = 0;

	TRY(rows_need_bucket(w, bc->name, &id, c->why));
	if (id == w->image_bucket)
		return fault_set(c->why, ACCESS_DENIED, "The image bucket cannot be deleted.");
	TRY(writer_read_number(w, DB_BIND(&w->db, Q_BUCKET_OBJECT, db_int(id)), &object));
	if (object != 0)
		return fault_set(c->why, BUCKET_NOT_EMPTY, "The bucket you tried to delete is not empty.");
	TRY(end_uploads(w, id, bc));
	if (bc->more)
		return OK;
	TRY(writer_run(w, DB_BIND(&w->db, Q_BUCKET_FORGET, db_int(id), db_int(REMOVE_STEP))));
	bc->more = sqlite3_changes(w->db.sq) == REMOVE_STEP;
	return bc->more ? OK : rows_run(w, Q_BUCKET_REMOVE, id);
}

static enum status remove_bucket(struct bucket_catalog *catalog, struct str name, struct fault *why)
{
	struct bucket_change bc = { .change = { .apply = apply_remove, .why = why }, .name = name };

	do
		TRY(group_commit_run(&ENGINE_OF(catalog, catalog)->group_commit, &bc.change));
	while (bc.more);
	return OK;
}

static enum status apply_cors(struct writer *w, struct change *c)
{
	struct bucket_change *bc = (struct bucket_change *)c;
	int64_t id = 0;

	TRY(rows_need_bucket(w, bc->name, &id, c->why));
	if (bc->cors.n > 0)
		TRY(rows_check_room(w, c->why));
	return writer_run(w, DB_BIND(&w->db, Q_BUCKET_CORS, db_text(bc->name), db_text(bc->cors)));
}

static enum status set_cors(struct bucket_catalog *catalog, struct str name, struct str cors, struct fault *why)
{
	struct bucket_change bc = { .change = { .apply = apply_cors, .why = why }, .name = name, .cors = cors };

	return group_commit_run(&ENGINE_OF(catalog, catalog)->group_commit, &bc.change);
}

struct removals {
	struct change change;
	struct str bucket;
	struct object_removal *all;
	size_t n;
};

/* A statement that fails marks the writer broken; a condition is this object's alone. */
static enum status remove_one(struct writer *w, struct object_removal *r, int64_t bucket)
{
	const struct object_place at = { .bucket = bucket, .key = r->key };
	const struct object_condition condition = { .etag = r->if_etag };
	struct stored old;

	TRY(rows_find_object(w, &at, &condition, &old, &r->why));
	return rows_remove_object(w, &at, &old);
}

static enum status apply_removals(struct writer *w, struct change *c)
{
	struct removals *rs = (struct removals *)c;
	int64_t bucket = 0;

	TRY(rows_need_bucket(w, rs->bucket, &bucket, c->why));
	for (size_t i = 0; i < rs->n && !w->broken; i++)
		rs->all[i].status = remove_one(w, &rs->all[i], bucket);
	return OK;
}

static enum status remove_objects(
	struct bucket_catalog *catalog, struct str bucket, struct object_removal *all, size_t n, struct fault *why)
{
	struct removals rs = { .change = { .apply = apply_removals, .why = why }, .bucket = bucket, .all = all, .n = n };

	return group_commit_run(&ENGINE_OF(catalog, catalog)->group_commit, &rs.change);
}

/* reads */

/* The columns are those of BUCKET_COLUMNS. */
static enum status read_row(sqlite3_stmt *s, struct arena *a, struct bucket_info *out, struct fault *why)
{
	*out = (struct bucket_info){
		.name = column_str(s, 0, a),
		.owner = column_str(s, 1, a),
		.created_ms = sqlite3_column_int64(s, 2),
		.cors = column_str(s, 3, a),
	};
	return fault_check_arena(a, why);
}

static enum status read_info(struct bucket_catalog *catalog, struct str name, struct arena *a, struct bucket_info *out, struct fault *why)
{
	struct db *d CLEANUP(read_pool_release) = NULL;
	struct bucket_info found;
	bool row = false;

	TRY(read_pool_acquire(&ENGINE_OF(catalog, catalog)->read_pool, &d, why));
	sqlite3_stmt *s = DB_BIND(d, Q_BUCKET_INFO, db_text(name));
	TRY(db_step(d, s, &row, why));
	if (!row)
		return no_such_bucket(why);
	TRY(read_row(s, a, &found, why));
	*out = found;
	return OK;
}

static enum status list_buckets(struct bucket_catalog *catalog, struct str owner, struct str after, uint32_t limit, struct arena *a,
	struct bucket_page *out, struct fault *why)
{
	struct db *d CLEANUP(read_pool_release) = NULL;
	bool row = false;

	struct bucket_page page = { .buckets = arena_array(a, limit, sizeof *page.buckets) };
	if (page.buckets == NULL)
		return fault_too_much(why);
	TRY(read_pool_acquire(&ENGINE_OF(catalog, catalog)->read_pool, &d, why));
	sqlite3_stmt *s = owner.n == 0 ? DB_BIND(d, Q_BUCKET_LIST_ALL, db_text(after), db_int((int64_t)limit + 1))
								   : DB_BIND(d, Q_BUCKET_LIST, db_text(owner), db_text(after), db_int((int64_t)limit + 1));
	for (;;) {
		TRY(db_step(d, s, &row, why));
		page.more = row && page.n == limit;
		if (!row || page.more)
			break;
		TRY(read_row(s, a, &page.buckets[page.n++], why));
	}
	*out = page;
	return OK;
}

const struct bucket_catalog_ops catalog_ops = {
	.create = create_bucket,
	.info = read_info,
	.remove = remove_bucket,
	.list = list_buckets,
	.set_cors = set_cors,
	.list_objects = listing_objects,
	.remove_objects = remove_objects,
};
