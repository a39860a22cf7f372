/* See snapshot.h. The copy is made by SQLite's backup API under one read transaction, so that it is not begun again when a server writes
 * meanwhile. Pages keep their numbers: copies of successive states differ in few places. Then it is turned into a database without a log,
 * and the secrets are overwritten in it. */
#include "store/snapshot.h"

#include "base/file.h"
#include "base/mem.h"
#include "store/db/db.h"
#include "store/db/schema.h"
#include "store/files/hold.h"
#include "store/files/io.h"
#include "store/files/tree.h"
#include "store/keys/key_file.h"
#include "store/store.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* ROW_INLINED is spelt out for the indexes that have this condition; they give the order too. */
static const char files_query[] =
	"SELECT file, size, etag, file IN (SELECT o.file FROM images AS i JOIN objects AS o ON o.key = i.key AND o.bucket IN (SELECT id FROM buckets)"
	" WHERE i.damage LIKE 'object\\_%' ESCAPE '\\') FROM objects WHERE (flags & 32) = 0"
	" UNION ALL SELECT file, size, etag, 0 FROM parts WHERE (flags & 32) = 0 ORDER BY file";
/* The image bucket, which each first start makes. */
static const char source_query[] = "SELECT created_ms FROM buckets ORDER BY id LIMIT 1";
/* The hold is renewed after so many pages were copied, or so many steps of SQLite's virtual machine. */
#define STEP_PAGES 16384
#define STEP_INSTRUCTIONS 1000000

static const char copy_pragmas[] = "PRAGMA locking_mode=EXCLUSIVE; PRAGMA synchronous=OFF; PRAGMA temp_store=MEMORY;";
static const char without_log[] = "PRAGMA journal_mode=OFF;";
/* What a server makes again by itself. Of API keys and delete tokens there are only hashes, of random texts that cannot be guessed. */
static const char without_secrets[] = "PRAGMA secure_delete=ON; DELETE FROM secrets;";

struct snapshot {
	const struct snapshot_options *o; /* while it is taken */
	struct fault stopped;             /* why it is to end */
	char dir[PATH_MAX], copy[PATH_MAX];
	int dir_fd, copy_fd;
	struct hold hold;
	struct tree tree;
	struct db db;   /* the copy */
	int64_t source; /* see snapshot_source */
	sqlite3_stmt *files;
};

/* The sentence for the terminal has SQLite's own words. */
static enum status explain(struct db *d, const char *what, const char *path, struct fault *why)
{
	char cause[sizeof why->cause];

	(void)db_fault(d, why);
	bool full = why->code == F_DISK_FULL;
	memcpy(cause, why->cause, sizeof cause);
	return full ? fault_set(why, DISK_FULL, "Cannot %s %s: the disk is full.", what, path)
				: fault_set(why, STORAGE_FAILED, "Cannot %s %s (%s).", what, path, cause);
}

static enum status check_source(struct db *d, const char *path, struct fault *why)
{
	int64_t version = 0;

	if (db_ask(d, "PRAGMA user_version", &version, why) != OK)
		return explain(d, "read", path, why);
	return version == SCHEMA_VERSION
		? OK
		: fault_set(why, SCHEMA_UNKNOWN,
			  "%s has version %lld, this tintype knows %d: use the program of the server, or start the server with this one once.", path,
			  (long long)version, SCHEMA_VERSION);
}

static enum status proceed(struct snapshot *s, struct fault *why)
{
	TRY(hold_renew(&s->hold, why));
	return s->o->proceed != NULL ? s->o->proceed(s->o->arg, why) : OK;
}

/* Both databases are open. */
static enum status copy_pages(struct snapshot *s, struct db *from, struct fault *why)
{
	enum status status = OK;
	sqlite3_backup *b = sqlite3_backup_init(s->db.sq, "main", from->sq, "main");
	int rc = SQLITE_OK;

	while (b != NULL && rc == SQLITE_OK && status == OK) {
		rc = sqlite3_backup_step(b, STEP_PAGES);
		status = proceed(s, why);
	}
	(void)sqlite3_backup_finish(b);
	TRY(status);
	return rc == SQLITE_DONE ? OK : explain(&s->db, "copy the database to", s->copy, why);
}

static enum status copy_database(struct snapshot *s, struct fault *why)
{
	char path[PATH_MAX];
	struct db from;

	if (snprintf(path, sizeof path, "%s/tintype.db", s->dir) >= (int)sizeof path)
		return fault_set(why, BAD_SETTING, "The name of the data directory is too long.");
	if (db_open(&from, path, DB_READ, why) != OK)
		return fault_set(why, STORAGE_FAILED, "Cannot open %s: is it a database of tintype?", path);
	/* The transaction begins with the first read. */
	enum status status =
		sqlite3_exec(from.sq, "BEGIN", NULL, NULL, NULL) == SQLITE_OK ? check_source(&from, path, why) : explain(&from, "read", path, why);
	if (status == OK)
		status = copy_pages(s, &from, why);
	db_close(&from);
	return status;
}

static enum status open_copy(struct snapshot *s, struct fault *why)
{
	(void)unlink(s->copy);
	s->copy_fd = open(s->copy, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (s->copy_fd < 0)
		return io_fault_start(why, errno, "make a copy of the database,", s->copy);
	if (sqlite3_open_v2(s->copy, &s->db.sq, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL) != SQLITE_OK ||
		sqlite3_exec(s->db.sq, copy_pragmas, NULL, NULL, NULL) != SQLITE_OK)
		return explain(&s->db, "open", s->copy, why);
	return OK;
}

static int ask_to_proceed(void *arg)
{
	struct snapshot *s = arg;

	return proceed(s, &s->stopped) != OK;
}

/* A copy of what is damaged would take the place of one that is not. */
static enum status check_copy(struct snapshot *s, struct fault *why)
{
	sqlite3_stmt *check = NULL;
	bool row = false;

	sqlite3_progress_handler(s->db.sq, STEP_INSTRUCTIONS, ask_to_proceed, s);
	(void)sqlite3_prepare_v2(s->db.sq, "PRAGMA quick_check(1)", -1, &check, NULL);
	enum status status = db_step(&s->db, check, &row, why);
	sqlite3_progress_handler(s->db.sq, 0, NULL, NULL);
	struct str found = status == OK && row ? column_borrow(check, 0) : STR("it cannot be read");
	if (!str_equal(found, STR("ok")))
		status = fault_set(why, DATA_DAMAGED, "The database in %s is damaged (%.*s). Earlier backups are as they were.", s->dir,
			(int)(found.n < 120 ? found.n : 120), found.p);
	sqlite3_finalize(check);
	if (s->stopped.code != F_NONE) {
		*why = s->stopped;
		return fault_status(why->code);
	}
	return status;
}

static enum status make_copy(struct snapshot *s, bool secrets, struct fault *why)
{
	TRY(open_copy(s, why));
	TRY(copy_database(s, why));
	if (sqlite3_exec(s->db.sq, without_log, NULL, NULL, NULL) != SQLITE_OK)
		return explain(&s->db, "write", s->copy, why);
	TRY(check_copy(s, why));
	if (!secrets && sqlite3_exec(s->db.sq, without_secrets, NULL, NULL, NULL) != SQLITE_OK)
		return explain(&s->db, "write", s->copy, why);
	if (db_ask(&s->db, source_query, &s->source, why) != OK || sqlite3_prepare_v2(s->db.sq, files_query, -1, &s->files, NULL) != SQLITE_OK)
		return explain(&s->db, "read", s->copy, why);
	return OK;
}

static enum status open_files(struct snapshot *s, struct fault *why)
{
	TRY(engine_find_database(s->dir, why));
	s->dir_fd = open(s->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (s->dir_fd < 0)
		return io_fault_start(why, errno, "open the data directory", s->dir);
	return tree_open_to_read(&s->tree, s->dir_fd, why);
}

enum status snapshot_take(const struct snapshot_options *o, struct snapshot **out, struct fault *why)
{
	assert(o != NULL && o->dir != NULL && o->copy != NULL);
	struct snapshot *s = mem_new(1, sizeof *s);

	if (s == NULL)
		return fault_no_memory(why);
	s->o = o;
	s->dir_fd = s->copy_fd = s->hold.fd = s->tree.incoming_fd = s->tree.objects_fd = -1;
	bool fits = snprintf(s->dir, sizeof s->dir, "%s", o->dir) < (int)sizeof s->dir &&
		snprintf(s->copy, sizeof s->copy, "%s", o->copy) < (int)sizeof s->copy;
	enum status status = fits ? open_files(s, why) : fault_set(why, BAD_SETTING, "The name of a directory is too long.");
	if (status == OK)
		status = hold_take(&s->hold, s->dir_fd, why);
	if (status == OK)
		status = make_copy(s, o->secrets, why);
	if (status == OK)
		*out = s;
	else
		snapshot_free(&s);
	return status;
}

void snapshot_free(struct snapshot **at)
{
	struct snapshot *s = *at;

	*at = NULL;
	if (s == NULL)
		return;
	sqlite3_finalize(s->files);
	db_close(&s->db);
	if (s->copy_fd >= 0)
		(void)unlink(s->copy);
	io_close(s->copy_fd);
	tree_close(&s->tree);
	hold_release(&s->hold);
	io_close(s->dir_fd);
	mem_free(s);
}

int snapshot_schema(const struct snapshot *s)
{
	assert(s != NULL);
	return SCHEMA_VERSION;
}

uint64_t snapshot_source(const struct snapshot *s)
{
	assert(s != NULL);
	return (uint64_t)s->source;
}

int snapshot_database(const struct snapshot *s)
{
	assert(s != NULL && s->copy_fd >= 0);
	return s->copy_fd;
}

enum status snapshot_renew(struct snapshot *s, struct fault *why)
{
	return hold_renew(&s->hold, why);
}

enum status snapshot_next(struct snapshot *s, struct snapshot_file *out, bool *more, struct fault *why)
{
	TRY(db_step(&s->db, s->files, more, why));
	if (!*more)
		return OK;
	struct str etag = column_borrow(s->files, 2);
	*out =
		(struct snapshot_file){ .file = (uint64_t)sqlite3_column_int64(s->files, 0), .size = (uint64_t)sqlite3_column_int64(s->files, 1) };
	if (etag.n == 0 || etag.n > SNAPSHOT_ETAG_MAX || !str_consists_of_lower(etag, STR("-")))
		return fault_set(why, DATA_DAMAGED, "File %llu has a malformed ETag in the database.", (unsigned long long)out->file);
	memcpy(out->etag, etag.p, etag.n);
	out->is_marked = sqlite3_column_int(s->files, 3) != 0;
	return OK;
}

int snapshot_open_file(const struct snapshot *s, uint64_t file)
{
	assert(s != NULL);
	return tree_read(&s->tree, file);
}

enum status snapshot_credentials(const struct snapshot *s, struct buf *out, struct fault *why)
{
	struct stat st;

	return key_file_read(s->dir_fd, s->dir, out, &st, why);
}
