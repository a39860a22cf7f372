/* Calls that wait for an image to leave `pending`, without a thread each: a table of a fixed size. A waiting call is woken by the engine after
 * the commit that changed its row, by its timeout, when its client disconnects, or at shutdown. Where rows change elsewhere, one thread
 * polls them, a limited number of them at a time. */
#ifndef API_WAIT_H
#define API_WAIT_H

#include "base/str.h"

#define WAIT_MAX_S 25
#define WAITERS_MAX 1000

struct waits;

/* A call that may wait; zeroed. Its memory stays good until it was woken, or has left. */
struct waiter {
	struct str image_id;
	int64_t until_ms;              /* of the monotonic clock */
	void (*wake)(struct waiter *); /* once for each park, on any thread: the waiter is in no table any more. Must not block */
	struct waiter *next, **link;   /* of its chain; link NULL: in no table */
	int64_t looked_ms;
	bool is_parked, is_woken, is_over;
};

/* look  whether the image has left `pending`, or is gone; blocks; on the thread of the waits. NULL: the engine tells of all changes
 * NULL: memory failed */
struct waits *waits_new(bool (*look)(void *arg, struct str image_id), void *arg);
/* Nobody may wait any more. Accepts NULL inside. */
void waits_free(struct waits **w);

/* Begin to notice changes of the image: call it before its row is read, so that none is missed.
 * false: it is not to wait, for the time is over, the client gone, the table full, or the server ends */
bool waits_enter(struct waits *w, struct waiter *one) MUST_CHECK;
/* The row is pending: wait. true: `wake` follows, perhaps at once, and the waiter is not the caller's any more until then.
 * false: there was a change since waits_enter; read again */
bool waits_park(struct waits *w, struct waiter *one) MUST_CHECK;
/* Not to wait after all, and not parked. */
void waits_leave(struct waits *w, struct waiter *one);

/* The image has changed; "": any may have. Does not block. */
void waits_wake(struct waits *w, struct str image_id);
/* This one waits no more, also if it comes to park later: its client is gone. */
void waits_cancel(struct waits *w, struct waiter *one);
/* All of them, and none from now on: the server ends. */
void waits_end(struct waits *w);
/* How many there are now. */
size_t waits_count(struct waits *w);

#endif
