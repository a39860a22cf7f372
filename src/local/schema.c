/* The tables. Version 1, kept in user_version.
 *
 * images   by a row number, so that rows lie in the order they were made; found by a unique index
 *          on the 16 bytes of the id. `seq` is given at the commit of an upload and orders the
 *          gallery; NULL rows are in no list. Only rows that end are in the index on ends_ms.
 * objects  by bucket and key; `file` names the body, its index serves the start, which asks for each
 *          file of incoming/ whether a row explains it.
 * trash    files whose row is gone and whose bytes are to be removed.
 * tally    one row: how many images there are, and the next numbers, so that no start has to count. */
#include "local/schema.h"

#include "base/clock.h"

static const char tables[] =
	"BEGIN IMMEDIATE;"
	"CREATE TABLE buckets(id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, created_ms INTEGER NOT NULL);"
	"CREATE TABLE images(n INTEGER PRIMARY KEY, id BLOB NOT NULL, status INTEGER NOT NULL, seq INTEGER,"
	" owner TEXT NOT NULL, key TEXT NOT NULL, file_name TEXT NOT NULL, file_type TEXT NOT NULL,"
	" file_size INTEGER NOT NULL, etag TEXT NOT NULL, width INTEGER NOT NULL, height INTEGER NOT NULL,"
	" orientation INTEGER NOT NULL, frames INTEGER NOT NULL, created_ms INTEGER NOT NULL,"
	" expires_ms INTEGER NOT NULL, uploaded_ms INTEGER NOT NULL, ends_ms INTEGER NOT NULL,"
	" reason TEXT NOT NULL, delete_hash TEXT NOT NULL);"
	"CREATE UNIQUE INDEX images_id ON images(id);"
	"CREATE UNIQUE INDEX images_seq ON images(seq) WHERE seq IS NOT NULL;"
	"CREATE INDEX images_ends ON images(ends_ms) WHERE ends_ms <> 0;"
	"CREATE TABLE objects(bucket INTEGER NOT NULL, key TEXT NOT NULL, file INTEGER NOT NULL, size INTEGER NOT NULL,"
	" etag TEXT NOT NULL, content_type TEXT NOT NULL, modified_ms INTEGER NOT NULL,"
	" PRIMARY KEY(bucket, key)) WITHOUT ROWID;"
	"CREATE UNIQUE INDEX objects_file ON objects(file);"
	"CREATE TABLE trash(file INTEGER PRIMARY KEY);"
	"CREATE TABLE tally(one INTEGER PRIMARY KEY CHECK(one = 1), pending INTEGER NOT NULL, uploaded INTEGER NOT NULL,"
	" rejected INTEGER NOT NULL, stored_bytes INTEGER NOT NULL, next_seq INTEGER NOT NULL, next_file INTEGER NOT NULL);"
	"INSERT INTO tally VALUES(1, 0, 0, 0, 0, 1, 1);"
	"PRAGMA user_version=1;"
	"COMMIT;";

/* Run a query of one number that is not worth keeping. */
static enum status ask(struct db *d, const char *sql, int64_t *out, struct fault *why)
{
	sqlite3_stmt *s = NULL;
	bool row = false;

	(void)sqlite3_prepare_v2(d->sq, sql, -1, &s, NULL);
	enum status status = db_step(d, s, &row, why);
	if (status == OK)
		*out = row ? sqlite3_column_int64(s, 0) : 0;
	sqlite3_finalize(s);
	return status;
}

enum status schema_prepare(struct db *d, const char *path, struct fault *why)
{
	int64_t version = 0, n_tables = 0;

	TRY(ask(d, "PRAGMA user_version", &version, why));
	TRY(ask(d, "SELECT count(*) FROM sqlite_schema", &n_tables, why));
	if (version == SCHEMA_VERSION)
		return OK;
	if (version > SCHEMA_VERSION)
		return fault_set(why, SCHEMA_UNKNOWN,
		                 "%s was written by a newer tintype (version %lld, this one knows %d); run that one.", path,
		                 (long long)version, SCHEMA_VERSION);
	if (version != 0 || n_tables != 0)
		return fault_set(why, SCHEMA_UNKNOWN, "%s is not a tintype database; choose another directory with --data.",
		                 path);
	if (sqlite3_exec(d->sq, tables, NULL, NULL, NULL) == SQLITE_OK)
		return OK;
	enum status status = db_fault(d, why);
	(void)sqlite3_exec(d->sq, "ROLLBACK", NULL, NULL, NULL);
	return status;
}

static enum status find_bucket(struct db *d, struct str name, int64_t *id, struct fault *why)
{
	sqlite3_stmt *s = db_query(d, Q_BUCKET);
	bool row = false;

	bind_str(s, 1, name);
	TRY(db_step(d, s, &row, why));
	*id = row ? sqlite3_column_int64(s, 0) : 0;
	sqlite3_reset(s);
	return OK;
}

/* Images stay in the bucket they were uploaded to: under another name none of them would be found. */
static enum status refuse_renaming(struct db *d, struct str name, struct fault *why)
{
	sqlite3_stmt *s = NULL;
	bool row = false;

	(void)sqlite3_prepare_v2(d->sq, "SELECT name FROM buckets WHERE EXISTS(SELECT 1 FROM images) ORDER BY id LIMIT 1", -1, &s, NULL);
	enum status status = db_step(d, s, &row, why);
	if (status == OK && row) {
		struct str kept = column_borrow(s, 0);
		status = fault_set(why, BAD_SETTING, "The images of this data directory are in the bucket %.*s, not %.*s: "
		                   "set BUCKET_NAME=%.*s, or choose another directory with --data.", STRF(kept), STRF(name), STRF(kept));
	}
	sqlite3_finalize(s);
	return status;
}

enum status schema_bucket(struct db *d, struct str name, int64_t *id, struct fault *why)
{
	sqlite3_stmt *s = NULL;

	TRY(find_bucket(d, name, id, why));
	if (*id != 0)
		return OK;
	TRY(refuse_renaming(d, name, why));
	(void)sqlite3_prepare_v2(d->sq, "INSERT INTO buckets(name, created_ms) VALUES(?1, ?2)", -1, &s, NULL);
	bind_str(s, 1, name);
	bind_int(s, 2, clock_now_ms());
	enum status status = db_run(d, s, why);
	sqlite3_finalize(s);
	*id = sqlite3_last_insert_rowid(d->sq);
	return status;
}
