/* See uploads.h. */
#include "store/tables/uploads.h"

#include "base/codec.h"

#include <assert.h>
#include <endian.h>
#include <inttypes.h>

#define NUMBER_BYTES 8
#define ID_CHARS (2 * (NUMBER_BYTES + UPLOAD_SECRET_BYTES))

bool upload_id_read(struct str text, struct upload_id *out)
{
	uint64_t n;

	if (text.n != ID_CHARS || !hex_decode(str_slice(text, 0, 2 * NUMBER_BYTES), (unsigned char *)&n, NUMBER_BYTES) ||
		!hex_decode(str_slice(text, 2 * NUMBER_BYTES, text.n), out->secret, sizeof out->secret))
		return false;
	out->n = (int64_t)be64toh(n);
	return true;
}

struct str upload_id_write(const struct upload_id *id, struct arena *a)
{
	char secret[2 * UPLOAD_SECRET_BYTES + 1];

	assert(id->n > 0);
	hex_encode(id->secret, sizeof id->secret, secret);
	return str_printf(a, "%016" PRIx64 "%s", (uint64_t)id->n, secret);
}

struct db_value upload_secret(const struct upload_id *id)
{
	return db_blob((struct str){ (const char *)id->secret, sizeof id->secret });
}

enum status no_such_upload(struct fault *why)
{
	return fault_set(why, NO_SUCH_UPLOAD,
		"The specified upload does not exist. The upload ID may be invalid, or the upload may have "
		"been aborted or completed.");
}

/* The columns are those of UPLOAD_COLUMNS, and the bucket's id. */
enum status uploads_find(struct writer *w, const struct upload_id *id, const struct object_place *at, struct fault *why)
{
	sqlite3_stmt *s = DB_BIND(&w->db, Q_UPLOAD_GET, db_int(id->n), upload_secret(id));
	bool row = false;

	TRY(writer_step(w, s, &row));
	bool there = row && str_equal(column_borrow(s, 2), at->key) && sqlite3_column_int64(s, 8) == at->bucket;
	sqlite3_reset(s);
	return there ? OK : no_such_upload(why);
}

enum status uploads_put_part(struct writer *w, const struct upload_id *id, const struct object_commit *c, struct new_body *a)
{
	assert(c->part_number >= 1 && c->part_number <= PART_NUMBER_MAX);
	sqlite3_stmt *s = DB_BIND(&w->db, Q_PART_HEAD, db_int(id->n), db_int(c->part_number));
	bool row = false;

	TRY(writer_step(w, s, &row));
	struct stored old = rows_read_stored(s, row);
	sqlite3_reset(s);
	TRY(rows_drop(w, &old));
	TRY(rows_add_body(w, a));
	return writer_run(w,
		DB_BIND(&w->db, Q_PART_PUT, db_int(id->n), db_int(c->part_number), db_int((int64_t)a->file), db_int((int64_t)a->size),
			db_text(a->etag), db_int(a->modified_ms), db_int(a->checksum_flags | (a->inlined ? ROW_INLINED : 0)),
			db_text(c->meta.checksum.value)));
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
	int64_t last = 0;

	TRY(writer_read_number(w, DB_BIND(&w->db, Q_PARTS_STEP, db_int(n), db_int(UPLOADS_PARTS_STEP)), &last));
	if (last == 0)
		return rows_run(w, Q_TRASH_REMOVE, -n);
	w->has_trash = true;
	for (size_t i = 0; i < COUNT_OF(steps); i++)
		TRY(writer_run(w, DB_BIND(&w->db, steps[i], db_int(n), db_int(last))));
	return OK;
}
