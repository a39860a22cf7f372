/* Inside postgres/: a connection with a thread of its own and a queue. The thread takes all calls that wait, hands them to the lane's
 * `run`, which has one or two round trips for all of them, and completes each. There are lanes of two kinds, for what is written in
 * transactions (batch.h) and for single statements (ask.h).
 *
 * When the connection is lost, the thread connects again, to whichever host of the URL accepts writes, and later at intervals that grow. Calls wait
 * meanwhile: until their own time is over, or until the database could not be reached for LANE_PATIENCE_MS; then each is refused at
 * once, with the time to try again. */
#ifndef POSTGRES_LANE_H
#define POSTGRES_LANE_H

#include "postgres/conn.h"

#include <pthread.h>
#include <semaphore.h>

#define LANE_PATIENCE_MS 5000

struct pg_call {
	struct fault *why;              /* of the caller; may be NULL */
	void (*done)(struct pg_call *); /* on the lane's thread, once the status is final; must not block. The call may be gone after it */
	enum status status;
	int64_t until_ms; /* of clock_mono_ms */
	struct pg_call *next;
	sem_t finished; /* lane_run's */
};

struct pg_lane {
	struct pg_conn conn;
	/* After each connecting: what the kind has to do first.  false: the connection is lost */
	bool (*connected)(struct pg_lane *, struct fault *why);
	/* Run calls, oldest first. Those that it has completed are taken off the list; the connection was lost, and down_why says how, if any
	 * is left. */
	struct pg_call *(*run)(struct pg_lane *, struct pg_call *calls);
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t queued;
	struct pg_call *first, **last; /* under the lock */
	bool stopping, started;
	/* the thread's */
	int64_t down_since_ms; /* 0: connected, or not tried yet */
	int64_t next_try_ms, pause_ms;
	struct fault down_why;
};

/* Start the thread. conn.target and the functions are set. It connects with the first call.  Errors: STORAGE_FAILED */
enum status lane_start(struct pg_lane *l, struct fault *why) MUST_CHECK;
/* Run what is queued, as far as the database can be reached at once, and end. Safe on a zeroed one. */
void lane_stop(struct pg_lane *l);
/* Queue and return; call->done is called once.  Threads: any; does not block */
void lane_start_call(struct pg_lane *l, struct pg_call *call);
/* Queue, sleep, and give what became of it.  Threads: any but a lane's */
enum status lane_run(struct pg_lane *l, struct pg_call *call) MUST_CHECK;
/* For `run`: complete the call. */
void lane_complete(struct pg_call *call, enum status status);
/* The same with a fault. */
void lane_fail(struct pg_call *call, const struct fault *failure);

#endif
