/* The outbox of the embedded engine: which changes write which events, in the same commit or not at all, and what the sender sees of
 * them, restarts included. */
#include "unit.h"

#include "store/fixture.h"

#include "fake/rows.h"
#include "store/tables/outbox.h"

#include <stdatomic.h>
#include <string.h>

#define ALL_KINDS 15U

struct source {
	struct outbox_source port;
	atomic_uint changes;
	bool fails;
};

static enum status write_body(
	void *arg, enum outbox_kind kind, const struct image_row *row, int64_t now_ms, struct buf *body, struct fault *why)
{
	const struct source *s = arg;
	if (s->fails)
		return fault_set(why, OUT_OF_MEMORY, "no memory for the event");
	buf_printf(body, "{\"%.*s\":\"%.*s\"}", STRF(outbox_kind_name(kind)), STRF(row->image_id));
	return now_ms > 0 ? OK : fault_set(why, INTERNAL, "no time");
}

static void count_change(void *arg)
{
	struct source *s = arg;
	atomic_fetch_add(&s->changes, 1);
}

static struct outbox *outbox_of(struct fixture *p)
{
	return &engine_ports(p->engine)->outbox;
}

static void begin(struct fixture *p, struct source *s, unsigned kinds)
{
	*s = (struct source){ .port = { .kinds = kinds, .write = write_body, .changed = count_change, .arg = s } };
	fixture_open(p);
	assert_int_equal(outbox_start(outbox_of(p), &s->port, NULL), OK);
}

static struct outbox_page due(struct fixture *p, int64_t now_ms, struct arena *a)
{
	struct outbox_page page;
	assert_int_equal(outbox_due(outbox_of(p), now_ms, OUTBOX_LIST_MAX, a, &page, NULL), OK);
	return page;
}

static void reject(struct fixture *p, unsigned n)
{
	struct arena a;
	struct image_row now;
	arena_init(&a, 1 << 16);
	struct resolution s = row_verdict(&a, n, 1700000000000, STR("no image"));
	assert_int_equal(table_resolve(&engine_ports(p->engine)->table, &s, &a, &now, NULL), OK);
	arena_deinit(&a);
}

static void test_changes_then_an_event_each_in_their_order(void **state)
{
	struct fixture *p = *state;
	struct source s;
	struct arena a;
	struct image_counts removed;
	begin(p, &s, ALL_KINDS);
	for (unsigned n = 1; n <= 4; n++)
		assert_int_equal(fixture_insert(p, n, NULL), OK);
	assert_int_equal(atomic_load(&s.changes), 0);
	assert_int_equal(fixture_upload(p, 1, STR("hello"), NULL), OK);
	reject(p, 2);
	assert_int_equal(fixture_remove(p, 1, NULL), OK);
	assert_int_equal(fixture_remove(p, 3, NULL), OK);
	/* Row 4 is pending and expires; row 2 was rejected before: that its reason is forgotten is no event. */
	assert_int_equal(table_remove_due(&engine_ports(p->engine)->table, INT64_MAX / 2, &removed, NULL), OK);
	assert_int_equal(removed.pending + removed.rejected, 2);
	static const struct {
		enum outbox_kind kind;
		unsigned n;
	} want[] = { { OUTBOX_UPLOADED, 1 }, { OUTBOX_REJECTED, 2 }, { OUTBOX_DELETED, 1 }, { OUTBOX_DELETED, 3 }, { OUTBOX_EXPIRED, 4 } };
	arena_init(&a, 1 << 20);
	struct outbox_page page = due(p, INT64_MAX, &a);
	assert_int_equal(page.n, COUNT_OF(want));
	assert_int_equal(page.next_ms, INT64_MAX);
	for (size_t i = 0; i < page.n; i++) {
		const struct outbox_event *e = &page.events[i];
		struct str id = row_id(&a, want[i].n);
		assert_int_equal(e->kind, want[i].kind);
		assert_str(e->image_id, id);
		assert_str(e->body, str_printf(&a, "{\"%.*s\":\"%.*s\"}", STRF(outbox_kind_name(e->kind)), STRF(id)));
		assert_int_equal(e->id.n, OUTBOX_ID_CHARS);
		assert_true(str_starts_with(e->id, STR("msg_")) && str_find_char(e->id, '.') == e->id.n);
		assert_true(e->created_ms > 0 && e->due_ms == e->created_ms && e->attempts == 0 && e->first_ms == 0);
		for (size_t k = 0; k < i; k++)
			assert_false(str_equal(e->id, page.events[k].id));
	}
	assert_int_equal(atomic_load(&s.changes), COUNT_OF(want));
	arena_deinit(&a);
}

static void test_changes_when_not_wanted_then_no_event(void **state)
{
	struct fixture *p = *state;
	struct source s;
	begin(p, &s, 1U << OUTBOX_DELETED);
	assert_int_equal(fixture_insert(p, 1, NULL), OK);
	assert_int_equal(fixture_upload(p, 1, STR("hello"), NULL), OK);
	assert_int_equal(fixture_ask(p, "SELECT count(*) FROM outbox"), 0);
	assert_int_equal(outbox_start(outbox_of(p), NULL, NULL), OK);
	assert_int_equal(fixture_remove(p, 1, NULL), OK);
	assert_int_equal(fixture_ask(p, "SELECT count(*) FROM outbox"), 0);
	assert_int_equal(atomic_load(&s.changes), 0);
}

static void test_change_when_its_event_cannot_be_written_then_not_made(void **state)
{
	struct fixture *p = *state;
	struct source s;
	struct fault why;
	begin(p, &s, ALL_KINDS);
	assert_int_equal(fixture_insert(p, 1, NULL), OK);
	s.fails = true;
	assert_int_equal(fixture_upload(p, 1, STR("hello"), &why), IO);
	assert_int_equal(why.code, F_OUT_OF_MEMORY);
	assert_int_equal(fixture_remove(p, 1, &why), IO);
	assert_int_equal(fixture_status(p, 1), IMAGE_PENDING);
	s.fails = false;
	assert_int_equal(fixture_upload(p, 1, STR("hello"), NULL), OK);
	assert_int_equal(fixture_ask(p, "SELECT count(*) FROM outbox"), 1);
}

static void record(struct fixture *p, struct outbox_result r)
{
	struct outbox_record all = { .results = &r, .n = 1, .delivered_ms = r.state == OUTBOX_DELIVERED ? r.ended_ms : 0 };
	assert_int_equal(outbox_record(outbox_of(p), &all, NULL), OK);
}

static void test_results_then_kept_over_a_restart(void **state)
{
	struct fixture *p = *state;
	struct source s;
	struct arena a;
	struct outbox_status status;
	begin(p, &s, ALL_KINDS);
	for (unsigned n = 1; n <= 3; n++) {
		assert_int_equal(fixture_insert(p, n, NULL), OK);
		assert_int_equal(fixture_remove(p, n, NULL), OK);
	}
	arena_init(&a, 1 << 20);
	struct outbox_page first = due(p, INT64_MAX, &a);
	assert_int_equal(first.n, 3);
	record(p, (struct outbox_result){ first.events[0].n, OUTBOX_DELIVERED, .first_ms = 5, .ended_ms = 6, .attempts = 1 });
	record(p,
		(struct outbox_result){
			first.events[1].n, OUTBOX_WAITING, .due_ms = INT64_MAX - 1, .first_ms = 7, .attempts = 2, .error = STR("no") });
	record(
		p, (struct outbox_result){ first.events[2].n, OUTBOX_FAILED, .first_ms = 8, .ended_ms = 9, .attempts = 10, .error = STR("late") });
	fixture_close(p);
	begin(p, &s, ALL_KINDS);
	struct outbox_page page = due(p, clock_now_ms(), &a);
	assert_int_equal(page.n, 0);
	assert_true(page.next_ms == INT64_MAX - 1);
	page = due(p, INT64_MAX, &a);
	assert_int_equal(page.n, 1);
	assert_str(page.events[0].id, first.events[1].id);
	assert_str(page.events[0].error, STR("no"));
	assert_true(page.events[0].attempts == 2 && page.events[0].first_ms == 7);
	assert_int_equal(outbox_status(outbox_of(p), &a, &status, NULL), OK);
	assert_true(status.counts[OUTBOX_WAITING] == 1 && status.counts[OUTBOX_DELIVERED] == 1 && status.counts[OUTBOX_FAILED] == 1);
	assert_true(status.delivered_ms == 6 && status.disabled_ms == 0);
	/* What has ended does not begin again by a result that comes late. */
	record(p, (struct outbox_result){ first.events[0].n, OUTBOX_WAITING, .due_ms = 1, .attempts = 9 });
	assert_int_equal(due(p, INT64_MAX, &a).n, 1);
	arena_deinit(&a);
}

static void test_disabled_then_nothing_is_due_until_it_is_enabled(void **state)
{
	struct fixture *p = *state;
	struct source s;
	struct arena a;
	struct outbox_status status;
	begin(p, &s, ALL_KINDS);
	assert_int_equal(fixture_insert(p, 1, NULL), OK);
	assert_int_equal(fixture_remove(p, 1, NULL), OK);
	arena_init(&a, 1 << 20);
	struct outbox_page page = due(p, INT64_MAX, &a);
	struct outbox_result r = { page.events[0].n, OUTBOX_WAITING, .due_ms = INT64_MAX - 1, .first_ms = 3, .attempts = 10 };
	struct outbox_record all = { .results = &r, .n = 1, .disabled_ms = 77, .disabled_reason = STR("It answered 410.") };
	assert_int_equal(outbox_record(outbox_of(p), &all, NULL), OK);
	fixture_close(p);
	begin(p, &s, ALL_KINDS);
	/* Events are written all the same. */
	assert_int_equal(fixture_insert(p, 2, NULL), OK);
	assert_int_equal(fixture_remove(p, 2, NULL), OK);
	assert_int_equal(due(p, INT64_MAX, &a).n, 0);
	assert_int_equal(outbox_status(outbox_of(p), &a, &status, NULL), OK);
	assert_int_equal(status.disabled_ms, 77);
	assert_str(status.disabled_reason, STR("It answered 410."));
	assert_int_equal(status.counts[OUTBOX_WAITING], 2);
	unsigned changes = atomic_load(&s.changes);
	for (int twice = 0; twice < 2; twice++)
		assert_int_equal(outbox_enable(outbox_of(p), 1000, NULL), OK);
	assert_int_equal(atomic_load(&s.changes), changes + 1);
	assert_int_equal(due(p, 1000, &a).n, 1); /* the one that failed, at once */
	page = due(p, INT64_MAX, &a);
	assert_int_equal(page.n, 2);
	for (size_t i = 0; i < page.n; i++)
		assert_true(page.events[i].attempts == 0 && page.events[i].first_ms == 0);
	arena_deinit(&a);
}

static void test_list_and_resend(void **state)
{
	struct fixture *p = *state;
	struct source s;
	struct arena a;
	struct fault why;
	uint64_t n = 0;
	begin(p, &s, ALL_KINDS);
	for (unsigned i = 1; i <= 5; i++) {
		assert_int_equal(fixture_insert(p, i, NULL), OK);
		assert_int_equal(fixture_remove(p, i, NULL), OK);
	}
	arena_init(&a, 1 << 20);
	struct outbox_page all = due(p, INT64_MAX, &a), page;
	for (size_t i = 0; i < 3; i++)
		record(p, (struct outbox_result){ all.events[i].n, i == 0 ? OUTBOX_DELIVERED : OUTBOX_FAILED, .ended_ms = 6, .attempts = 10 });
	struct outbox_query q = { .limit = 2 };
	assert_int_equal(outbox_list(outbox_of(p), &q, &a, &page, NULL), OK);
	assert_int_equal(page.n, 2);
	assert_str(page.events[0].id, all.events[4].id);
	assert_int_equal(page.events[0].body.n, 0);
	q.before_n = page.events[1].n;
	assert_int_equal(outbox_list(outbox_of(p), &q, &a, &page, NULL), OK);
	assert_str(page.events[0].id, all.events[2].id);
	static const unsigned counts[OUTBOX_STATES] = { 2, 1, 2 };
	for (unsigned i = 0; i < OUTBOX_STATES; i++) {
		q = (struct outbox_query){ .has_state = true, .state = (enum outbox_state)i, .limit = 10 };
		assert_int_equal(outbox_list(outbox_of(p), &q, &a, &page, NULL), OK);
		assert_int_equal(page.n, counts[i]);
	}
	unsigned changes = atomic_load(&s.changes);
	struct outbox_selection one = { .id = all.events[0].id }, failed = { .state = OUTBOX_FAILED }, waiting = { 0 };
	assert_int_equal(outbox_resend(outbox_of(p), &one, 50, &n, NULL), OK);
	assert_int_equal(n, 1);
	assert_int_equal(outbox_resend(outbox_of(p), &failed, 50, &n, NULL), OK);
	assert_int_equal(n, 2);
	assert_int_equal(atomic_load(&s.changes), changes + 2);
	page = due(p, 50, &a);
	assert_int_equal(page.n, 3);
	assert_str(page.events[0].id, all.events[0].id);
	assert_int_equal(page.events[0].attempts, 0);
	struct str other = str_dup(&a, all.events[0].id);
	((char *)(uintptr_t)other.p)[35] = other.p[35] == '0' ? '1' : '0';
	const struct str wrong[] = { STR("msg_1"), other, STR("xyz_00000000000100000000000000000000") };
	for (size_t i = 0; i < COUNT_OF(wrong); i++) {
		assert_int_equal(outbox_resend(outbox_of(p), &(struct outbox_selection){ .id = wrong[i] }, 50, &n, &why), NOT_FOUND);
		assert_int_equal(why.code, F_NO_SUCH_EVENT);
	}
	assert_int_equal(atomic_load(&s.changes), changes + 2);
	record(p, (struct outbox_result){ all.events[4].n, OUTBOX_WAITING, .due_ms = INT64_MAX - 1, .first_ms = 3, .attempts = 4 });
	assert_int_equal(outbox_resend(outbox_of(p), &waiting, 40, &n, NULL), OK);
	assert_int_equal(n, 1);
	page = due(p, 40, &a);
	assert_int_equal(page.n, 1);
	assert_str(page.events[0].id, all.events[4].id);
	assert_true(page.events[0].attempts == 0 && page.events[0].first_ms == 0);
	arena_deinit(&a);
}

static void test_delivered_then_only_the_newest_are_kept(void **state)
{
	struct fixture *p = *state;
	struct source s;
	fixture_open(p);
	fixture_close(p);
	fixture_run(p,
		"WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM c WHERE i < 1500)"
		" INSERT INTO outbox(token, kind, state, image_id, owner, body, created_ms, due_ms)"
		" SELECT '00000000000000000000', 0, CASE WHEN i % 500 = 0 THEN 2 ELSE 1 END, 'x', '', '{}', 1, 1 FROM c");
	begin(p, &s, ALL_KINDS);
	assert_int_equal(fixture_insert(p, 1, NULL), OK);
	assert_int_equal(fixture_remove(p, 1, NULL), OK);
	record(p, (struct outbox_result){ 1501, OUTBOX_DELIVERED, .ended_ms = 6, .attempts = 1 });
	assert_int_equal(fixture_ask(p, "SELECT count(*) FROM outbox WHERE state=1"), OUTBOX_DELIVERED_MAX);
	assert_int_equal(fixture_ask(p, "SELECT count(*) FROM outbox WHERE state=2"), 3);
	assert_int_equal(fixture_ask(p, "SELECT max(n) FROM outbox WHERE state=1"), 1501);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_changes_then_an_event_each_in_their_order, fixture_set_up, fixture_tear_down),
		cmocka_unit_test_setup_teardown(test_changes_when_not_wanted_then_no_event, fixture_set_up, fixture_tear_down),
		cmocka_unit_test_setup_teardown(test_change_when_its_event_cannot_be_written_then_not_made, fixture_set_up, fixture_tear_down),
		cmocka_unit_test_setup_teardown(test_results_then_kept_over_a_restart, fixture_set_up, fixture_tear_down),
		cmocka_unit_test_setup_teardown(test_disabled_then_nothing_is_due_until_it_is_enabled, fixture_set_up, fixture_tear_down),
		cmocka_unit_test_setup_teardown(test_list_and_resend, fixture_set_up, fixture_tear_down),
		cmocka_unit_test_setup_teardown(test_delivered_then_only_the_newest_are_kept, fixture_set_up, fixture_tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
