/* See fake_users.h. What an owner uses is under the table's lock, since the table changes it with its rows; the trap's lock is
 * taken before that. */
#include "fake/fake_users.h"

#include "base/clock.h"
#include "base/mem.h"
#include "port/cursor.h"

#include <assert.h>
#include <string.h>

#define TEXTS_MAX ((size_t)16 << 10)

struct fake_user {
	struct user_row row;
	struct arena texts;
	int64_t minute;
	uint64_t minute_slots;
};

struct fake_users {
	struct user_table port;
	struct fake_ledger ledger;
	struct trap trap;
	struct fake_table *rows;
	struct owner_quota quota;
	struct fake_user **users;
	size_t n, cap;
};

static struct fake_users *of_ledger(struct fake_ledger *l)
{
	return (struct fake_users *)((char *)l - offsetof(struct fake_users, ledger));
}

static size_t find_user(const struct fake_users *u, struct str owner)
{
	size_t i = 0;
	while (i < u->n && !str_equal(u->users[i]->row.owner, owner))
		i++;
	return i;
}

/* The owner's, made when missing. */
static struct fake_user *need_user(struct fake_users *u, struct str owner)
{
	size_t i = find_user(u, owner);
	if (i < u->n)
		return u->users[i];
	if (u->n == u->cap) {
		u->cap = u->cap == 0 ? 16 : 2 * u->cap;
		u->users = mem_resize(u->users, u->cap, sizeof(*u->users));
		assert(u->users != NULL);
	}
	struct fake_user *f = mem_new(1, sizeof(*f));
	assert(f != NULL);
	arena_init(&f->texts, TEXTS_MAX);
	f->row.owner = str_dup(&f->texts, owner);
	f->row.first_ms = f->row.seen_ms = clock_now_ms();
	return u->users[u->n++] = f;
}

static void user_free(struct fake_user **f)
{
	arena_deinit(&(*f)->texts);
	mem_free(*f);
	*f = NULL;
}

/* the table's side */

static enum status reserve(struct fake_ledger *l, const struct image_row *row, struct fault *why)
{
	struct fake_users *u = of_ledger(l);
	static const struct fake_user nobody;
	size_t i = find_user(u, row->owner);
	const struct fake_user *f = i < u->n ? u->users[i] : &nobody;
	const struct owner_quota *quota = f->row.has_quota ? &f->row.quota : &u->quota;
	int64_t minute = row->created_ms / QUOTA_MINUTE_MS;
	uint64_t slots = f->minute == minute ? f->minute_slots : 0;
	if (f->row.blocked)
		return owner_blocked(why);
	TRY(owner_quota_check(quota, &f->row.usage, row->max_bytes, why));
	TRY(owner_quota_check_rate(quota, slots, row->created_ms, why));
	struct fake_user *mine = need_user(u, row->owner);
	mine->minute = minute;
	mine->minute_slots = slots + 1;
	mine->row.seen_ms = row->created_ms;
	if (mine->row.issuer.n == 0) {
		mine->row.first_ms = row->created_ms;
		mine->row.issuer = str_dup(&mine->texts, row->issuer);
		mine->row.subject = str_dup(&mine->texts, row->subject);
	}
	owner_usage_add(&mine->row.usage, row, 1);
	return OK;
}

static void move(struct fake_ledger *l, const struct image_row *before, const struct image_row *after)
{
	struct fake_users *u = of_ledger(l);
	struct fake_user *f = need_user(u, before->owner);
	owner_usage_add(&f->row.usage, before, -1);
	owner_usage_add(&f->row.usage, after, 1);
}

/* the port */

/* A call of the port, with the table's lock held in its middle. */
struct users_call {
	struct fake_users *users;
	struct str owner;
	const struct owner_quota *quota;
	int64_t bytes;
	const struct user_query *query;
	struct arena *arena;
	struct user_row *row;
	struct user_page *page;
	struct user_recount *recount;
	bool repair;
	struct fault *why;
};

static enum status run(struct user_table *t, struct users_call c, enum status (*work)(void *call))
{
	struct fake_users *u = (struct fake_users *)t;
	c.users = u;
	TRY(trap_enter(&u->trap, c.why));
	return trap_leave(&u->trap, fake_table_locked(u->rows, work, &c), c.why);
}

static struct user_row row_copy(const struct user_row *row, struct arena *a)
{
	struct user_row copy = *row;
	copy.owner = str_dup(a, row->owner);
	copy.issuer = str_dup(a, row->issuer);
	copy.subject = str_dup(a, row->subject);
	assert(arena_ok(a));
	return copy;
}

static enum status get_locked(void *arg)
{
	struct users_call *c = arg;
	size_t i = find_user(c->users, c->owner);
	if (i == c->users->n)
		return no_such_user(c->why);
	*c->row = row_copy(&c->users->users[i]->row, c->arena);
	return OK;
}

static enum status get(struct user_table *t, struct str owner, struct arena *a, struct user_row *out, struct fault *why)
{
	return run(t, (struct users_call){ .owner = owner, .arena = a, .row = out, .why = why }, get_locked);
}

static bool is_before(struct str x, struct str y)
{
	int order = memcmp(x.p, y.p, x.n < y.n ? x.n : y.n);
	return order != 0 ? order < 0 : x.n < y.n;
}

/* The next after `owner` by name; NULL: none. */
static const struct fake_user *next_user(const struct fake_users *u, struct str owner, bool blocked)
{
	const struct fake_user *best = NULL;
	for (size_t i = 0; i < u->n; i++) {
		const struct fake_user *f = u->users[i];
		if ((owner.n == 0 || is_before(owner, f->row.owner)) && (!blocked || f->row.blocked) &&
			(best == NULL || is_before(f->row.owner, best->row.owner)))
			best = f;
	}
	return best;
}

/* A cursor is "o", and the last owner that was given out. */
static enum status list_locked(void *arg)
{
	struct users_call *c = arg;
	const struct user_query *q = c->query;
	if (q->cursor.n > 0 && (q->cursor.p[0] != "ob"[q->blocked] || q->cursor.n == 1))
		return bad_cursor(c->why);
	struct str after = str_slice(q->cursor, 1, q->cursor.n);
	struct user_page page = { .rows = arena_array(c->arena, q->limit, sizeof(*page.rows)) };
	assert(page.rows != NULL);
	const struct fake_user *f = next_user(c->users, after, q->blocked);
	for (; f != NULL && page.n < q->limit; f = next_user(c->users, f->row.owner, q->blocked))
		page.rows[page.n++] = row_copy(&f->row, c->arena);
	if (f != NULL)
		page.next_cursor = str_printf(c->arena, "%c%.*s", "ob"[q->blocked], STRF(page.rows[page.n - 1].owner));
	*c->page = page;
	return OK;
}

static enum status list(struct user_table *t, const struct user_query *q, struct arena *a, struct user_page *out, struct fault *why)
{
	return run(t, (struct users_call){ .query = q, .arena = a, .page = out, .why = why }, list_locked);
}

static enum status quota_locked(void *arg)
{
	struct users_call *c = arg;
	struct user_row *row = &need_user(c->users, c->owner)->row;
	row->has_quota = c->quota != NULL;
	row->quota = c->quota != NULL ? *c->quota : (struct owner_quota){ 0 };
	return OK;
}

static enum status set_quota(struct user_table *t, struct str owner, const struct owner_quota *quota, struct fault *why)
{
	return run(t, (struct users_call){ .owner = owner, .quota = quota, .why = why }, quota_locked);
}

static enum status block_locked(void *arg)
{
	struct users_call *c = arg;
	size_t i = find_user(c->users, c->owner);
	if (i == c->users->n)
		return no_such_user(c->why);
	c->users->users[i]->row.blocked = true;
	return OK;
}

static enum status block(struct user_table *t, struct str owner, struct fault *why)
{
	return run(t, (struct users_call){ .owner = owner, .why = why }, block_locked);
}

static enum status remove_locked(void *arg)
{
	struct users_call *c = arg;
	struct fake_users *u = c->users;
	size_t i = find_user(u, c->owner);
	if (i == u->n)
		return no_such_user(c->why);
	if (!u->users[i]->row.blocked)
		return user_not_blocked(c->why);
	if (fake_table_has_owner(u->rows, c->owner))
		return user_has_images(c->why);
	user_free(&u->users[i]);
	u->users[i] = u->users[--u->n];
	return OK;
}

static enum status remove_user(struct user_table *t, struct str owner, struct fault *why)
{
	return run(t, (struct users_call){ .owner = owner, .why = why }, remove_locked);
}

static enum status derived_locked(void *arg)
{
	struct users_call *c = arg;
	size_t i = find_user(c->users, c->owner);
	if (i == c->users->n)
		return OK;
	owner_usage_add_derived(&c->users->users[i]->row.usage, c->bytes);
	return OK;
}

static enum status add_derived(struct user_table *t, struct str owner, int64_t bytes, struct fault *why)
{
	return run(t, (struct users_call){ .owner = owner, .bytes = bytes, .why = why }, derived_locked);
}

/* All at once. */
static enum status recount_locked(void *arg)
{
	struct users_call *c = arg;
	*c->recount = (struct user_recount){ 0 };
	for (size_t i = 0; i < c->users->n; i++) {
		struct user_row *row = &c->users->users[i]->row;
		if (c->owner.n > 0 && !is_before(c->owner, row->owner))
			continue;
		struct owner_usage counted = fake_table_usage(c->users->rows, row->owner);
		counted.derived_bytes = row->usage.derived_bytes;
		user_recount_note(c->recount, c->arena, row->owner, &row->usage, &counted);
		if (c->repair)
			row->usage = counted;
	}
	return OK;
}

static enum status recount(struct user_table *t, struct str from, bool repair, struct arena *a, struct user_recount *out, struct fault *why)
{
	return run(t, (struct users_call){ .owner = from, .arena = a, .recount = out, .repair = repair, .why = why }, recount_locked);
}

static const struct user_table_ops ops = { get, list, set_quota, block, remove_user, add_derived, recount };

struct fake_users *fake_users_new(struct fake_table *rows, const struct owner_quota *quota)
{
	struct fake_users *u = mem_new(1, sizeof(*u));
	assert(u != NULL);
	*u = (struct fake_users){ .port = { &ops }, .ledger = { reserve, move }, .rows = rows, .quota = *quota };
	trap_init(&u->trap);
	fake_table_charge(rows, &u->ledger);
	return u;
}

void fake_users_free(struct fake_users **u)
{
	if (*u == NULL)
		return;
	fake_table_charge((*u)->rows, NULL);
	for (size_t i = 0; i < (*u)->n; i++)
		user_free(&(*u)->users[i]);
	trap_deinit(&(*u)->trap);
	mem_free((*u)->users);
	mem_free(*u);
	*u = NULL;
}

struct user_table *fake_users_port(struct fake_users *u)
{
	return &u->port;
}

void fake_users_fail_nth(struct fake_users *u, uint64_t n, enum fault_code code)
{
	trap_fail(&u->trap, n, code);
}

static enum status spoil_locked(void *arg)
{
	struct users_call *c = arg;
	struct owner_usage *usage = &need_user(c->users, c->owner)->row.usage;
	usage->bytes += 1000;
	usage->images++;
	usage->reserved_bytes = usage->pending = 0;
	return OK;
}

void fake_users_spoil(struct fake_users *u, struct str owner)
{
	struct users_call c = { .users = u, .owner = owner };
	enum status spoilt = fake_table_locked(u->rows, spoil_locked, &c);
	assert(spoilt == OK);
	(void)spoilt;
}
