/* Internal to postgres/: one connection to PostgreSQL in libpq's pipeline mode. Statements are queued and sent together, and their results
 * arrive in the same order, so that many share one round trip. All statements are in one table, queries.def. They are prepared when the
 * connection is made. Behind a pooler that may use another connection for each transaction, prepared statements are not found; then each
 * statement is sent as text.
 *
 * A pipeline is any number of pg_send, one pg_sync, one pg_receive for each pg_send, and pg_end. After a statement that fails, the
 * statements up to the sync are not run. Any thread, one at a time; all waits end at the time that was set by pg_limit. */
#ifndef POSTGRES_CONN_H
#define POSTGRES_CONN_H

#include "base/arena.h"
#include "base/fault.h"
#include "base/hash.h"
#include "base/str.h"
#include "postgres/libpq.h"

#define PG_IMAGE_COLUMNS \
	"id, status, owner, issuer, subject, key, file_name, file_type, file_size, max_bytes, etag, modified_ms, width, height, orientation," \
	" frames, created_ms, expires_ms, uploaded_ms, ends_ms, reason, verdict, damage, placeholder, color, delete_hash, is_public," \
	" received_size, received_sha256, stripped, removed, kept_metadata, metadata, thumbs, request_hash, version, slot_us, feed_us"
#define PG_IMAGE_TYPES \
	"untttttt" \
	"nntnnnnn" \
	"nnnntttt" \
	"ttnntnnt" \
	"tttnnn"
#define PG_IMAGE_PARAMETERS \
	"$1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25, $26, $27, $28," \
	" $29, $30, $31, $32, $33, $34, $35, $36, $37, $38"
#define PG_IMAGE_VALUES 38
#define PG_OWNER_COLUMNS \
	"owner, issuer, subject, bytes, images, pending, reserved_bytes, derived_bytes, has_quota, quota_bytes, quota_images," \
	" quota_pending, quota_slots, blocked, first_ms, seen_ms, minute, minute_slots"
#define PG_OWNER_TYPES "tttnnnnnnnnnnnnnnn"
#define PG_OWNER_PARAMETERS "$1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18"
#define PG_OWNER_VALUES 18
#define PG_PARAMETERS_MAX 40
#define PG_SCAN_MAX 20000 /* the most rows that are read for one page of a filtered list */
#define PG_SCAN_MAX_TEXT "20000"
#define PG_NAME_CHARS 24 /* of a prepared statement's name, with the NUL */

enum pg_query {
#define QUERY(id, types, sql) PQ_##id,
#include "postgres/queries.def"
#undef QUERY
	PG_QUERIES
};

/* A parameter. Its bytes are borrowed; pg_send copies them. */
struct pg_value {
	enum pg_type { PG_END, PG_NUMBER, PG_BYTES, PG_NULL } type;
	int64_t n;
	struct str s;
};

static inline struct pg_value pg_number(int64_t n)
{
	return (struct pg_value){ .type = PG_NUMBER, .n = n };
}

static inline struct pg_value pg_text(struct str s)
{
	return (struct pg_value){ .type = PG_BYTES, .s = s };
}

static inline struct pg_value pg_uuid(const unsigned char id[UUID_BYTES])
{
	return (struct pg_value){ .type = PG_BYTES, .s = { (const char *)id, UUID_BYTES } };
}

static inline struct pg_value pg_null(void)
{
	return (struct pg_value){ .type = PG_NULL };
}

/* Arrays in PostgreSQL's binary format, in the arena. If the arena is full, the value is empty and the arena reports it. */
struct pg_value pg_uuids(struct arena *a, const unsigned char (*ids)[UUID_BYTES], size_t n);
struct pg_value pg_texts(struct arena *a, const struct str *texts, size_t n);

/* Where to connect. */
struct pg_target {
	const char *url;           /* any form of libpq's connection strings; may name several hosts */
	const char *password_file; /* read for each connection. NULL: the password of the URL or of libpq's own sources */
	const char *sslmode;       /* NULL: that of the URL or of libpq's own sources */
	int64_t timeout_ms;        /* of a statement */
};

struct pg_conn {
	const struct pg_target *target;
	PGconn *pg; /* NULL: not connected */
	bool unprepared;
	char names[PG_QUERIES][PG_NAME_CHARS];
	int64_t until_ms; /* of clock_mono_ms */
	char lost[256];   /* why the last connection was lost */
};

/* Safe if not connected. */
void pg_disconnect(struct pg_conn *c);
/* The same, and keep libpq's message in `lost`. */
void pg_mark_lost(struct pg_conn *c);

/* Set the time of clock_mono_ms at which waits for results end. */
void pg_limit(struct pg_conn *c, int64_t until_ms);

/* Run SQL outside of pipeline mode. Returns the last result, which may be an error, in text format. NULL: the connection was lost and is
 * closed. */
PGresult *pg_exec(struct pg_conn *c, const char *sql) MUST_CHECK;
/* Set the fault for a result of pg_exec, or, if r is NULL, for a lost connection. Returns IO. */
enum status pg_exec_failed(struct pg_conn *c, const PGresult *r, struct fault *why);

/* Queue a statement with its parameters, up to PG_END. A failure is reported by pg_receive; if it cannot be queued, the connection is closed. */
void pg_send(struct pg_conn *c, enum pg_query q, const struct pg_value *values);
#define PG_SEND(c, q, ...) pg_send((c), (q), (const struct pg_value[]){ __VA_ARGS__, { PG_END } })
/* Queue a command without parameters that is not in queries.def, such as BEGIN or COMMIT. */
void pg_send_command(struct pg_conn *c, const char *sql);
/* End the pipeline and send it. */
void pg_sync(struct pg_conn *c);
/* The result of the next statement, to be freed with result_clear; pg_failed tells whether it is an error. NULL: the connection was lost and is
 * closed. */
PGresult *pg_receive(struct pg_conn *c) MUST_CHECK;
/* Wait for the end of the pipeline.  false: the connection was lost and is closed */
bool pg_end(struct pg_conn *c) MUST_CHECK;

/* Prepare all statements, in pipeline mode.  Errors: STORAGE_FAILED */
enum status pg_prepare(struct pg_conn *c, struct fault *why) MUST_CHECK;

/* For CLEANUP. */
void result_clear(PGresult **r);

/* What a result means. */
enum pg_failure {
	PG_FINE,
	PG_ABORTED,  /* not run, since a statement before it failed */
	PG_LOST,     /* the connection can no longer be used, or the server does not accept writes */
	PG_CONFLICT, /* a concurrent transaction interfered: retry */
	PG_REFUSED,  /* the statement failed, and would fail again */
};
/* Classify a result.
 * r        NULL: the connection was lost
 * c        `unprepared` is set if the result shows that statements cannot be prepared
 * Errors   written to `why` unless PG_FINE or PG_ABORTED: INVALID_INPUT for a text that is not UTF-8; DISK_FULL; STORAGE_FAILED, with
 *          PostgreSQL's own message as the cause */
enum pg_failure pg_failed(struct pg_conn *c, const PGresult *r, struct fault *why);
/* Set the fault for a database that cannot be reached, with the time after which to try again. */
enum status pg_unreachable(struct fault *why);
/* Columns of a row. Numbers of any width; SQL's NULL is 0. Texts are borrowed until result_clear. */
int64_t pg_column_number(const PGresult *r, int row, int column);
struct str pg_column_text(const PGresult *r, int row, int column);

#endif
