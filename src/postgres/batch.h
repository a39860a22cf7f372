/* Inside postgres/: what is written in transactions, many changes in each. The lane's thread takes all changes that wait, has their rows
 * and those of their owners locked and read in one round trip, applies each change to them in memory, and sends all writes with the
 * COMMIT in a second one. A batch of nothing but new rows without owners needs the second alone.
 *
 * A change checks first and then writes: if its condition does not hold it fails alone, having sent nothing. Statements are such that
 * they fail only if another transaction came between, or if the database does; then the batch is rolled back and run again, at last
 * each change by itself. All batches lock in one order, images by id and then owners by name, so that they wait for each other at most.
 *
 * Each process has a row in `writers`, and each batch writes its number into it. When the connection is lost before the answer to a
 * COMMIT, the process claims its row again, which waits until what the old connection has begun has ended: the number says whether the
 * batch was committed, and the row's generation, which rises, makes what the old connection may still send fail. So the answer is
 * neither lost nor given twice, on the same server or on one that was promoted in its place. */
#ifndef POSTGRES_BATCH_H
#define POSTGRES_BATCH_H

#include "postgres/lane.h"
#include "port/outbox.h"
#include "port/transfer.h"
#include "port/user_table.h"

#include <stdatomic.h>

#define OWNER_MAX_BYTES 64

struct pg_batch;

struct pg_change {
	struct pg_call call;
	/* Name the rows and owners that `apply` needs. NULL: none.  careful: name what may be there as well as what must be */
	void (*want)(struct pg_batch *, struct pg_change *, bool careful);
	/* OK, or the failed condition with call.why written; then nothing was sent. May run again, if the batch does. */
	enum status (*apply)(struct pg_batch *, struct pg_change *);
	uint64_t affected; /* rows, of the statements that were sent for it; known to call.done */
	/* the writer's */
	enum status outcome;
	int64_t batch; /* that it was in, if that may have been committed */
};

/* An image as the batch sees it. */
struct pg_image {
	unsigned char id[UUID_BYTES];
	bool is_there;
	bool is_kept; /* it is not there, and its id may not be given */
	struct image_row row;
	int64_t slot_us, feed_us; /* feed_us 0: in no list of everybody */
};

struct pg_owner {
	struct user_row user;
	int64_t minute; /* that minute_slots were made in */
	uint64_t minute_slots;
	bool is_there, changed;
	bool is_stored; /* before this batch */
};

struct pg_writer {
	struct pg_lane lane;
	/* as in the options */
	uint64_t max_pending;
	struct owner_quota quota;
	bool fills;                                          /* this process fills the table from another store: no phase refuses it anything */
	_Atomic(const struct outbox_source *) outbox_source; /* NULL: no events are written */
	/* the thread's */
	unsigned char id[UUID_BYTES];           /* of its row in `writers` */
	int64_t generation, batches, committed; /* numbers of the last batch, and of the last that is known to be committed */
	enum transfer_phase phase;
	uint64_t pending; /* of all, as of the last batch */
	int64_t last_us;
};

/* Start the thread; the options and lane.conn.target are set.  Errors: STORAGE_FAILED */
enum status pg_writer_start(struct pg_writer *w, struct fault *why) MUST_CHECK;
void pg_writer_stop(struct pg_writer *w);
/* Queue a change and wait, or return: see lane.h. */
enum status pg_writer_run(struct pg_writer *w, struct pg_change *c) MUST_CHECK;
void pg_writer_start_change(struct pg_writer *w, struct pg_change *c);

/* Run changes in one transaction; their outcomes are theirs if it was committed. If the connection was lost, they have the batch's number.
 * careful  look for what might be there, and read what is otherwise remembered of the last batch
 * why      of what is not fine */
enum pg_failure batch_run(struct pg_writer *w, struct pg_change *const *changes, size_t n, bool careful, struct fault *why) MUST_CHECK;
/* There may be events to send. */
void batch_tell_source(struct pg_writer *w);

/* For `want`. */
void batch_want_image(struct pg_batch *b, const unsigned char id[UUID_BYTES]);
void batch_want_owner(struct pg_batch *b, struct str owner);

/* For `apply`, on the lane's thread. */
struct pg_writer *batch_writer(struct pg_batch *b);
struct arena *batch_arena(struct pg_batch *b);
/* A wanted image; NULL: it was not wanted. */
struct pg_image *batch_image(struct pg_batch *b, const unsigned char id[UUID_BYTES]);
/* A wanted owner, or that of a wanted image. NULL: the arena is full. */
struct pg_owner *batch_owner(struct pg_batch *b, struct str owner);
/* Send a statement.  c: whose `affected` it counts for; NULL: none */
void batch_send(struct pg_batch *b, struct pg_change *c, enum pg_query q, const struct pg_value *values);
#define BATCH_SEND(b, c, q, ...) batch_send((b), (c), (q), (const struct pg_value[]){ __VA_ARGS__, { PG_END } })
/* How many more images there are by the batch so far, by status; wraps below 0. */
struct image_counts *batch_counts(struct pg_batch *b);
/* How many pending rows there are, with those of the batch so far. */
uint64_t batch_pending(const struct pg_batch *b);
/* Whether a migration refuses new slots and changes, or the bytes of a slot.  Errors: READ_ONLY */
enum status batch_check_change(const struct pg_batch *b, struct fault *why) MUST_CHECK;
enum status batch_check_upload(const struct pg_batch *b, struct fault *why) MUST_CHECK;
/* Microseconds that rise with each call of this process. */
int64_t batch_now_us(struct pg_batch *b);
/* There are events to send once the batch is committed. */
void batch_note_event(struct pg_batch *b);

#endif
