/* user_table on SQLite. Writes are changes that the commit thread applies through owners.h, reads are on a connection of the pool.
 *
 * A recount compares the rows of an owner's images with what is recorded in one statement, which sees both as of one commit. Later
 * commits change both alike, so that the difference is still the same when it is added, and no writer has to wait for the count. */
#include "base/clock.h"
#include "base/mem.h"
#include "port/cursor.h"
#include "port/user_recount.h"
#include "store/tables/outbox.h"
#include "store/db/owners.h"
#include "store/engine.h"

#include <string.h>

/* reads */

static void read_user(sqlite3_stmt *s, struct arena *a, struct user_row *out)
{
	*out = (struct user_row){
		.owner = column_str(s, 0, a),
		.issuer = column_str(s, 1, a),
		.subject = column_str(s, 2, a),
		.usage = column_usage(s, 3),
		.has_quota = sqlite3_column_int(s, 8) != 0,
		.quota = column_quota(s, 9),
		.blocked = sqlite3_column_int(s, 13) != 0,
		.first_ms = sqlite3_column_int64(s, 14),
		.seen_ms = sqlite3_column_int64(s, 15),
	};
}

static enum status get_user(struct user_table *t, struct str owner, struct arena *a, struct user_row *out, struct fault *why)
{
	struct db *d CLEANUP(read_pool_release) = NULL;
	bool row = false;

	TRY(read_pool_acquire(&ENGINE_OF(t, users)->read_pool, &d, why));
	sqlite3_stmt *s = DB_BIND(d, Q_USER_GET, db_text(owner));
	TRY(db_step(d, s, &row, why));
	if (!row)
		return no_such_user(why);
	read_user(s, a, out);
	return fault_check_arena(a, why);
}

static enum status list_users(struct user_table *t, const struct user_query *q, struct arena *a, struct user_page *out, struct fault *why)
{
	struct db *d CLEANUP(read_pool_release) = NULL;
	const struct str list = q->blocked ? STR("users, blocked") : STR("users");
	struct str after = STR("");
	bool row = false;
	struct user_page page = { .rows = arena_array(a, q->limit, sizeof *page.rows) };

	if (page.rows == NULL)
		return fault_too_much(why);
	if (q->cursor.n > 0)
		TRY(cursor_read_text(q->cursor, list, a, &after, why));
	TRY(read_pool_acquire(&ENGINE_OF(t, users)->read_pool, &d, why));
	sqlite3_stmt *s = DB_BIND(d, q->blocked ? Q_USER_LIST_BLOCKED : Q_USER_LIST, db_text(after), db_int((int64_t)q->limit + 1));
	for (;;) {
		TRY(db_step(d, s, &row, why));
		if (!row || page.n == q->limit)
			break;
		read_user(s, a, &page.rows[page.n++]);
	}
	if (row)
		page.next_cursor = cursor_write_text(page.rows[page.n - 1].owner, list, a);
	*out = page;
	return fault_check_arena(a, why);
}

/* writes */

struct user_change {
	struct change change;
	struct str owner;
	const struct owner_quota *quota;
};

static enum status run_change(struct user_table *t, struct user_change *uc)
{
	if (uc->owner.n > OWNER_MAX_BYTES)
		return no_such_user(uc->change.why);
	return group_commit_run(&ENGINE_OF(t, users)->group_commit, &uc->change);
}

static enum status apply_quota(struct writer *w, struct change *c)
{
	const struct user_change *uc = (const struct user_change *)c;
	struct owner_entry *e;

	TRY(writer_check_change(w, c->why));
	TRY(owners_need(w, &(struct image_row){ .owner = uc->owner }, clock_now_ms(), &e));
	e->has_quota = uc->quota != NULL;
	e->quota = uc->quota != NULL ? *uc->quota : (struct owner_quota){ 0 };
	return owners_save_limits(w, e);
}

static enum status set_quota(struct user_table *t, struct str owner, const struct owner_quota *quota, struct fault *why)
{
	struct user_change uc = { .change = { .apply = apply_quota, .why = why }, .owner = owner, .quota = quota };

	return run_change(t, &uc);
}

static enum status apply_block(struct writer *w, struct change *c)
{
	struct owner_entry *e;

	TRY(writer_check_change(w, c->why));
	TRY(owners_find(w, ((const struct user_change *)c)->owner, &e));
	if (!e->exists)
		return no_such_user(c->why);
	e->blocked = true;
	return owners_save_limits(w, e);
}

static enum status block_user(struct user_table *t, struct str owner, struct fault *why)
{
	struct user_change uc = { .change = { .apply = apply_block, .why = why }, .owner = owner };

	return run_change(t, &uc);
}

static enum status apply_remove(struct writer *w, struct change *c)
{
	const struct str owner = ((const struct user_change *)c)->owner;
	struct owner_entry *e;
	int64_t n = 0;

	TRY(writer_check_change(w, c->why));
	TRY(owners_find(w, owner, &e));
	if (!e->exists)
		return no_such_user(c->why);
	TRY(writer_read_number(w, DB_BIND(&w->db, Q_USER_IMAGE, db_text(owner)), &n));
	if (!e->blocked || n != 0)
		return e->blocked ? user_has_images(c->why) : user_not_blocked(c->why);
	TRY(outbox_remove_owner(w, owner));
	owners_forget(w, e);
	return writer_run(w, DB_BIND(&w->db, Q_USER_REMOVE, db_text(owner)));
}

static enum status remove_user(struct user_table *t, struct str owner, struct fault *why)
{
	struct user_change uc = { .change = { .apply = apply_remove, .why = why }, .owner = owner };

	return run_change(t, &uc);
}

/* Not waited for, so that a thumbnail costs no sync of its own. */
struct derived_change {
	struct change change;
	int64_t bytes;
	size_t owner_n;
	char owner[OWNER_MAX_BYTES];
};

static enum status apply_derived(struct writer *w, struct change *c)
{
	const struct derived_change *dc = (const struct derived_change *)c;
	struct owner_entry *e;

	TRY(owners_find(w, (struct str){ dc->owner, dc->owner_n }, &e));
	if (!e->exists)
		return OK;
	owner_usage_add_derived(&e->usage, dc->bytes);
	owners_note_change(w, e);
	return OK;
}

static void end_derived(struct change *c)
{
	mem_free(c);
}

static enum status add_derived(struct user_table *t, struct str owner, int64_t bytes, struct fault *why)
{
	struct derived_change *dc = mem_new(1, sizeof *dc);
	if (dc == NULL)
		return fault_no_memory(why);
	*dc = (struct derived_change){ .change = { .apply = apply_derived, .done = end_derived }, .bytes = bytes, .owner_n = owner.n };
	memcpy(dc->owner, owner.p, owner.n);
	group_commit_start_change(&ENGINE_OF(t, users)->group_commit, &dc->change);
	return OK;
}

/* the recount */

struct recounting {
	struct engine *engine;
	struct db *d;
};

struct recount_change {
	struct change change;
	const struct owner_count *found;
};

static enum status apply_recount(struct writer *w, struct change *c)
{
	const struct recount_change *rc = (const struct recount_change *)c;
	struct owner_entry *e;

	TRY(owners_need(w, &rc->found->who, clock_now_ms(), &e));
	owner_usage_correct(&e->usage, &rc->found->recorded, &rc->found->counted);
	owners_note_change(w, e);
	return OK;
}

static enum status next_owner(void *arg, struct str after, struct arena *a, struct str *out, struct fault *why)
{
	struct db *d = ((struct recounting *)arg)->d;
	bool row = false;
	sqlite3_stmt *s = DB_BIND(d, Q_USER_NEXT, db_text(after));

	TRY(db_step(d, s, &row, why));
	*out = row && sqlite3_column_bytes(s, 0) > 0 ? column_str(s, 0, a) : (struct str){ 0 };
	sqlite3_reset(s);
	return fault_check_arena(a, why);
}

/* In one statement, which sees one snapshot. */
static enum status count_owner(void *arg, struct arena *a, struct owner_count *n, struct fault *why)
{
	struct db *d = ((struct recounting *)arg)->d;
	bool row = false;
	sqlite3_stmt *s = DB_BIND(d, Q_USER_COUNT, db_text(n->who.owner));

	TRY(db_step(d, s, &row, why));
	assert(row);
	n->counted = column_usage(s, 0);
	n->recorded = column_usage(s, 5);
	n->rows = (uint64_t)sqlite3_column_int64(s, 10);
	n->who.issuer = column_str(s, 11, a);
	n->who.subject = column_str(s, 12, a);
	sqlite3_reset(s);
	return fault_check_arena(a, why);
}

static enum status repair_owner(void *arg, const struct owner_count *n, struct fault *why)
{
	struct recount_change rc = { .change = { .apply = apply_recount, .why = why }, .found = n };

	return group_commit_run(&((struct recounting *)arg)->engine->group_commit, &rc.change);
}

static enum status recount_users(
	struct user_table *t, struct str from, bool repair, struct arena *a, struct user_recount *out, struct fault *why)
{
	struct engine *e = ENGINE_OF(t, users);
	struct db *d CLEANUP(read_pool_release) = NULL;

	TRY(read_pool_acquire(&e->read_pool, &d, why));
	struct recounting r = { .engine = e, .d = d };
	return user_recount_run(&(struct owner_counter){ next_owner, count_owner, repair_owner, &r }, from, repair, a, out, why);
}

const struct user_table_ops users_ops = { get_user, list_users, set_quota, block_user, remove_user, add_derived, recount_users };
