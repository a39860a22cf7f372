/* The commit thread: batches, their transaction, and the writing back of the log. See group_commit.h. */
#include "store/db/group_commit.h"

#include "base/log/log.h"
#include "base/metrics.h"
#include "base/thread.h"
#include "port/outbox.h"
#include "store/db/owners.h"
#include "store/db/phase.h"
#include "store/files/io.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>

/* Frames (of one page) after which the log is written back: long enough to write a page that changes
 * often once, short enough that a start after a crash reads it in no time. */
#define CHECKPOINT_FRAMES 8000
/* The fewest, where there is not much room: the log must not take it. */
#define CHECKPOINT_FRAMES_LOW 256
/* The database's room is allocated in steps of so much, and new rows need so much of it ahead of them. */
#define AHEAD_STEP_BYTES ((int64_t)1 << 20)
#define AHEAD_ROWS_BYTES ((int64_t)128 << 10)
/* So many free pages are kept, and a quarter of the database at most; so many are given back in one step. */
#define SPARE_PAGES 1024
#define VACUUM_STEP "PRAGMA incremental_vacuum(256)"

enum status writer_fail(struct writer *w)
{
	assert(w->failure.code != F_NONE);
	w->broken = true;
	return fault_status(w->failure.code);
}

static int count_frames(void *arg, sqlite3 *sq, const char *name, int frames)
{
	struct writer *w = arg;

	(void)sq;
	(void)name;
	w->wal_frames = frames;
	return SQLITE_OK;
}

static enum status load_counters(struct writer *w, struct fault *why)
{
	sqlite3_stmt *s = db_query(&w->db, Q_COUNTERS_LOAD);
	bool row = false;

	TRY(db_step(&w->db, s, &row, why));
	if (!row)
		return fault_set(why, STORAGE_FAILED, "The counters row is missing from the database.");
	w->counters.images.pending = (uint64_t)sqlite3_column_int64(s, 0);
	w->counters.images.uploaded = (uint64_t)sqlite3_column_int64(s, 1);
	w->counters.images.rejected = (uint64_t)sqlite3_column_int64(s, 2);
	w->counters.images.stored_bytes = (uint64_t)sqlite3_column_int64(s, 3);
	w->counters.next_seq = sqlite3_column_int64(s, 4);
	atomic_store(&w->tree->next_file, (uint64_t)sqlite3_column_int64(s, 5));
	sqlite3_reset(s);
	return OK;
}

static void publish_counts(struct group_commit *c)
{
	const struct image_counts *now = &c->saved.images;

	pthread_mutex_lock(&c->counts_lock);
	c->counts = *now;
	pthread_mutex_unlock(&c->counts_lock);
	metric_set(M_IMAGES_PENDING, (int64_t)now->pending);
	metric_set(M_IMAGES_UPLOADED, (int64_t)now->uploaded);
	metric_set(M_IMAGES_REJECTED, (int64_t)now->rejected);
	metric_set(M_STORED_BYTES, (int64_t)now->stored_bytes);
}

void group_commit_counts(struct group_commit *c, struct image_counts *out)
{
	pthread_mutex_lock(&c->counts_lock);
	*out = c->counts;
	pthread_mutex_unlock(&c->counts_lock);
}

/* Everything that waits, oldest first; NULL when there is nothing and no more will come. */
static struct change *take_batch(struct group_commit *c)
{
	pthread_mutex_lock(&c->lock);
	while (c->first == NULL && !c->stopping)
		pthread_cond_wait(&c->queued, &c->lock);
	struct change *batch = c->first;
	c->first = NULL;
	c->last = &c->first;
	pthread_mutex_unlock(&c->lock);
	return batch;
}

/* the room of the database */

/* Whether the first `bytes` of the database's file have their room on the disk, which is allocated if need be, with
 * more after it. On a file system that cannot allocate, the room is assumed to be there. */
static bool allocate_ahead(struct writer *w, int64_t bytes)
{
	struct stat st;

	if (w->ahead_bytes == 0 && fstat(w->db_fd, &st) == 0)
		w->ahead_bytes = st.st_size;
	if (bytes <= w->ahead_bytes)
		return true;
	for (int64_t to = bytes + AHEAD_STEP_BYTES; to >= bytes; to -= AHEAD_STEP_BYTES) {
		if (local_io.fallocate(w->db_fd, FALLOC_FL_KEEP_SIZE, 0, to) == 0) {
			w->ahead_bytes = to;
			return true;
		}
		if (!io_is_full(errno))
			return true;
	}
	return false;
}

/* SQLite prepares a PRAGMA anew each time it runs: so the size is remembered, and free pages are counted only where there
 * may be some. */
static bool count_pages(struct writer *w)
{
	return w->pages > 0 || writer_read_number(w, db_query(&w->db, Q_PAGES), &w->pages) == OK;
}

/* Whether this batch may make rows. */
static bool rows_fit(struct writer *w)
{
	return space_for_rows(w->space) && count_pages(w) && allocate_ahead(w, w->pages * w->page_bytes + AHEAD_ROWS_BYTES);
}

/* Deletes make them, and inserts use them. */
static int64_t count_free_pages(struct writer *w)
{
	int64_t pages = 0;

	if ((!w->has_deleted && atomic_load(&w->space->reusable_bytes) == 0) ||
		writer_read_number(w, db_query(&w->db, Q_FREE_PAGES), &pages) != OK)
		return 0;
	atomic_store(&w->space->reusable_bytes, (uint64_t)(pages * w->page_bytes));
	w->has_deleted = false;
	return pages;
}

/* the batches */

/* `tintype migrate` writes it from another process; in this transaction it stays what it is. */
static enum status read_phase(struct writer *w)
{
	enum status status = phase_read(&w->db, &w->phase, &w->failure);

	w->broken = w->broken || status != OK;
	return status;
}

static enum status commit_batch(struct writer *w, struct change *batch)
{
	const struct change *named = batch;

	/* The names of all new files are on the disk before the rows that name them. */
	while (named != NULL && !named->names_file)
		named = named->next;
	if (named != NULL && local_io.fsync(w->tree->incoming_fd) != 0)
		return io_fault(&w->failure, errno, "sync incoming/");
	TRY(writer_run(w, db_query(&w->db, Q_BEGIN)));
	TRY(read_phase(w));
	for (struct change *c = batch; c != NULL; c = c->next) {
		c->status = c->apply != NULL ? c->apply(w, c) : OK;
		if (w->broken)
			return fault_status(w->failure.code);
	}
	const struct image_counts *n = &w->counters.images;

	TRY(owners_save(w));
	TRY(writer_run(w,
		DB_BIND(&w->db, Q_COUNTERS_SAVE, db_int((int64_t)n->pending), db_int((int64_t)n->uploaded), db_int((int64_t)n->rejected),
			db_int((int64_t)n->stored_bytes), db_int(w->counters.next_seq), db_int((int64_t)atomic_load(&w->tree->next_file)))));
	TRY(writer_read_number(w, db_query(&w->db, Q_PAGES), &w->pages));
	if (!allocate_ahead(w, w->pages * w->page_bytes)) {
		w->broken = true;
		return io_fault(&w->failure, ENOSPC, "allocate room for the database");
	}
	return writer_run(w, db_query(&w->db, Q_COMMIT));
}

static void roll_back(struct writer *w)
{
	struct fault ignored;

	w->pages = 0;
	owners_clear(w->owners);
	for (int i = 0; i < QUERIES; i++)
		sqlite3_reset(w->db.statements[i]);
	/* After some failures SQLite has rolled back by itself. */
	if (sqlite3_get_autocommit(w->db.sq) == 0 && db_run(&w->db, db_query(&w->db, Q_ROLLBACK), &ignored) != OK)
		LOG(STORE_FAILED, STR(""), LOG_C("cause", ignored.cause));
}

static void fail_all(struct writer *w, struct change *batch)
{
	for (struct change *c = batch; c != NULL; c = c->next) {
		c->status = fault_status(w->failure.code);
		if (c->why != NULL)
			*c->why = w->failure;
	}
}

static int64_t wake_all(struct change *batch)
{
	int64_t n = 0;

	while (batch != NULL) {
		struct change *next = batch->next; /* the change is gone once its waiter runs */
		batch->done(batch);
		batch = next;
		n++;
	}
	return n;
}

static bool commit_all(struct group_commit *c, struct change *batch)
{
	struct writer *w = &c->writer;

	assert(batch != NULL);
	w->broken = w->trashed = w->has_trash = w->has_events = false;
	row_watch_begin(w->row_watch);
	w->rows_fit = rows_fit(w);
	if (!w->broken && commit_batch(w, batch) == OK) {
		c->saved = w->counters;
		if (w->trashed)
			object_cache_clear(w->object_cache);
		row_cache_clear(w->row_cache);
		row_watch_tell(w->row_watch);
		if (w->has_trash)
			w->note_trash(w->publisher);
		if (w->has_events && w->outbox_source != NULL)
			w->outbox_source->changed(w->outbox_source->arg);
		publish_counts(c);
		metric_add(M_COMMITS, 1);
		metric_add(M_COMMITTED_CHANGES, wake_all(batch));
		return true;
	}
	roll_back(w);
	/* A commit that failed in its sync may still lie whole in the log, and a crash would bring it back
	 * after its waiters were notified that it failed. A small commit in its place overwrites it. If that
	 * fails too, the next one that succeeds does it. */
	struct fault kept = w->failure;

	w->broken = false;
	w->counters = c->saved;
	if (commit_batch(w, NULL) != OK)
		roll_back(w);
	w->broken = true;
	w->failure = kept;
	return false;
}

/* Readers may keep the last frames from being written back; then it is tried again a while later. */
static void write_back(struct writer *w, int *due)
{
	int left = 0, done = 0;
	int rc = sqlite3_wal_checkpoint_v2(w->db.sq, NULL, SQLITE_CHECKPOINT_PASSIVE, &left, &done);
	bool whole = rc == SQLITE_OK && left == done;

	*due = whole ? CHECKPOINT_FRAMES : w->wal_frames + CHECKPOINT_FRAMES / 4;
	w->wal_frames = 0;
	/* After the file was written back to, which may have cut off what lay after its end. */
	w->ahead_bytes = 0;
}

static void run_batch(struct group_commit *c, struct change *batch, int *due)
{
	struct writer *w = &c->writer;

	if (commit_all(c, batch))
		return;
	if (w->failure.code != F_DISK_FULL) {
		fail_all(w, batch);
		(void)wake_all(batch);
		return;
	}
	/* A log that is written back is restarted in the room that it has, and what makes room must not fail for
	 * the sake of what needs some. */
	write_back(w, due);
	space_drop_ballast(w->space);
	while (batch != NULL) {
		struct change *one = batch;
		batch = batch->next;
		one->next = NULL;
		if (commit_all(c, one))
			continue;
		fail_all(w, one);
		(void)wake_all(one);
	}
}

/* Whether the next change is there already. */
static bool is_wanted(struct group_commit *c)
{
	pthread_mutex_lock(&c->lock);
	bool wanted = c->first != NULL || c->stopping;
	pthread_mutex_unlock(&c->lock);
	return wanted;
}

static void tidy_up(struct group_commit *c, int *due)
{
	struct writer *w = &c->writer;
	uint64_t spare = space_spare_pages(w->space, (uint64_t)w->page_bytes);

	if (w->wal_frames >= *due || (uint64_t)w->wal_frames >= (spare > CHECKPOINT_FRAMES_LOW ? spare : CHECKPOINT_FRAMES_LOW))
		write_back(w, due);
	/* Give free pages beyond those worth keeping back to the file system. */
	int64_t before = count_free_pages(w), pages = before;
	bool can_vacuum = pages > 0 && w->can_vacuum && count_pages(w);
	uint64_t most = w->pages / 4 > SPARE_PAGES ? (uint64_t)w->pages / 4 : SPARE_PAGES;

	while (can_vacuum && (uint64_t)pages > (spare < most ? spare : most) && !is_wanted(c)) {
		int64_t last = pages;
		can_vacuum = sqlite3_exec(w->db.sq, VACUUM_STEP, NULL, NULL, NULL) == SQLITE_OK;
		pages = count_free_pages(w);
		can_vacuum = can_vacuum && pages < last;
	}
	if (pages < before) {
		w->pages = 0;
		write_back(w, due); /* the file becomes shorter only now */
	}
	space_renew_ballast(w->space);
}

static void *run_thread(void *arg)
{
	struct group_commit *c = arg;
	struct change *batch;
	int due = CHECKPOINT_FRAMES;

	c->writer.has_deleted = true; /* by earlier runs */
	tidy_up(c, &due);
	while ((batch = take_batch(c)) != NULL) {
		run_batch(c, batch, &due);
		tidy_up(c, &due);
	}
	return NULL;
}

enum status group_commit_start(struct group_commit *c, struct fault *why)
{
	assert(c->writer.tree != NULL && c->writer.space != NULL && c->writer.db_fd >= 0 && c->writer.image_bucket > 0);
	c->first = NULL;
	c->last = &c->first;
	TRY(load_counters(&c->writer, why));
	int64_t mode = 0;
	TRY(db_ask(&c->writer.db, "PRAGMA page_size", &c->writer.page_bytes, why));
	TRY(db_ask(&c->writer.db, "PRAGMA auto_vacuum", &mode, why));
	c->writer.can_vacuum = mode != 0;
	c->saved = c->writer.counters;
	sqlite3_wal_hook(c->writer.db.sq, count_frames, &c->writer);
	pthread_mutex_init(&c->lock, NULL);
	pthread_mutex_init(&c->counts_lock, NULL);
	pthread_cond_init(&c->queued, NULL);
	publish_counts(c);
	if (!thread_start(&c->thread, run_thread, c))
		return fault_set(why, STORAGE_FAILED, "Cannot start a thread.");
	c->started = true;
	return OK;
}

void group_commit_stop(struct group_commit *c)
{
	if (!c->started)
		return;
	pthread_mutex_lock(&c->lock);
	c->stopping = true;
	pthread_cond_signal(&c->queued);
	pthread_mutex_unlock(&c->lock);
	pthread_join(c->thread, NULL);
	assert(c->first == NULL);
	pthread_mutex_destroy(&c->lock);
	pthread_mutex_destroy(&c->counts_lock);
	pthread_cond_destroy(&c->queued);
	c->started = false;
}

void group_commit_start_change(struct group_commit *c, struct change *change)
{
	change->next = NULL;
	pthread_mutex_lock(&c->lock);
	assert(c->started && !c->stopping && change->done != NULL);
	bool first = c->first == NULL; /* after another the commit thread has been woken already */
	*c->last = change;
	c->last = &change->next;
	pthread_mutex_unlock(&c->lock);
	if (first)
		pthread_cond_signal(&c->queued);
}

static void wake_waiter(struct change *change)
{
	sem_post(&change->finished);
}

enum status group_commit_run(struct group_commit *c, struct change *change)
{
	change->done = wake_waiter;
	sem_init(&change->finished, 0, 0);
	group_commit_start_change(c, change);
	while (sem_wait(&change->finished) != 0)
		assert(errno == EINTR);
	sem_destroy(&change->finished);
	return change->status;
}
