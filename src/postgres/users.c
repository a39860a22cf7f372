/* user_table on PostgreSQL. Writes are changes in batches, which lock the owner's row; reads are single statements.
 *
 * A recount compares the rows of an owner's images with the recorded usage in one statement, so that it sees both in one snapshot. Later
 * commits change both by the same amount, so the difference is still correct when it is added, and no writer has to wait for the count. */
#include "base/clock.h"
#include "base/mem.h"
#include "port/cursor.h"
#include "port/user_recount.h"
#include "postgres/owners.h"
#include "postgres/parts.h"
#include "postgres/rows.h"

#include <string.h>

/* reads */

static struct user_row read_user(const PGresult *r, int i, struct arena *a)
{
	struct pg_owner o;

	pg_rows_read_owner(r, i, a, &o);
	return o.user;
}

static enum status get_user(struct user_table *t, struct str owner, struct arena *a, struct user_row *out, struct fault *why)
{
	PGresult *r CLEANUP(result_clear) = NULL;

	TRY(PG_ASK(&POSTGRES_OF(t, users)->points, PQ_OWNER_GET, &r, why, pg_text(owner)));
	if (libpq.ntuples(r) == 0)
		return no_such_user(why);
	*out = read_user(r, 0, a);
	return fault_check_arena(a, why);
}

static enum status list_users(struct user_table *t, const struct user_query *q, struct arena *a, struct user_page *out, struct fault *why)
{
	PGresult *r CLEANUP(result_clear) = NULL;
	const struct str list = q->blocked ? STR("users, blocked") : STR("users");
	struct str after = STR("");
	struct user_page page = { .rows = arena_array(a, q->limit, sizeof *page.rows) };

	if (page.rows == NULL)
		return fault_too_much(why);
	if (q->cursor.n > 0)
		TRY(cursor_read_text(q->cursor, list, a, &after, why));
	TRY(PG_ASK(&POSTGRES_OF(t, users)->points, q->blocked ? PQ_USER_LIST_BLOCKED : PQ_USER_LIST, &r, why, pg_text(after),
		pg_number((int64_t)q->limit + 1)));
	size_t n = (size_t)libpq.ntuples(r);
	while (page.n < n && page.n < q->limit) {
		page.rows[page.n] = read_user(r, (int)page.n, a);
		page.n++;
	}
	if (n > page.n)
		page.next_cursor = cursor_write_text(page.rows[page.n - 1].owner, list, a);
	*out = page;
	return fault_check_arena(a, why);
}

/* writes */

struct user_change {
	struct pg_change change;
	struct str owner;
	const struct owner_quota *quota;
};

static void want_owner(struct pg_batch *b, struct pg_change *c, bool careful)
{
	(void)careful;
	batch_want_owner(b, ((const struct user_change *)c)->owner);
}

static enum status run_change(struct user_table *t, struct user_change *uc)
{
	uc->change.want = want_owner;
	if (uc->owner.n > OWNER_MAX_BYTES)
		return no_such_user(uc->change.call.why);
	return pg_writer_run(&POSTGRES_OF(t, users)->writer, &uc->change);
}

/* Find the owner for a change, and check that the change is allowed. */
static enum status find_owner(struct pg_batch *b, struct pg_change *c, struct pg_owner **out)
{
	TRY(batch_check_change(b, c->call.why));
	*out = batch_owner(b, ((const struct user_change *)c)->owner);
	return *out != NULL ? OK : fault_too_much(c->call.why);
}

static enum status apply_quota(struct pg_batch *b, struct pg_change *c)
{
	const struct user_change *uc = (const struct user_change *)c;
	struct pg_owner *o;

	TRY(find_owner(b, c, &o));
	batch_name_owner(b, o, &(struct image_row){ .owner = uc->owner }, clock_now_ms());
	o->user.has_quota = uc->quota != NULL;
	o->user.quota = uc->quota != NULL ? *uc->quota : (struct owner_quota){ 0 };
	o->changed = true;
	return OK;
}

static enum status set_quota(struct user_table *t, struct str owner, const struct owner_quota *quota, struct fault *why)
{
	struct user_change uc = { .change = { .apply = apply_quota, .call.why = why }, .owner = owner, .quota = quota };

	return run_change(t, &uc);
}

static enum status apply_block(struct pg_batch *b, struct pg_change *c)
{
	struct pg_owner *o;

	TRY(find_owner(b, c, &o));
	if (!o->is_there)
		return no_such_user(c->call.why);
	o->user.blocked = o->changed = true;
	return OK;
}

static enum status block_user(struct user_table *t, struct str owner, struct fault *why)
{
	struct user_change uc = { .change = { .apply = apply_block, .call.why = why }, .owner = owner };

	return run_change(t, &uc);
}

/* No image is added to a blocked owner, and every transaction that added one before has committed. */
static enum status apply_remove(struct pg_batch *b, struct pg_change *c)
{
	struct pg_owner *o;

	TRY(find_owner(b, c, &o));
	if (!o->is_there)
		return no_such_user(c->call.why);
	if (!o->user.blocked)
		return user_not_blocked(c->call.why);
	BATCH_SEND(b, c, PQ_USER_REMOVE, pg_text(o->user.owner));
	BATCH_SEND(b, NULL, PQ_OUTBOX_REMOVE_OWNER, pg_text(o->user.owner));
	return OK;
}

static enum status remove_user(struct user_table *t, struct str owner, struct fault *why)
{
	struct user_change uc = { .change = { .apply = apply_remove, .call.why = why }, .owner = owner };

	TRY(run_change(t, &uc));
	return uc.change.affected > 0 ? OK : user_has_images(why);
}

/* The caller does not wait for it, so that a thumbnail costs no extra round trip. */
struct derived_change {
	struct user_change user;
	int64_t bytes;
	char owner[OWNER_MAX_BYTES];
};

static enum status apply_derived(struct pg_batch *b, struct pg_change *c)
{
	const struct derived_change *dc = (const struct derived_change *)c;
	struct pg_owner *o = batch_owner(b, dc->user.owner);

	if (o == NULL || !o->is_there)
		return OK;
	owner_usage_add_derived(&o->user.usage, dc->bytes);
	o->changed = true;
	return OK;
}

static void end_derived(struct pg_call *c)
{
	mem_free(c);
}

static enum status add_derived(struct user_table *t, struct str owner, int64_t bytes, struct fault *why)
{
	struct derived_change *dc = mem_new(1, sizeof *dc);
	if (dc == NULL)
		return fault_no_memory(why);
	*dc =
		(struct derived_change){ .user.change = { .want = want_owner, .apply = apply_derived, .call.done = end_derived }, .bytes = bytes };
	memcpy(dc->owner, owner.p, owner.n);
	dc->user.owner = (struct str){ dc->owner, owner.n };
	pg_writer_start_change(&POSTGRES_OF(t, users)->writer, &dc->user.change);
	return OK;
}

/* the recount */

struct recount_change {
	struct user_change user;
	const struct owner_count *found;
};

static enum status apply_recount(struct pg_batch *b, struct pg_change *c)
{
	const struct recount_change *rc = (const struct recount_change *)c;
	struct pg_owner *o = batch_owner(b, rc->user.owner);

	if (o == NULL)
		return fault_too_much(c->call.why);
	batch_name_owner(b, o, &rc->found->who, clock_now_ms());
	owner_usage_correct(&o->user.usage, &rc->found->recorded, &rc->found->counted);
	o->changed = true;
	return OK;
}

static enum status next_owner(void *table, struct str after, struct arena *a, struct str *out, struct fault *why)
{
	PGresult *r CLEANUP(result_clear) = NULL;
	struct user_table *t = table;

	TRY(PG_ASK(&POSTGRES_OF(t, users)->points, PQ_USER_NEXT, &r, why, pg_text(after)));
	struct str next = pg_column_text(r, 0, 0);
	*out = next.n > 0 ? str_dup(a, next) : (struct str){ 0 };
	return fault_check_arena(a, why);
}

static struct owner_usage read_usage(const PGresult *r, int column)
{
	return (struct owner_usage){ .bytes = (uint64_t)pg_column_number(r, 0, column),
		.images = (uint64_t)pg_column_number(r, 0, column + 1),
		.pending = (uint64_t)pg_column_number(r, 0, column + 2),
		.reserved_bytes = (uint64_t)pg_column_number(r, 0, column + 3) };
}

static enum status count_owner(void *table, struct arena *a, struct owner_count *n, struct fault *why)
{
	PGresult *r CLEANUP(result_clear) = NULL;
	struct user_table *t = table;

	TRY(PG_ASK(&POSTGRES_OF(t, users)->points, PQ_USER_COUNT, &r, why, pg_text(n->who.owner)));
	assert(libpq.ntuples(r) == 1);
	n->counted = read_usage(r, 0);
	n->recorded = read_usage(r, 4);
	n->rows = (uint64_t)pg_column_number(r, 0, 8);
	n->who.issuer = str_dup(a, pg_column_text(r, 0, 9));
	n->who.subject = str_dup(a, pg_column_text(r, 0, 10));
	return fault_check_arena(a, why);
}

static enum status repair_owner(void *table, const struct owner_count *n, struct fault *why)
{
	struct recount_change rc = { .user = { .change = { .apply = apply_recount, .call.why = why }, .owner = n->who.owner }, .found = n };

	return run_change(table, &rc.user);
}

static enum status recount_users(
	struct user_table *t, struct str from, bool repair, struct arena *a, struct user_recount *out, struct fault *why)
{
	return user_recount_run(&(struct owner_counter){ next_owner, count_owner, repair_owner, t }, from, repair, a, out, why);
}

const struct user_table_ops pg_user_ops = { get_user, list_users, set_quota, block_user, remove_user, add_derived, recount_users };
