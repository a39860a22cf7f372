/* The outbox on PostgreSQL: an event is written in the transaction of the change that it reports. Processes that share the database share its
 * events. A process that asks for due events claims them: the same statement sets the time at which they are due again, so that no other
 * process gets them until then. If the process ends before it has recorded the outcome, another one sends them. A claim is a change of a batch,
 * so that the process learns what it has claimed even if the connection was lost before the response. Delivered events are deleted. */
#include "base/clock.h"
#include "postgres/parts.h"
#include "postgres/rows.h"

/* How long a process may take to send an event and record the outcome before another process claims it. */
#define CLAIM_MS ((int64_t)5 * 60 * 1000)

enum status pg_outbox_add(struct pg_batch *b, enum outbox_kind kind, const struct image_row *row, struct fault *why)
{
	const struct outbox_source *source = atomic_load(&batch_writer(b)->outbox_source);
	unsigned char id[UUID_BYTES];
	char token[OUTBOX_TOKEN_CHARS + 1];
	struct buf body;
	int64_t now_ms = clock_now_ms();

	if (source == NULL || (source->kinds & 1U << kind) == 0 || !uuid_to_bytes(row->image_id, id))
		return OK;
	buf_init_arena(&body, batch_arena(b), OUTBOX_BODY_MAX);
	TRY(source->write(source->arg, kind, row, now_ms, &body, why));
	TRY(fault_check_buf(&body, why));
	outbox_make_token(token);
	BATCH_SEND(b, NULL, PQ_OUTBOX_ADD, pg_text(str_of(token)), pg_number(kind), pg_uuid(id), pg_text(row->owner), pg_text(buf_str(&body)),
		pg_number(now_ms));
	batch_note_event(b);
	return OK;
}

static enum status start_outbox(struct outbox *o, const struct outbox_source *source, struct fault *why)
{
	(void)why;
	atomic_store(&POSTGRES_OF(o, outbox)->writer.outbox_source, source);
	return OK;
}

/* reads */

struct outbox_event pg_outbox_read_event(const PGresult *r, int i, int body, struct arena *a)
{
	return (struct outbox_event){
		.n = pg_column_number(r, i, 0),
		.id = outbox_write_id(pg_column_number(r, i, 0), pg_column_text(r, i, 1), a),
		.kind = (enum outbox_kind)pg_column_number(r, i, 2),
		.state = (enum outbox_state)pg_column_number(r, i, 3),
		.image_id = pg_rows_uuid(r, i, 4, a),
		.created_ms = pg_column_number(r, i, 5),
		.due_ms = pg_column_number(r, i, 6),
		.first_ms = pg_column_number(r, i, 7),
		.ended_ms = pg_column_number(r, i, 8),
		.attempts = (unsigned)pg_column_number(r, i, 9),
		.error = str_dup(a, pg_column_text(r, i, 10)),
		.body = body < 0 ? (struct str){ 0 } : str_dup(a, pg_column_text(r, i, body)),
	};
}

/* The first n rows. */
static enum status read_events(const PGresult *r, size_t n, int body, struct arena *a, struct outbox_page *out, struct fault *why)
{
	struct outbox_page page = { .events = arena_array(a, n, sizeof *page.events), .n = n, .next_ms = INT64_MAX };

	if (page.events == NULL && n > 0)
		return fault_too_much(why);
	for (size_t i = 0; i < n; i++)
		page.events[i] = pg_outbox_read_event(r, (int)i, body, a);
	*out = page;
	return fault_check_arena(a, why);
}

/* The phases of a migration in which events are sent, one bit each. */
static int64_t open_phases(void)
{
	int64_t bits = 0;
	for (enum transfer_phase phase = 0; phase < TRANSFER_PHASES; phase++)
		bits |= transfer_check_upload(phase, NULL) == OK ? INT64_C(1) << phase : 0;
	return bits;
}

static enum status apply_claim(struct pg_batch *b, struct pg_change *c)
{
	if (!libpq.getisnull(c->result, 0, 0))
		batch_note_write(b);
	return OK;
}

/* A claim that failed is run once more: if it was committed all the same, its events are those. Later others may have claimed them. */
static enum status claim_events(struct postgres *p, int64_t now_ms, uint32_t limit, PGresult **out, struct fault *why)
{
	const struct pg_value values[] = { pg_number(now_ms), pg_number(now_ms + CLAIM_MS), pg_number(limit), pg_number(open_phases()),
		{ PG_END } };
	struct pg_change *c = &p->claim;

	pthread_mutex_lock(&p->claiming);
	if (now_ms - p->claimed_ms < 0 || now_ms - p->claimed_ms > CLAIM_MS / 2)
		c->batch = 0;
	if (c->batch == 0)
		p->claimed_ms = now_ms;
	c->call.why = why;
	c->apply = apply_claim;
	c->query = PQ_OUTBOX_CLAIM;
	c->values = values;
	enum status status = pg_writer_run(&p->writer, c);
	if (status == OK) {
		*out = c->result;
		*c = (struct pg_change){ .result = NULL };
	}
	pthread_mutex_unlock(&p->claiming);
	return status;
}

/* The statement always returns a row: the columns after those of the event say whether events are sent, and when the next is due. */
static enum status claim_due(struct outbox *o, int64_t now_ms, uint32_t limit, struct arena *a, struct outbox_page *out, struct fault *why)
{
	enum { BODY = 11, DISABLED_MS, NEXT_MS, OPEN };
	PGresult *r CLEANUP(result_clear) = NULL;
	struct outbox_page page;

	TRY(claim_events(POSTGRES_OF(o, outbox), now_ms, limit, &r, why));
	size_t n = libpq.getisnull(r, 0, 0) ? 0 : (size_t)libpq.ntuples(r);
	int64_t next_ms = pg_column_number(r, 0, NEXT_MS);
	TRY(read_events(r, n, BODY, a, &page, why));
	if (pg_column_number(r, 0, OPEN) == 0)
		page.next_ms = now_ms + TRANSFER_LOOK_AGAIN_MS;
	else if (n >= limit)
		page.next_ms = now_ms;
	else if (pg_column_number(r, 0, DISABLED_MS) == 0 && next_ms > 0)
		page.next_ms = next_ms;
	*out = page;
	return OK;
}

static enum status list_events(struct outbox *o, const struct outbox_query *q, struct arena *a, struct outbox_page *out, struct fault *why)
{
	PGresult *r CLEANUP(result_clear) = NULL;
	int64_t before = q->before_n > 0 ? q->before_n : INT64_MAX;
	struct pg_asker *asker = &POSTGRES_OF(o, outbox)->scans;

	if (!q->has_state)
		TRY(PG_ASK(asker, PQ_OUTBOX_LIST, &r, why, pg_number(before), pg_number(q->limit)));
	else if (q->state == OUTBOX_WAITING)
		TRY(PG_ASK(asker, PQ_OUTBOX_LIST_WAITING, &r, why, pg_number(before), pg_number(q->limit)));
	else
		TRY(PG_ASK(asker, PQ_OUTBOX_LIST_ENDED, &r, why, pg_number(before), pg_number(q->limit), pg_number(q->state)));
	return read_events(r, (size_t)libpq.ntuples(r), -1, a, out, why);
}

static enum status read_status(struct outbox *o, struct arena *a, struct outbox_status *out, struct fault *why)
{
	PGresult *r CLEANUP(result_clear) = NULL;

	TRY(PG_ASK(&POSTGRES_OF(o, outbox)->scans, PQ_OUTBOX_STATUS, &r, why, { PG_END }));
	*out = (struct outbox_status){
		.counts = { [OUTBOX_WAITING] = (uint64_t)pg_column_number(r, 0, 0), [OUTBOX_FAILED] = (uint64_t)pg_column_number(r, 0, 1) },
		.disabled_ms = pg_column_number(r, 0, 2),
		.disabled_reason = str_dup(a, pg_column_text(r, 0, 3)),
		.delivered_ms = pg_column_number(r, 0, 4)
	};
	return fault_check_arena(a, why);
}

/* writes */

struct outbox_change {
	struct pg_change change;
	const struct outbox_record *record;
	const struct outbox_selection *which;
	int64_t now_ms;
};

static void send_result(struct pg_batch *b, const struct outbox_result *r)
{
	if (r->state == OUTBOX_DELIVERED)
		BATCH_SEND(b, NULL, PQ_OUTBOX_REMOVE, pg_number(r->n));
	else
		BATCH_SEND(b, NULL, PQ_OUTBOX_RECORD, pg_number(r->n), pg_number(r->state), pg_number(r->due_ms), pg_number(r->first_ms),
			pg_number(r->ended_ms), pg_number(r->attempts), pg_text(r->error));
}

static enum status apply_record(struct pg_batch *b, struct pg_change *c)
{
	const struct outbox_record *r = ((const struct outbox_change *)c)->record;

	for (size_t i = 0; i < r->n; i++)
		send_result(b, &r->results[i]);
	if (r->delivered_ms != 0)
		BATCH_SEND(b, NULL, PQ_OUTBOX_DELIVERED, pg_number(r->delivered_ms));
	if (r->disabled_ms != 0)
		BATCH_SEND(b, NULL, PQ_OUTBOX_DISABLE, pg_number(r->disabled_ms), pg_text(r->disabled_reason));
	return OK;
}

static enum status record_results(struct outbox *o, const struct outbox_record *r, struct fault *why)
{
	struct outbox_change oc = { .change = { .apply = apply_record, .call.why = why }, .record = r };

	return pg_writer_run(&POSTGRES_OF(o, outbox)->writer, &oc.change);
}

static enum status apply_resend(struct pg_batch *b, struct pg_change *c)
{
	const struct outbox_change *oc = (const struct outbox_change *)c;
	int64_t n = 0;
	struct str token = { 0 }, id = oc->which->id;

	if (id.n == 0 && oc->which->state == OUTBOX_FAILED)
		BATCH_SEND(b, c, PQ_OUTBOX_RESEND_FAILED, pg_number(oc->now_ms));
	else if (id.n == 0)
		BATCH_SEND(b, c, PQ_OUTBOX_RETRY, pg_number(oc->now_ms));
	else if (outbox_parse_id(id, &n, &token))
		BATCH_SEND(b, c, PQ_OUTBOX_RESEND, pg_number(oc->now_ms), pg_number(n), pg_text(token));
	else
		return no_such_event(c->call.why);
	return OK;
}

static enum status resend_events(struct outbox *o, const struct outbox_selection *which, int64_t now_ms, uint64_t *n, struct fault *why)
{
	struct outbox_change oc = { .change = { .apply = apply_resend, .call.why = why }, .which = which, .now_ms = now_ms };
	struct postgres *p = POSTGRES_OF(o, outbox);

	TRY(pg_writer_run(&p->writer, &oc.change));
	*n = oc.change.affected;
	if (*n == 0)
		return which->id.n == 0 ? OK : no_such_event(why);
	batch_notify_source(&p->writer);
	return OK;
}

static enum status apply_enable(struct pg_batch *b, struct pg_change *c)
{
	BATCH_SEND(b, NULL, PQ_OUTBOX_RETRY_DISABLED, pg_number(((const struct outbox_change *)c)->now_ms));
	BATCH_SEND(b, c, PQ_OUTBOX_ENABLE, { PG_END });
	return OK;
}

static enum status enable_outbox(struct outbox *o, int64_t now_ms, struct fault *why)
{
	struct outbox_change oc = { .change = { .apply = apply_enable, .call.why = why }, .now_ms = now_ms };
	struct postgres *p = POSTGRES_OF(o, outbox);

	TRY(pg_writer_run(&p->writer, &oc.change));
	if (oc.change.affected > 0)
		batch_notify_source(&p->writer);
	return OK;
}

const struct outbox_ops pg_outbox_ops = {
	.shared = true,
	.start = start_outbox,
	.due = claim_due,
	.record = record_results,
	.list = list_events,
	.status = read_status,
	.resend = resend_events,
	.enable = enable_outbox,
};
