/* Internal to postgres/: writes, many changes in each transaction. The lane's thread takes all waiting changes, locks and reads their rows
 * and those of their owners in one round trip, applies each change to them in memory, and sends all writes with the COMMIT in a second
 * round trip. A batch that only inserts rows without owners skips the first.
 *
 * A change checks first and then writes: if its condition does not hold, it fails alone and has sent nothing. A statement can therefore
 * fail only because of a concurrent transaction or because the database fails; then the batch is rolled back and run again, and if that
 * fails too, each change is run alone. All batches lock in the same order, images by id and then owners by name, and those of changes' own statements, which skip locked ones, so there are no deadlocks.
 *
 * Each process has a row in `writers`, and each batch writes its number into it. When the connection is lost before the answer to a
 * COMMIT, the process claims its row again, which waits until the transaction of the old connection has ended. The number then says
 * whether the batch was committed. The claim also increments the row's generation, so that anything still sent by the old connection
 * fails. So each change is committed once and its outcome is known, even if a standby was promoted in the meantime. */
#ifndef POSTGRES_BATCH_H
#define POSTGRES_BATCH_H

#include "postgres/lane.h"
#include "port/outbox.h"
#include "port/transfer.h"
#include "port/user_table.h"

#include <stdatomic.h>

struct pg_batch;

struct pg_change {
	struct pg_call call;
	/* A statement that is run once all rows are locked, before `apply`, and its result, which the caller frees. NULL: none.
	 * values  borrowed, up to PG_END */
	const struct pg_value *values;
	enum pg_query query;
	PGresult *result;
	/* Name the rows and owners that `apply` needs. NULL: none.  careful: also name rows that are not expected to exist but might */
	void (*want)(struct pg_batch *, struct pg_change *, bool careful);
	/* Returns OK, or the failed condition with call.why written; then nothing was sent. Runs again when the batch does. */
	enum status (*apply)(struct pg_batch *, struct pg_change *);
	/* Rows affected by the statements that were sent for this change, at least 1 if the response was lost. Final when call.done runs. */
	uint64_t affected;
	/* used by the writer */
	enum status outcome;
	/* Number of the batch that contained it, if it is not known whether that batch was committed; else 0. A change that was refused with it
	 * can be run once more: if the batch turns out to have been committed, the change is completed as it was then. */
	int64_t batch;
};

/* An image as the batch sees it. */
struct pg_image {
	unsigned char id[UUID_BYTES];
	bool is_there;
	bool is_kept; /* it was removed, and its id may not be used again yet */
	struct image_row row;
	int64_t slot_us, feed_us; /* feed_us 0: not in the list of all images */
};

struct pg_owner {
	struct user_row user;
	int64_t minute;        /* the minute that minute_slots counts */
	uint64_t minute_slots; /* slots requested in it */
	bool is_there, changed;
	bool is_stored; /* had a row before this batch */
};

struct pg_writer {
	struct pg_lane lane;
	/* as in the options */
	uint64_t max_pending;
	struct owner_quota quota;
	bool fills; /* this process copies another store's rows here: writes are allowed in every phase */
	_Atomic(const struct outbox_source *) outbox_source; /* NULL: no events are written */
	/* used by the thread alone */
	unsigned char id[UUID_BYTES];           /* of its row in `writers` */
	int64_t generation, batches, committed; /* batches: number of the last batch; committed: of the last one known to be committed */
	enum transfer_phase phase;
	uint64_t pending; /* pending rows of all processes, as of the last batch */
	int64_t last_us;
};

/* Start the thread; the options and lane.conn.target are set.  Errors: STORAGE_FAILED */
enum status pg_writer_start(struct pg_writer *w, struct fault *why) MUST_CHECK;
void pg_writer_stop(struct pg_writer *w);
/* Queue a change and wait for its outcome, or return at once: see lane_run and lane_start_call. */
enum status pg_writer_run(struct pg_writer *w, struct pg_change *c) MUST_CHECK;
void pg_writer_start_change(struct pg_writer *w, struct pg_change *c);

/* Run changes in one transaction. `outcome` of each is valid if it was committed. If the connection was lost during the commit, each change
 * has the batch's number.
 * careful  also look for rows that might exist, and read the phase and counts instead of using those of the last batch
 * why      written unless the result is PG_FINE */
enum pg_failure batch_run(struct pg_writer *w, struct pg_change *const *changes, size_t n, bool careful, struct fault *why) MUST_CHECK;
/* Notify the outbox's source that there may be events to send. */
void batch_notify_source(struct pg_writer *w);

/* For `want`. */
void batch_want_image(struct pg_batch *b, const unsigned char id[UUID_BYTES]);
void batch_want_owner(struct pg_batch *b, struct str owner);

/* For `apply`, on the lane's thread. */
struct pg_writer *batch_writer(struct pg_batch *b);
struct arena *batch_arena(struct pg_batch *b);
/* An image that was named by `want`; NULL: it was not named. */
struct pg_image *batch_image(struct pg_batch *b, const unsigned char id[UUID_BYTES]);
/* An owner that was named by `want`, or that of a named image. NULL: the arena is full. */
struct pg_owner *batch_owner(struct pg_batch *b, struct str owner);
/* Send a statement.  c: the change whose `affected` counts its rows; NULL: none */
void batch_send(struct pg_batch *b, struct pg_change *c, enum pg_query q, const struct pg_value *values);
/* Commit the batch even if no change sends a statement: the one of `query` has written. */
void batch_note_write(struct pg_batch *b);
#define BATCH_SEND(b, c, q, ...) batch_send((b), (c), (q), (const struct pg_value[]){ __VA_ARGS__, { PG_END } })
/* The changes in the number of images by the batch so far, by status; a decrease wraps below 0. */
struct image_counts *batch_counts(struct pg_batch *b);
/* The number of pending rows, including those of the batch so far. */
uint64_t batch_pending(const struct pg_batch *b);
/* Check that no migration forbids new slots and changes, or uploads to existing slots.  Errors: READ_ONLY */
enum status batch_check_change(const struct pg_batch *b, struct fault *why) MUST_CHECK;
enum status batch_check_upload(const struct pg_batch *b, struct fault *why) MUST_CHECK;
/* The current time in microseconds, greater with each call in this process. */
int64_t batch_now_us(struct pg_batch *b);
/* Note that there will be events to send once the batch is committed. */
void batch_note_event(struct pg_batch *b);

#endif
