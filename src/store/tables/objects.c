/* Objects: the reads, on any thread, and object_store. An object that is a file is opened by its row's file number;
 * between the two reads the object may have been replaced, so a file that is not there is looked up again.
 * Row, metadata and bytes that are in the database are read in one transaction. */
#include "store/tables/objects.h"

#include "base/codec.h"
#include "base/object_key.h"
#include "store/engine.h"
#include "store/files/io.h"
#include "store/tables/rows.h"
#include "store/tables/key_cursor.h"
#include "store/tables/uploads.h"

#include <errno.h>
#include <unistd.h>

/* How often a replaced object is looked up again. */
#define OPEN_TRIES 16

/* changes */

enum status objects_remove(struct writer *w, int64_t bucket, struct str key)
{
	const struct object_place at = { .bucket = bucket, .key = key };
	struct stored old;

	TRY(rows_find_object(w, &at, NULL, &old, NULL));
	return rows_remove_object(w, &at, &old);
}

struct object_row_removal {
	struct change change;
	struct str key;
};

static enum status apply_removal(struct writer *w, struct change *c)
{
	struct object_row_removal *r = (struct object_row_removal *)c;

	return objects_remove(w, w->image_bucket, r->key);
}

static enum status store_remove_object(struct object_store *store, struct str key, struct fault *why)
{
	struct object_row_removal r = { .change = { .apply = apply_removal, .why = why }, .key = key };

	return group_commit_run(&ENGINE_OF(store, store)->group_commit, &r.change);
}

static enum status store_put_object(struct object_store *store, struct str key, struct str content_type, struct str body, struct fault *why)
{
	struct engine *e = ENGINE_OF(store, store);
	struct object_commit commit = { .bucket = str_of(e->bucket), .key = key, .content_type = content_type };
	struct incoming *in = NULL;

	TRY(object_key_check(key, why));
	TRY(bucket_begin(&e->ports.buckets, body.n, &in, why));
	enum status status = bucket_write(in, body.p, body.n, why);
	if (status == OK)
		return bucket_finish(&in, &commit, why);
	bucket_abandon(&in);
	return status;
}

/* reads */

/* The columns are those of OBJECT_COLUMNS. */
enum status objects_read_info(sqlite3_stmt *s, struct arena *a, struct object_info *out, struct fault *why)
{
	*out = (struct object_info){
		.key = column_str(s, 1, a),
		.size = (uint64_t)sqlite3_column_int64(s, 2),
		.etag = column_str(s, 3, a),
		.content_type = column_str(s, 4, a),
		.modified_ms = sqlite3_column_int64(s, 5),
	};
	return fault_check_arena(a, why);
}

/* The blob that a query gives for a file's number, borrowed until the statement is reset. */
static enum status find_blob(struct db *d, enum db_query_id q, uint64_t file, struct str *out, struct fault *why)
{
	bool row = false;
	sqlite3_stmt *s = DB_BIND(d, q, db_int((int64_t)file));

	TRY(db_step(d, s, &row, why));
	if (!row)
		return io_fault(why, ENOENT, "read what a row of the database points to");
	*out = column_blob(s, 0);
	return OK;
}

enum status objects_find(
	struct engine *e, const struct str name[2], bool whole, struct arena *a, struct object_found *out, struct fault *why)
{
	struct db *d CLEANUP(read_pool_release) = NULL;
	struct object_file *o = &out->object;
	int64_t bucket = 0;
	bool row = false;

	*out = (struct object_found){ .object.fd = -1 };
	TRY(read_pool_acquire(&e->read_pool, &d, why));
	sqlite3_stmt *s = DB_BIND(d, Q_OBJECT_GET, db_text(name[0]), db_text(name[1]));
	TRY(db_step(d, s, &row, why));
	if (!row) {
		TRY(db_find_bucket(d, name[0], &bucket, why));
		return bucket == 0 ? no_such_bucket(why) : fault_set(why, NO_SUCH_KEY, "The specified key does not exist.");
	}
	/* The columns are those of OBJECT_COLUMNS. */
	out->file = (uint64_t)sqlite3_column_int64(s, 0);
	out->flags = (unsigned)sqlite3_column_int64(s, 6);
	TRY(objects_read_info(s, a, &o->info, why));
	if (!whole)
		return OK;
	struct str blob = column_blob(s, 7);
	if ((out->flags & ROW_META_ASIDE) != 0)
		TRY(find_blob(d, Q_META_GET, out->file, &blob, why));
	TRY(meta_decode(blob, out->flags, a, &o->meta, why));
	if ((out->flags & ROW_INLINED) == 0)
		return OK;
	TRY(find_blob(d, Q_BODY_GET, out->file, &blob, why));
	o->bytes = str_dup(a, blob);
	if (blob.n != o->info.size)
		return io_fault(why, EIO, "an object has another size than its row says");
	return fault_check_arena(a, why);
}

static enum status open_found(struct engine *e, const struct str name[2], struct arena *a, struct object_file *out, struct fault *why)
{
	struct object_found found;
	struct stat st;

	for (int i = 0; i < OPEN_TRIES; i++) {
		TRY(objects_find(e, name, true, a, &found, why));
		int fd = (found.flags & ROW_INLINED) != 0 ? -1 : tree_read(&e->tree, found.file);
		if (fd < 0 && (found.flags & ROW_INLINED) == 0 && errno == ENOENT)
			continue;
		if (fd < 0 && (found.flags & ROW_INLINED) == 0)
			return io_fault(why, errno, "open an object");
		/* Responses announce the row's size before they send: a file that is shorter would leave them waiting. */
		if (fd >= 0 && (fstat(fd, &st) != 0 || (uint64_t)st.st_size != found.object.info.size)) {
			io_close(fd);
			return io_fault(why, EIO, "an object has another size than its row says");
		}
		*out = found.object;
		out->fd = fd;
		return OK;
	}
	return io_fault(why, ENOENT, "open an object that has a row");
}

enum status objects_open(
	struct bucket_store *s, struct str bucket, struct str key, struct arena *a, struct object_file *out, struct fault *why)
{
	struct engine *e = ENGINE_OF(s, buckets);
	const struct str name[2] = { bucket, key };

	if (e->beside)
		return open_found(e, name, a, out, why);
	if (object_cache_find(&e->object_cache, name, out))
		return OK;
	uint64_t generation = object_cache_generation(&e->object_cache);
	TRY(open_found(e, name, a, out, why));
	object_cache_offer(&e->object_cache, generation, name, out);
	return OK;
}

static enum status store_get_object(
	struct object_store *store, struct str key, uint64_t max_size, struct arena *a, struct object *out, struct fault *why)
{
	struct engine *e = ENGINE_OF(store, store);
	const struct str name[2] = { str_of(e->bucket), key };
	struct object_file f CLEANUP(object_file_close) = { .fd = -1 };

	TRY(open_found(e, name, a, &f, why));
	if (f.info.size > max_size)
		return fault_set(why, IMAGE_TOO_LARGE, "The object has %llu bytes; at most %llu are allowed.", (unsigned long long)f.info.size,
			(unsigned long long)max_size);
	*out = (struct object){ .info = f.info, .body = f.bytes };
	if (f.fd < 0)
		return OK;
	char *p = arena_alloc(a, f.info.size);
	if (p == NULL)
		return fault_too_much(why);
	TRY(io_read_at(f.fd, p, f.info.size, 0, why));
	out->body = (struct str){ p, f.info.size };
	return OK;
}

static enum status store_head_object(
	struct object_store *store, struct str key, struct arena *a, struct object_info *out, struct fault *why)
{
	struct engine *e = ENGINE_OF(store, store);
	const struct str name[2] = { str_of(e->bucket), key };
	struct object_found found;

	TRY(objects_find(e, name, false, a, &found, why));
	*out = found.object.info;
	return OK;
}

/* The walk begins at the prefix or after `after`, whichever comes later, and ends with the prefix. */
static enum status store_list_objects(struct object_store *store, struct str prefix, struct str after, uint32_t limit, struct arena *a,
	struct object_page *out, struct fault *why)
{
	struct engine *e = ENGINE_OF(store, store);
	struct db *d CLEANUP(read_pool_release) = NULL;
	struct seek from;
	bool row = false;

	struct object_page page = { .objects = arena_array(a, limit, sizeof *page.objects) };
	if (page.objects == NULL)
		return fault_too_much(why);
	key_cursor_start(&from, &(struct key_cursor_query){ .prefix = prefix, .after = after });
	TRY(read_pool_acquire(&e->read_pool, &d, why));
	sqlite3_stmt *s = DB_BIND(d, Q_OBJECT_LIST, db_int(e->group_commit.writer.image_bucket), db_text(key_cursor_str(&from)));
	for (;;) {
		TRY(db_step(d, s, &row, why));
		row = row && str_starts_with(column_borrow(s, 1), prefix);
		page.more = row && page.n == limit;
		if (!row || page.more)
			break;
		TRY(objects_read_info(s, a, &page.objects[page.n++], why));
	}
	*out = page;
	return OK;
}

const struct object_store_ops objects_ops = {
	.put = store_put_object,
	.get = store_get_object,
	.head = store_head_object,
	.remove = store_remove_object,
	.list = store_list_objects,
	.presign = signing_presign,
	.form = signing_form,
};
