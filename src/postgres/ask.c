/* See ask.h. */
#include "postgres/ask.h"

#include "base/clock.h"

/* The maximum number of statements in one pipeline. */
#define ASKS_MAX 64

struct ask {
	struct pg_call call;
	enum pg_query q;
	const struct pg_value *values;
	PGresult *result;
};

static bool start_connection(struct pg_lane *l, struct fault *why)
{
	(void)l;
	(void)why;
	return true;
}

/* Take the next calls off the list, and complete those whose deadline has passed. */
static size_t take_asks(struct pg_call **calls, struct ask *out[ASKS_MAX])
{
	size_t n = 0;
	int64_t now = clock_mono_ms();

	while (*calls != NULL && n < ASKS_MAX) {
		struct pg_call *c = *calls;
		*calls = c->next;
		c->next = NULL;
		if (now >= c->until_ms)
			lane_complete(c, fault_set(c->why, DEADLINE, "The database took too long. Try again in a moment."));
		else
			out[n++] = (struct ask *)c;
	}
	return n;
}

/* Read the result and complete the call.  false: the connection can no longer be used */
static bool complete_ask(struct pg_lane *l, struct ask *ask)
{
	struct fault why = { 0 };
	PGresult *r = pg_receive(&l->conn);
	enum pg_failure failed = pg_failed(&l->conn, r, &why);

	if (failed != PG_LOST && !pg_end(&l->conn)) {
		(void)pg_exec_failed(&l->conn, NULL, &why);
		failed = PG_LOST;
	}
	if (failed == PG_LOST) {
		libpq.clear(r);
		l->down_why = why;
		return false;
	}
	if (failed == PG_FINE) {
		ask->result = r;
		lane_complete(&ask->call, OK);
	} else {
		libpq.clear(r);
		lane_fail(&ask->call, &why);
	}
	return true;
}

static struct pg_call *run_asks(struct pg_lane *l, struct pg_call *calls)
{
	struct ask *asks[ASKS_MAX];

	while (calls != NULL) {
		size_t n = take_asks(&calls, asks), done = 0;
		pg_limit(&l->conn, clock_mono_ms() + 2 * l->conn.target->timeout_ms);
		/* A sync after each, so that each fails alone. */
		for (size_t i = 0; i < n; i++) {
			pg_send(&l->conn, asks[i]->q, asks[i]->values);
			pg_sync(&l->conn);
		}
		while (done < n && complete_ask(l, asks[done]))
			done++;
		if (done == n)
			continue;
		pg_disconnect(&l->conn);
		while (n-- > done) {
			asks[n]->call.next = calls;
			calls = &asks[n]->call;
		}
		return calls;
	}
	return NULL;
}

enum status pg_asker_start(struct pg_asker *s, struct fault *why)
{
	s->lane.run = run_asks;
	s->lane.connected = start_connection;
	return lane_start(&s->lane, why);
}

void pg_asker_stop(struct pg_asker *s)
{
	lane_stop(&s->lane);
}

enum status pg_ask(struct pg_asker *s, enum pg_query q, const struct pg_value *values, PGresult **out, struct fault *why)
{
	struct ask ask = { .call = { .why = why }, .q = q, .values = values };

	TRY(lane_run(&s->lane, &ask.call));
	*out = ask.result;
	return OK;
}
