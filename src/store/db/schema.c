/* The tables. Their version is kept in user_version. A new database is made as version 1 and brought up step
 * by step like an old one, so that there is one way to every version, and each start walks it.
 *
 * images   by a row number, so that rows are in the order they were made; found by a unique index
 *          on the 16 bytes of the id. `seq` is given at the commit of an upload and orders the
 *          gallery; NULL rows are in no list. Only rows that end are in the index on ends_ms.
 * objects  by bucket and key; `file` names the body, its index serves the start, which asks for each
 *          file of incoming/ whether a row explains it. Rows are small, so that listings are cheap: bodies
 *          that are in the database and metadata of more than a few bytes are in tables of their own, by
 *          the file's number. `flags` are those of meta.h.
 * uploads  in parts, not complete; the rows' numbers rise, so the lowest are the oldest. parts are theirs.
 * completed  the last uploads that were completed, so that a repeated complete gets the same answer.
 * kept_ids of removed rows whose ids are made of a request, and are not given again for a while.
 * users    owners of images: what they use of their quota, and what it is where it is not that of all.
 * api_keys the keys of applications, of which only a hash is kept.
 * outbox   events that webhooks are sent of, waiting and ended; webhook, one row: whether they are sent at all.
 * migration  at most one row: which part of a migration to or from another store is going on (port/transfer.h).
 * history  what the server did in each minute of the last week, in a ring of slots (port/history.h).
 * secrets  what this server signs with and nobody else needs: the key of delivery links.
 * trash    files whose row is gone and whose bytes are to be removed; a negative number is that of an upload which is
 *          gone and whose parts are to be removed.
 * tally    one row: how many images there are, and the next numbers, so that no start has to count. */
#include "store/db/schema.h"

#include "base/clock.h"
#include "base/codec.h"
#include "base/hash.h"

#include <assert.h>
#include <string.h>

static const char version_1[] =
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
	"PRAGMA user_version=1;";

/* The bucket of a version 1 was made by the server itself. Most objects of a version 2 have no file: their
 * index leaves those out. */
static const char version_2[] =
	"ALTER TABLE buckets ADD COLUMN owner TEXT NOT NULL DEFAULT '';"
	"ALTER TABLE buckets ADD COLUMN cors TEXT NOT NULL DEFAULT '';"
	"UPDATE buckets SET owner='" SCHEMA_OWNER "';"
	"CREATE INDEX buckets_owner ON buckets(owner, name);"
	"ALTER TABLE objects ADD COLUMN flags INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE objects ADD COLUMN meta BLOB;"
	"DROP INDEX objects_file;"
	"CREATE UNIQUE INDEX objects_file ON objects(file) WHERE (flags & 32) = 0;"
	"CREATE TABLE bodies(file INTEGER PRIMARY KEY, bytes BLOB NOT NULL);"
	"CREATE TABLE metas(file INTEGER PRIMARY KEY, meta BLOB NOT NULL);"
	"CREATE TABLE uploads(n INTEGER PRIMARY KEY AUTOINCREMENT, secret BLOB NOT NULL, bucket INTEGER NOT NULL, key TEXT NOT NULL,"
	" owner TEXT NOT NULL, begun_ms INTEGER NOT NULL, content_type TEXT NOT NULL, flags INTEGER NOT NULL, meta BLOB);"
	"CREATE INDEX uploads_key ON uploads(bucket, key, n);"
	"CREATE TABLE parts(upload INTEGER NOT NULL, number INTEGER NOT NULL, file INTEGER NOT NULL, size INTEGER NOT NULL,"
	" etag TEXT NOT NULL, modified_ms INTEGER NOT NULL, flags INTEGER NOT NULL, checksum TEXT NOT NULL,"
	" PRIMARY KEY(upload, number)) WITHOUT ROWID;"
	"CREATE UNIQUE INDEX parts_file ON parts(file) WHERE (flags & 32) = 0;"
	"CREATE TABLE completed(turn INTEGER PRIMARY KEY, upload INTEGER NOT NULL UNIQUE, secret BLOB NOT NULL, bucket INTEGER NOT NULL,"
	" key TEXT NOT NULL, size INTEGER NOT NULL, etag TEXT NOT NULL, content_type TEXT NOT NULL, modified_ms INTEGER NOT NULL);"
	"CREATE INDEX completed_bucket ON completed(bucket);"
	"PRAGMA user_version=2;";

/* Until then every image was private. */
static const char version_3[] = "ALTER TABLE images ADD COLUMN is_public INTEGER NOT NULL DEFAULT 0;"
								"CREATE TABLE secrets(name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;"
								"PRAGMA user_version=3;";

/* Images of a version 3 are stored as they were received. */
static const char version_4[] = "ALTER TABLE images ADD COLUMN received_size INTEGER NOT NULL DEFAULT 0;"
								"ALTER TABLE images ADD COLUMN received_sha256 TEXT NOT NULL DEFAULT '';"
								"ALTER TABLE images ADD COLUMN stripped INTEGER NOT NULL DEFAULT 0;"
								"ALTER TABLE images ADD COLUMN removed INTEGER NOT NULL DEFAULT 0;"
								"PRAGMA user_version=4;";

/* What a renderer found. The images of a version 4 were not decoded: they have no verdict. */

static const char version_5[] = "ALTER TABLE images ADD COLUMN verdict TEXT NOT NULL DEFAULT '';"
								"ALTER TABLE images ADD COLUMN damage TEXT NOT NULL DEFAULT '';"
								"ALTER TABLE images ADD COLUMN placeholder TEXT NOT NULL DEFAULT '';"
								"ALTER TABLE images ADD COLUMN color TEXT NOT NULL DEFAULT '';"
								"PRAGMA user_version=5;";

static const char version_6[] = "ALTER TABLE images ADD COLUMN metadata TEXT NOT NULL DEFAULT '';"
								"PRAGMA user_version=6;";

/* Until then images had no owner, and what was kept of their metadata was called that. */
static const char version_7[] =
	"ALTER TABLE images RENAME COLUMN metadata TO kept_metadata;"
	"ALTER TABLE images ADD COLUMN version INTEGER NOT NULL DEFAULT 1;"
	"ALTER TABLE images ADD COLUMN issuer TEXT NOT NULL DEFAULT '';"
	"ALTER TABLE images ADD COLUMN subject TEXT NOT NULL DEFAULT '';"
	"ALTER TABLE images ADD COLUMN max_bytes INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE images ADD COLUMN metadata TEXT NOT NULL DEFAULT '';"
	"ALTER TABLE images ADD COLUMN request_hash TEXT NOT NULL DEFAULT '';"
	"CREATE INDEX images_owner ON images(owner, n) WHERE owner <> '';"
	"CREATE INDEX images_received ON images(owner, received_sha256, n) WHERE owner <> '' AND received_sha256 <> '';"
	"CREATE TABLE users(owner TEXT PRIMARY KEY, issuer TEXT NOT NULL, subject TEXT NOT NULL,"
	" bytes INTEGER NOT NULL DEFAULT 0, images INTEGER NOT NULL DEFAULT 0, pending INTEGER NOT NULL DEFAULT 0,"
	" reserved_bytes INTEGER NOT NULL DEFAULT 0, derived_bytes INTEGER NOT NULL DEFAULT 0, has_quota INTEGER NOT NULL DEFAULT 0,"
	" quota_bytes INTEGER NOT NULL DEFAULT 0, quota_images INTEGER NOT NULL DEFAULT 0, quota_pending INTEGER NOT NULL DEFAULT 0,"
	" quota_slots INTEGER NOT NULL DEFAULT 0, blocked INTEGER NOT NULL DEFAULT 0, minute INTEGER NOT NULL DEFAULT 0,"
	" minute_slots INTEGER NOT NULL DEFAULT 0, first_ms INTEGER NOT NULL, seen_ms INTEGER NOT NULL) WITHOUT ROWID;"
	"CREATE INDEX users_blocked ON users(owner) WHERE blocked <> 0;"
	"CREATE TABLE kept_ids(id BLOB PRIMARY KEY, ends_ms INTEGER NOT NULL) WITHOUT ROWID;"
	"CREATE INDEX kept_ids_ends ON kept_ids(ends_ms);"
	"CREATE TABLE api_keys(id TEXT PRIMARY KEY, hash TEXT NOT NULL, name TEXT NOT NULL, scopes INTEGER NOT NULL, owner TEXT NOT NULL,"
	" issuer TEXT NOT NULL, subject TEXT NOT NULL, created_ms INTEGER NOT NULL, expires_ms INTEGER NOT NULL,"
	" used_ms INTEGER NOT NULL) WITHOUT ROWID;"
	"CREATE TABLE outbox(n INTEGER PRIMARY KEY AUTOINCREMENT, token TEXT NOT NULL, kind INTEGER NOT NULL, state INTEGER NOT NULL DEFAULT 0,"
	" image_id TEXT NOT NULL, owner TEXT NOT NULL, body TEXT NOT NULL, created_ms INTEGER NOT NULL, due_ms INTEGER NOT NULL,"
	" first_ms INTEGER NOT NULL DEFAULT 0, ended_ms INTEGER NOT NULL DEFAULT 0, attempts INTEGER NOT NULL DEFAULT 0,"
	" error TEXT NOT NULL DEFAULT '');"
	"CREATE INDEX outbox_due ON outbox(due_ms, n) WHERE state = 0;"
	"CREATE INDEX outbox_retried ON outbox(n) WHERE state = 0 AND attempts > 0;"
	"CREATE INDEX outbox_ended ON outbox(state, n) WHERE state <> 0;"
	"CREATE INDEX outbox_owner ON outbox(owner) WHERE owner <> '';"
	"CREATE TABLE webhook(one INTEGER PRIMARY KEY CHECK(one = 1), disabled_ms INTEGER NOT NULL, reason TEXT NOT NULL,"
	" delivered_ms INTEGER NOT NULL);"
	"INSERT INTO webhook VALUES(1, 0, '', 0);"
	"PRAGMA user_version=7;";

/* Images of no owner by what was received too: of each a few bytes, since every upload writes one. */
static const char version_8[] =
	"CREATE INDEX images_unowned ON images(substr(received_sha256,1,16)) WHERE owner = '' AND received_sha256 <> '';"
	"PRAGMA user_version=8;";

static const char version_9[] = "CREATE TABLE migration(one INTEGER PRIMARY KEY CHECK(one = 1), phase INTEGER NOT NULL, id TEXT NOT NULL,"
								" since_ms INTEGER NOT NULL);"
								"PRAGMA user_version=9;";

static const char version_10[] = "CREATE TABLE history(slot INTEGER PRIMARY KEY, minute INTEGER NOT NULL, numbers TEXT NOT NULL);"
								 "PRAGMA user_version=10;";

static const char *const versions[SCHEMA_VERSION] = { version_1, version_2, version_3, version_4, version_5, version_6, version_7,
	version_8, version_9, version_10 };

enum status schema_prepare(struct db *d, const char *path, struct fault *why)
{
	int64_t version = 0, n_tables = 0;

	_Static_assert(COUNT_OF(versions) == SCHEMA_VERSION, "a step for each version");
	TRY(db_ask(d, "PRAGMA user_version", &version, why));
	TRY(db_ask(d, "SELECT count(*) FROM sqlite_schema", &n_tables, why));
	if (version == SCHEMA_VERSION)
		return OK;
	if (version > SCHEMA_VERSION)
		return fault_set(why, SCHEMA_UNKNOWN, "%s was written by a newer tintype (version %lld, this one knows %d); run that one.", path,
			(long long)version, SCHEMA_VERSION);
	if (version < 0 || (version == 0 && n_tables != 0))
		return fault_set(why, SCHEMA_UNKNOWN, "%s is not a tintype database; choose another directory with --data.", path);
	/* All steps that are missing in one transaction: a start that is cut off begins again from the old version. */
	int rc = sqlite3_exec(d->sq, "BEGIN IMMEDIATE", NULL, NULL, NULL);

	for (int64_t v = version; v < SCHEMA_VERSION && rc == SQLITE_OK; v++)
		rc = sqlite3_exec(d->sq, versions[v], NULL, NULL, NULL);
	if (rc == SQLITE_OK && sqlite3_exec(d->sq, "COMMIT", NULL, NULL, NULL) == SQLITE_OK)
		return OK;
	enum status status = db_fault(d, why);
	(void)sqlite3_exec(d->sq, "ROLLBACK", NULL, NULL, NULL);
	return status;
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
		status = fault_set(why, BAD_SETTING,
			"The images of this data directory are in the bucket %.*s, not %.*s: "
			"set BUCKET_NAME=%.*s, or choose another directory with --data.",
			STRF(kept), STRF(name), STRF(kept));
	}
	sqlite3_finalize(s);
	return status;
}

enum status schema_bucket(struct db *d, struct str name, int64_t *id, struct fault *why)
{
	assert(name.n > 0);
	TRY(db_find_bucket(d, name, id, why));
	if (*id != 0)
		return OK;
	TRY(refuse_renaming(d, name, why));
	TRY(db_run(d, DB_BIND(d, Q_BUCKET_ADD, db_text(name), db_text(STR(SCHEMA_OWNER)), db_int(clock_now_ms())), why));
	*id = sqlite3_last_insert_rowid(d->sq);
	return OK;
}

enum status schema_secret(struct db *d, struct str name, char out[SCHEMA_SECRET_CHARS + 1], struct fault *why)
{
	unsigned char bytes[SCHEMA_SECRET_CHARS / 2];

	random_bytes(bytes, sizeof bytes);
	hex_encode(bytes, sizeof bytes, out);
	secret_wipe(bytes, sizeof bytes);
	TRY(db_run(d, DB_BIND(d, Q_SECRET_ADD, db_text(name), db_text((struct str){ out, SCHEMA_SECRET_CHARS })), why));
	return schema_read_secret(d, name, out, why);
}

enum status schema_read_secret(struct db *d, struct str name, char out[SCHEMA_SECRET_CHARS + 1], struct fault *why)
{
	bool row = false;

	sqlite3_stmt *s = DB_BIND(d, Q_SECRET_GET, db_text(name));
	TRY(db_step(d, s, &row, why));
	struct str value = row ? column_borrow(s, 0) : (struct str){ 0 };
	bool good = !row || value.n == SCHEMA_SECRET_CHARS;
	if (good && row)
		memcpy(out, value.p, value.n);
	out[good ? value.n : 0] = '\0';
	sqlite3_reset(s);
	return good ? OK : fault_set(why, STORAGE_FAILED, "A secret in the database is malformed.");
}
