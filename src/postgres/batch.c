/* See batch.h. */
#include "postgres/batch.h"

#include "base/clock.h"
#include "base/metrics.h"
#include "postgres/rows.h"

#include <stdlib.h>
#include <string.h>

#define BATCH_BYTES ((size_t)128 << 20)
#define BEGIN_STATEMENTS 2 /* those that begin a transaction */

/* A statement whose result has not been received. */
struct sent {
	struct pg_change *change;                          /* NULL: of no change */
	bool (*read)(struct pg_batch *, const PGresult *); /* NULL: its rows are ignored.  false: the arena is full */
	bool keeps;                                        /* the change keeps the result */
};

struct pg_batch {
	struct pg_writer *w;
	struct arena a;
	struct sent *sent;
	unsigned char (*wanted)[UUID_BYTES]; /* ids of images, in the order in which changes named them; sorted once all are named */
	struct pg_image *images;             /* those images, sorted by id */
	struct pg_owner *owners;             /* sorted by name */
	size_t n_sent, sent_room, n_images, images_room, n_owners, owners_room;
	struct image_counts delta; /* wraps below 0 */
	bool careful, wrote, has_events;
	enum pg_failure failed;
	struct fault failure;
};

/* Room for one more at index i of a list; NULL: the arena is full. */
static void *make_room(struct arena *a, void *list, size_t *n, size_t *room, size_t i, size_t size)
{
	char *items = *(char **)list;

	if (*n == *room) {
		size_t more = *room == 0 ? 64 : 2 * *room;
		items = arena_array(a, more, size);
		if (items == NULL)
			return NULL;
		if (*n > 0)
			memcpy(items, *(char **)list, *n * size);
		*(char **)list = items;
		*room = more;
	}
	memmove(items + (i + 1) * size, items + i * size, (*n - i) * size);
	memset(items + i * size, 0, size);
	++*n;
	return items + i * size;
}

/* what changes call */

struct pg_writer *batch_writer(struct pg_batch *b)
{
	return b->w;
}

struct arena *batch_arena(struct pg_batch *b)
{
	return &b->a;
}

void batch_want_image(struct pg_batch *b, const unsigned char id[UUID_BYTES])
{
	unsigned char *to = make_room(&b->a, &b->wanted, &b->n_images, &b->images_room, b->n_images, UUID_BYTES);

	if (to != NULL)
		memcpy(to, id, UUID_BYTES);
}

/* The index of the owner, or the one at which to insert it. */
static size_t find_owner(const struct pg_batch *b, struct str owner, bool *found)
{
	size_t from = 0, to = b->n_owners;

	*found = false;
	while (from < to && !*found) {
		size_t middle = (from + to) / 2;
		int order = str_compare(b->owners[middle].user.owner, owner);
		*found = order == 0;
		if (order < 0)
			from = middle + 1;
		else
			to = middle;
	}
	return to;
}

struct pg_owner *batch_owner(struct pg_batch *b, struct str owner)
{
	bool found;

	assert(owner.n > 0);
	size_t i = find_owner(b, owner, &found);
	if (found)
		return &b->owners[i];
	struct pg_owner *o = make_room(&b->a, &b->owners, &b->n_owners, &b->owners_room, i, sizeof *o);
	if (o != NULL)
		o->user.owner = str_dup(&b->a, owner);
	return o;
}

void batch_want_owner(struct pg_batch *b, struct str owner)
{
	(void)batch_owner(b, owner);
}

static int compare_ids(const void *x, const void *y)
{
	return memcmp(x, y, UUID_BYTES);
}

static int compare_image(const void *id, const void *image)
{
	return memcmp(id, ((const struct pg_image *)image)->id, UUID_BYTES);
}

struct pg_image *batch_image(struct pg_batch *b, const unsigned char id[UUID_BYTES])
{
	return b->images == NULL ? NULL : bsearch(id, b->images, b->n_images, sizeof *b->images, compare_image);
}

static void *add_sent(struct pg_batch *b, struct sent sent)
{
	struct sent *s = make_room(&b->a, &b->sent, &b->n_sent, &b->sent_room, b->n_sent, sizeof *s);

	if (s != NULL)
		*s = sent;
	return s;
}

void batch_note_write(struct pg_batch *b)
{
	b->wrote = true;
}

void batch_send(struct pg_batch *b, struct pg_change *c, enum pg_query q, const struct pg_value *values)
{
	batch_note_write(b);
	if (add_sent(b, (struct sent){ .change = c }) != NULL)
		pg_send(&b->w->lane.conn, q, values);
}

/* Send a statement whose result is read by a function. */
#define ASK(b, read_result, q, ...) \
	do { \
		if (add_sent((b), (struct sent){ .read = (read_result) }) != NULL) \
			PG_SEND(&(b)->w->lane.conn, (q), __VA_ARGS__); \
	} while (0)

static void send_command(struct pg_batch *b, const char *sql)
{
	if (add_sent(b, (struct sent){ 0 }) != NULL)
		pg_send_command(&b->w->lane.conn, sql);
}

struct image_counts *batch_counts(struct pg_batch *b)
{
	return &b->delta;
}

uint64_t batch_pending(const struct pg_batch *b)
{
	return b->w->pending + b->delta.pending;
}

enum status batch_check_change(const struct pg_batch *b, struct fault *why)
{
	return b->w->fills ? OK : transfer_check_change(b->w->phase, why);
}

enum status batch_check_upload(const struct pg_batch *b, struct fault *why)
{
	return b->w->fills ? OK : transfer_check_upload(b->w->phase, why);
}

int64_t batch_now_us(struct pg_batch *b)
{
	int64_t now = clock_now_ms() * 1000;

	return b->w->last_us = now > b->w->last_us ? now : b->w->last_us + 1;
}

void batch_note_event(struct pg_batch *b)
{
	b->has_events = true;
}

/* round trips */

static void note_failure(struct pg_batch *b, enum pg_failure failed, const struct fault *why)
{
	if (failed == PG_FINE || failed == PG_ABORTED || b->failed != PG_FINE)
		return;
	b->failed = failed;
	b->failure = *why;
}

static void take_result(struct pg_batch *b, const struct sent *s)
{
	struct pg_conn *c = &b->w->lane.conn;
	struct fault why = { 0 };
	PGresult *r = pg_receive(c);
	enum pg_failure failed = pg_failed(c, r, &why);

	if (failed == PG_FINE && s->read != NULL && !s->read(b, r)) {
		(void)fault_too_much(&why);
		failed = PG_REFUSED;
	}
	if (failed == PG_FINE && s->keeps) {
		libpq.clear(s->change->result);
		s->change->result = r;
		return;
	}
	if (failed == PG_FINE && s->change != NULL) {
		uint64_t n = 0;
		s->change->affected += str_to_u64(str_of(libpq.cmdTuples(r)), &n) ? n : 0;
	}
	note_failure(b, failed, &why);
	libpq.clear(r);
}

/* Send the queued statements and receive all results.  false: something failed */
static bool round_trip(struct pg_batch *b)
{
	struct pg_conn *c = &b->w->lane.conn;
	struct fault why;

	pg_sync(c);
	for (size_t i = 0; i < b->n_sent && c->pg != NULL; i++)
		take_result(b, &b->sent[i]);
	b->n_sent = 0;
	if (c->pg == NULL || !pg_end(c)) {
		(void)pg_exec_failed(c, NULL, &why);
		note_failure(b, PG_LOST, &why);
	}
	return b->failed == PG_FINE;
}

/* false: the arena was full, so that statements are missing */
static bool check_memory(struct pg_batch *b)
{
	struct fault why;

	if (arena_ok(&b->a))
		return true;
	(void)fault_too_much(&why);
	note_failure(b, PG_REFUSED, &why);
	return false;
}

static void roll_back(struct pg_batch *b)
{
	if (b->w->lane.conn.pg == NULL)
		return;
	/* If the arena is full, there may be no room to queue the command until the results of earlier statements have been received. */
	if (!arena_ok(&b->a))
		(void)round_trip(b);
	send_command(b, "ROLLBACK");
	enum pg_failure kept = b->failed;
	(void)round_trip(b);
	b->failed = b->w->lane.conn.pg == NULL ? PG_LOST : kept;
}

/* the first round trip: lock and read */

static bool read_images(struct pg_batch *b, const PGresult *r)
{
	for (int i = 0; i < libpq.ntuples(r); i++) {
		struct pg_image *image = batch_image(b, (const unsigned char *)libpq.getvalue(r, i, 0));
		assert(image != NULL);
		image->is_there = true;
		pg_rows_read(r, i, &b->a, image);
	}
	return arena_ok(&b->a);
}

static bool read_kept(struct pg_batch *b, const PGresult *r)
{
	for (int i = 0; i < libpq.ntuples(r); i++)
		batch_image(b, (const unsigned char *)libpq.getvalue(r, i, 0))->is_kept = true;
	return true;
}

static bool read_owners(struct pg_batch *b, const PGresult *r)
{
	for (int i = 0; i < libpq.ntuples(r); i++) {
		struct pg_owner *o = batch_owner(b, pg_column_text(r, i, 0));
		if (o == NULL)
			return false;
		pg_rows_read_owner(r, i, &b->a, o);
	}
	return arena_ok(&b->a);
}

static bool read_phase(struct pg_batch *b, const PGresult *r)
{
	b->w->phase = libpq.ntuples(r) > 0 ? (enum transfer_phase)pg_column_number(r, 0, 0) : TRANSFER_NONE;
	return true;
}

static bool read_counts(struct pg_batch *b, const PGresult *r)
{
	b->w->pending = (uint64_t)pg_column_number(r, 0, 0);
	return true;
}

static void ask_images(struct pg_batch *b)
{
	size_t n = 0;

	qsort(b->wanted, b->n_images, UUID_BYTES, compare_ids);
	for (size_t i = 0; i < b->n_images; i++)
		if (n == 0 || compare_ids(b->wanted[n - 1], b->wanted[i]) != 0)
			memcpy(b->wanted[n++], b->wanted[i], UUID_BYTES);
	b->n_images = n;
	b->images = arena_array(&b->a, n, sizeof *b->images);
	if (b->images == NULL)
		return;
	for (size_t i = 0; i < n; i++)
		memcpy(b->images[i].id, b->wanted[i], UUID_BYTES);
	const struct pg_value ids = pg_uuids(&b->a, b->wanted, n);
	ASK(b, read_images, PQ_LOCK_IMAGES, ids);
	/* After the locks on rows: a transaction that was waited for may have removed a row and added its id here. */
	ASK(b, read_kept, PQ_KEPT_IDS, ids, pg_number(clock_now_ms()));
}

static void ask_owners(struct pg_batch *b)
{
	struct str *names = arena_array(&b->a, b->n_owners, sizeof *names);

	if (names == NULL)
		return;
	for (size_t i = 0; i < b->n_owners; i++)
		names[i] = b->owners[i].user.owner;
	ASK(b, read_owners, PQ_LOCK_OWNERS, pg_texts(&b->a, names, b->n_owners), pg_uuids(&b->a, b->wanted, b->n_images));
}

/* Lock and read what the changes need. If that is nothing, BEGIN is only queued. */
static bool prepare_batch(struct pg_batch *b, struct pg_change *const *changes, size_t n)
{
	struct pg_writer *w = b->w;
	char timeout[DECIMAL_CHARS];

	b->careful = b->careful || transfer_check_change(w->phase, NULL) != OK || (w->max_pending > 0 && w->pending + n >= w->max_pending);
	for (size_t i = 0; i < n; i++)
		if (changes[i]->want != NULL)
			changes[i]->want(b, changes[i], b->careful);
	send_command(b, "BEGIN ISOLATION LEVEL READ COMMITTED");
	ASK(b, NULL, PQ_BEGIN, pg_text(str_of_number((uint64_t)w->lane.conn.target->timeout_ms, timeout)));
	if (b->careful) {
		ASK(b, read_phase, PQ_PHASE, { PG_END });
		ASK(b, read_counts, PQ_COUNTS, { PG_END });
	}
	if (b->n_images > 0)
		ask_images(b);
	if (b->n_images > 0 || b->n_owners > 0)
		ask_owners(b);
	for (size_t i = 0; i < n; i++)
		if (changes[i]->values != NULL && add_sent(b, (struct sent){ .change = changes[i], .keeps = true }) != NULL)
			pg_send(&w->lane.conn, changes[i]->query, changes[i]->values);
	return check_memory(b) && (b->n_sent <= BEGIN_STATEMENTS || round_trip(b));
}

/* the second round trip: write and commit */

static bool read_saved(struct pg_batch *b, const PGresult *r)
{
	b->w->pending = (uint64_t)pg_column_number(r, 0, 2) + b->delta.pending;
	return true;
}

static void save_owner(struct pg_batch *b, const struct pg_owner *o)
{
	struct pg_value values[PG_OWNER_VALUES + 1];

	pg_rows_owner_values(o, values);
	batch_send(b, NULL, o->is_stored ? PQ_OWNER_UPDATE : PQ_OWNER_INSERT, values);
}

static bool commit_batch(struct pg_batch *b)
{
	struct pg_writer *w = b->w;

	ASK(b, read_saved, PQ_WRITER_SAVE, pg_uuid(w->id), pg_number(w->generation), pg_number(++w->batches),
		pg_number((int64_t)b->delta.pending), pg_number((int64_t)b->delta.uploaded), pg_number((int64_t)b->delta.rejected),
		pg_number((int64_t)b->delta.stored_bytes), pg_number(clock_now_ms()), pg_number(w->phase));
	if (!check_memory(b))
		return false;
	send_command(b, "COMMIT");
	return check_memory(b) && round_trip(b);
}

void batch_notify_source(struct pg_writer *w)
{
	const struct outbox_source *source = atomic_load(&w->outbox_source);

	if (source != NULL)
		source->changed(source->arg);
}

/* A change that fails after it has sent a statement makes the batch fail; the changes are then run one by one. */
static void apply_change(struct pg_batch *b, struct pg_change *c)
{
	size_t sent = b->n_sent;
	struct fault why = { 0 };
	struct fault *caller_why = c->call.why;

	c->call.why = &why;
	c->outcome = c->apply(b, c);
	c->call.why = caller_why;
	if (c->outcome != OK && caller_why != NULL)
		*caller_why = why;
	if (c->outcome != OK && b->n_sent > sent)
		note_failure(b, PG_REFUSED, &why);
}

static enum pg_failure run_batch(struct pg_batch *b, struct pg_change *const *changes, size_t n)
{
	for (size_t i = 0; i < n; i++)
		changes[i]->affected = 0;
	if (!prepare_batch(b, changes, n)) {
		roll_back(b);
		return b->failed;
	}
	for (size_t i = 0; i < n && b->failed == PG_FINE; i++)
		apply_change(b, changes[i]);
	for (size_t i = 0; i < b->n_owners && b->failed == PG_FINE; i++)
		if (b->owners[i].changed)
			save_owner(b, &b->owners[i]);
	if (!b->wrote || b->failed != PG_FINE) {
		roll_back(b);
		return b->failed;
	}
	if (commit_batch(b)) {
		if (b->has_events)
			batch_notify_source(b->w);
		metric_add(M_COMMITS, 1);
		metric_add(M_COMMITTED_CHANGES, (int64_t)n);
		return PG_FINE;
	}
	for (size_t i = 0; i < n && b->w->lane.conn.pg == NULL; i++)
		changes[i]->batch = b->w->batches;
	roll_back(b);
	return b->failed;
}

enum pg_failure batch_run(struct pg_writer *w, struct pg_change *const *changes, size_t n, bool careful, struct fault *why)
{
	struct pg_batch b = { .w = w, .careful = careful };

	pg_limit(&w->lane.conn, clock_mono_ms() + 2 * w->lane.conn.target->timeout_ms);
	arena_init(&b.a, BATCH_BYTES);
	enum pg_failure failed = run_batch(&b, changes, n);
	*why = b.failure;
	arena_deinit(&b.a);
	return failed;
}
