/* transfer on SQLite: what `tintype migrate` reads of a database that a server uses, and writes into one that no server uses.
 *
 * Rows that arrive get their place in the lists from their times, since they come in no order: the number of a row, and that of an upload,
 * is its time and some bits of its id, and what is made here later comes after them. The state is written on a connection of
 * its own, because the database of a source is another process's: its commit thread reads it in each transaction. */
#include "base/codec.h"
#include "base/hash.h"
#include "port/cursor.h"
#include "store/tables/images.h"
#include "store/tables/outbox.h"
#include "store/db/owners.h"
#include "store/db/phase.h"
#include "store/tables/rows.h"
#include "store/engine.h"

#include <inttypes.h>
#include <stdlib.h>

#define PAGE_ROWS 200
#define PAGE_EVENTS 100
#define ORDER_BITS 20
#define CURSOR_ROWS 'r'
#define CURSOR_KEPT 'k'

static struct engine *engine_of(struct transfer *t)
{
	return ENGINE_OF(t, transfer);
}

/* walk: the rows by their numbers, then the kept ids; a cursor is a letter, and the number or the id that came last */

static enum status read_rows(struct db *d, int64_t after, struct arena *a, struct transfer_page *page, struct fault *why)
{
	bool row = false;
	int64_t n = after;
	sqlite3_stmt *s = DB_BIND(d, Q_TRANSFER_ROWS, db_int(after), db_int(PAGE_ROWS));

	for (;;) {
		TRY(db_step(d, s, &row, why));
		if (!row)
			break;
		n = sqlite3_column_int64(s, 0);
		TRY(images_read_row(s, a, &page->entries[page->n++].row, why));
	}
	page->next_cursor = page->n == PAGE_ROWS ? str_printf(a, "%c%" PRId64, CURSOR_ROWS, n) : str_printf(a, "%c", CURSOR_KEPT);
	return fault_check_arena(a, why);
}

static enum status read_kept(struct db *d, struct str after, struct arena *a, struct transfer_page *page, struct fault *why)
{
	bool row = false;
	sqlite3_stmt *s = DB_BIND(d, Q_TRANSFER_KEPT_IDS, db_blob(after.n > 0 ? after : STR("\0")), db_int(PAGE_ROWS));

	for (;;) {
		TRY(db_step(d, s, &row, why));
		if (!row)
			break;
		struct transfer_entry *e = &page->entries[page->n++];
		e->row.image_id = uuid_dup(a, sqlite3_column_blob(s, 0));
		e->kept_ms = sqlite3_column_int64(s, 1);
	}
	page->next_cursor =
		page->n == PAGE_ROWS ? str_printf(a, "%c%.*s", CURSOR_KEPT, STRF(page->entries[page->n - 1].row.image_id)) : STR("");
	return fault_check_arena(a, why);
}

static enum status walk(struct transfer *t, struct str cursor, struct arena *a, struct transfer_page *out, struct fault *why)
{
	struct db *d CLEANUP(read_pool_release) = NULL;
	struct transfer_page page = { .entries = arena_array(a, PAGE_ROWS, sizeof *page.entries) };
	const struct str place = str_slice(cursor, 1, cursor.n);
	unsigned char id[UUID_BYTES] = { 0 };
	uint64_t n = 0;

	TRY(fault_check_arena(a, why));
	bool kept = cursor.n > 0 && cursor.p[0] == CURSOR_KEPT;
	if (cursor.n > 0 && !(kept ? place.n == 0 || uuid_to_bytes(place, id) : str_to_u64(place, &n)))
		return bad_cursor(why);
	TRY(read_pool_acquire(&engine_of(t)->read_pool, &d, why));
	TRY(kept ? read_kept(d, place.n > 0 ? (struct str){ (const char *)id, sizeof id } : (struct str){ 0 }, a, &page, why)
			 : read_rows(d, (int64_t)n, a, &page, why));
	*out = page;
	return OK;
}

/* put */

struct transfer_change {
	struct change change;
	const struct transfer_entry *entry;
	const struct user_row *user;
	const struct transfer_event *event;
};

/* The first free number of this time. */
static enum status find_place(struct writer *w, enum db_query_id used, int64_t ms, struct str id, int64_t *out)
{
	int64_t n = ms << ORDER_BITS | (hash_fnv32(id) & ((1U << ORDER_BITS) - 1)), taken = 1;

	for (; taken != 0; n++)
		TRY(writer_read_number(w, DB_BIND(&w->db, used, db_int(n)), &taken));
	*out = n - 1;
	return OK;
}

static enum status insert_row(struct writer *w, const struct image_row *row, const unsigned char id[UUID_BYTES])
{
	int64_t n, seq = 0;

	TRY(find_place(w, Q_TRANSFER_ROW_NUMBER, row->created_ms, row->image_id, &n));
	if (row->status == IMAGE_UPLOADED) {
		TRY(find_place(w, Q_TRANSFER_ROW_SEQ, row->uploaded_ms, row->image_id, &seq));
		w->counters.next_seq = seq < w->counters.next_seq ? w->counters.next_seq : seq + 1;
	}
	TRY(writer_run(w,
		DB_BIND(&w->db, Q_TRANSFER_PUT, db_int(n), db_uuid(id), db_int(row->status), seq > 0 ? db_int(seq) : db_blob((struct str){ 0 }),
			db_text(row->owner), db_text(row->key), db_text(row->file_name), db_text(row->file_type), db_int((int64_t)row->file_size),
			db_text(row->etag), db_int(row->width), db_int(row->height), db_int(row->orientation), db_int(row->frames),
			db_int(row->created_ms), db_int(row->expires_ms), db_int(row->uploaded_ms), db_int(row->ends_ms), db_text(row->reason),
			db_text(row->delete_hash), db_int(row->is_public), db_int((int64_t)row->received_size), db_text(row->received_sha256),
			db_int(row->stripped), db_int(row->removed), db_text(row->verdict), db_text(row->damage), db_text(row->placeholder),
			db_text(row->color), db_text(row->kept_metadata), db_int((int64_t)row->version), db_text(row->issuer), db_text(row->subject),
			db_int((int64_t)row->max_bytes), db_text(row->metadata), db_text(row->request_hash))));
	image_counts_add(&w->counters.images, row, 1);
	const struct image_row nothing = {
		.owner = row->owner, .issuer = row->issuer, .subject = row->subject, .created_ms = row->created_ms, .status = IMAGE_REJECTED
	};
	return owners_move(w, &nothing, row);
}

static enum status apply_put(struct writer *w, struct change *c)
{
	const struct transfer_entry *e = ((const struct transfer_change *)c)->entry;
	unsigned char id[UUID_BYTES];

	if (!uuid_to_bytes(e->row.image_id, id) || e->row.owner.n > OWNER_MAX_BYTES)
		return transfer_bad_row(e->row.image_id, c->why);
	TRY(rows_check_room(w, c->why));
	TRY(images_forget_row(w, id));
	if (e->kept_ms > 0)
		return writer_run(w, DB_BIND(&w->db, Q_KEPT_ID_ADD, db_uuid(id), db_int(e->kept_ms)));
	TRY(writer_run(w, DB_BIND(&w->db, Q_TRANSFER_KEPT_ID_DROP, db_uuid(id))));
	return insert_row(w, &e->row, id);
}

static enum status put(struct transfer *t, const struct transfer_entry *e, struct fault *why)
{
	struct transfer_change tc = { .change = { .apply = apply_put, .why = why }, .entry = e };

	return group_commit_run(&engine_of(t)->group_commit, &tc.change);
}

static enum status apply_user(struct writer *w, struct change *c)
{
	const struct user_row *u = ((const struct transfer_change *)c)->user;
	const struct image_row who = { .owner = u->owner, .issuer = u->issuer, .subject = u->subject };
	struct owner_entry *e;

	TRY(rows_check_room(w, c->why));
	TRY(owners_need(w, &who, u->first_ms, &e));
	e->seen_ms = u->seen_ms;
	e->has_quota = u->has_quota;
	e->quota = u->has_quota ? u->quota : (struct owner_quota){ 0 };
	e->blocked = u->blocked;
	owners_note_change(w, e);
	return owners_save_limits(w, e);
}

static enum status put_user(struct transfer *t, const struct user_row *user, struct fault *why)
{
	struct transfer_change tc = { .change = { .apply = apply_user, .why = why }, .user = user };

	if (user->owner.n > OWNER_MAX_BYTES)
		return owner_too_long(why);
	return group_commit_run(&engine_of(t)->group_commit, &tc.change);
}

/* events */

static enum status events(struct transfer *t, struct str cursor, struct arena *a, struct transfer_event_page *out, struct fault *why)
{
	struct db *d CLEANUP(read_pool_release) = NULL;
	struct transfer_event_page page = { .events = arena_array(a, PAGE_EVENTS, sizeof *page.events) };
	uint64_t after = 0;
	bool row = false;

	TRY(fault_check_arena(a, why));
	if (cursor.n > 0 && !str_to_u64(cursor, &after))
		return bad_cursor(why);
	TRY(read_pool_acquire(&engine_of(t)->read_pool, &d, why));
	sqlite3_stmt *s = DB_BIND(d, Q_TRANSFER_EVENTS, db_int((int64_t)after), db_int(PAGE_EVENTS));
	for (;;) {
		TRY(db_step(d, s, &row, why));
		if (!row)
			break;
		struct transfer_event *e = &page.events[page.n++];
		outbox_read_event(s, a, &e->event);
		e->owner = column_str(s, 12, a);
	}
	page.next_cursor = page.n == PAGE_EVENTS ? str_printf(a, "%" PRId64, page.events[page.n - 1].event.n) : STR("");
	*out = page;
	return fault_check_arena(a, why);
}

/* An event of another store may have a number that is taken here: then it gets the next one, and another id. */
static enum status apply_event(struct writer *w, struct change *c)
{
	const struct transfer_event *te = ((const struct transfer_change *)c)->event;
	const struct outbox_event *e = &te->event;
	struct str token;
	int64_t n;
	bool row = true;

	if (!outbox_parse_id(e->id, &n, &token))
		return transfer_bad_event(e->id, c->why);
	TRY(rows_check_room(w, c->why));
	for (;; n++) {
		sqlite3_stmt *s = DB_BIND(&w->db, Q_TRANSFER_EVENT_TOKEN, db_int(n));
		TRY(writer_step(w, s, &row));
		bool same = row && str_equal(column_borrow(s, 0), token);
		sqlite3_reset(s);
		if (same)
			return OK;
		if (!row)
			break;
	}
	return writer_run(w,
		DB_BIND(&w->db, Q_TRANSFER_EVENT_PUT, db_int(n), db_text(token), db_int(e->kind), db_int(e->state), db_text(e->image_id),
			db_int(e->created_ms), db_int(e->due_ms), db_int(e->first_ms), db_int(e->ended_ms), db_int(e->attempts), db_text(e->error),
			db_text(e->body), db_text(te->owner)));
}

static enum status put_event(struct transfer *t, const struct transfer_event *e, struct fault *why)
{
	struct transfer_change tc = { .change = { .apply = apply_event, .why = why }, .event = e };

	return group_commit_run(&engine_of(t)->group_commit, &tc.change);
}

/* the state */

static enum status get_state(struct transfer *t, struct arena *a, struct transfer_state *out, struct fault *why)
{
	struct db *d CLEANUP(read_pool_release) = NULL;
	struct transfer_state state = { .id = STR("") };
	bool row = false;

	TRY(read_pool_acquire(&engine_of(t)->read_pool, &d, why));
	TRY(phase_read(d, &state.phase, why));
	sqlite3_stmt *s = db_query(d, Q_MIGRATION_GET);
	TRY(db_step(d, s, &row, why));
	if (row) {
		state.id = column_str(s, 0, a);
		state.since_ms = sqlite3_column_int64(s, 1);
	}
	sqlite3_reset(s);
	*out = state;
	return fault_check_arena(a, why);
}

static enum status set_state(struct transfer *t, const struct transfer_state *was, const struct transfer_state *state, struct fault *why)
{
	struct db d;

	TRY(db_open(&d, engine_of(t)->db_path, DB_WRITE, why));
	/* The server's own thread writes the log back. */
	(void)sqlite3_wal_autocheckpoint(d.sq, 0);
	sqlite3_stmt *s = state->phase == TRANSFER_NONE
		? DB_BIND(&d, Q_MIGRATION_END, db_int(was->phase), db_text(was->id), db_int(was->since_ms))
		: DB_BIND(&d, Q_MIGRATION_SET, db_int(state->phase), db_text(state->id), db_int(state->since_ms), db_int(was->phase),
			  db_text(was->id), db_int(was->since_ms));
	enum status status = db_run(&d, s, why);
	if (status == OK && sqlite3_changes(d.sq) == 0)
		status = transfer_state_changed(why);
	db_close(&d);
	return status;
}

const struct transfer_ops sqlite_transfer_ops = { walk, put, put_user, events, put_event, get_state, set_state };
