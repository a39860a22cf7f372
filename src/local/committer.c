/* The committer thread: batches, their transaction, and the writing back of the log. See committer.h. */
#include "local/committer.h"

#include "base/log.h"
#include "base/metrics.h"
#include "base/thread.h"
#include "local/io.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

/* Frames (of one page) after which the log is written back: long enough to write a page that changes
 * often once, short enough that a start after a crash reads it in no time. */
#define CHECKPOINT_FRAMES 8000

enum status writer_step(struct writer *w, sqlite3_stmt *s, bool *row)
{
	enum status status = db_step(&w->db, s, row, &w->failure);

	if (status != OK)
		w->broken = true;
	return status;
}

enum status writer_run(struct writer *w, sqlite3_stmt *s)
{
	bool row = false;
	enum status status = writer_step(w, s, &row);

	if (status == OK)
		sqlite3_reset(s);
	return status;
}

static int count_frames(void *arg, sqlite3 *sq, const char *name, int frames)
{
	struct writer *w = arg;

	(void)sq;
	(void)name;
	w->wal_frames = frames;
	return SQLITE_OK;
}

static enum status load_tally(struct writer *w, struct fault *why)
{
	sqlite3_stmt *s = db_query(&w->db, Q_TALLY_LOAD);
	bool row = false;

	TRY(db_step(&w->db, s, &row, why));
	if (!row)
		return fault_set(why, STORAGE_FAILED, "The database lacks its tally.");
	w->tally.images.pending = (uint64_t)sqlite3_column_int64(s, 0);
	w->tally.images.uploaded = (uint64_t)sqlite3_column_int64(s, 1);
	w->tally.images.rejected = (uint64_t)sqlite3_column_int64(s, 2);
	w->tally.images.stored_bytes = (uint64_t)sqlite3_column_int64(s, 3);
	w->tally.next_seq = sqlite3_column_int64(s, 4);
	atomic_store(&w->tree->next_file, (uint64_t)sqlite3_column_int64(s, 5));
	sqlite3_reset(s);
	return OK;
}

static enum status save_tally(struct writer *w)
{
	sqlite3_stmt *s = db_query(&w->db, Q_TALLY_SAVE);

	bind_int(s, 1, (int64_t)w->tally.images.pending);
	bind_int(s, 2, (int64_t)w->tally.images.uploaded);
	bind_int(s, 3, (int64_t)w->tally.images.rejected);
	bind_int(s, 4, (int64_t)w->tally.images.stored_bytes);
	bind_int(s, 5, w->tally.next_seq);
	bind_int(s, 6, (int64_t)atomic_load(&w->tree->next_file));
	return writer_run(w, s);
}

static void show_counts(struct committer *c)
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

void committer_counts(struct committer *c, struct image_counts *out)
{
	pthread_mutex_lock(&c->counts_lock);
	*out = c->counts;
	pthread_mutex_unlock(&c->counts_lock);
}

/* Everything that waits, oldest first; NULL when there is nothing and no more will come. */
static struct change *take_batch(struct committer *c)
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

/* The names of all new files are on the disk before the rows that name them. */
static enum status sync_names(struct writer *w, const struct change *batch)
{
	while (batch != NULL && !batch->names_file)
		batch = batch->next;
	if (batch == NULL || local_io.fsync(w->tree->incoming_fd) == 0)
		return OK;
	return io_fault(&w->failure, errno, "sync incoming/");
}

static enum status commit_batch(struct writer *w, struct change *batch)
{
	TRY(sync_names(w, batch));
	TRY(writer_run(w, db_query(&w->db, Q_BEGIN)));
	for (struct change *c = batch; c != NULL; c = c->next) {
		c->status = c->apply(w, c);
		if (w->broken)
			return fault_status(w->failure.code);
	}
	TRY(save_tally(w));
	return writer_run(w, db_query(&w->db, Q_COMMIT));
}

static void roll_back(struct writer *w)
{
	struct fault ignored;

	for (int i = 0; i < QUERIES; i++)
		sqlite3_reset(w->db.statements[i]);
	/* After some failures SQLite has rolled back by itself. */
	if (sqlite3_get_autocommit(w->db.sq) == 0 && db_run(&w->db, db_query(&w->db, Q_ROLLBACK), &ignored) != OK)
		LOG(STORE_FAILED, STR(""), LOG_C("cause", ignored.cause));
}

/* A commit that failed in its sync may still lie whole in the log, and a crash would bring it back
 * after its waiters have been told that it failed. A small commit in its place overwrites it. If that
 * fails too, the next one that succeeds does it. */
static void bury(struct committer *c)
{
	struct writer *w = &c->writer;
	struct fault kept = w->failure;

	w->broken = false;
	w->tally = c->saved;
	if (commit_batch(w, NULL) != OK)
		roll_back(w);
	w->broken = true;
	w->failure = kept;
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
		struct change *next = batch->next;   /* the change is gone once its waiter runs */
		batch->ended(batch);
		batch = next;
		n++;
	}
	return n;
}

static void run_batch(struct committer *c, struct change *batch)
{
	struct writer *w = &c->writer;

	w->broken = w->trashed = false;
	w->rows_fit = space_for_rows(w->space);
	if (commit_batch(w, batch) == OK) {
		c->saved = w->tally;
		if (w->trashed)
			hot_forget(w->hot);
		show_counts(c);
		metric_add(M_COMMITS, 1);
		metric_add(M_COMMITTED_CHANGES, wake_all(batch));
		return;
	}
	roll_back(w);
	bury(c);
	fail_all(w, batch);
	(void)wake_all(batch);
}

/* Readers may keep the last frames from being written back; then it is tried again a while later. On a
 * full disk it is done at once: a log that is written back is begun anew in the room that it has, and so
 * deletes still find some. */
static void write_back(struct writer *w, int *due)
{
	bool full = w->broken && w->failure.code == F_DISK_FULL;

	if (w->wal_frames < *due && !full)
		return;
	int left = 0, done = 0;
	int rc = sqlite3_wal_checkpoint_v2(w->db.sq, NULL, SQLITE_CHECKPOINT_PASSIVE, &left, &done);
	bool whole = rc == SQLITE_OK && left == done;
	*due = whole ? CHECKPOINT_FRAMES : w->wal_frames + CHECKPOINT_FRAMES / 4;
	w->wal_frames = 0;
}

static void *run(void *arg)
{
	struct committer *c = arg;
	struct change *batch;
	int due = CHECKPOINT_FRAMES;

	while ((batch = take_batch(c)) != NULL) {
		run_batch(c, batch);
		write_back(&c->writer, &due);
	}
	return NULL;
}

enum status committer_start(struct committer *c, struct fault *why)
{
	c->first = NULL;
	c->last = &c->first;
	TRY(load_tally(&c->writer, why));
	c->saved = c->writer.tally;
	sqlite3_wal_hook(c->writer.db.sq, count_frames, &c->writer);
	pthread_mutex_init(&c->lock, NULL);
	pthread_mutex_init(&c->counts_lock, NULL);
	pthread_cond_init(&c->queued, NULL);
	show_counts(c);
	if (!thread_start(&c->thread, run, c))
		return fault_set(why, STORAGE_FAILED, "Cannot start a thread.");
	c->started = true;
	return OK;
}

void committer_stop(struct committer *c)
{
	if (!c->started)
		return;
	pthread_mutex_lock(&c->lock);
	c->stopping = true;
	pthread_cond_signal(&c->queued);
	pthread_mutex_unlock(&c->lock);
	pthread_join(c->thread, NULL);
	pthread_mutex_destroy(&c->lock);
	pthread_mutex_destroy(&c->counts_lock);
	pthread_cond_destroy(&c->queued);
	c->started = false;
}

void committer_start_change(struct committer *c, struct change *change)
{
	change->next = NULL;
	pthread_mutex_lock(&c->lock);
	assert(!c->stopping);
	bool first = c->first == NULL;   /* behind another the committer has been woken already */
	*c->last = change;
	c->last = &change->next;
	pthread_mutex_unlock(&c->lock);
	if (first)
		pthread_cond_signal(&c->queued);
}

static void wake(struct change *change)
{
	sem_post(&change->done);
}

enum status committer_run(struct committer *c, struct change *change)
{
	change->ended = wake;
	sem_init(&change->done, 0, 0);
	committer_start_change(c, change);
	while (sem_wait(&change->done) != 0)
		assert(errno == EINTR);
	sem_destroy(&change->done);
	return change->status;
}
