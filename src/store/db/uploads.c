/* See uploads.h. */
#include "store/db/uploads.h"

#include "base/codec.h"

#include <assert.h>
#include <inttypes.h>

#define NUMBER_BYTES 8
#define ID_CHARS (2 * (NUMBER_BYTES + UPLOAD_SECRET_BYTES))

bool upload_id_read(struct str text, struct upload_id *out)
{
	unsigned char number[NUMBER_BYTES];
	uint64_t n = 0;

	if (text.n != ID_CHARS || !hex_decode(str_slice(text, 0, 2 * NUMBER_BYTES), number, sizeof number) ||
		!hex_decode(str_slice(text, 2 * NUMBER_BYTES, text.n), out->secret, sizeof out->secret))
		return false;
	for (size_t i = 0; i < sizeof number; i++)
		n = n << 8 | number[i];
	out->n = (int64_t)n;
	return true;
}

struct str upload_id_write(const struct upload_id *id, struct arena *a)
{
	char secret[2 * UPLOAD_SECRET_BYTES + 1];

	hex_encode(id->secret, sizeof id->secret, secret);
	return str_printf(a, "%016" PRIx64 "%s", (uint64_t)id->n, secret);
}

void upload_id_bind(sqlite3_stmt *s, const struct upload_id *id)
{
	bind_int(s, 1, id->n);
	bind_blob(s, 2, id->secret, sizeof id->secret);
}

enum status no_such_upload(struct fault *why)
{
	return fault_set(why, NO_SUCH_UPLOAD,
		"The specified upload does not exist. The upload ID may be invalid, or the upload may have "
		"been aborted or completed.");
}

enum status no_such_bucket(struct fault *why)
{
	return fault_set(why, NO_SUCH_BUCKET, "The specified bucket does not exist.");
}

/* The columns are those of UPLOAD_COLUMNS, and the bucket's id. */
enum status uploads_find(struct writer *w, const struct upload_id *id, const struct object_place *at, struct fault *why)
{
	sqlite3_stmt *s = db_query(&w->db, Q_UPLOAD_GET);
	bool row = false;

	upload_id_bind(s, id);
	TRY(writer_step(w, s, &row));
	bool there = row && str_equal(column_borrow(s, 2), at->key) && sqlite3_column_int64(s, 8) == at->bucket;
	sqlite3_reset(s);
	return there ? OK : no_such_upload(why);
}

enum status uploads_put_part(struct writer *w, const struct upload_id *id, const struct object_commit *c, struct new_body *a)
{
	sqlite3_stmt *s = db_query(&w->db, Q_PART_HEAD);
	bool row = false;

	bind_int(s, 1, id->n);
	bind_int(s, 2, c->part_number);
	TRY(writer_step(w, s, &row));
	struct stored old = { .there = row };
	if (row) {
		old.file = sqlite3_column_int64(s, 0);
		old.flags = (unsigned)sqlite3_column_int64(s, 1);
	}
	sqlite3_reset(s);
	TRY(rows_drop(w, &old));
	TRY(rows_add_body(w, a));
	s = db_query(&w->db, Q_PART_PUT);
	bind_int(s, 1, id->n);
	bind_int(s, 2, c->part_number);
	bind_int(s, 3, (int64_t)a->file);
	bind_int(s, 4, (int64_t)a->size);
	bind_str(s, 5, a->etag);
	bind_int(s, 6, a->modified_ms);
	bind_int(s, 7, a->checksum_flags | (a->inlined ? ROW_INLINED : 0));
	bind_str(s, 8, c->meta.checksum.value);
	return writer_run(w, s);
}

enum status uploads_end(struct writer *w, int64_t n)
{
	assert(n > 0);
	w->has_trash = true;
	TRY(rows_run(w, Q_UPLOAD_REMOVE, n));
	return rows_run(w, Q_TRASH_ADD, -n);
}

/* In this order: the bytes are found by the parts' rows. */
enum status uploads_remove_parts(struct writer *w, int64_t n)
{
	static const enum db_query_id steps[] = { Q_PARTS_TRASH, Q_PARTS_BODIES, Q_PARTS_REMOVE };
	sqlite3_stmt *s = db_query(&w->db, Q_PARTS_STEP);
	bool row = false;

	bind_int(s, 1, n);
	bind_int(s, 2, UPLOADS_PARTS_STEP);
	TRY(writer_step(w, s, &row));
	int64_t last = sqlite3_column_int64(s, 0);
	sqlite3_reset(s);
	if (last == 0)
		return rows_run(w, Q_TRASH_REMOVE, -n);
	w->has_trash = true;
	for (size_t i = 0; i < COUNT_OF(steps); i++) {
		s = db_query(&w->db, steps[i]);
		bind_int(s, 1, n);
		bind_int(s, 2, last);
		TRY(writer_run(w, s));
	}
	return OK;
}
