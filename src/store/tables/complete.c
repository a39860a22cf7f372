/* parts_complete: ONE file is made of the parts, in order, so that reading, ranges and recovery are those of every
 * object. It is written and synced in incoming/ like a body; the commit puts the object's row, takes the upload
 * away, and remembers the answer. Whatever fails before leaves the upload as it was and no file.
 *
 * Meanwhile parts may be replaced, or the upload aborted or completed by another: what is not there any more is
 * looked up again, and the commit decides. Runs on a worker, as long as the copying takes. */
#include "base/clock.h"
#include "base/mem.h"
#include "store/engine.h"
#include "store/files/io.h"
#include "store/tables/uploads.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#define COPY_BYTES ((size_t)256 * 1024)
/* How often parts that were replaced in the meantime are looked up again. */
#define TRIES 16
/* So many answers are remembered. */
#define REMEMBERED 10000

/* The bytes of one part. */
struct piece {
	uint64_t file;
	uint64_t size;
	bool inlined;
};

struct completion {
	struct change change;
	struct engine *engine;
	const struct part_completion *c;
	struct upload_id id;
	struct arena *arena;
	struct object_info info; /* the answer */
	bool repeated;           /* it was completed before, with this answer */
	struct piece *pieces;    /* of c's parts */
	char *buffer;            /* COPY_BYTES, and BUCKET_SMALL_BYTES for an object that is in the database */
	struct new_body arrival;
	int fd;
};

/* an answer that was given before */

static sqlite3_stmt *query_completed(struct db *d, const struct completion *m)
{
	return DB_BIND(d, Q_COMPLETED_GET, db_int(m->id.n), upload_secret(&m->id), db_text(m->c->key), db_text(m->c->bucket));
}

static enum status read_completed(sqlite3_stmt *s, bool row, struct completion *m, struct fault *why)
{
	m->repeated = row && str_equal(column_borrow(s, 1), m->c->etag);
	if (m->repeated) {
		m->info.size = (uint64_t)sqlite3_column_int64(s, 0);
		m->info.content_type = column_str(s, 2, m->arena);
		m->info.modified_ms = sqlite3_column_int64(s, 3);
	}
	sqlite3_reset(s);
	return m->repeated ? OK : no_such_upload(why);
}

/* what it is made of */

/* m->repeated is set when there is nothing to be done any more. */
static enum status look_up(struct completion *m, struct fault *why)
{
	struct db *d CLEANUP(read_pool_release) = NULL;
	bool row = false;

	TRY(read_pool_acquire(&m->engine->read_pool, &d, why));
	sqlite3_stmt *s = DB_BIND(d, Q_UPLOAD_GET, db_int(m->id.n), upload_secret(&m->id));
	TRY(db_step(d, s, &row, why));
	if (!row || !str_equal(column_borrow(s, 2), m->c->key) || !str_equal(column_borrow(s, 9), m->c->bucket)) {
		s = query_completed(d, m);
		TRY(db_step(d, s, &row, why));
		return read_completed(s, row, m, why);
	}
	m->info.content_type = column_str(s, 5, m->arena);
	m->info.size = 0;
	/* Both lists rise: one step through the rows finds all. The columns are those of PART_COLUMNS. */
	s = DB_BIND(d, Q_PART_LIST, db_int(m->id.n), db_int(0));
	for (size_t i = 0; i < m->c->n_parts; i++) {
		const struct object_part *want = &m->c->parts[i];
		do {
			TRY(db_step(d, s, &row, why));
		} while (row && sqlite3_column_int64(s, 0) < want->number);
		if (!row || sqlite3_column_int64(s, 0) != want->number || !str_equal(column_borrow(s, 2), want->etag))
			return fault_set(why, PART_INVALID, "Part %u was not uploaded, or has a different ETag.", (unsigned)want->number);
		m->pieces[i] = (struct piece){
			.file = (uint64_t)sqlite3_column_int64(s, 6),
			.size = (uint64_t)sqlite3_column_int64(s, 1),
			.inlined = (sqlite3_column_int64(s, 4) & ROW_INLINED) != 0,
		};
		m->info.size += m->pieces[i].size;
	}
	return OK;
}

/* making it */

/* Append to what is made: in memory or to the file. */
static enum status append_bytes(struct completion *m, const char *p, size_t n, struct fault *why)
{
	if (n == 0)
		return OK; /* a part of no bytes, which has no address either */
	if (m->arrival.inlined) {
		assert(n <= BUCKET_SMALL_BYTES - m->arrival.bytes.n);
		memcpy(m->buffer + COPY_BYTES + m->arrival.bytes.n, p, n);
		m->arrival.bytes.n += n;
		return OK;
	}
	TRY(space_reserve(&m->engine->space, n, SPACE_FILE, why));
	enum status status = io_write_all(m->fd, p, n) == 0 ? OK : io_fault(why, errno, "write to incoming/");
	space_release(&m->engine->space, n);
	return status;
}

/* *gone: the part has been replaced or removed. */
static enum status append_row(struct completion *m, const struct piece *piece, bool *gone, struct fault *why)
{
	struct db *d CLEANUP(read_pool_release) = NULL;
	bool row = false;

	TRY(read_pool_acquire(&m->engine->read_pool, &d, why));
	sqlite3_stmt *s = DB_BIND(d, Q_BODY_GET, db_int((int64_t)piece->file));
	TRY(db_step(d, s, &row, why));
	struct str bytes = column_blob(s, 0);
	*gone = !row;
	if (row && bytes.n != piece->size)
		return io_fault(why, EIO, "a part has another size than its row says");
	return row ? append_bytes(m, bytes.p, bytes.n, why) : OK;
}

static enum status append_file(struct completion *m, const struct piece *piece, bool *gone, struct fault *why)
{
	int fd = tree_read(&m->engine->tree, piece->file);
	enum status status = OK;

	*gone = fd < 0 && errno == ENOENT;
	if (fd < 0)
		return *gone ? OK : io_fault(why, errno, "open a part");
	for (uint64_t done = 0; done < piece->size && status == OK; done += COPY_BYTES) {
		size_t n = piece->size - done < COPY_BYTES ? (size_t)(piece->size - done) : COPY_BYTES;
		status = io_read_at(fd, m->buffer, n, done, why);
		if (status == OK)
			status = append_bytes(m, m->buffer, n, why);
	}
	io_close(fd);
	return status;
}

/* Nothing is left of what was made. */
static void remove_made(struct completion *m)
{
	if (m->fd >= 0)
		tree_drop(&m->engine->tree, m->arrival.file);
	io_close(m->fd);
	m->fd = -1;
}

static enum status make_file(struct completion *m, bool *gone, struct fault *why)
{
	if (!m->arrival.inlined) {
		m->fd = tree_create(&m->engine->tree, &m->arrival.file);
		if (m->fd < 0)
			return io_fault(why, errno, "make a file in incoming/");
	}
	for (size_t i = 0; i < m->c->n_parts && !*gone; i++)
		TRY(m->pieces[i].inlined ? append_row(m, &m->pieces[i], gone, why) : append_file(m, &m->pieces[i], gone, why));
	if (m->fd >= 0 && !*gone && local_io.fdatasync(m->fd) != 0)
		return io_fault(why, errno, "sync an object made of parts");
	return OK;
}

static enum status make_body(struct completion *m, bool *gone, struct fault *why)
{
	size_t small_bytes = m->engine->small_bytes;

	assert(m->fd < 0);
	m->arrival = (struct new_body){
		.inlined = small_bytes > 0 && m->info.size <= small_bytes,
		.bytes = { m->buffer + COPY_BYTES, 0 },
		.size = m->info.size,
		.etag = m->c->etag,
	};
	*gone = false;
	TRY(space_check(&m->engine->space, m->info.size, m->arrival.inlined ? SPACE_ROWS : SPACE_FILE, why));
	enum status status = make_file(m, gone, why);
	if (status != OK || *gone)
		remove_made(m);
	return status;
}

/* its commit */

static enum status apply_complete(struct writer *w, struct change *c)
{
	struct completion *m = (struct completion *)c;
	struct object_place at = { .key = m->c->key, .content_type = m->info.content_type };
	struct stored old;

	TRY(rows_find_bucket(w, m->c->bucket, &at.bucket));
	enum status there = uploads_find(w, &m->id, &at, c->why);
	if (there == NOT_FOUND) {
		/* Another one completed it while this one copied, or it was aborted. */
		sqlite3_stmt *s = query_completed(&w->db, m);
		bool row = false;

		TRY(writer_step(w, s, &row));
		return read_completed(s, row, m, m->change.why);
	}
	if (there != OK)
		return there;
	TRY(rows_find_object(w, &at, &m->c->condition, &old, c->why));
	TRY(rows_put_object(w, &at, &m->arrival, &old));
	TRY(uploads_end(w, m->id.n));
	TRY(writer_run(w,
		DB_BIND(&w->db, Q_COMPLETED_ADD, db_int(m->id.n), upload_secret(&m->id), db_int(at.bucket), db_text(m->c->key),
			db_int((int64_t)m->info.size), db_text(m->c->etag), db_text(m->info.content_type), db_int(m->info.modified_ms))));
	return rows_run(w, Q_COMPLETED_TRIM, REMEMBERED);
}

static enum status commit_body(struct completion *m, struct fault *why)
{
	struct buf meta;

	m->arrival.modified_ms = m->info.modified_ms = clock_now_ms();
	assert(m->arrival.inlined == (m->fd < 0));
	m->change = (struct change){ .apply = apply_complete, .why = why, .names_file = !m->arrival.inlined };
	buf_init(&meta, META_MAX_BYTES);
	meta_encode(&m->c->meta, &meta);
	m->arrival.meta = buf_str(&meta);
	m->arrival.checksum_flags = meta_flags(&m->c->meta);
	enum status status = fault_check_buf(&meta, why);
	if (status == OK)
		status = group_commit_run(&m->engine->group_commit, &m->change);
	buf_deinit(&meta);
	if (status != OK || m->repeated) {
		remove_made(m);
		return status;
	}
	if (m->fd >= 0)
		publisher_add_file(&m->engine->publisher, m->arrival.file);
	io_close(m->fd);
	return OK;
}

static enum status plan_and_make(struct completion *m, struct fault *why)
{
	bool gone = true;

	for (int i = 0; i < TRIES && gone; i++) {
		TRY(look_up(m, why));
		if (m->repeated)
			return OK;
		TRY(make_body(m, &gone, why));
	}
	return gone ? io_fault(why, ENOENT, "open a part that has a row") : commit_body(m, why);
}

enum status complete_upload(
	struct part_store *p, const struct part_completion *c, struct arena *a, struct object_info *out, struct fault *why)
{
	struct completion m = { .engine = ENGINE_OF(p, parts), .c = c, .arena = a, .fd = -1 };

	if (!upload_id_read(c->id, &m.id))
		return no_such_upload(why);
	m.info.key = str_dup(a, c->key);
	m.info.etag = str_dup(a, c->etag);
	m.pieces = mem_new(c->n_parts, sizeof *m.pieces);
	m.buffer = mem_new(1, COPY_BYTES + BUCKET_SMALL_BYTES);
	enum status status = m.pieces != NULL && m.buffer != NULL ? plan_and_make(&m, why) : fault_no_memory(why);
	mem_free(m.pieces);
	mem_free(m.buffer);
	if (status == OK && !arena_ok(a))
		return fault_too_much(why);
	if (status == OK)
		*out = m.info;
	return status;
}
