/* Object rows: who lies under which key, in which file. The first half runs on the committer's
 * thread; the second reads, on any. An object is opened by its row's file number; between the two
 * looks the object may have been replaced, so a file that is not there is looked up again. */
#include "local/objects.h"

#include "base/codec.h"
#include "local/engine.h"
#include "local/images.h"
#include "local/io.h"
#include "local/signing.h"

#include <assert.h>
#include <errno.h>
#include <unistd.h>

/* How often a replaced object is looked up again. */
#define OPEN_TRIES 16

enum status objects_check_key(struct str key, struct fault *why)
{
	if (key.n > KEY_MAX_BYTES)
		return fault_set(why, KEY_TOO_LONG, "Your key is too long: %zu bytes, at most %d are allowed.", key.n, KEY_MAX_BYTES);
	if (key.n == 0)
		return fault_set(why, KEY_INVALID, "A key must not be empty.");
	if (!utf8_valid(key) || str_find_char(key, '\0') != key.n)
		return fault_set(why, KEY_INVALID, "A key must be UTF-8 without U+0000.");
	return OK;
}

static enum status no_such_bucket(struct fault *why)
{
	return fault_set(why, NO_SUCH_BUCKET, "The specified bucket does not exist.");
}

static enum status no_such_key(struct fault *why)
{
	return fault_set(why, NO_SUCH_KEY, "The specified key does not exist.");
}

/* changes */

/* *id is 0 when there is none. */
static enum status find_bucket(struct writer *w, struct str name, int64_t *id)
{
	sqlite3_stmt *s = db_query(&w->db, Q_BUCKET);
	bool row = false;

	bind_str(s, 1, name);
	TRY(writer_step(w, s, &row));
	*id = row ? sqlite3_column_int64(s, 0) : 0;
	sqlite3_reset(s);
	return OK;
}

/* *file is 0 when there is no such object. */
static enum status find_file(struct writer *w, int64_t bucket, struct str key, int64_t *file)
{
	sqlite3_stmt *s = db_query(&w->db, Q_OBJECT_FILE);
	bool row = false;

	bind_int(s, 1, bucket);
	bind_str(s, 2, key);
	TRY(writer_step(w, s, &row));
	*file = row ? sqlite3_column_int64(s, 0) : 0;
	sqlite3_reset(s);
	return OK;
}

static enum status trash(struct writer *w, int64_t file)
{
	sqlite3_stmt *s = db_query(&w->db, Q_TRASH_ADD);

	bind_int(s, 1, file);
	w->trashed = true;
	return writer_run(w, s);
}

enum status objects_remove(struct writer *w, int64_t bucket, struct str key, bool *trashed)
{
	int64_t file = 0;

	TRY(find_file(w, bucket, key, &file));
	if (file == 0)
		return OK;
	sqlite3_stmt *s = db_query(&w->db, Q_OBJECT_REMOVE);
	bind_int(s, 1, bucket);
	bind_str(s, 2, key);
	TRY(writer_run(w, s));
	*trashed = true;
	return trash(w, file);
}

struct commit_change {
	struct change change;
	const struct object_commit *commit;
	const struct arrival *arrival;
	struct settling settling;
	int64_t bucket, old_file;
};

static enum status check_commit(struct writer *w, struct commit_change *cc)
{
	struct fault *why = cc->change.why;

	TRY(find_bucket(w, cc->commit->bucket, &cc->bucket));
	if (cc->bucket == 0)
		return no_such_bucket(why);
	TRY(find_file(w, cc->bucket, cc->commit->key, &cc->old_file));
	if (cc->commit->settle == NULL)
		return OK;
	TRY(images_find_pending(w, &cc->settling, why));
	if (cc->old_file != 0)
		return fault_set(why, STATE_CHANGED, "There is an object under this key already.");
	return OK;
}

static enum status put_row(struct writer *w, const struct commit_change *cc)
{
	sqlite3_stmt *s = db_query(&w->db, Q_OBJECT_PUT);

	bind_int(s, 1, cc->bucket);
	bind_str(s, 2, cc->commit->key);
	bind_int(s, 3, (int64_t)cc->arrival->file);
	bind_int(s, 4, (int64_t)cc->arrival->size);
	bind_str(s, 5, cc->arrival->etag);
	bind_str(s, 6, cc->commit->content_type);
	bind_int(s, 7, cc->arrival->modified_ms);
	return writer_run(w, s);
}

static enum status apply_commit(struct writer *w, struct change *c)
{
	struct commit_change *cc = (struct commit_change *)c;

	TRY(check_commit(w, cc));
	if (cc->commit->settle != NULL)
		TRY(images_settle(w, &cc->settling, c->why));
	if (cc->old_file != 0)
		TRY(trash(w, cc->old_file));
	return put_row(w, cc);
}

enum status objects_commit(struct engine *e, const struct object_commit *c, const struct arrival *arrival, struct fault *why)
{
	struct commit_change cc = {
		.change = { .apply = apply_commit, .why = why, .names_file = true },
		.commit = c,
		.arrival = arrival,
		.settling = { .s = c->settle, .arena = c->arena, .now = c->now },
	};

	/* A rejected body is not kept: its row is settled by table_settle and the body abandoned. */
	assert(c->settle == NULL || (c->settle->status == IMAGE_UPLOADED && c->arena != NULL && c->now != NULL));
	TRY(objects_check_key(c->key, why));
	TRY(committer_run(&e->committer, &cc.change));
	mover_put_in(&e->mover, arrival->file);
	if (cc.old_file != 0)
		mover_take_out(&e->mover);
	return OK;
}

struct object_removal {
	struct change change;
	struct str key;
	bool trashed;
};

static enum status apply_object_removal(struct writer *w, struct change *c)
{
	struct object_removal *r = (struct object_removal *)c;

	return objects_remove(w, w->image_bucket, r->key, &r->trashed);
}

static enum status store_remove_object(struct object_store *store, struct str key, struct fault *why)
{
	struct engine *e = engine_of_store(store);
	struct object_removal r = { .change = { .apply = apply_object_removal, .why = why }, .key = key };

	TRY(committer_run(&e->committer, &r.change));
	if (r.trashed)
		mover_take_out(&e->mover);
	return OK;
}

static enum status store_put_object(struct object_store *store, struct str key, struct str content_type, struct str body, struct fault *why)
{
	struct engine *e = engine_of_store(store);
	struct object_commit commit = { .bucket = str_of(e->bucket), .key = key, .content_type = content_type };
	struct incoming *in = NULL;

	TRY(objects_check_key(key, why));
	TRY(bucket_begin(&e->buckets, body.n, &in, why));
	enum status status = bucket_write(in, body.p, body.n, why);
	if (status == OK)
		return bucket_finish(&in, &commit, why);
	bucket_abandon(&in);
	return status;
}

/* reads */

/* The columns are those of OBJECT_COLUMNS. */
static enum status read_info(sqlite3_stmt *s, struct arena *a, struct object_info *out, struct fault *why)
{
	*out = (struct object_info){
		.key = column_str(s, 1, a),
		.size = (uint64_t)sqlite3_column_int64(s, 2),
		.etag = column_str(s, 3, a),
		.content_type = column_str(s, 4, a),
		.modified_ms = sqlite3_column_int64(s, 5),
	};
	if (!arena_ok(a))
		return fault_set(why, TOO_MUCH, "The answer needs more memory than one request may have.");
	return OK;
}

/* One object's row, with the number of its file. */
struct found {
	struct object_info info;
	uint64_t file;
};

static enum status bucket_there(struct db *d, struct str bucket, struct fault *why)
{
	sqlite3_stmt *s = db_query(d, Q_BUCKET);
	bool row = false;

	bind_str(s, 1, bucket);
	TRY(db_step(d, s, &row, why));
	sqlite3_reset(s);
	return row ? OK : no_such_bucket(why);
}

static enum status find_in(struct db *d, const struct str name[2], struct arena *a, struct found *out, struct fault *why)
{
	sqlite3_stmt *s = db_query(d, Q_OBJECT_GET);
	bool row = false;

	bind_str(s, 1, name[0]);
	bind_str(s, 2, name[1]);
	TRY(db_step(d, s, &row, why));
	enum status status = row ? read_info(s, a, &out->info, why) : OK;
	out->file = row ? (uint64_t)sqlite3_column_int64(s, 0) : 0;
	sqlite3_reset(s);
	if (row)
		return status;
	TRY(bucket_there(d, name[0], why));
	return no_such_key(why);
}

/* name: bucket and key. */
static enum status find(struct engine *e, const struct str name[2], struct arena *a, struct found *out, struct fault *why)
{
	struct db *d;

	TRY(readers_take(&e->readers, &d, why));
	enum status status = find_in(d, name, a, out, why);
	readers_give(&e->readers, d);
	return status;
}

/* Answers tell the row's size before they send: a file that is shorter would leave them waiting. */
static enum status take_file(const struct found *found, int fd, struct object_file *out, struct fault *why)
{
	struct stat st;

	if (fstat(fd, &st) == 0 && (uint64_t)st.st_size == found->info.size) {
		*out = (struct object_file){ .info = found->info, .fd = fd };
		return OK;
	}
	io_close(fd);
	return io_fault(why, EIO, "an object has another size than its row says");
}

static enum status open_found(struct engine *e, const struct str name[2], struct arena *a, struct object_file *out, struct fault *why)
{
	struct found found = { 0 };

	for (int i = 0; i < OPEN_TRIES; i++) {
		TRY(find(e, name, a, &found, why));
		int fd = tree_read(&e->tree, found.file);
		if (fd >= 0)
			return take_file(&found, fd, out, why);
		if (errno != ENOENT)
			return io_fault(why, errno, "open an object");
	}
	return io_fault(why, ENOENT, "open an object that has a row");
}

enum status objects_open(struct bucket_store *s, struct str bucket, struct str key, struct arena *a, struct object_file *out, struct fault *why)
{
	struct engine *e = engine_of_buckets(s);
	const struct str name[2] = { bucket, key };

	if (hot_find(&e->hot, name, out))
		return OK;
	uint64_t generation = hot_generation(&e->hot);
	TRY(open_found(e, name, a, out, why));
	hot_offer(&e->hot, generation, name, out);
	return OK;
}

enum status objects_has_bucket(struct bucket_store *s, struct str bucket, struct fault *why)
{
	struct engine *e = engine_of_buckets(s);
	struct db *d;

	TRY(readers_take(&e->readers, &d, why));
	enum status status = bucket_there(d, bucket, why);
	readers_give(&e->readers, d);
	return status;
}

static enum status read_whole(int fd, char *p, size_t n, struct fault *why)
{
	size_t done = 0;

	while (done < n) {
		ssize_t got = pread(fd, p + done, n - done, (off_t)done);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return io_fault(why, errno, "read an object");
		if (got == 0)
			return io_fault(why, EIO, "an object is shorter than its row says");
		done += (size_t)got;
	}
	return OK;
}

static enum status read_object(struct object_file *f, uint64_t max_size, struct arena *a, struct object *out, struct fault *why)
{
	if (f->info.size > max_size)
		return fault_set(why, IMAGE_TOO_LARGE, "The object has %llu bytes; at most %llu are allowed.",
		                 (unsigned long long)f->info.size, (unsigned long long)max_size);
	char *p = arena_alloc(a, f->info.size);
	if (p == NULL)
		return fault_set(why, TOO_MUCH, "The object needs more memory than one request may have.");
	TRY(read_whole(f->fd, p, f->info.size, why));
	*out = (struct object){ .info = f->info, .body = { p, f->info.size } };
	return OK;
}

static enum status store_get_object(struct object_store *store, struct str key, uint64_t max_size, struct arena *a, struct object *out, struct fault *why)
{
	struct engine *e = engine_of_store(store);
	const struct str name[2] = { str_of(e->bucket), key };
	struct object_file f = { .fd = -1 };

	TRY(open_found(e, name, a, &f, why));
	enum status status = read_object(&f, max_size, a, out, why);
	io_close(f.fd);
	return status;
}

static enum status store_head_object(struct object_store *store, struct str key, struct arena *a, struct object_info *out, struct fault *why)
{
	struct engine *e = engine_of_store(store);
	const struct str name[2] = { str_of(e->bucket), key };
	struct found found = { 0 };

	TRY(find(e, name, a, &found, why));
	*out = found.info;
	return OK;
}

struct object_listing {
	struct db *db;
	struct str prefix;
	uint32_t limit;
};

static enum status list_objects(const struct object_listing *l, sqlite3_stmt *s, struct arena *a, struct object_page *out, struct fault *why)
{
	bool row = false;

	for (;;) {
		TRY(db_step(l->db, s, &row, why));
		if (!row || !str_starts_with(column_borrow(s, 1), l->prefix))
			return OK;
		if (out->n == l->limit) {
			out->more = true;
			return OK;
		}
		TRY(read_info(s, a, &out->objects[out->n++], why));
	}
}

/* The walk begins at the prefix or behind `after`, whichever comes later, and ends with the prefix. */
static enum status store_list_objects(struct object_store *store, struct str prefix, struct str after, uint32_t limit, struct arena *a, struct object_page *out, struct fault *why)
{
	struct engine *e = engine_of_store(store);
	struct object_listing l = { .prefix = prefix, .limit = limit };
	bool behind = str_compare(after, prefix) >= 0 && after.n > 0;

	struct object_page page = { .objects = arena_array(a, limit, sizeof *page.objects) };
	if (page.objects == NULL)
		return fault_set(why, TOO_MUCH, "The page needs more memory than one request may have.");
	TRY(readers_take(&e->readers, &l.db, why));
	sqlite3_stmt *s = db_query(l.db, behind ? Q_OBJECT_LIST_AFTER : Q_OBJECT_LIST_FROM);
	bind_int(s, 1, e->committer.writer.image_bucket);
	bind_str(s, 2, behind ? after : prefix);
	bind_int(s, 3, (int64_t)limit + 1);
	enum status status = list_objects(&l, s, a, &page, why);
	sqlite3_reset(s);
	readers_give(&e->readers, l.db);
	if (status == OK)
		*out = page;
	return status;
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
