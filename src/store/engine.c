/* Open and close the engine. The directory is locked before anything in it is touched; then keys,
 * database, group commit, crash recovery, publisher. Closing goes the other way: the publisher needs the
 * commit thread, and the commit thread's connection is the last to go, so that SQLite writes its log back. */
#include "store/engine.h"

#include "base/file.h"
#include "base/hash.h"
#include "base/mem.h"
#include "store/tables/images.h"
#include "store/files/io.h"
#include "store/tables/objects.h"
#include "store/db/schema.h"
#include "store/restoration.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#define LOG_AHEAD_BYTES ((off_t)1 << 20)
/* Free space with which every start works: SQLite's index of the log, the first rows of the log, the server's log. */
#define START_MIB 1
/* With less than this above the reserve the server is not ready, whatever the reserve is. */
#define READY_BYTES ((uint64_t)1 << 20)

/* the directory */

static enum status open_dir(struct engine *e, const char *path, struct fault *why)
{
	if (mkdir(path, 0700) != 0 && errno != EEXIST)
		return io_fault_start(why, errno, "make the data directory", path);
	e->dir_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (e->dir_fd < 0)
		return io_fault_start(why, errno, "open the data directory", path);
	/* Readable is all right, what is inside is private. */
	const struct file_rule rule = { .owner = geteuid(), .what = "data directory", .path = path, .instead = "choose another with --data" };
	TRY(file_check_private(e->dir_fd, &rule, why));
	if (faccessat(e->dir_fd, ".", W_OK | X_OK, AT_EACCESS) != 0)
		return io_fault_start(why, errno, "write to the data directory", path);
	if (realpath(path, e->dir) == NULL)
		return io_fault_start(why, errno, "find the data directory", path);
	(void)snprintf(e->db_path, sizeof e->db_path, "%s/tintype.db", e->dir);
	return OK;
}

enum status engine_lock_dir(int dir_fd, const char *dir, int *fd, struct fault *why)
{
	*fd = local_io.open(dir_fd, "lock", O_RDWR | O_CREAT | O_NOFOLLOW, 0600);
	if (*fd < 0)
		return io_fault_start(why, errno, "write to the data directory", dir);
	if (flock(*fd, LOCK_EX | LOCK_NB) == 0)
		return OK;
	if (errno == EWOULDBLOCK)
		return fault_set(why, DIR_LOCKED, "Another tintype server uses this data directory; stop it or choose another with --data.");
	return io_fault_start(why, errno, "lock the data directory", dir);
}

enum status engine_find_database(const char *dir, struct fault *why)
{
	char path[PATH_MAX];

	assert(dir != NULL);
	bool fits = snprintf(path, sizeof path, "%s/tintype.db", dir) < (int)sizeof path;
	if (fits && access(path, R_OK) == 0)
		return OK;
	if (fits && errno == EACCES)
		return fault_set(why, BAD_SETTING, "The database in %s may not be read by this user; run this as the server's user.", dir);
	return fault_set(why, BAD_SETTING, "There is no database in %s; name the data directory with --data.", dir);
}

static enum status check_restored(const struct engine *e, struct fault *why)
{
	if (faccessat(e->dir_fd, RESTORATION_NAME, F_OK, AT_SYMLINK_NOFOLLOW) != 0)
		return OK;
	return fault_set(why, STORAGE_FAILED, "A restore into %s was cut off; run `tintype restore` again.", e->dir);
}

bool engine_in_use(const char *dir)
{
	char path[PATH_MAX];

	assert(dir != NULL);
	(void)snprintf(path, sizeof path, "%s/lock", dir);
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	bool used = fd >= 0 && flock(fd, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK;
	io_close(fd);
	return used;
}

/* A record lock of fcntl(2) does not conflict with the server's flock(2) on the same file. */
enum status engine_lock_source(const char *dir, int *fd, struct fault *why)
{
	char path[PATH_MAX];
	struct flock first = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_len = 1 };

	assert(dir != NULL && fd != NULL);
	(void)snprintf(path, sizeof path, "%s/lock", dir);
	*fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
	if (*fd < 0 && errno == ENOENT)
		return OK;
	if (*fd < 0)
		return io_fault_start(why, errno, "write to the data directory", dir);
	if (fcntl(*fd, F_OFD_SETLK, &first) == 0)
		return OK;
	if (errno == EAGAIN || errno == EACCES)
		return fault_set(why, DIR_LOCKED, "Another tintype migrate from %s is running: wait until it has ended.", dir);
	return io_fault_start(why, errno, "lock the data directory", dir);
}

/* the database */

/* On the terminal the cause is part of the sentence. */
static enum status explain_failure(enum status status, const struct engine *e, struct fault *why)
{
	char cause[sizeof why->cause];

	if (status == OK || why == NULL || why->code == F_DISK_FULL || why->cause[0] == '\0')
		return status;
	memcpy(cause, why->cause, sizeof cause);
	return fault_set(why, STORAGE_FAILED, "Cannot use the data in %s (%s).", e->dir, cause);
}

static enum status open_tables(struct engine *e, struct fault *why)
{
	struct writer *w = &e->group_commit.writer;

	TRY(db_open(&w->db, e->db_path, DB_WRITE, why));
	TRY(schema_prepare(&w->db, e->db_path, why));
	TRY(schema_secret(&w->db, STR("delivery"), e->delivery_key, why));
	return schema_bucket(&w->db, str_of(e->bucket), &w->image_bucket, why);
}

/* the whole */

/* Create the database's file with a private mode; SQLite gives its log the same. */
static enum status make_database(struct engine *e, struct fault *why)
{
	const struct file_rule rule = { .owner = geteuid(), .what = "database in", .path = e->dir, .instead = "choose another with --data" };

	e->db_fd = local_io.open(e->dir_fd, "tintype.db", O_RDWR | O_CREAT | O_NOFOLLOW, 0600);
	if (e->db_fd < 0)
		return io_fault_start(why, errno, "open the database in", e->dir);
	return file_check_private(e->db_fd, &rule, why);
}

/* Make the names of what was created here durable, and that of the data directory in its parent; at each start, since an
 * earlier one may have been cut off. Without permission to open the parent, sync the whole file system. */
static enum status sync_names(struct engine *e, struct fault *why)
{
	if (local_io.fsync(e->dir_fd) != 0)
		return io_fault_start(why, errno, "sync the data directory", e->dir);
	int parent = local_io.open(e->dir_fd, "..", O_RDONLY | O_DIRECTORY, 0);
	int rc = parent >= 0 ? local_io.fsync(parent) : syncfs(e->dir_fd);
	io_close(parent);
	return rc == 0 ? OK : io_fault_start(why, errno, "sync the directory that holds", e->dir);
}

static enum status open_all(struct engine *e, const struct engine_options *o, struct fault *why)
{
	e->bucket = mem_dup_cstr(o->bucket);
	e->region = mem_dup_cstr(o->region);
	e->public_url = mem_dup_cstr(o->public_url);
	if (e->bucket == NULL || e->region == NULL || e->public_url == NULL)
		return fault_no_memory(why);
	TRY(open_dir(e, o->dir, why));
	TRY(engine_lock_dir(e->dir_fd, e->dir, &e->lock_fd, why));
	TRY(check_restored(e, why));
	e->space = (struct space){ .fd = e->dir_fd, .reserve_bytes = o->reserve_bytes };
	space_open(&e->space);
	TRY(credentials_open(&e->keys, e->dir_fd, e->dir, why));
	TRY(tree_open(&e->tree, e->dir_fd, why));
	TRY(make_database(e, why));
	read_pool_init(&e->read_pool, e->db_path);
	object_cache_init(&e->object_cache);
	row_cache_init(&e->row_cache);
	row_watch_init(&e->row_watch);
	TRY(explain_failure(open_tables(e, why), e, why));
	/* The log has some room before it is needed. It is made by the first statement; nothing locks it, so that its file may be
	 * opened and closed. What a full disk refuses here is not needed yet. */
	int fd = local_io.open(e->dir_fd, "tintype.db-wal", O_WRONLY | O_NOFOLLOW, 0);

	if (fd >= 0)
		(void)local_io.fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, LOG_AHEAD_BYTES);
	io_close(fd);
	TRY(sync_names(e, why));
	struct writer *w = &e->group_commit.writer;

	w->tree = &e->tree;
	w->space = &e->space;
	w->object_cache = &e->object_cache;
	w->row_cache = &e->row_cache;
	w->row_watch = &e->row_watch;
	w->publisher = &e->publisher;
	w->note_trash = publisher_note_trash;
	w->max_pending = o->max_pending;
	w->quota = o->quota;
	w->is_migration = o->is_migration;
	w->owners = &e->owners;
	w->db_fd = e->db_fd;
	publisher_init(&e->publisher, e);
	TRY(group_commit_start(&e->group_commit, why));
	TRY(explain_failure(tree_skip_used(&e->tree, why), e, why));
	TRY(explain_failure(publisher_recover(e, why), e, why));
	return publisher_start(&e->publisher, why);
}

static struct engine *new_engine(const struct engine_options *o)
{
	struct engine *e = mem_new(1, sizeof *e);

	assert(o->dir != NULL && o->small_bytes <= BUCKET_SMALL_BYTES);
	if (e == NULL)
		return NULL;
	e->ports = (struct engine_ports){
		.store = { &objects_ops },
		.table = { &images_ops },
		.users = { &users_ops },
		.api_keys = { &api_keys_ops },
		.buckets = { &staging_ops },
		.catalog = { &catalog_ops },
		.parts = { &parts_ops },
		.admin_query = { &sqlite_admin_query_ops },
		.outbox = { &sqlite_outbox_ops },
		.transfer = { .ops = &sqlite_transfer_ops },
		.history = { &sqlite_history_ops },
		.check = { &check_ops },
		.ring = &e->keys.ring,
	};
	digest_queue_init(&e->digest_queue);
	e->small_bytes = (size_t)o->small_bytes;
	e->dir_fd = e->lock_fd = e->db_fd = e->tree.incoming_fd = e->tree.objects_fd = -1;
	return e;
}

enum status engine_open(const struct engine_options *o, struct engine **out, struct fault *why)
{
	struct engine *e = new_engine(o);

	assert(why != NULL);
	if (e == NULL)
		return fault_no_memory(why);
	enum status status = open_all(e, o, why);
	if (status == OK) {
		*out = e;
		return OK;
	}
	engine_free(&e);
	/* Whichever step found it: the start needs what START_MIB says, and a database that is there nothing more. */
	return why->code != F_DISK_FULL
		? status
		: fault_set(why, DISK_FULL, "The disk that holds %s is full: free at least %d MiB there and start again.", o->dir, START_MIB);
}

static enum status check_tables(struct engine *e, struct fault *why)
{
	struct db *d CLEANUP(read_pool_release) = NULL;
	int64_t version = 0;

	TRY(explain_failure(read_pool_acquire(&e->read_pool, &d, why), e, why));
	TRY(explain_failure(db_ask(d, "PRAGMA user_version", &version, why), e, why));
	if (version != SCHEMA_VERSION)
		return fault_set(why, SCHEMA_UNKNOWN,
			"The database in %s has version %lld, and this program reads %d: use the program that the server runs, or start the server with "
			"this one first.",
			e->dir, (long long)version, SCHEMA_VERSION);
	TRY(explain_failure(db_find_bucket(d, str_of(e->bucket), &e->group_commit.writer.image_bucket, why), e, why));
	if (e->group_commit.writer.image_bucket != 0)
		return explain_failure(schema_read_secret(d, STR("delivery"), e->delivery_key, why), e, why);
	return fault_set(why, NO_SUCH_BUCKET, "There is no bucket %s in %s: set BUCKET_NAME to the server's.", e->bucket, e->dir);
}

static enum status open_to_read(struct engine *e, const struct engine_options *o, struct fault *why)
{
	e->beside = true;
	e->bucket = mem_dup_cstr(o->bucket);
	if (e->bucket == NULL)
		return fault_no_memory(why);
	e->dir_fd = open(o->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (e->dir_fd < 0 || realpath(o->dir, e->dir) == NULL)
		return io_fault_start(why, errno, "open the data directory", o->dir);
	(void)snprintf(e->db_path, sizeof e->db_path, "%s/tintype.db", e->dir);
	TRY(tree_open_to_read(&e->tree, e->dir_fd, why));
	read_pool_init(&e->read_pool, e->db_path);
	object_cache_init(&e->object_cache);
	row_cache_init(&e->row_cache);
	row_watch_init(&e->row_watch);
	return check_tables(e, why);
}

enum status engine_open_beside(const struct engine_options *o, struct engine **out, struct fault *why)
{
	struct engine *e = new_engine(o);

	assert(why != NULL);
	if (e == NULL)
		return fault_no_memory(why);
	enum status status = open_to_read(e, o, why);
	if (status == OK)
		*out = e;
	else
		engine_free(&e);
	return status;
}

void engine_free(struct engine **ep)
{
	struct engine *e = *ep;

	*ep = NULL;
	if (e == NULL)
		return;
	publisher_stop(&e->publisher);
	group_commit_stop(&e->group_commit);
	if (e->read_pool.path != NULL) {
		read_pool_deinit(&e->read_pool);
		object_cache_deinit(&e->object_cache);
		row_cache_deinit(&e->row_cache);
		row_watch_deinit(&e->row_watch);
	}
	db_close(&e->group_commit.writer.db);
	io_close(e->db_fd);
	credentials_close(&e->keys);
	digest_queue_deinit(&e->digest_queue);
	tree_close(&e->tree);
	io_close(e->lock_fd);
	io_close(e->dir_fd);
	mem_free(e->bucket);
	mem_free(e->region);
	mem_free(e->public_url);
	secret_wipe(e->delivery_key, sizeof e->delivery_key);
	mem_free(e);
}

struct engine_ports *engine_ports(struct engine *e)
{
	return &e->ports;
}

struct str engine_delivery_key(const struct engine *e)
{
	assert(e != NULL && (e->beside || e->delivery_key[0] != '\0'));
	return str_of(e->delivery_key);
}

struct secret_change {
	struct change change;
	struct str value;
};

static enum status apply_delivery_key(struct writer *w, struct change *c)
{
	return writer_run(w, DB_BIND(&w->db, Q_SECRET_SET, db_text(STR("delivery")), db_text(((const struct secret_change *)c)->value)));
}

enum status engine_set_delivery_key(struct engine *e, struct str key, struct fault *why)
{
	struct secret_change sc = { .change = { .apply = apply_delivery_key, .why = why }, .value = key };

	assert(key.n == SCHEMA_SECRET_CHARS);
	TRY(group_commit_run(&e->group_commit, &sc.change));
	memcpy(e->delivery_key, key.p, key.n);
	return OK;
}

enum status engine_ready(struct engine *e, struct fault *why)
{
	assert(e->group_commit.started);
	/* A commit of the counters alone: it writes, syncs, and fails as a real one would. */
	struct change change = { .why = why };

	TRY(space_check(&e->space, READY_BYTES, SPACE_FILE, why));
	return group_commit_run(&e->group_commit, &change);
}

static enum status measure_db(struct engine *e, uint64_t *bytes, struct fault *why)
{
	int64_t pages = 0;

	TRY(db_ask(&e->group_commit.writer.db, "PRAGMA page_count", &pages, why));
	*bytes = (uint64_t)(pages * e->group_commit.writer.page_bytes);
	return OK;
}

enum status engine_compact(struct engine *e, uint64_t *before, uint64_t *after, struct fault *why)
{
	static const char compact[] = "PRAGMA temp_store=FILE; PRAGMA auto_vacuum=INCREMENTAL; VACUUM; PRAGMA wal_checkpoint(TRUNCATE)";
	struct db *d = &e->group_commit.writer.db;

	assert(e->publisher.started && e->group_commit.started);
	publisher_stop(&e->publisher);
	group_commit_stop(&e->group_commit);
	TRY(measure_db(e, before, why));
	if (sqlite3_exec(d->sq, compact, NULL, NULL, NULL) == SQLITE_OK)
		return measure_db(e, after, why);
	enum status status = explain_failure(db_fault(d, why), e, why);
	return why->code != F_DISK_FULL
		? status
		: fault_set(why, DISK_FULL,
			  "Not enough free space to rewrite the database: %s needs as much as the database's content, and so does "
			  "/var/tmp (or $SQLITE_TMPDIR).",
			  e->dir);
}

void engine_watch(struct engine *e, void (*changed)(void *arg, struct str key), void *arg)
{
	assert(e != NULL);
	row_watch_set(&e->row_watch, changed, arg);
}

void engine_measure(struct engine *e)
{
	space_measure(&e->space);
}
