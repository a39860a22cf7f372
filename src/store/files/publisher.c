/* Moves, trash, and what the start finds. See publisher.h. */
#include "store/files/publisher.h"

#include "base/clock.h"
#include "base/log/log.h"
#include "base/mem.h"
#include "base/thread.h"
#include "store/engine.h"
#include "store/tables/uploads.h"
#include "store/files/hold.h"
#include "store/files/io.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

/* How long a first file waits for others to be moved with it. */
#define GATHER_MS 50
/* The delay before a step that failed, or that a backup holds, is tried again. */
#define RETRY_MS 1000
#define FILES_FIRST 1024
#define FILES_MAX ((size_t)1 << 20)

static bool is_done(enum status status, const struct fault *why)
{
	if (status != OK)
		LOG(STORE_FAILED, STR(""), LOG_C("text", why->text), LOG_C("cause", why->cause));
	return status == OK;
}

/* the trash */

struct untrash {
	struct change change;
	const uint64_t *files;
	size_t n;
};

static enum status apply_untrash(struct writer *w, struct change *c)
{
	const struct untrash *u = (const struct untrash *)c;

	for (size_t i = 0; i < u->n; i++) {
		int64_t file = (int64_t)u->files[i];
		TRY(file < 0 ? uploads_remove_parts(w, -file) : rows_run(w, Q_TRASH_REMOVE, file));
	}
	return OK;
}

static enum status list_trash(struct engine *e, int64_t after, uint64_t files[PUBLISHER_BATCH], size_t *n, struct fault *why)
{
	struct db *d CLEANUP(read_pool_release) = NULL;
	bool row = false;

	TRY(read_pool_acquire(&e->read_pool, &d, why));
	sqlite3_stmt *s = DB_BIND(d, Q_TRASH_LIST, db_int(after), db_int(PUBLISHER_BATCH));
	for (*n = 0;; (*n)++) {
		TRY(db_step(d, s, &row, why));
		if (!row)
			return OK;
		files[*n] = (uint64_t)sqlite3_column_int64(s, 0);
	}
}

/* Uploads that ended come first, by their numbers' sign: their parts go in steps, one in each commit, and the parts' files to
 * the trash. Files are gone for good before their rows go.
 * held  a backup holds the files that are left */
static enum status empty_trash(struct engine *e, bool *held, struct fault *why)
{
	uint64_t files[PUBLISHER_BATCH];
	int64_t after = INT64_MIN;
	size_t n = 0;

	*held = false;
	for (;;) {
		TRY(list_trash(e, after, files, &n, why));
		if (n == 0)
			return OK;
		bool parts = (int64_t)files[0] < 0;
		*held = !parts && hold_is_on(e->dir_fd);
		if (*held)
			return OK;
		if (!parts) {
			after = (int64_t)files[n - 1];
			TRY(tree_erase(&e->tree, files, n, why));
		}
		struct untrash u = { .change = { .apply = apply_untrash, .why = why }, .files = files, .n = parts ? 1 : n };
		TRY(group_commit_run(&e->group_commit, &u.change));
	}
}

/* the scan of incoming/ */

struct staging_walk {
	struct engine *engine;
	bool remove_others; /* nothing else runs: what has no row is left over */
	uint64_t files[PUBLISHER_BATCH];
	size_t n;
	uint64_t moved, removed;
	bool left; /* some could not be moved */
};

/* A file that cannot be moved now is read from staging, and the publisher retries. */
static void publish_files(struct staging_walk *w)
{
	struct fault why;

	if (is_done(tree_publish(&w->engine->tree, w->files, w->n, &why), &why))
		w->moved += w->n;
	else
		w->left = true;
	w->n = 0;
}

/* Whether a file of incoming/ has a row; or, while a backup holds it, is in the trash: a row of the backup may name it. */
static enum status find_row(struct engine *e, uint64_t file, bool *row, bool *held, struct fault *why)
{
	struct db *d CLEANUP(read_pool_release) = NULL;
	int64_t n = 0;

	TRY(read_pool_acquire(&e->read_pool, &d, why));
	TRY(db_step(d, DB_BIND(d, Q_FILE_ROW, db_int((int64_t)file)), row, why));
	if (!*row && hold_is_on(e->dir_fd))
		TRY(db_read_number(d, DB_BIND(d, Q_TRASH_HAS, db_int((int64_t)file)), &n, why));
	*held = n > 0;
	return OK;
}

static enum status visit_entry(struct staging_walk *w, const char *name, struct fault *why)
{
	uint64_t file = 0;
	bool row = false, held = false;

	if (tree_parse_name(name, &file))
		TRY(find_row(w->engine, file, &row, &held, why));
	if (row) {
		w->files[w->n++] = file;
		if (w->n == PUBLISHER_BATCH)
			publish_files(w);
		return OK;
	}
	if (!w->remove_others || held)
		return OK;
	if (local_io.unlink(w->engine->tree.incoming_fd, name) != 0 && errno != EISDIR && errno != ENOENT)
		return io_fault(why, errno, "remove a file left over in incoming/");
	w->removed++;
	return OK;
}

static enum status walk_entries(struct staging_walk *w, DIR *dir, struct fault *why)
{
	const struct dirent *entry;

	for (errno = 0; (entry = readdir(dir)) != NULL; errno = 0)
		if (entry->d_name[0] != '.')
			TRY(visit_entry(w, entry->d_name, why));
	if (errno != 0)
		return io_fault(why, errno, "read incoming/");
	publish_files(w);
	return OK;
}

static enum status walk_incoming(struct staging_walk *w, struct fault *why)
{
	int fd = openat(w->engine->tree.incoming_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);

	if (dir == NULL) {
		enum status status = io_fault(why, errno, "open incoming/");
		io_close(fd);
		return status;
	}
	enum status status = walk_entries(w, dir, why);
	(void)closedir(dir);
	return status;
}

enum status publisher_recover(struct engine *e, struct fault *why)
{
	struct staging_walk w = { .engine = e, .remove_others = true };

	assert(e->group_commit.started && !e->publisher.started);
	struct fault trouble;
	bool held = false;

	TRY(walk_incoming(&w, why));
	if (w.moved + w.removed > 0)
		LOG(STORE_RECOVERED, STR(""), LOG_I("moved", w.moved), LOG_I("removed", w.removed));
	e->publisher.rescan = w.left;
	e->publisher.trash = !is_done(empty_trash(e, &held, &trouble), &trouble) || held;
	return OK;
}

/* the thread */

struct work {
	uint64_t files[PUBLISHER_BATCH];
	size_t n;
	bool rescan, trash; /* to be done; afterwards: what failed and is to be tried again */
	bool last;
};

/* Wait for more work, unless a whole batch is there or the thread is to stop. */
static void gather_work(struct publisher *m, int64_t ms)
{
	int64_t until_ms = clock_mono_ms() + ms;

	while (m->n < PUBLISHER_BATCH && !m->stopping && thread_wait_until(&m->wanted, &m->lock, until_ms))
		continue;
}

static void take_batch(struct publisher *m, struct work *w)
{
	pthread_mutex_lock(&m->lock);
	if (w->rescan || w->trash)
		gather_work(m, RETRY_MS);
	m->rescan = m->rescan || w->rescan;
	m->trash = m->trash || w->trash;
	while (m->n == 0 && !m->trash && !m->rescan && !m->stopping)
		pthread_cond_wait(&m->wanted, &m->lock);
	gather_work(m, GATHER_MS);
	assert(m->n <= m->cap);
	w->n = m->n < PUBLISHER_BATCH ? m->n : PUBLISHER_BATCH;
	m->n -= w->n;
	for (size_t i = 0; i < w->n; i++)
		w->files[i] = m->files[m->n + i];
	w->rescan = m->rescan;
	w->trash = m->trash;
	w->last = m->stopping && m->n == 0;
	m->rescan = m->trash = false;
	pthread_mutex_unlock(&m->lock);
}

static void *run_thread(void *arg)
{
	struct publisher *m = arg;
	struct engine *e = m->engine;
	struct work w = { 0 };

	while (!w.last) {
		struct staging_walk walk = { .engine = e };
		struct fault why;
		take_batch(m, &w);
		bool moved = is_done(tree_publish(&e->tree, w.files, w.n, &why), &why);
		bool found = !w.rescan || (is_done(walk_incoming(&walk, &why), &why) && !walk.left);
		bool held = false, emptied = !w.trash || (is_done(empty_trash(e, &held, &why), &why) && !held);
		w.rescan = !moved || !found;
		w.trash = !emptied;
	}
	return NULL;
}

void publisher_init(struct publisher *m, struct engine *e)
{
	m->engine = e;
	pthread_mutex_init(&m->lock, NULL);
	pthread_cond_init(&m->wanted, NULL);
}

enum status publisher_start(struct publisher *m, struct fault *why)
{
	assert(m->engine != NULL && !m->started);
	if (!thread_start(&m->thread, run_thread, m))
		return fault_set(why, STORAGE_FAILED, "Cannot start a thread.");
	m->started = true;
	return OK;
}

void publisher_stop(struct publisher *m)
{
	if (!m->started)
		return;
	pthread_mutex_lock(&m->lock);
	m->stopping = true;
	pthread_cond_signal(&m->wanted);
	pthread_mutex_unlock(&m->lock);
	pthread_join(m->thread, NULL);
	pthread_mutex_destroy(&m->lock);
	pthread_cond_destroy(&m->wanted);
	mem_free(m->files);
	m->files = NULL;
	m->started = false;
}

void publisher_add_file(struct publisher *m, uint64_t file)
{
	assert(m->engine != NULL && file > 0);
	pthread_mutex_lock(&m->lock);
	if (m->n == m->cap) {
		size_t cap = m->cap == 0 ? FILES_FIRST : 2 * m->cap;
		uint64_t *files = cap > FILES_MAX ? NULL : mem_resize(m->files, cap, sizeof *files);
		if (files != NULL) {
			m->files = files;
			m->cap = cap;
		}
	}
	if (m->n < m->cap)
		m->files[m->n++] = file;
	else
		m->rescan = true;
	if (m->n == 1 || m->n == PUBLISHER_BATCH || m->rescan)
		pthread_cond_signal(&m->wanted);
	pthread_mutex_unlock(&m->lock);
}

void publisher_note_trash(struct publisher *m)
{
	pthread_mutex_lock(&m->lock);
	m->trash = true;
	pthread_cond_signal(&m->wanted);
	pthread_mutex_unlock(&m->lock);
}
