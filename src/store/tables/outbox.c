/* See outbox.h. The first half runs on the commit thread; reads are on a connection of the pool. */
#include "store/tables/outbox.h"

#include "base/clock.h"
#include "store/db/phase.h"
#include "store/engine.h"

#include <string.h>

/* events of changes */

bool outbox_wants(const struct writer *w, enum outbox_kind kind)
{
	return w->outbox_source != NULL && (w->outbox_source->kinds & 1U << kind) != 0;
}

enum status outbox_add(struct writer *w, enum outbox_kind kind, const struct image_row *row)
{
	if (!outbox_wants(w, kind))
		return OK;
	const struct outbox_source *source = w->outbox_source;
	struct buf body CLEANUP(buf_deinit);
	char token[OUTBOX_TOKEN_CHARS + 1];
	int64_t now_ms = clock_now_ms();
	buf_init(&body, OUTBOX_BODY_MAX);
	enum status written = source->write(source->arg, kind, row, now_ms, &body, &w->failure);
	if (written == OK)
		written = fault_check_buf(&body, &w->failure);
	if (written != OK)
		return writer_fail(w);
	outbox_make_token(token);
	w->has_events = true;
	return writer_run(w,
		DB_BIND(&w->db, Q_OUTBOX_ADD, db_text(str_of(token)), db_int(kind), db_text(row->image_id), db_text(row->owner),
			db_text(buf_str(&body)), db_int(now_ms)));
}

enum status outbox_remove_owner(struct writer *w, struct str owner)
{
	assert(owner.n > 0);
	return writer_run(w, DB_BIND(&w->db, Q_OUTBOX_REMOVE_OWNER, db_text(owner)));
}

/* changes of the port's own */

struct outbox_change {
	struct change change;
	const struct outbox_source *source;
	const struct outbox_record *record;
	const struct outbox_selection *which;
	int64_t now_ms;
	uint64_t n;
};

static enum status apply_start(struct writer *w, struct change *c)
{
	w->outbox_source = ((struct outbox_change *)c)->source;
	return OK;
}

static enum status apply_record(struct writer *w, struct change *c)
{
	const struct outbox_record *r = ((struct outbox_change *)c)->record;
	for (size_t i = 0; i < r->n; i++) {
		const struct outbox_result *one = &r->results[i];
		TRY(writer_run(w,
			DB_BIND(&w->db, Q_OUTBOX_RECORD, db_int(one->n), db_int(one->state), db_int(one->due_ms), db_int(one->first_ms),
				db_int(one->ended_ms), db_int(one->attempts), db_text(one->error))));
	}
	if (r->delivered_ms != 0) {
		TRY(writer_run(w, DB_BIND(&w->db, Q_OUTBOX_DELIVERED, db_int(r->delivered_ms))));
		TRY(writer_run(w, DB_BIND(&w->db, Q_OUTBOX_FORGET, db_int(OUTBOX_DELIVERED_MAX))));
	}
	if (r->disabled_ms != 0)
		TRY(writer_run(w, DB_BIND(&w->db, Q_OUTBOX_DISABLE, db_int(r->disabled_ms), db_text(r->disabled_reason))));
	return OK;
}

static enum status apply_resend(struct writer *w, struct change *c)
{
	struct outbox_change *oc = (struct outbox_change *)c;
	int64_t number = 0;
	struct str token = { 0 };
	struct str id = oc->which->id;
	if (id.n == 0)
		TRY(writer_run(
			w, DB_BIND(&w->db, oc->which->state == OUTBOX_FAILED ? Q_OUTBOX_RESEND_FAILED : Q_OUTBOX_RETRY, db_int(oc->now_ms))));
	else if (outbox_parse_id(id, &number, &token))
		TRY(writer_run(w, DB_BIND(&w->db, Q_OUTBOX_RESEND, db_int(oc->now_ms), db_int(number), db_text(token))));
	else
		return no_such_event(c->why);
	oc->n = (uint64_t)sqlite3_changes(w->db.sq);
	w->has_events = w->has_events || oc->n > 0;
	return id.n == 0 || oc->n > 0 ? OK : no_such_event(c->why);
}

static enum status apply_enable(struct writer *w, struct change *c)
{
	int64_t disabled_ms = 0;
	TRY(writer_read_number(w, db_query(&w->db, Q_OUTBOX_DISABLED), &disabled_ms));
	if (disabled_ms == 0)
		return OK;
	TRY(writer_run(w, DB_BIND(&w->db, Q_OUTBOX_DISABLE, db_int(0), db_text(STR("")))));
	w->has_events = true;
	return writer_run(w, DB_BIND(&w->db, Q_OUTBOX_RETRY, db_int(((struct outbox_change *)c)->now_ms)));
}

static enum status run_change(struct outbox *o, struct outbox_change *oc)
{
	return group_commit_run(&ENGINE_OF(o, outbox)->group_commit, &oc->change);
}

static enum status start_outbox(struct outbox *o, const struct outbox_source *source, struct fault *why)
{
	struct outbox_change oc = { .change = { .apply = apply_start, .why = why }, .source = source };
	return run_change(o, &oc);
}

static enum status record_results(struct outbox *o, const struct outbox_record *r, struct fault *why)
{
	struct outbox_change oc = { .change = { .apply = apply_record, .why = why }, .record = r };
	return run_change(o, &oc);
}

static enum status resend_events(struct outbox *o, const struct outbox_selection *which, int64_t now_ms, uint64_t *n, struct fault *why)
{
	struct outbox_change oc = { .change = { .apply = apply_resend, .why = why }, .which = which, .now_ms = now_ms };
	TRY(run_change(o, &oc));
	*n = oc.n;
	return OK;
}

static enum status enable_outbox(struct outbox *o, int64_t now_ms, struct fault *why)
{
	struct outbox_change oc = { .change = { .apply = apply_enable, .why = why }, .now_ms = now_ms };
	return run_change(o, &oc);
}

/* reads */

void outbox_read_event(sqlite3_stmt *s, struct arena *a, struct outbox_event *out)
{
	*out = (struct outbox_event){
		.n = sqlite3_column_int64(s, 0),
		.id = outbox_write_id(sqlite3_column_int64(s, 0), column_borrow(s, 1), a),
		.kind = (enum outbox_kind)sqlite3_column_int(s, 2),
		.state = (enum outbox_state)sqlite3_column_int(s, 3),
		.image_id = column_str(s, 4, a),
		.created_ms = sqlite3_column_int64(s, 5),
		.due_ms = sqlite3_column_int64(s, 6),
		.first_ms = sqlite3_column_int64(s, 7),
		.ended_ms = sqlite3_column_int64(s, 8),
		.attempts = (unsigned)sqlite3_column_int64(s, 9),
		.error = column_str(s, 10, a),
		.body = sqlite3_column_count(s) > 11 ? column_str(s, 11, a) : (struct str){ 0 },
	};
}

static enum status read_page(struct db *d, sqlite3_stmt *s, uint32_t limit, struct arena *a, struct outbox_page *out, struct fault *why)
{
	struct outbox_page page = { .events = arena_array(a, limit, sizeof *page.events), .next_ms = INT64_MAX };
	bool row = false;
	if (page.events == NULL)
		return fault_check_arena(a, why);
	for (;;) {
		TRY(db_step(d, s, &row, why));
		if (!row || page.n == limit)
			break;
		outbox_read_event(s, a, &page.events[page.n++]);
	}
	*out = page;
	return fault_check_arena(a, why);
}

static enum status read_due(struct outbox *o, int64_t now_ms, uint32_t limit, struct arena *a, struct outbox_page *out, struct fault *why)
{
	struct db *d CLEANUP(read_pool_release) = NULL;
	struct outbox_page page = { .next_ms = INT64_MAX };
	int64_t disabled_ms = 0, next_ms = 0;
	enum transfer_phase phase;
	TRY(read_pool_acquire(&ENGINE_OF(o, outbox)->read_pool, &d, why));
	TRY(phase_read(d, &phase, why));
	if (transfer_check_upload(phase, NULL) != OK) {
		page.next_ms = now_ms + TRANSFER_LOOK_AGAIN_MS;
		*out = page;
		return OK;
	}
	TRY(db_read_number(d, db_query(d, Q_OUTBOX_DISABLED), &disabled_ms, why));
	if (disabled_ms == 0) {
		TRY(read_page(d, DB_BIND(d, Q_OUTBOX_DUE, db_int(now_ms), db_int(limit)), limit, a, &page, why));
		TRY(db_read_number(d, DB_BIND(d, Q_OUTBOX_NEXT, db_int(now_ms)), &next_ms, why));
		page.next_ms = next_ms > 0 ? next_ms : INT64_MAX;
	}
	*out = page;
	return OK;
}

static enum status read_list(struct outbox *o, const struct outbox_query *q, struct arena *a, struct outbox_page *out, struct fault *why)
{
	struct db *d CLEANUP(read_pool_release) = NULL;
	int64_t before = q->before_n > 0 ? q->before_n : INT64_MAX;
	TRY(read_pool_acquire(&ENGINE_OF(o, outbox)->read_pool, &d, why));
	bool waiting = q->has_state && q->state == OUTBOX_WAITING;
	sqlite3_stmt *s = q->has_state && !waiting
		? DB_BIND(d, Q_OUTBOX_LIST_ENDED, db_int(before), db_int(q->limit), db_int(q->state))
		: DB_BIND(d, waiting ? Q_OUTBOX_LIST_WAITING : Q_OUTBOX_LIST, db_int(before), db_int(q->limit));
	return read_page(d, s, q->limit, a, out, why);
}

static enum status read_status(struct outbox *o, struct arena *a, struct outbox_status *out, struct fault *why)
{
	struct db *d CLEANUP(read_pool_release) = NULL;
	struct outbox_status status = { 0 };
	bool row = false;
	TRY(read_pool_acquire(&ENGINE_OF(o, outbox)->read_pool, &d, why));
	for (int i = 0; i < OUTBOX_STATES; i++) {
		int64_t n = 0;
		sqlite3_stmt *count = i == OUTBOX_WAITING ? db_query(d, Q_OUTBOX_COUNT_WAITING) : DB_BIND(d, Q_OUTBOX_COUNT_ENDED, db_int(i));
		TRY(db_read_number(d, count, &n, why));
		status.counts[i] = (uint64_t)n;
	}
	sqlite3_stmt *s = db_query(d, Q_OUTBOX_STATUS);
	TRY(db_step(d, s, &row, why));
	if (row) {
		status.disabled_ms = sqlite3_column_int64(s, 0);
		status.disabled_reason = column_str(s, 1, a);
		status.delivered_ms = sqlite3_column_int64(s, 2);
	}
	sqlite3_reset(s);
	*out = status;
	return fault_check_arena(a, why);
}

const struct outbox_ops sqlite_outbox_ops = {
	.start = start_outbox,
	.due = read_due,
	.record = record_results,
	.list = read_list,
	.status = read_status,
	.resend = resend_events,
	.enable = enable_outbox,
};
