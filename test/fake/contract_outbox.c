/* The contract of the outbox, sentence by sentence: which changes write which events, in the same transaction or not at all, and what a
 * sender sees of them, restarts included. Time is an argument, so that nothing waits. */
#include "fake/contract_outbox.h"

#include "fake/bench.h"
#include "fake/rows.h"

#include "base/clock.h"

#include <stdatomic.h>

#define FAR_MS (INT64_MAX / 2)
#define DAY_MS ((int64_t)86400000)

struct contract_source {
	struct outbox_source port;
	atomic_uint changes;
	bool fails;
};
static struct contract_source source;

static enum status write_body(
	void *arg, enum outbox_kind kind, const struct image_row *row, int64_t now_ms, struct buf *body, struct fault *why)
{
	const struct contract_source *s = arg;
	if (s->fails)
		return fault_set(why, OUT_OF_MEMORY, "no memory for the event");
	buf_printf(body, "{\"%.*s\":\"%.*s %.*s v%u %.*s\"}", STRF(outbox_kind_name(kind)), STRF(row->image_id),
		STRF(image_status_name(row->status)), (unsigned)row->version, STRF(row->file_name));
	return now_ms > 0 ? OK : fault_set(why, INTERNAL, "no time");
}

static void count_change(void *arg)
{
	struct contract_source *s = arg;
	atomic_fetch_add(&s->changes, 1);
}

static void begin(struct bench *b, unsigned kinds)
{
	source = (struct contract_source){ .port = { .kinds = kinds, .write = write_body, .changed = count_change, .arg = &source } };
	assert_int_equal(outbox_start(b->w.outbox, &source.port, &b->why), OK);
}

/* As another process sees it, or this one after a restart. */
static void begin_again(struct bench *b)
{
	bench_reopen(b);
	begin(b, OUTBOX_ALL_KINDS);
}

static struct outbox_page due_by(struct bench *b, int64_t now_ms)
{
	struct outbox_page page;
	assert_int_equal(outbox_due(b->w.outbox, now_ms, 20, &b->a, &page, &b->why), OK);
	return page;
}

static struct outbox_page due(struct bench *b)
{
	return due_by(b, FAR_MS);
}

static void take(struct bench *b, unsigned n, int64_t ended_by_ms)
{
	assert_int_equal(table_remove(b->w.table, row_id(&b->a, n), ended_by_ms, &b->why), OK);
}

/* An event of each row from 1 on: it is deleted. */
static void delete_rows(struct bench *b, unsigned n)
{
	for (unsigned i = 1; i <= n; i++) {
		bench_insert(b, i);
		take(b, i, 0);
	}
}

static void test_changes_then_an_event_each(void **state)
{
	struct bench *b = *state;
	static const struct {
		enum outbox_kind kind;
		unsigned n;
		const char *data;
	} want[] = { { OUTBOX_UPLOADED, 1, "uploaded v2" }, { OUTBOX_REJECTED, 2, "rejected v2" }, { OUTBOX_DELETED, 1, "uploaded v2" },
		{ OUTBOX_DELETED, 3, "pending v1" }, { OUTBOX_EXPIRED, 4, "pending v1" } };
	begin(b, OUTBOX_ALL_KINDS);
	for (unsigned n = 1; n <= 4; n++)
		bench_insert(b, n);
	assert_int_equal(atomic_load(&source.changes), 0);
	bench_resolve(b, 1, 5000, STR(""));
	bench_resolve(b, 2, 5000, STR("no image"));
	take(b, 1, 0);
	take(b, 3, 0);
	take(b, 4, FAR_MS);
	take(b, 2, FAR_MS); /* it was rejected before: that its reason is forgotten is no event */
	struct outbox_page page = due(b);
	assert_int_equal(page.n, COUNT_OF(want));
	for (size_t i = 0; i < page.n; i++) {
		const struct outbox_event *e = &page.events[i];
		struct str id = row_id(&b->a, want[i].n), name = outbox_kind_name(e->kind);
		assert_int_equal(e->kind, want[i].kind);
		assert_str(e->image_id, id);
		assert_true(str_starts_with(e->body, str_printf(&b->a, "{\"%.*s\":\"%.*s %s ", STRF(name), STRF(id), want[i].data)));
		assert_int_equal(e->id.n, OUTBOX_ID_CHARS);
		assert_true(str_starts_with(e->id, STR("msg_")) && str_find_char(e->id, '.') == e->id.n);
		assert_true(e->created_ms > 0 && e->due_ms >= e->created_ms && e->attempts == 0 && e->first_ms == 0);
		for (size_t k = 0; k < i; k++)
			assert_true(e->n > page.events[k].n && !str_equal(e->id, page.events[k].id));
	}
	assert_int_equal(atomic_load(&source.changes), COUNT_OF(want));
}

/* Verified once more, or pending still: nobody is told. */
static void test_changes_that_leave_the_status_then_no_event(void **state)
{
	struct bench *b = *state;
	struct image_row now;
	begin(b, OUTBOX_ALL_KINDS);
	bench_insert(b, 1);
	const struct image_change named = { .image_id = row_id(&b->a, 1), .has_file_name = true, .file_name = STR("new") };
	assert_int_equal(table_change(b->w.table, &named, &b->a, &now, &b->why), OK);
	bench_resolve(b, 1, 5000, STR(""));
	struct resolution again = row_verdict(&b->a, 1, 6000, STR(""));
	again.replaces = bench_row(b, 1).etag;
	assert_int_equal(table_resolve(b->w.table, &again, &b->a, &now, &b->why), OK);
	assert_fails(b,
		table_resolve(b->w.table, &(struct resolution){ .image_id = row_id(&b->a, 1), .status = IMAGE_REJECTED, .reason = STR("late") },
			&b->a, &now, &b->why),
		F_STATE_CHANGED);
	assert_fails(b, table_remove(b->w.table, row_id(&b->a, 1), FAR_MS, &b->why), F_STATE_CHANGED);
	assert_fails(b, table_remove(b->w.table, row_id(&b->a, 2), 0, &b->why), F_NO_SUCH_IMAGE);
	struct outbox_page page = due(b);
	assert_int_equal(page.n, 1);
	assert_true(str_ends_with(page.events[0].body, STR(" uploaded v3 new\"}")));
}

static void test_changes_when_not_wanted_then_no_event(void **state)
{
	struct bench *b = *state;
	begin(b, 1U << OUTBOX_DELETED);
	bench_insert(b, 1);
	bench_resolve(b, 1, 5000, STR(""));
	assert_int_equal(due(b).n, 0);
	assert_int_equal(outbox_start(b->w.outbox, NULL, NULL), OK);
	take(b, 1, 0);
	assert_int_equal(atomic_load(&source.changes), 0);
	begin_again(b);
	assert_int_equal(due(b).n, 0);
}

static void test_change_when_its_event_cannot_be_written_then_not_made(void **state)
{
	struct bench *b = *state;
	struct image_row now;
	struct resolution s = row_verdict(&b->a, 1, 5000, STR(""));
	begin(b, OUTBOX_ALL_KINDS);
	bench_insert(b, 1);
	source.fails = true;
	assert_fails(b, table_resolve(b->w.table, &s, &b->a, &now, &b->why), F_OUT_OF_MEMORY);
	assert_fails(b, table_remove(b->w.table, row_id(&b->a, 1), 0, &b->why), F_OUT_OF_MEMORY);
	assert_int_equal(bench_row(b, 1).status, IMAGE_PENDING);
	source.fails = false;
	bench_resolve(b, 1, 5000, STR(""));
	assert_int_equal(due(b).n, 1);
}

static void record(struct bench *b, struct outbox_result r)
{
	const struct outbox_record all = { .results = &r, .n = 1, .delivered_ms = r.state == OUTBOX_DELIVERED ? r.ended_ms : 0 };
	assert_int_equal(outbox_record(b->w.outbox, &all, &b->why), OK);
}

static void test_results_then_kept_over_a_restart(void **state)
{
	struct bench *b = *state;
	struct outbox_status status;
	begin(b, OUTBOX_ALL_KINDS);
	delete_rows(b, 3);
	struct outbox_page first = due(b);
	assert_int_equal(first.n, 3);
	record(b, (struct outbox_result){ first.events[0].n, OUTBOX_DELIVERED, .first_ms = 5, .ended_ms = 6, .attempts = 1 });
	record(
		b, (struct outbox_result){ first.events[1].n, OUTBOX_WAITING, .due_ms = FAR_MS, .first_ms = 7, .attempts = 2, .error = STR("no") });
	record(
		b, (struct outbox_result){ first.events[2].n, OUTBOX_FAILED, .first_ms = 8, .ended_ms = 9, .attempts = 10, .error = STR("late") });
	begin_again(b);
	struct outbox_page page = due_by(b, clock_now_ms() + DAY_MS);
	assert_int_equal(page.n, 0);
	assert_true(page.next_ms == FAR_MS);
	assert_int_equal(outbox_status(b->w.outbox, &b->a, &status, &b->why), OK);
	assert_true(status.counts[OUTBOX_WAITING] == 1 && status.counts[OUTBOX_FAILED] == 1);
	assert_int_equal(status.counts[OUTBOX_DELIVERED], outbox_is_shared(b->w.outbox) ? 0 : 1);
	assert_true(status.delivered_ms == 6 && status.disabled_ms == 0);
	/* What has ended does not begin again by a result that comes late. */
	for (unsigned i = 0; i <= 2; i += 2)
		record(b, (struct outbox_result){ first.events[i].n, OUTBOX_WAITING, .due_ms = 1, .attempts = 9 });
	page = due(b);
	assert_int_equal(page.n, 1);
	assert_str(page.events[0].id, first.events[1].id);
	assert_str(page.events[0].body, first.events[1].body);
	assert_str(page.events[0].error, STR("no"));
	assert_true(page.events[0].attempts == 2 && page.events[0].first_ms == 7);
}

static void test_disabled_then_nothing_is_due_until_it_is_enabled(void **state)
{
	struct bench *b = *state;
	struct outbox_status status;
	begin(b, OUTBOX_ALL_KINDS);
	delete_rows(b, 1);
	struct outbox_page page = due(b);
	struct outbox_result r = { page.events[0].n, OUTBOX_WAITING, .due_ms = FAR_MS, .first_ms = 3, .attempts = 10 };
	const struct outbox_record all = { .results = &r, .n = 1, .disabled_ms = 77, .disabled_reason = STR("It answered 410.") };
	assert_int_equal(outbox_record(b->w.outbox, &all, &b->why), OK);
	bench_insert(b, 2); /* events are written all the same */
	take(b, 2, 0);
	assert_int_equal(due(b).n, 0);
	begin_again(b);
	assert_int_equal(due(b).n, 0);
	assert_int_equal(outbox_status(b->w.outbox, &b->a, &status, &b->why), OK);
	assert_int_equal(status.disabled_ms, 77);
	assert_str(status.disabled_reason, STR("It answered 410."));
	assert_int_equal(status.counts[OUTBOX_WAITING], 2);
	unsigned changes = atomic_load(&source.changes);
	for (int twice = 0; twice < 2; twice++)
		assert_int_equal(outbox_enable(b->w.outbox, 1000, &b->why), OK);
	assert_int_equal(atomic_load(&source.changes), changes + 1);
	page = due_by(b, 1000); /* the one that failed, at once */
	assert_int_equal(page.n, 1);
	assert_true(page.events[0].attempts == 0 && page.events[0].first_ms == 0);
	assert_int_equal(due(b).n, 2);
}

static void test_list_and_resend(void **state)
{
	struct bench *b = *state;
	uint64_t n = 0;
	struct outbox_page page;
	begin(b, OUTBOX_ALL_KINDS);
	delete_rows(b, 5);
	struct outbox_page all = due(b);
	assert_int_equal(all.n, 5);
	record(b, (struct outbox_result){ all.events[0].n, OUTBOX_DELIVERED, .ended_ms = 6, .attempts = 1 });
	for (size_t i = 1; i < 3; i++)
		record(b, (struct outbox_result){ all.events[i].n, OUTBOX_FAILED, .ended_ms = 6, .attempts = 10 });
	struct outbox_query q = { .limit = 2 };
	assert_int_equal(outbox_list(b->w.outbox, &q, &b->a, &page, &b->why), OK);
	assert_int_equal(page.n, 2);
	assert_str(page.events[0].id, all.events[4].id);
	assert_int_equal(page.events[0].body.n, 0);
	q.before_n = page.events[1].n;
	assert_int_equal(outbox_list(b->w.outbox, &q, &b->a, &page, &b->why), OK);
	assert_str(page.events[0].id, all.events[2].id);
	const unsigned counts[OUTBOX_STATES] = { 2, outbox_is_shared(b->w.outbox) ? 0 : 1, 2 };
	for (unsigned i = 0; i < OUTBOX_STATES; i++) {
		q = (struct outbox_query){ .has_state = true, .state = (enum outbox_state)i, .limit = 10 };
		assert_int_equal(outbox_list(b->w.outbox, &q, &b->a, &page, &b->why), OK);
		assert_int_equal(page.n, counts[i]);
	}
	unsigned changes = atomic_load(&source.changes);
	const struct outbox_selection one = { .id = all.events[1].id }, failed = { .state = OUTBOX_FAILED }, waiting = { 0 };
	assert_int_equal(outbox_resend(b->w.outbox, &one, 50, &n, &b->why), OK);
	assert_int_equal(n, 1);
	assert_int_equal(outbox_resend(b->w.outbox, &failed, 50, &n, &b->why), OK);
	assert_int_equal(n, 1);
	assert_int_equal(atomic_load(&source.changes), changes + 2);
	page = due_by(b, 50);
	assert_int_equal(page.n, 2);
	assert_str(page.events[0].id, all.events[1].id);
	assert_int_equal(page.events[0].attempts, 0);
	struct str other = str_dup(&b->a, all.events[1].id);
	((char *)(uintptr_t)other.p)[35] = other.p[35] == '0' ? '1' : '0';
	const struct str wrong[] = { STR("msg_1"), other, STR("xyz_00000000000100000000000000000000"),
		STR("msg_00000000000100000000000000000000") };
	for (size_t i = 0; i < COUNT_OF(wrong); i++)
		assert_fails(b, outbox_resend(b->w.outbox, &(struct outbox_selection){ .id = wrong[i] }, 50, &n, &b->why), F_NO_SUCH_EVENT);
	assert_int_equal(atomic_load(&source.changes), changes + 2);
	record(b, (struct outbox_result){ all.events[4].n, OUTBOX_WAITING, .due_ms = FAR_MS, .first_ms = 3, .attempts = 4 });
	assert_int_equal(outbox_resend(b->w.outbox, &waiting, 40, &n, &b->why), OK);
	assert_int_equal(n, 1);
	page = due_by(b, 40);
	assert_int_equal(page.n, 1);
	assert_str(page.events[0].id, all.events[4].id);
	assert_true(page.events[0].attempts == 0 && page.events[0].first_ms == 0);
}

/* Nobody gets an event twice, until whoever got it was given the time to send it. */
static void test_due_when_shared_then_given_to_one_and_to_another_after_a_while(void **state)
{
	struct bench *b = *state;
	begin(b, OUTBOX_ALL_KINDS);
	delete_rows(b, 3);
	int64_t now_ms = clock_now_ms();
	if (!outbox_is_shared(b->w.outbox)) {
		for (int twice = 0; twice < 2; twice++)
			assert_int_equal(due_by(b, now_ms + DAY_MS).n, 3);
		return;
	}
	begin_again(b);
	if (!b->w.gives_at_once)
		assert_int_equal(due_by(b, now_ms).n, 0); /* the process that wrote them may be sending them */
	struct outbox_page page;
	assert_int_equal(outbox_due(b->w.outbox, now_ms + DAY_MS, 2, &b->a, &page, &b->why), OK);
	assert_int_equal(page.n, 2);
	assert_true(page.next_ms <= now_ms + DAY_MS);
	begin_again(b);
	assert_int_equal(due_by(b, now_ms + DAY_MS).n, 1);
	page = due_by(b, now_ms + DAY_MS);
	assert_int_equal(page.n, 0);
	assert_true(page.next_ms > now_ms + DAY_MS && page.next_ms < now_ms + DAY_MS + 3600000);
	assert_int_equal(due_by(b, now_ms + 2 * DAY_MS).n, 3);
}

/* What waits for an owner who is removed is removed too. */
static void test_remove_of_a_user_then_its_events_are_forgotten(void **state)
{
	struct bench *b = *state;
	begin(b, OUTBOX_ALL_KINDS);
	for (unsigned n = 1; n <= 2; n++) {
		struct image_row row = row_pending(&b->a, n);
		row.owner = n == 1 ? STR("alice") : STR("bob");
		assert_int_equal(table_insert(b->w.table, &row, &b->why), OK);
	}
	assert_int_equal(user_block(b->w.users, STR("alice"), &b->why), OK);
	take(b, 1, 0);
	take(b, 2, 0);
	if (outbox_is_shared(b->w.outbox))
		b->w.spoil(&b->w, STR("alice")); /* so that the counters are old */
	assert_int_equal(user_remove(b->w.users, STR("alice"), &b->why), OK);
	begin_again(b);
	struct outbox_page page = due(b);
	assert_int_equal(page.n, 1);
	assert_str(page.events[0].image_id, row_id(&b->a, 2));
}

int contract_outbox(const struct contract_maker *maker)
{
	static const struct CMUnitTest tests[] = {
		BENCH_TEST(test_changes_then_an_event_each),
		BENCH_TEST(test_changes_that_leave_the_status_then_no_event),
		BENCH_TEST(test_changes_when_not_wanted_then_no_event),
		BENCH_TEST(test_change_when_its_event_cannot_be_written_then_not_made),
		BENCH_TEST(test_results_then_kept_over_a_restart),
		BENCH_TEST(test_disabled_then_nothing_is_due_until_it_is_enabled),
		BENCH_TEST(test_list_and_resend),
		BENCH_TEST(test_due_when_shared_then_given_to_one_and_to_another_after_a_while),
		BENCH_TEST(test_remove_of_a_user_then_its_events_are_forgotten),
	};
	return bench_run(maker, "outbox", tests, COUNT_OF(tests));
}
