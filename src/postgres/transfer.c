/* transfer on PostgreSQL: how `tintype migrate` reads the table, and writes into one that no server uses.
 *
 * Rows arrive in no particular order; their times determine their position in the lists. The state is written while no batch is
 * between its check of the phase and its COMMIT, so that every process obeys it from then on. */
#include "postgres/owners.h"
#include "port/cursor.h"
#include "postgres/parts.h"
#include "postgres/rows.h"

#include <inttypes.h>
#include <string.h>

#define PAGE_ROWS 200
#define PAGE_EVENTS 100
#define CURSOR_ROWS 'r'
#define CURSOR_KEPT 'k'
/* How many numbers are tried for an event whose number is taken. */
#define EVENT_TRIES 100
#define STATE_BYTES 4096

static struct postgres *postgres_of(struct transfer *t)
{
	return POSTGRES_OF(t, transfer);
}

/* walk: the rows by id, then the kept ids; a cursor is a letter and the last id */

static void read_rows(const PGresult *r, struct arena *a, struct transfer_page *page)
{
	for (int i = 0; i < libpq.ntuples(r); i++)
		page->entries[page->n++].row = pg_rows_read_image(r, i, a);
}

static void read_kept(const PGresult *r, struct arena *a, struct transfer_page *page)
{
	for (int i = 0; i < libpq.ntuples(r); i++) {
		struct transfer_entry *e = &page->entries[page->n++];
		e->row.image_id = pg_rows_uuid(r, i, 0, a);
		e->kept_ms = pg_column_number(r, i, 1);
	}
}

static enum status walk(struct transfer *t, struct str cursor, struct arena *a, struct transfer_page *out, struct fault *why)
{
	PGresult *r CLEANUP(result_clear) = NULL;
	struct transfer_page page = { .entries = arena_array(a, PAGE_ROWS, sizeof *page.entries) };
	const bool kept = cursor.n > 0 && cursor.p[0] == CURSOR_KEPT;
	const struct str place = str_slice(cursor, 1, cursor.n);
	unsigned char id[UUID_BYTES] = { 0 };

	TRY(fault_check_arena(a, why));
	if ((cursor.n > 0 && !kept && cursor.p[0] != CURSOR_ROWS) || (place.n > 0 && !uuid_to_bytes(place, id)))
		return bad_cursor(why);
	TRY(PG_ASK(&postgres_of(t)->scans, kept ? PQ_TRANSFER_KEPT_IDS : PQ_TRANSFER_ROWS, &r, why, pg_uuid(id), pg_number(PAGE_ROWS)));
	(kept ? read_kept : read_rows)(r, a, &page);
	if (page.n == PAGE_ROWS)
		page.next_cursor = str_printf(a, "%c%.*s", kept ? CURSOR_KEPT : CURSOR_ROWS, STRF(page.entries[page.n - 1].row.image_id));
	else if (!kept)
		page.next_cursor = str_printf(a, "%c", CURSOR_KEPT);
	*out = page;
	return fault_check_arena(a, why);
}

/* put */

struct transfer_change {
	struct pg_change change;
	unsigned char id[UUID_BYTES];
	const struct transfer_entry *entry;
	const struct user_row *user;
	const struct transfer_state *was, *state;
};

static void want_put(struct pg_batch *b, struct pg_change *c, bool careful)
{
	const struct transfer_change *tc = (const struct transfer_change *)c;

	(void)careful;
	batch_want_image(b, tc->id);
	if (tc->entry->row.owner.n > 0)
		batch_want_owner(b, tc->entry->row.owner);
}

static int64_t place_of(int64_t ms, struct str id)
{
	return ms * 1000 + hash_fnv32(id) % 1000;
}

static enum status put_row(struct pg_batch *b, struct pg_image *image, const struct image_row *row, struct fault *why)
{
	struct pg_value values[PG_IMAGE_VALUES + 1];

	TRY(batch_move(b, NULL, row, why));
	image->row = *row;
	image->slot_us = place_of(row->created_ms, row->image_id);
	image->feed_us = row->status == IMAGE_UPLOADED ? place_of(row->uploaded_ms, row->image_id) : 0;
	pg_rows_image_values(image, values);
	batch_send(b, NULL, image->is_there ? PQ_IMAGE_UPDATE : PQ_IMAGE_INSERT, values);
	BATCH_SEND(b, NULL, PQ_KEPT_ID_REMOVE, pg_uuid(image->id));
	image->is_there = true;
	image->is_kept = false;
	return OK;
}

static enum status apply_put(struct pg_batch *b, struct pg_change *c)
{
	const struct transfer_change *tc = (const struct transfer_change *)c;
	struct pg_image *image = batch_image(b, tc->id);

	assert(image != NULL);
	if (image->is_there)
		TRY(batch_move(b, &image->row, NULL, c->call.why));
	if (tc->entry->kept_ms == 0)
		return put_row(b, image, &tc->entry->row, c->call.why);
	BATCH_SEND(b, NULL, PQ_IMAGE_REMOVE, pg_uuid(tc->id));
	BATCH_SEND(b, NULL, PQ_KEPT_ID_ADD, pg_uuid(tc->id), pg_number(tc->entry->kept_ms));
	image->is_there = false;
	image->is_kept = true;
	return OK;
}

static enum status put(struct transfer *t, const struct transfer_entry *e, struct fault *why)
{
	struct transfer_change tc = { .change = { .call.why = why, .want = want_put, .apply = apply_put }, .entry = e };

	if (!uuid_to_bytes(e->row.image_id, tc.id) || e->row.owner.n > OWNER_MAX_BYTES)
		return transfer_bad_row(e->row.image_id, why);
	return pg_writer_run(&postgres_of(t)->writer, &tc.change);
}

static void want_user(struct pg_batch *b, struct pg_change *c, bool careful)
{
	(void)careful;
	batch_want_owner(b, ((const struct transfer_change *)c)->user->owner);
}

static enum status apply_user(struct pg_batch *b, struct pg_change *c)
{
	const struct user_row *u = ((const struct transfer_change *)c)->user;
	struct pg_owner *o = batch_owner(b, u->owner);

	if (o == NULL)
		return fault_too_much(c->call.why);
	batch_name_owner(b, o, &(struct image_row){ .owner = u->owner, .issuer = u->issuer, .subject = u->subject }, u->first_ms);
	o->user.first_ms = u->first_ms;
	o->user.seen_ms = u->seen_ms;
	o->user.has_quota = u->has_quota;
	o->user.quota = u->has_quota ? u->quota : (struct owner_quota){ 0 };
	o->user.blocked = u->blocked;
	o->changed = true;
	return OK;
}

static enum status put_user(struct transfer *t, const struct user_row *user, struct fault *why)
{
	struct transfer_change tc = { .change = { .call.why = why, .want = want_user, .apply = apply_user }, .user = user };

	if (user->owner.n > OWNER_MAX_BYTES)
		return owner_too_long(why);
	return pg_writer_run(&postgres_of(t)->writer, &tc.change);
}

/* events */

static enum status events(struct transfer *t, struct str cursor, struct arena *a, struct transfer_event_page *out, struct fault *why)
{
	enum { BODY = 11, OWNER };
	PGresult *r CLEANUP(result_clear) = NULL;
	struct transfer_event_page page = { .events = arena_array(a, PAGE_EVENTS, sizeof *page.events) };
	uint64_t after = 0;

	TRY(fault_check_arena(a, why));
	if (cursor.n > 0 && !str_to_u64(cursor, &after))
		return bad_cursor(why);
	TRY(PG_ASK(&postgres_of(t)->scans, PQ_TRANSFER_EVENTS, &r, why, pg_number((int64_t)after), pg_number(PAGE_EVENTS)));
	for (; page.n < (size_t)libpq.ntuples(r); page.n++) {
		page.events[page.n].event = pg_outbox_read_event(r, (int)page.n, BODY, a);
		page.events[page.n].owner = str_dup(a, pg_column_text(r, (int)page.n, OWNER));
	}
	page.next_cursor = page.n == PAGE_EVENTS ? str_printf(a, "%" PRId64, page.events[page.n - 1].event.n) : STR("");
	*out = page;
	return fault_check_arena(a, why);
}

/* If the number of another store's event is taken here, the event gets the next free one, and so another id. */
static enum status put_event(struct transfer *t, const struct transfer_event *te, struct fault *why)
{
	const struct outbox_event *e = &te->event;
	unsigned char image[UUID_BYTES];
	struct str token;
	int64_t n;

	if (!outbox_parse_id(e->id, &n, &token) || !uuid_to_bytes(e->image_id, image))
		return transfer_bad_event(e->id, why);
	for (int tries = 0; tries < EVENT_TRIES; tries++, n++) {
		PGresult *r CLEANUP(result_clear) = NULL;
		TRY(PG_ASK(&postgres_of(t)->points, PQ_TRANSFER_EVENT_PUT, &r, why, pg_number(n), pg_text(token), pg_number(e->kind),
			pg_number(e->state), pg_uuid(image), pg_number(e->created_ms), pg_number(e->due_ms), pg_number(e->first_ms),
			pg_number(e->ended_ms), pg_number(e->attempts), pg_text(e->error), pg_text(e->body), pg_text(te->owner)));
		if (libpq.ntuples(r) > 0)
			return OK;
	}
	return fault_set(why, STORAGE_FAILED, "There is no free number for the event %.*s.", STRF(str_slice(e->id, 0, 40)));
}

/* the state */

static enum status get_state(struct transfer *t, struct arena *a, struct transfer_state *out, struct fault *why)
{
	PGresult *r CLEANUP(result_clear) = NULL;

	TRY(PG_ASK(&postgres_of(t)->points, PQ_PHASE, &r, why, { PG_END }));
	*out = (struct transfer_state){ .phase = (enum transfer_phase)pg_column_number(r, 0, 0),
		.id = str_dup(a, pg_column_text(r, 0, 1)),
		.since_ms = pg_column_number(r, 0, 2) };
	return fault_check_arena(a, why);
}

/* The lock excludes other batches: each ends with a statement that writes to `writers` and reads the phase. */
static enum status apply_state(struct pg_batch *b, struct pg_change *c)
{
	const struct transfer_state *s = ((const struct transfer_change *)c)->state, *was = ((const struct transfer_change *)c)->was;

	BATCH_SEND(b, NULL, PQ_WRITERS_LOCK, { PG_END });
	BATCH_SEND(b, NULL, PQ_PHASE_SET, pg_number(s->phase), pg_text(s->id), pg_number(s->since_ms), pg_number(was->phase), pg_text(was->id),
		pg_number(was->since_ms));
	batch_writer(b)->phase = s->phase;
	return OK;
}

/* If the state is not `was`, the statement changes no row, and the batch is refused if the phase differs too. So the state that is read
 * afterwards shows the outcome. */
static enum status set_state(struct transfer *t, const struct transfer_state *was, const struct transfer_state *s, struct fault *why)
{
	struct transfer_change tc = { .change = { .call.why = why, .apply = apply_state }, .was = was, .state = s };
	struct arena a CLEANUP(arena_deinit);
	struct transfer_state now;

	enum status status = pg_writer_run(&postgres_of(t)->writer, &tc.change);
	arena_init(&a, STATE_BYTES);
	TRY(get_state(t, &a, &now, why));
	if (transfer_state_equal(&now, s))
		return OK;
	return status != OK && transfer_state_equal(&now, was) ? status : transfer_state_changed(why);
}

const struct transfer_ops pg_transfer_ops = { walk, put, put_user, events, put_event, get_state, set_state };
