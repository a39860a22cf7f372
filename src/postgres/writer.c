/* The lane that writes: collects changes into batches, and retries or refuses them when a batch fails. See batch.h. */
#include "base/clock.h"
#include "postgres/batch.h"

#define CHANGES_MAX 256
#define TRIES_MAX 4
/* Rows of processes that have not written for this long are added to the row of generation 0 and deleted. */
#define WRITER_GONE_MS ((int64_t)24 * 3600 * 1000)

static void complete_all(struct pg_change *const *changes, size_t n)
{
	for (size_t i = 0; i < n; i++)
		lane_complete(&changes[i]->call, changes[i]->outcome);
}

/* Claim the row of this process: learn which batch was committed last, and make anything still sent by the old connection fail. */
static bool claim_row(struct pg_lane *l, struct fault *why)
{
	struct pg_writer *w = (struct pg_writer *)l;
	struct pg_conn *c = &l->conn;
	bool ok = true;

	pg_limit(c, clock_mono_ms() + 2 * c->target->timeout_ms);
	PG_SEND(c, PQ_WRITER_CLAIM, pg_uuid(w->id), pg_number(clock_now_ms()));
	PG_SEND(c, PQ_PHASE, { PG_END });
	PG_SEND(c, PQ_COUNTS, { PG_END });
	PG_SEND(c, PQ_WRITER_FOLD, pg_uuid(w->id), pg_number(clock_now_ms() - WRITER_GONE_MS));
	pg_sync(c);
	for (int i = 0; i < 4 && ok; i++) {
		PGresult *r = pg_receive(c);
		ok = pg_failed(c, r, why) == PG_FINE && (i == 3 || libpq.ntuples(r) == 1);
		if (ok && i == 0) {
			w->generation = pg_column_number(r, 0, 0);
			w->committed = pg_column_number(r, 0, 1);
		} else if (ok && i == 1) {
			w->phase = (enum transfer_phase)pg_column_number(r, 0, 0);
		} else if (ok && i == 2) {
			w->pending = (uint64_t)pg_column_number(r, 0, 0);
		}
		libpq.clear(r);
	}
	return ok && pg_end(c);
}

/* Refuse a change whose deadline has passed.  false: it has not passed */
static bool refuse_late(struct pg_change *c)
{
	if (clock_mono_ms() < c->call.until_ms)
		return false;
	lane_complete(&c->call, fault_set(c->call.why, DEADLINE, "The database took too long. Try again in a moment."));
	return true;
}

/* Take the next changes off the list. Those whose deadline has passed, and those that were committed although the connection was lost, are
 * completed here. */
static size_t take_changes(struct pg_writer *w, struct pg_call **calls, struct pg_change *out[CHANGES_MAX])
{
	size_t n = 0;

	while (*calls != NULL && n < CHANGES_MAX) {
		struct pg_change *c = (struct pg_change *)*calls;
		*calls = c->call.next;
		c->call.next = NULL;
		if (c->batch != 0 && c->batch == w->committed) {
			batch_notify_source(w);
			/* The number of affected rows was in the response that was lost; it is rarely 0. */
			c->affected = c->affected > 0 ? c->affected : 1;
			lane_complete(&c->call, c->outcome);
		} else if (!refuse_late(c)) {
			out[n++] = c;
		}
	}
	for (size_t i = 0; i < n; i++)
		out[i]->batch = 0;
	return n;
}

/* Put the changes back in front of the calls. */
static struct pg_call *put_back(struct pg_change *const *changes, size_t n, struct pg_call *calls)
{
	while (n-- > 0) {
		changes[n]->call.next = calls;
		calls = &changes[n]->call;
	}
	return calls;
}

/* Run changes in one batch, and again after a conflict.  PG_REFUSED: `why` is written */
static enum pg_failure run_together(struct pg_writer *w, struct pg_change *const *changes, size_t n, struct fault *why)
{
	enum pg_failure failed = batch_run(w, changes, n, false, why);

	for (int tries = 1; failed == PG_CONFLICT && tries < TRIES_MAX; tries++)
		failed = claim_row(&w->lane, why) ? batch_run(w, changes, n, true, why) : PG_LOST;
	if (failed == PG_FINE)
		complete_all(changes, n);
	return failed == PG_CONFLICT ? PG_REFUSED : failed;
}

/* Run changes one by one, so that only the failing ones fail; none is begun after its deadline. Returns how many were completed. */
static size_t run_alone(struct pg_writer *w, struct pg_change *const *changes, size_t n)
{
	struct fault why;

	for (size_t i = 0; i < n; i++) {
		if (refuse_late(changes[i]))
			continue;
		enum pg_failure failed = run_together(w, &changes[i], 1, &why);
		if (failed == PG_LOST)
			return i;
		if (failed != PG_FINE)
			lane_fail(&changes[i]->call, &why);
	}
	return n;
}

static struct pg_call *run_changes(struct pg_lane *l, struct pg_call *calls)
{
	struct pg_writer *w = (struct pg_writer *)l;
	struct pg_change *changes[CHANGES_MAX];

	while (calls != NULL) {
		struct fault why;
		size_t n = take_changes(w, &calls, changes), done = n;
		enum pg_failure failed = n > 0 ? run_together(w, changes, n, &why) : PG_FINE;
		if (failed == PG_REFUSED && n > 1)
			done = run_alone(w, changes, n);
		else if (failed == PG_REFUSED)
			lane_fail(&changes[0]->call, &why);
		else if (failed != PG_FINE)
			done = 0;
		if (done == n)
			continue;
		l->down_why = failed == PG_LOST ? why : l->down_why;
		pg_disconnect(&l->conn);
		return put_back(changes + done, n - done, calls);
	}
	return NULL;
}

enum status pg_writer_start(struct pg_writer *w, struct fault *why)
{
	w->lane.run = run_changes;
	w->lane.connected = claim_row;
	random_bytes(w->id, sizeof w->id);
	return lane_start(&w->lane, why);
}

void pg_writer_stop(struct pg_writer *w)
{
	lane_stop(&w->lane);
}

enum status pg_writer_run(struct pg_writer *w, struct pg_change *c)
{
	return lane_run(&w->lane, &c->call);
}

void pg_writer_start_change(struct pg_writer *w, struct pg_change *c)
{
	c->batch = 0;
	lane_start_call(&w->lane, &c->call);
}
