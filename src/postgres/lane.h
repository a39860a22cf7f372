/* Internal to postgres/: a lane is a connection with its own thread and queue. The thread takes all waiting calls and passes them to the
 * lane's `run`, which needs one or two round trips for all of them and completes each. There are two kinds of lanes: for writes in
 * transactions (batch.h) and for single statements (ask.h).
 *
 * When the connection is lost, the thread reconnects to a host of the URL that accepts writes, at increasing intervals. Calls wait
 * meanwhile, until their deadline or until the database has been unreachable for LANE_PATIENCE_MS, or has no tables of this version. From
 * then on each call is refused at once, with the time after which to try again. */
#ifndef POSTGRES_LANE_H
#define POSTGRES_LANE_H

#include "postgres/conn.h"

#include <pthread.h>
#include <semaphore.h>

#define LANE_PATIENCE_MS 5000

struct pg_call {
	struct fault *why;              /* the caller's; may be NULL */
	void (*done)(struct pg_call *); /* called on the lane's thread when the status is final; must not block; may free the call */
	enum status status;
	int64_t until_ms; /* of clock_mono_ms */
	struct pg_call *next;
	sem_t finished; /* used by lane_run */
};

struct pg_lane {
	struct pg_conn conn;
	/* Called after each connect, before any call is run.  false: the connection is lost */
	bool (*connected)(struct pg_lane *, struct fault *why);
	/* Run calls, oldest first, and return those that it has not completed: NULL, or if the connection was lost the rest, with down_why
	 * written. */
	struct pg_call *(*run)(struct pg_lane *, struct pg_call *calls);
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t queued;
	struct pg_call *first, **last; /* under the lock */
	bool stopping, started;
	/* used by the thread alone */
	int64_t down_since_ms; /* 0: connected, or not tried yet */
	int64_t next_try_ms, pause_ms;
	struct fault down_why;
};

/* Start the thread; conn.target and the functions must be set. It connects at the first call.  Errors: STORAGE_FAILED */
enum status lane_start(struct pg_lane *l, struct fault *why) MUST_CHECK;
/* Run the queued calls if the database can be reached without waiting, refuse the others, and end the thread. Safe on a zeroed lane. */
void lane_stop(struct pg_lane *l);
/* Queue the call and return; call->done is called once.  Threads: any; does not block */
void lane_start_call(struct pg_lane *l, struct pg_call *call);
/* Queue the call, wait until it is complete, and return its status.  Threads: any but a lane's */
enum status lane_run(struct pg_lane *l, struct pg_call *call) MUST_CHECK;
/* For `run`: complete the call. */
void lane_complete(struct pg_call *call, enum status status);
/* For `run`: complete the call with a fault. */
void lane_fail(struct pg_call *call, const struct fault *failure);

#endif
