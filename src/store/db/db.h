/* One SQLite connection with its prepared statements: thin helpers over bind, step and column, and
 * the translation of SQLite's errors into faults. A connection belongs to one thread at a time.
 * The statements are one table, queries.def; each is prepared at its first use and kept. */
#ifndef STORE_DB_DB_H
#define STORE_DB_DB_H

#include "base/arena.h"
#include "base/fault.h"
#include "base/hash.h"
#include "base/str.h"
#include <sqlite3.h>

#define IMAGE_COLUMNS \
	"n, id, status, seq, owner, key, file_name, file_type, file_size, etag, width, height, orientation, frames," \
	" created_ms, expires_ms, uploaded_ms, ends_ms, reason, delete_hash, is_public," \
	" received_size, received_sha256, stripped, removed, verdict, damage, placeholder, color, kept_metadata," \
	" version, issuer, subject, max_bytes, metadata, request_hash"
#define OUTBOX_COLUMNS "n, token, kind, state, image_id, created_ms, due_ms, first_ms, ended_ms, attempts, error"
#define IMAGE_HEAD_COLUMNS "n, status, ends_ms, file_size, key, owner, max_bytes, id, request_hash <> '', created_ms"
#define USER_COLUMNS \
	"owner, issuer, subject, bytes, images, pending, reserved_bytes, derived_bytes, has_quota, quota_bytes, quota_images," \
	" quota_pending, quota_slots, blocked, first_ms, seen_ms, minute, minute_slots"
#define API_KEY_COLUMNS "id, hash, name, scopes, owner, issuer, subject, created_ms, expires_ms, used_ms"
#define OBJECT_COLUMNS "file, key, size, etag, content_type, modified_ms, flags, meta"
#define BUCKET_COLUMNS "name, owner, created_ms, cors"
#define UPLOAD_COLUMNS "n, secret, key, owner, begun_ms, content_type, flags, meta"
#define PART_COLUMNS "number, size, etag, modified_ms, flags, checksum, file"

enum db_query_id {
#define QUERY(id, sql) Q_##id,
#include "store/db/queries.def"
#undef QUERY
	QUERIES
};

struct db {
	struct read_pool *pool; /* that it goes back to; NULL: the writer's */
	sqlite3 *sq;
	sqlite3_stmt *statements[QUERIES];
};

enum db_mode { DB_WRITE, DB_READ };

/* Open a connection: WAL, synchronous=FULL, a small page cache. The file must exist. With DB_READ it may be on a
 * file system that is mounted read-only.
 * Errors  STORAGE_FAILED */
enum status db_open(struct db *d, const char *path, enum db_mode mode, struct fault *why) MUST_CHECK;
/* Finalize and close. Safe on a zeroed one. */
void db_close(struct db *d);
/* The statement, ready for its bindings; NULL when it cannot be prepared, which db_step then reports. */
sqlite3_stmt *db_query(struct db *d, enum db_query_id q);
/* The value of a parameter; texts and blobs are borrowed until the statement is reset. */
struct db_value {
	enum db_type { DB_END, DB_INT, DB_TEXT, DB_BLOB } type;
	int64_t n;
	struct str s;
};

static inline struct db_value db_int(int64_t n)
{
	return (struct db_value){ .type = DB_INT, .n = n };
}

static inline struct db_value db_text(struct str s)
{
	return (struct db_value){ .type = DB_TEXT, .s = s };
}

/* {NULL, 0}: NULL. */
static inline struct db_value db_blob(struct str s)
{
	return (struct db_value){ .type = DB_BLOB, .s = s };
}

/* The id of an image, as it is in its column. */
static inline struct db_value db_uuid(const unsigned char id[UUID_BYTES])
{
	return db_blob((struct str){ (const char *)id, UUID_BYTES });
}

/* The statement, reset, with values for its parameters from the first on, up to DB_END: DB_BIND(d, Q_NAME, db_int(1), db_text(key)). */
sqlite3_stmt *db_bind(struct db *d, enum db_query_id q, const struct db_value *values);
#define DB_BIND(d, q, ...) db_bind(d, q, (const struct db_value[]){ __VA_ARGS__, { DB_END } })
/* Step.  row: whether there is one. On a failure the statement is reset.
 * Errors  DISK_FULL; STORAGE_FAILED, with SQLite's own words as the cause */
enum status db_step(struct db *d, sqlite3_stmt *s, bool *row, struct fault *why) MUST_CHECK;
/* Run a statement that gives no rows, and reset it. */
enum status db_run(struct db *d, sqlite3_stmt *s, struct fault *why) MUST_CHECK;
/* The number that a query gives, 0 where it gives no row; the statement is reset. */
enum status db_read_number(struct db *d, sqlite3_stmt *s, int64_t *out, struct fault *why) MUST_CHECK;
/* The same of a query that is not worth keeping. */
enum status db_ask(struct db *d, const char *sql, int64_t *out, struct fault *why) MUST_CHECK;
/* The number of a bucket; 0: there is none. */
enum status db_find_bucket(struct db *d, struct str name, int64_t *id, struct fault *why) MUST_CHECK;
/* What SQLite's last error on this connection means. */
enum status db_fault(struct db *d, struct fault *why);

/* Column i as text, borrowed until the next step or reset. */
struct str column_borrow(sqlite3_stmt *s, int i);
/* The same as a blob. */
struct str column_blob(sqlite3_stmt *s, int i);
/* Column i as text, copied into the arena. */
struct str column_str(sqlite3_stmt *s, int i, struct arena *a);

#endif
