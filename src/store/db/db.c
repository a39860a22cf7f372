/* A SQLite connection and its statements. See db.h.
 *
 * The page caches are small on purpose: the kernel's cache holds the file anyway, and the whole
 * server is to idle in a few megabytes. SQLite is set to its multi-thread mode: no mutex inside a
 * connection, since each belongs to one thread at a time; no statistics of its allocations, which
 * would take a global lock on each. */
#include "store/db/db.h"

#include "base/codec.h"
#include "store/files/io.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define BUSY_MS 10000
#define LOOKASIDE_BYTES 256
#define LOOKASIDE_SLOTS 64

static const char *const sql_of[QUERIES] = {
#define QUERY(id, sql) [Q_##id] = sql,
#include "store/db/queries.def"
#undef QUERY
};

/* Counts before the first page alone; `tintype compact` brings older databases to it. */
static const char pragmas_new[] = "PRAGMA auto_vacuum=INCREMENTAL;";
static const char pragmas_write[] = "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA cache_size=-2048; PRAGMA temp_store=MEMORY;"
									"PRAGMA journal_size_limit=67108864;";
static const char pragmas_read[] = "PRAGMA cache_size=-256; PRAGMA temp_store=MEMORY; PRAGMA query_only=ON;";

static void configure_connection(void)
{
	/* Fails if SQLite was used before: then it works as well, a little slower. */
	(void)sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
	(void)sqlite3_config(SQLITE_CONFIG_MULTITHREAD);
}

/* Whether the file is on a file system that is mounted read-only and has no log, which SQLite could not create there. */
static bool is_immutable(const char *path)
{
	struct statvfs fs;
	char log[PATH_MAX];
	return statvfs(path, &fs) == 0 && (fs.f_flag & ST_RDONLY) != 0 && snprintf(log, sizeof log, "%s-wal", path) < (int)sizeof log &&
		access(log, F_OK) != 0;
}

static int open_connection(struct db *d, const char *path, enum db_mode mode)
{
	int flags = SQLITE_OPEN_NOMUTEX | (mode == DB_WRITE ? SQLITE_OPEN_READWRITE : SQLITE_OPEN_READONLY);
	struct buf uri CLEANUP(buf_deinit);
	buf_init(&uri, 3 * PATH_MAX + 32);
	if (mode == DB_WRITE || !is_immutable(path))
		return sqlite3_open_v2(path, &d->sq, flags, NULL);
	buf_put(&uri, STR("file:"));
	uri_encode(&uri, str_of(path), true);
	buf_put(&uri, STR("?immutable=1"));
	buf_put_char(&uri, '\0');
	return buf_ok(&uri) ? sqlite3_open_v2(uri.p, &d->sq, flags | SQLITE_OPEN_URI, NULL) : SQLITE_NOMEM;
}

enum status db_open(struct db *d, const char *path, enum db_mode mode, struct fault *why)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	assert(path != NULL);
	pthread_once(&once, configure_connection);
	*d = (struct db){ 0 };
	if (open_connection(d, path, mode) != SQLITE_OK)
		goto failed;
	(void)sqlite3_db_config(d->sq, SQLITE_DBCONFIG_LOOKASIDE, NULL, LOOKASIDE_BYTES, LOOKASIDE_SLOTS);
	sqlite3_extended_result_codes(d->sq, 1);
	sqlite3_busy_timeout(d->sq, BUSY_MS);
	int64_t pages = 1;
	if (mode == DB_WRITE && db_ask(d, "PRAGMA page_count", &pages, why) == OK && pages == 0)
		(void)sqlite3_exec(d->sq, pragmas_new, NULL, NULL, NULL);
	if (sqlite3_exec(d->sq, mode == DB_WRITE ? pragmas_write : pragmas_read, NULL, NULL, NULL) == SQLITE_OK)
		return OK;
failed : {
	enum status status = db_fault(d, why);
	db_close(d);
	return status;
}
}

void db_close(struct db *d)
{
	for (int i = 0; i < QUERIES; i++)
		sqlite3_finalize(d->statements[i]);
	sqlite3_close(d->sq);
	*d = (struct db){ 0 };
}

sqlite3_stmt *db_query(struct db *d, enum db_query_id q)
{
	assert(d->sq != NULL && q < QUERIES);
	if (d->statements[q] == NULL)
		(void)sqlite3_prepare_v3(d->sq, sql_of[q], -1, SQLITE_PREPARE_PERSISTENT, &d->statements[q], NULL);
	return d->statements[q];
}

/* Bindings that are borrowed allocate nothing, so they fail only for a NULL statement, and db_step
 * says that. */
sqlite3_stmt *db_bind(struct db *d, enum db_query_id q, const struct db_value *values)
{
	sqlite3_stmt *s = db_query(d, q);

	sqlite3_reset(s);
	int i = 1;
	for (; values->type != DB_END; values++, i++) {
		if (values->type == DB_INT)
			(void)sqlite3_bind_int64(s, i, values->n);
		else if (values->type == DB_TEXT)
			(void)sqlite3_bind_text64(s, i, values->s.p != NULL ? values->s.p : "", values->s.n, SQLITE_STATIC, SQLITE_UTF8);
		else
			(void)sqlite3_bind_blob64(s, i, values->s.p, values->s.n, SQLITE_STATIC);
	}
	assert(s == NULL || i - 1 == sqlite3_bind_parameter_count(s));
	return s;
}

enum status db_fault(struct db *d, struct fault *why)
{
	int code = sqlite3_errcode(d->sq);
	int err = sqlite3_system_errno(d->sq);
	bool system = (code & 0xff) == SQLITE_IOERR || (code & 0xff) == SQLITE_CANTOPEN;
	bool full = (code & 0xff) == SQLITE_FULL || (system && io_is_full(err));
	enum status status = io_fault(why, full ? ENOSPC : EIO, "");

	fault_cause(why, "sqlite %d, errno %d: %s", code, err, sqlite3_errmsg(d->sq));
	return status;
}

enum status db_step(struct db *d, sqlite3_stmt *s, bool *row, struct fault *why)
{
	int rc = s == NULL ? SQLITE_ERROR : sqlite3_step(s);

	if (rc == SQLITE_ROW || rc == SQLITE_DONE) {
		*row = rc == SQLITE_ROW;
		return OK;
	}
	enum status status = db_fault(d, why);
	sqlite3_reset(s);
	return status;
}

enum status db_run(struct db *d, sqlite3_stmt *s, struct fault *why)
{
	bool row = false;

	TRY(db_step(d, s, &row, why));
	sqlite3_reset(s);
	return OK;
}

enum status db_read_number(struct db *d, sqlite3_stmt *s, int64_t *out, struct fault *why)
{
	bool row = false;

	TRY(db_step(d, s, &row, why));
	*out = row ? sqlite3_column_int64(s, 0) : 0;
	sqlite3_reset(s);
	return OK;
}

enum status db_ask(struct db *d, const char *sql, int64_t *out, struct fault *why)
{
	sqlite3_stmt *s = NULL;

	(void)sqlite3_prepare_v2(d->sq, sql, -1, &s, NULL);
	enum status status = db_read_number(d, s, out, why);
	sqlite3_finalize(s);
	return status;
}

enum status db_find_bucket(struct db *d, struct str name, int64_t *id, struct fault *why)
{
	return db_read_number(d, DB_BIND(d, Q_BUCKET, db_text(name)), id, why);
}

struct str column_borrow(sqlite3_stmt *s, int i)
{
	const char *p = (const char *)sqlite3_column_text(s, i);

	return (struct str){ p, p != NULL ? (size_t)sqlite3_column_bytes(s, i) : 0 };
}

struct str column_blob(sqlite3_stmt *s, int i)
{
	const char *p = sqlite3_column_blob(s, i);

	return (struct str){ p, p != NULL ? (size_t)sqlite3_column_bytes(s, i) : 0 };
}

struct str column_str(sqlite3_stmt *s, int i, struct arena *a)
{
	return str_dup(a, column_borrow(s, i));
}
