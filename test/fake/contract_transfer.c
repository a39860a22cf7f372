/* The contract of what a migration asks of a table: every member of every row goes to another table as it is, and the state is obeyed. */
#include "fake/contract_transfer.h"

#include "base/clock.h"
#include "fake/owned.h"

#include <time.h>

#define MIGRATION STR("11111111-2222-4333-8444-555555555555")
#define MANY 450 /* rows: more than a page has */

/* A row with every member filled in that both stores keep. */
static struct transfer_entry whole_entry(struct bench *b, unsigned n)
{
	struct transfer_entry e = { .row = owned_row(b, n, n % 2 == 0 ? ALICE : STR("")) };
	const char *const reasons[] = { "", "", "no image" };
	struct resolution s = row_verdict(&b->a, n, 1700000100000 + n % 7 * 1000, str_of(reasons[n % 3]));
	e.row.metadata = STR("{\"order\":\"7\"}");
	e.row.is_public = n % 5 == 0;
	e.row.request_hash = n % 4 == 0 ? str_printf(&b->a, "%064x", n) : STR("");
	if (n % 3 > 0)
		row_resolve(&b->a, &e.row, &s);
	e.row.version = 3 + n;
	return e;
}

static void put(struct bench *b, const struct transfer_entry *e)
{
	assert_int_equal(transfer_put(b->w.transfer, e, &b->why), OK);
}

/* All entries, by their ids. */
static size_t walk_all(struct bench *b, struct transfer_entry *out, size_t room)
{
	struct str cursor = STR("");
	size_t n = 0;
	do {
		struct transfer_page page;
		assert_int_equal(transfer_walk(b->w.transfer, cursor, &b->a, &page, &b->why), OK);
		for (size_t i = 0; i < page.n; i++, n++) {
			assert_true(n < room);
			out[n] = page.entries[i];
		}
		cursor = page.next_cursor;
	} while (cursor.n > 0);
	return n;
}

static const struct transfer_entry *find(const struct transfer_entry *all, size_t n, struct str id)
{
	for (size_t i = 0; i < n; i++)
		if (str_equal(all[i].row.image_id, id))
			return &all[i];
	return NULL;
}

static void test_put_then_walk_gives_every_row_with_every_member_once(void **state)
{
	struct bench *b = *state;
	static struct transfer_entry all[MANY + 10];
	for (unsigned n = 1; n <= MANY; n++) {
		struct transfer_entry e = whole_entry(b, n);
		put(b, &e);
	}
	bench_reopen(b);
	size_t found = walk_all(b, all, COUNT_OF(all));
	assert_int_equal(found, MANY);
	for (unsigned n = 1; n <= MANY; n++) {
		struct transfer_entry want = whole_entry(b, n);
		const struct transfer_entry *got = find(all, found, want.row.image_id);
		assert_non_null(got);
		assert_int_equal(got->kept_ms, 0);
		assert_true(row_equal(&got->row, &want.row));
		struct image_row row = bench_row(b, n);
		assert_true(row_equal(&row, &want.row));
	}
}

static void test_put_again_then_replaced_and_counted_once(void **state)
{
	struct bench *b = *state;
	struct transfer_entry all[4], e = whole_entry(b, 2);
	struct user_recount counted;
	put(b, &e);
	e.row.file_name = STR("other.jpg");
	e.row.version++;
	put(b, &e);
	assert_int_equal(walk_all(b, all, COUNT_OF(all)), 1);
	assert_true(row_equal(&all[0].row, &e.row));
	assert_int_equal(transfer_put_user(b->w.transfer,
						 &(struct user_row){ .owner = ALICE, .issuer = STR(""), .subject = STR(""), .first_ms = 5, .seen_ms = 6 }, &b->why),
		OK);
	assert_int_equal(user_recount(b->w.users, STR(""), true, &b->a, &counted, &b->why), OK);
	assert_int_equal(owned_user(b, ALICE).usage.images + owned_user(b, ALICE).usage.pending, e.row.status == IMAGE_REJECTED ? 0 : 1);
	assert_int_equal(bench_listed(b), e.row.status == IMAGE_UPLOADED);
}

static void test_put_of_uploaded_rows_then_lists_have_them_by_their_times(void **state)
{
	struct bench *b = *state;
	struct image_page page;
	for (unsigned n = 1; n <= 20; n++) {
		struct transfer_entry e = whole_entry(b, 3 * n + 1);
		put(b, &e);
	}
	assert_int_equal(table_list(b->w.table, &(struct image_query){ .limit = 100, .cursor = STR("") }, &b->a, &page, &b->why), OK);
	assert_int_equal(page.n, 20);
	for (size_t i = 1; i < page.n; i++)
		assert_true(page.rows[i].uploaded_ms <= page.rows[i - 1].uploaded_ms);
	bench_insert(b, 1000);
	bench_resolve(b, 1000, clock_now_ms(), STR(""));
	assert_int_equal(table_list(b->w.table, &(struct image_query){ .limit = 1, .cursor = STR("") }, &b->a, &page, &b->why), OK);
	assert_str(page.rows[0].image_id, row_id(&b->a, 1000));
}

static void test_kept_id_then_it_is_not_given_again_until_a_row_takes_it(void **state)
{
	struct bench *b = *state;
	struct transfer_entry all[4], row = whole_entry(b, 4);
	const struct transfer_entry kept = { .row = { .image_id = row.row.image_id, .request_hash = STR("hash") },
		.kept_ms = clock_now_ms() / 1000 * 1000 + 3600000 };
	struct image_row again = row_pending(&b->a, 4), got;
	again.request_hash = STR("hash");
	again.created_ms = clock_now_ms();
	put(b, &row);
	put(b, &kept);
	assert_fails(b, table_get(b->w.table, kept.row.image_id, &b->a, &got, &b->why), F_NO_SUCH_IMAGE);
	assert_fails(b, table_insert(b->w.table, &again, &b->why), F_IMAGE_EXISTS);
	assert_int_equal(walk_all(b, all, COUNT_OF(all)), 1);
	assert_int_equal(all[0].kept_ms, kept.kept_ms);
	assert_str(all[0].row.image_id, kept.row.image_id);
	put(b, &row);
	assert_int_equal(walk_all(b, all, COUNT_OF(all)), 1);
	assert_int_equal(all[0].kept_ms, 0);
	assert_int_equal(table_remove(b->w.table, row.row.image_id, 0, &b->why), OK);
}

static void test_put_user_then_all_but_the_usage(void **state)
{
	struct bench *b = *state;
	const struct user_row users[] = {
		{ .owner = ALICE,
			.issuer = STR("https://issuer.example/"),
			.subject = STR("alice"),
			.has_quota = true,
			.quota = { 1, 2, 3, 4 },
			.first_ms = 5,
			.seen_ms = 6 },
		{ .owner = BOB, .issuer = STR("app"), .subject = STR("bob"), .blocked = true, .first_ms = 7, .seen_ms = 8 },
	};
	struct user_page page;
	for (size_t turn = 0; turn < 2; turn++)
		for (size_t i = 0; i < COUNT_OF(users); i++)
			assert_int_equal(transfer_put_user(b->w.transfer, &users[i], &b->why), OK);
	bench_reopen(b);
	for (size_t i = 0; i < COUNT_OF(users); i++) {
		struct user_row got = owned_user(b, users[i].owner);
		assert_str(got.issuer, users[i].issuer);
		assert_str(got.subject, users[i].subject);
		assert_int_equal(got.has_quota, users[i].has_quota);
		assert_true(
			!got.has_quota || (got.quota.bytes == 1 && got.quota.images == 2 && got.quota.pending == 3 && got.quota.slots_per_minute == 4));
		assert_int_equal(got.blocked, users[i].blocked);
		assert_int_equal(got.first_ms, users[i].first_ms);
		assert_int_equal(got.seen_ms, users[i].seen_ms);
		assert_int_equal(got.usage.images + got.usage.bytes + got.usage.pending, 0);
	}
	assert_int_equal(user_list(b->w.users, &(struct user_query){ .limit = 10, .cursor = STR("") }, &b->a, &page, &b->why), OK);
	assert_int_equal(page.n, 2);
	assert_int_equal(
		user_list(b->w.users, &(struct user_query){ .blocked = true, .limit = 10, .cursor = STR("") }, &b->a, &page, &b->why), OK);
	assert_int_equal(page.n, 1);
}

/* Ids of either kind of store. */
static struct transfer_event event_of(struct bench *b, unsigned n, enum outbox_state state)
{
	return (struct transfer_event){ .owner = ALICE,
		.event = { .id = str_printf(&b->a, "msg_%016x%016x", n % 2 == 0 ? n << 20 : 0x1000000 + n, 0xabc000 + n),
			.kind = OUTBOX_DELETED,
			.state = state,
			.image_id = row_id(&b->a, n),
			.body = str_printf(&b->a, "{\"n\":%u}", n),
			.created_ms = 1000 + n,
			.due_ms = 2000 + n,
			.first_ms = state == OUTBOX_FAILED ? 3000 : 0,
			.ended_ms = state == OUTBOX_FAILED ? 4000 : 0,
			.attempts = state == OUTBOX_FAILED ? 10 : 0,
			.error = state == OUTBOX_FAILED ? STR("410") : STR("") } };
}

static void test_put_event_then_it_is_there_once_and_is_sent(void **state)
{
	struct bench *b = *state;
	struct outbox_page due;
	size_t n = 0, failed = 0;
	for (unsigned turn = 0; turn < 2; turn++)
		for (unsigned i = 1; i <= 6; i++) {
			struct transfer_event e = event_of(b, i, i == 6 ? OUTBOX_FAILED : OUTBOX_WAITING);
			assert_int_equal(transfer_put_event(b->w.transfer, &e, &b->why), OK);
		}
	struct str cursor = STR("");
	do {
		struct transfer_event_page page;
		assert_int_equal(transfer_events(b->w.transfer, cursor, &b->a, &page, &b->why), OK);
		for (size_t i = 0; i < page.n; i++, n++) {
			assert_str(page.events[i].owner, ALICE);
			assert_true(page.events[i].event.body.n > 0 && page.events[i].event.kind == OUTBOX_DELETED);
			failed += page.events[i].event.state == OUTBOX_FAILED && page.events[i].event.attempts == 10;
		}
		cursor = page.next_cursor;
	} while (cursor.n > 0);
	assert_int_equal(n, 6);
	assert_int_equal(failed, 1);
	assert_int_equal(outbox_due(b->w.outbox, clock_now_ms(), 20, &b->a, &due, &b->why), OK);
	assert_int_equal(due.n, 5);
}

/* the state */

static void set(struct bench *b, enum transfer_phase phase)
{
	const struct transfer_state s = { .phase = phase, .id = phase == TRANSFER_NONE ? STR("") : MIGRATION, .since_ms = 7 };
	struct transfer_state was;
	assert_int_equal(transfer_get_state(b->w.transfer, &b->a, &was, &b->why), OK);
	assert_int_equal(transfer_set_state(b->w.transfer, &was, &s, &b->why), OK);
}

/* Whether the change is refused; a process may obey the state before for a while. */
static void assert_refused(struct bench *b, bool refused, enum status (*change)(struct bench *b))
{
	const int64_t until_ms = clock_mono_ms() + b->w.transfer->settle_ms;
	for (;;) {
		bool is_late = clock_mono_ms() > until_ms; /* before the change, which may take its time */
		enum status got = change(b);
		bool is_refused = got == BUSY && b->why.code == F_READ_ONLY;
		if (is_refused == refused && (refused || got == OK))
			return;
		if (is_late)
			fail_msg("%s: %s", fault_name(b->why.code), b->why.text);
		(void)nanosleep(&(struct timespec){ .tv_nsec = 50 * 1000000 }, NULL);
	}
}

static enum status change_row(struct bench *b)
{
	struct image_row now;
	return table_change(b->w.table, &(struct image_change){ .image_id = row_id(&b->a, 1), .has_file_name = true, .file_name = STR("x") },
		&b->a, &now, &b->why);
}

static enum status upload_row(struct bench *b)
{
	struct image_row now;
	struct resolution s = row_verdict(&b->a, 2, 5000, STR(""));
	s.status = IMAGE_PENDING;
	s.uploaded_ms = 0;
	return table_resolve(b->w.table, &s, &b->a, &now, &b->why);
}

static void test_state_then_kept_and_obeyed(void **state)
{
	struct bench *b = *state;
	static const struct {
		enum transfer_phase phase;
		bool no_changes, no_uploads;
	} rows[] = { { TRANSFER_COPYING, false, false }, { TRANSFER_DRAINING, true, false }, { TRANSFER_CLOSED, true, true },
		{ TRANSFER_ARRIVED, false, false }, { TRANSFER_ARRIVING, true, true }, { TRANSFER_NONE, false, false } };
	struct transfer_state got;
	struct image_row row = row_pending(&b->a, 9);
	bench_insert(b, 1);
	bench_insert(b, 2);
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		set(b, rows[i].phase);
		bench_reopen(b);
		assert_int_equal(transfer_get_state(b->w.transfer, &b->a, &got, &b->why), OK);
		assert_int_equal(got.phase, rows[i].phase);
		assert_str(got.id, rows[i].phase == TRANSFER_NONE ? STR("") : MIGRATION);
		assert_refused(b, rows[i].no_changes, change_row);
		assert_refused(b, rows[i].no_uploads, upload_row);
		if (!rows[i].no_changes)
			continue;
		assert_fails(b, table_insert(b->w.table, &row, &b->why), F_READ_ONLY);
		assert_int_equal(b->why.retry_after_s, 60);
		assert_fails(b, table_remove(b->w.table, row_id(&b->a, 1), 0, &b->why), F_READ_ONLY);
		assert_fails(b, user_set_quota(b->w.users, ALICE, NULL, &b->why), F_READ_ONLY);
		assert_fails(b, api_key_remove(b->w.api_keys, STR("k1"), &b->why), F_READ_ONLY);
		assert_int_equal(table_get(b->w.table, row_id(&b->a, 1), &b->a, &row, &b->why), OK);
		row = row_pending(&b->a, 9);
	}
}

/* Two callers have both read a state: the first changes it, and the second gets STATE_CHANGED, whatever it wanted to set. */
static void test_state_changed_by_another_then_not_overwritten(void **state)
{
	struct bench *b = *state;
	const struct transfer_state none = { .id = STR("") }, first = { TRANSFER_COPYING, MIGRATION, 7 },
								rows[] = {
									{ TRANSFER_COPYING, MIGRATION, 8 },
									{ TRANSFER_COPYING, STR("1a6f3c52-0f5e-4c1b-8f5d-2b7c1d0e9a46"), 7 },
									{ TRANSFER_DRAINING, MIGRATION, 7 },
									{ TRANSFER_NONE, STR(""), 0 },
								};
	struct transfer_state got;
	assert_int_equal(transfer_set_state(b->w.transfer, &none, &first, &b->why), OK);
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		const struct transfer_state *other = &rows[i], third = { TRANSFER_CLOSED, MIGRATION, 9 };
		assert_fails(b, transfer_set_state(b->w.transfer, other, &third, &b->why), F_STATE_CHANGED);
		if (other->phase != TRANSFER_NONE)
			assert_fails(b, transfer_set_state(b->w.transfer, other, &none, &b->why), F_STATE_CHANGED);
		assert_int_equal(transfer_get_state(b->w.transfer, &b->a, &got, &b->why), OK);
		assert_true(transfer_state_equal(&got, &first));
		/* the other callers' turn comes first */
		assert_int_equal(transfer_set_state(b->w.transfer, &first, other, &b->why), OK);
		assert_fails(b, transfer_set_state(b->w.transfer, &first, &third, &b->why), F_STATE_CHANGED);
		assert_int_equal(transfer_get_state(b->w.transfer, &b->a, &got, &b->why), OK);
		assert_true(transfer_state_equal(&got, other));
		assert_int_equal(transfer_set_state(b->w.transfer, other, &first, &b->why), OK);
	}
}

static const struct CMUnitTest tests[] = {
	BENCH_TEST(test_put_then_walk_gives_every_row_with_every_member_once),
	BENCH_TEST(test_put_again_then_replaced_and_counted_once),
	BENCH_TEST(test_put_of_uploaded_rows_then_lists_have_them_by_their_times),
	BENCH_TEST(test_kept_id_then_it_is_not_given_again_until_a_row_takes_it),
	BENCH_TEST(test_put_user_then_all_but_the_usage),
	BENCH_TEST(test_put_event_then_it_is_there_once_and_is_sent),
	BENCH_TEST(test_state_then_kept_and_obeyed),
	BENCH_TEST(test_state_changed_by_another_then_not_overwritten),
};

int contract_transfer(const struct contract_maker *maker)
{
	return bench_run(maker, "transfer", tests, COUNT_OF(tests));
}
