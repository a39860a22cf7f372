/* See lane.h. */
#include "postgres/lane.h"

#include "base/clock.h"
#include "base/log/log.h"
#include "base/op_deadline.h"
#include "base/thread.h"
#include "postgres/connect.h"

#include <errno.h>

#define PAUSE_FIRST_MS 50
#define PAUSE_MOST_MS 2000

void lane_complete(struct pg_call *call, enum status status)
{
	call->status = status;
	call->done(call);
}

void lane_fail(struct pg_call *call, const struct fault *failure)
{
	if (call->why != NULL)
		*call->why = *failure;
	lane_complete(call, fault_status(failure->code));
}

/* Wait for calls and take all of them, oldest first. NULL: the lane is stopping and no calls are left. */
static struct pg_call *take_calls(struct pg_lane *l)
{
	pthread_mutex_lock(&l->lock);
	while (l->first == NULL && !l->stopping)
		pthread_cond_wait(&l->queued, &l->lock);
	struct pg_call *calls = l->first;
	l->first = NULL;
	l->last = &l->first;
	pthread_mutex_unlock(&l->lock);
	return calls;
}

static bool is_stopping(struct pg_lane *l)
{
	pthread_mutex_lock(&l->lock);
	bool stopping = l->stopping;
	pthread_mutex_unlock(&l->lock);
	return stopping;
}

/* Whether calls are refused at once: the database has been unreachable for too long, or its tables are missing or of another version,
 * which waiting does not change. */
static bool is_given_up(const struct pg_lane *l, int64_t now)
{
	return l->down_since_ms != 0 && (l->down_why.code == F_SCHEMA_UNKNOWN || now - l->down_since_ms >= LANE_PATIENCE_MS);
}

/* Refuse the calls whose deadline has passed, or all if the database is given up. Returns the others. */
static struct pg_call *expire_calls(struct pg_lane *l, struct pg_call *calls)
{
	int64_t now = clock_mono_ms();
	bool all = is_given_up(l, now) || is_stopping(l);
	struct pg_call *left = NULL, **last = &left;

	while (calls != NULL) {
		struct pg_call *call = calls;
		calls = call->next;
		call->next = NULL;
		if (all || now >= call->until_ms) {
			lane_fail(call, &l->down_why);
			continue;
		}
		*last = call;
		last = &call->next;
	}
	return left;
}

/* Sleep until the next attempt to connect, or until the lane is stopped. */
static void pause_thread(struct pg_lane *l)
{
	if (l->conn.pg != NULL)
		return;
	pthread_mutex_lock(&l->lock);
	while (!l->stopping && clock_mono_ms() < l->next_try_ms)
		(void)thread_wait_until(&l->queued, &l->lock, l->next_try_ms);
	pthread_mutex_unlock(&l->lock);
}

/* The pause grows with each attempt, until calls have been run again. */
static void note_lost(struct pg_lane *l)
{
	int64_t now = clock_mono_ms();

	if (l->down_since_ms == 0) {
		l->down_since_ms = now;
		LOG(DATABASE_LOST, STR(""), LOG_C("text", l->down_why.text), LOG_C("cause", l->down_why.cause));
	}
	l->pause_ms = l->pause_ms == 0 ? PAUSE_FIRST_MS : l->pause_ms * 2 < PAUSE_MOST_MS ? l->pause_ms * 2 : PAUSE_MOST_MS;
	l->next_try_ms = now + l->pause_ms;
}

/* Connect if needed.  false: the database cannot be reached now */
static bool connect_lane(struct pg_lane *l)
{
	if (l->conn.pg != NULL)
		return true;
	if (pg_connect(&l->conn, &l->down_why) != OK || !l->connected(l, &l->down_why)) {
		pg_disconnect(&l->conn);
		note_lost(l);
		return false;
	}
	if (l->down_since_ms != 0)
		LOG(DATABASE_BACK, STR(""), LOG_I("ms", clock_mono_ms() - l->down_since_ms));
	l->down_since_ms = 0;
	return true;
}

static void run_calls(struct pg_lane *l, struct pg_call *calls)
{
	while (calls != NULL) {
		/* While the database has been unreachable for too long, calls do not wait for the next attempt. */
		if (l->conn.pg == NULL && clock_mono_ms() < l->next_try_ms)
			calls = expire_calls(l, calls);
		if (calls == NULL)
			return;
		pause_thread(l);
		if (connect_lane(l)) {
			(void)pg_unreachable(&l->down_why);
			calls = l->run(l, calls);
			if (l->conn.pg != NULL)
				l->pause_ms = 0;
			else
				note_lost(l);
		}
		if (l->conn.pg == NULL)
			calls = expire_calls(l, calls);
	}
}

static void *run_thread(void *arg)
{
	struct pg_lane *l = arg;
	struct pg_call *calls;

	while ((calls = take_calls(l)) != NULL)
		run_calls(l, calls);
	pg_disconnect(&l->conn);
	return NULL;
}

enum status lane_start(struct pg_lane *l, struct fault *why)
{
	assert(l->run != NULL && l->connected != NULL && l->conn.target != NULL);
	l->first = NULL;
	l->last = &l->first;
	pthread_mutex_init(&l->lock, NULL);
	pthread_cond_init(&l->queued, NULL);
	if (!thread_start(&l->thread, run_thread, l))
		return fault_set(why, STORAGE_FAILED, "Cannot start a thread.");
	l->started = true;
	return OK;
}

void lane_stop(struct pg_lane *l)
{
	if (!l->started)
		return;
	pthread_mutex_lock(&l->lock);
	l->stopping = true;
	pthread_cond_broadcast(&l->queued);
	pthread_mutex_unlock(&l->lock);
	pthread_join(l->thread, NULL);
	assert(l->first == NULL);
	pthread_mutex_destroy(&l->lock);
	pthread_cond_destroy(&l->queued);
	l->started = false;
}

void lane_start_call(struct pg_lane *l, struct pg_call *call)
{
	call->next = NULL;
	call->until_ms = op_deadline_clamp(clock_mono_ms() + l->conn.target->timeout_ms);
	pthread_mutex_lock(&l->lock);
	assert(l->started && !l->stopping && call->done != NULL);
	bool first = l->first == NULL; /* else the thread was already woken */
	*l->last = call;
	l->last = &call->next;
	pthread_mutex_unlock(&l->lock);
	if (first)
		pthread_cond_signal(&l->queued);
}

static void wake_caller(struct pg_call *call)
{
	sem_post(&call->finished);
}

enum status lane_run(struct pg_lane *l, struct pg_call *call)
{
	call->done = wake_caller;
	sem_init(&call->finished, 0, 0);
	lane_start_call(l, call);
	while (sem_wait(&call->finished) != 0)
		assert(errno == EINTR);
	sem_destroy(&call->finished);
	return call->status;
}
