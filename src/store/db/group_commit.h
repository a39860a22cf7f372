/* The one writer of the database (group commit). Callers queue a change and wait or are called back; one thread
 * applies all queued changes in one transaction, commits, and completes each: a durable write costs a share of one sync.
 *
 * A change checks first and then writes. If its condition does not hold it fails alone, having written
 * nothing. If a statement or the commit fails, the whole batch is rolled back and every change of it
 * fails: none of them may have seen rows that never came to be. Changes that name a new file have
 * incoming/ synced before the transaction, once per batch.
 *
 * The log of the database is written back between batches, after the waiters have been woken. What that needs on the
 * disk is allocated before each commit, so that on a full disk the log can always be written back and restarted, and
 * deletes continue. Of a batch that finds the disk full each change is tried again by itself. Free pages are given back to the
 * file system in bounded steps while nothing waits. */
#ifndef STORE_DB_GROUP_COMMIT_H
#define STORE_DB_GROUP_COMMIT_H

#include "base/fault.h"
#include "store/db/db.h"
#include "store/files/space.h"
#include "store/files/object_cache.h"
#include "store/db/row_cache.h"
#include "store/db/row_watch.h"
#include "store/files/tree.h"
#include "port/transfer.h"
#include <pthread.h>
#include <semaphore.h>

struct outbox_source;
struct owner_entries;
struct publisher;

/* The counters; one row of the database. */
struct counters {
	struct image_counts images;
	int64_t next_seq;
};

/* The commit thread's own: what changes work with. */
struct writer {
	struct db db;
	struct tree *tree;
	struct space *space;
	struct object_cache *object_cache;
	struct row_cache *row_cache;
	struct row_watch *row_watch;
	struct publisher *publisher;
	void (*note_trash)(struct publisher *); /* after a commit that left some */
	uint64_t max_pending;
	struct owner_quota quota; /* of owners without one of their own */
	struct owner_entries *owners;
	int64_t image_bucket;                      /* id of the bucket of the images */
	bool is_migration;                         /* this process fills the database from another store: its phase refuses nothing */
	enum transfer_phase phase;                 /* as this batch's transaction sees it */
	struct counters counters;                  /* with the changes of the batch so far */
	bool rows_fit;                             /* this batch may make rows */
	bool trashed;                              /* this batch removed or replaced an object */
	bool has_trash;                            /* this batch left something in the trash */
	const struct outbox_source *outbox_source; /* of events; NULL: none are written */
	bool has_events;                           /* this batch wrote some, or made some due */
	bool has_deleted;                          /* rows were deleted since free pages were counted */
	bool broken;                               /* a statement failed: the batch is lost */
	struct fault failure;                      /* why */
	int wal_frames;                            /* since the log was restarted */
	int db_fd;                                 /* the database's file; closed after every connection, or their locks would go */
	int64_t page_bytes;
	int64_t pages;       /* of the database, after the last commit; 0: not known */
	int64_t ahead_bytes; /* so much of the file has its room on the disk; 0: not known */
	bool can_vacuum;     /* free pages at the end can be given back */
};

struct change {
	/* On the commit thread. OK, or the failed condition with `why` written. A statement that fails
	 * goes through writer_step, writer_run or writer_read_number, which mark the writer broken. NULL: nothing to apply. */
	enum status (*apply)(struct writer *w, struct change *c);
	struct fault *why; /* the waiter's; may be NULL */
	bool names_file;   /* a new file of incoming/ is in its rows */
	/* On the commit thread, once the status is final; must not block. The change may be gone after it. */
	void (*done)(struct change *c);
	enum status status;
	struct change *next;
	sem_t finished; /* group_commit_run's */
};

struct group_commit {
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t queued;
	struct change *first, **last;
	bool stopping, started;
	struct writer writer;
	struct counters saved; /* as of the last commit; the commit thread */
	pthread_mutex_t counts_lock;
	struct image_counts counts; /* a copy for other threads */
};

/* Load the counters and start the thread. All of c->writer that the engine gives it is set.
 * Errors  STORAGE_FAILED */
enum status group_commit_start(struct group_commit *c, struct fault *why) MUST_CHECK;
/* Commit what is queued and end the thread. The connection stays open. */
void group_commit_stop(struct group_commit *c);
/* Queue and return; change->done is called once.  Threads: any; does not block on the disk */
void group_commit_start_change(struct group_commit *c, struct change *change);
/* Queue, sleep, and give what became of it; OK means durable.  Threads: any but the commit thread's; blocks on the disk */
enum status group_commit_run(struct group_commit *c, struct change *change) MUST_CHECK;
void group_commit_counts(struct group_commit *c, struct image_counts *out);

/* Mark the writer broken after `failure` was written: the batch is lost. Gives its status. */
enum status writer_fail(struct writer *w);
/* For apply functions: whether a migration refuses new slots and changes, or the bytes of a slot, in this batch.
 * Errors  READ_ONLY */
enum status writer_check_change(const struct writer *w, struct fault *why) MUST_CHECK;
enum status writer_check_upload(const struct writer *w, struct fault *why) MUST_CHECK;
/* For apply functions: db_step, db_run and db_read_number on the writer's connection. */
enum status writer_step(struct writer *w, sqlite3_stmt *s, bool *row) MUST_CHECK;
enum status writer_run(struct writer *w, sqlite3_stmt *s) MUST_CHECK;
enum status writer_read_number(struct writer *w, sqlite3_stmt *s, int64_t *out) MUST_CHECK;

#endif
