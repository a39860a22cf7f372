/* The contract of the image table, first half, sentence by sentence: insert, get, resolve, remove, due,
 * counts. What applications change is in
 * contract_table_changes.c, lists and several callers at once in contract_table_pages.c. */
#include "fake/contract_table.h"

#include "fake/bench.h"
#include "fake/rows.h"

#include <errno.h>
#include <semaphore.h>

static void assert_row_is(struct bench *b, const struct image_row *row, unsigned n)
{
	assert_true(str_equal(row->image_id, row_id(&b->a, n)));
}

/* insert and get */

static void test_insert_of_a_new_row_then_get_gives_every_field(void **state)
{
	struct bench *b = *state;
	struct image_row want = row_pending(&b->a, 7);
	bench_insert(b, 7);
	struct image_row row = bench_row(b, 7);
	assert_true(row_equal(&row, &want));
}

static void test_insert_of_texts_of_all_kinds_then_get_gives_them_intact(void **state)
{
	static const char *const names[] = { "a", "..", "a/b\\c", "\r\n\x01\x7f", "'; DROP TABLE images; --", "%s%n \"q\"",
		"\xe2\x80\xae"
		"gpj.exe",
		"\xf0\x9f\x98\x80\xf0\x9f\x98\x80", "\xc3\xa9\xcc\x81" };
	struct bench *b = *state;
	for (unsigned i = 0; i < COUNT_OF(names); i++) {
		struct image_row row = row_pending(&b->a, i);
		row.file_name = str_of(names[i]);
		row.owner = str_of(names[COUNT_OF(names) - 1 - i]);
		assert_int_equal(table_insert(b->w.table, &row, &b->why), OK);
		struct image_row back = bench_row(b, i);
		assert_true(row_equal(&back, &row));
	}
}

static void test_insert_of_the_largest_numbers_then_get_gives_them(void **state)
{
	struct bench *b = *state;
	struct image_row row = row_pending(&b->a, 1);
	row.file_size = (uint64_t)5 << 30;
	row.width = row.height = UINT32_MAX;
	row.expires_ms = row.ends_ms = INT64_MAX / 4;
	assert_int_equal(table_insert(b->w.table, &row, &b->why), OK);
	struct image_row back = bench_row(b, 1);
	assert_true(row_equal(&back, &row));
}

static void test_insert_of_an_id_that_is_there_then_exists_and_old_row_stays(void **state)
{
	struct bench *b = *state;
	struct image_row first = row_pending(&b->a, 1), second = row_pending(&b->a, 2);
	bench_insert(b, 1);
	second.image_id = first.image_id;
	assert_fails(b, table_insert(b->w.table, &second, &b->why), F_IMAGE_EXISTS);
	struct image_row row = bench_row(b, 1);
	assert_true(row_equal(&row, &first));
	assert_int_equal(bench_ending(b), 1);
}

static void test_insert_over_a_resolved_row_then_exists(void **state)
{
	struct bench *b = *state;
	struct image_row again = row_pending(&b->a, 1);
	bench_insert(b, 1);
	bench_resolve(b, 1, 5000, STR(""));
	assert_fails(b, table_insert(b->w.table, &again, &b->why), F_IMAGE_EXISTS);
	assert_int_equal(bench_row(b, 1).status, IMAGE_UPLOADED);
}

static void test_insert_when_max_pending_rows_exist_then_full_until_one_is_resolved_or_removed(void **state)
{
	struct bench *b = *state;
	struct image_row more = row_pending(&b->a, 100);
	for (unsigned i = 0; i < BENCH_LITTLE; i++)
		bench_insert(b, i);
	assert_fails(b, table_insert(b->w.table, &more, &b->why), F_SLOTS_FULL);
	bench_resolve(b, 0, 5000, STR(""));
	bench_insert(b, 101);
	assert_fails(b, table_insert(b->w.table, &more, &b->why), F_SLOTS_FULL);
	assert_int_equal(table_remove(b->w.table, row_id(&b->a, 101), 0, &b->why), OK);
	bench_insert(b, 102);
	assert_fails(b, table_insert(b->w.table, &more, &b->why), F_SLOTS_FULL);
	bench_reopen(b);
	assert_fails(b, table_insert(b->w.table, &more, &b->why), F_SLOTS_FULL);
	assert_int_equal(bench_counts(b).pending, BENCH_LITTLE);
}

/* The object is about to be replaced: the row says what it will be, and is as pending as before. */
static void test_resolve_that_leaves_the_row_pending_then_it_has_the_new_values_and_counts_as_before(void **state)
{
	struct bench *b = *state;
	struct image_row row, back, want;
	bench_insert(b, 1);
	struct resolution s = row_verdict(&b->a, 1, 0, STR(""));
	want = row_pending(&b->a, 1);
	s.status = IMAGE_PENDING;
	s.ends_ms = want.ends_ms;
	row_resolve(&b->a, &want, &s);
	for (int turn = 0; turn < 2; turn++) {
		assert_int_equal(table_resolve(b->w.table, &s, &b->a, &row, &b->why), OK);
		assert_true(row_equal(&row, &want));
		assert_int_equal(table_get(b->w.table, row.image_id, &b->a, &back, &b->why), OK);
		assert_true(row_equal(&back, &want));
		want.version++;
	}
	struct image_page page;
	assert_int_equal(table_list(b->w.table, &(struct image_query){ .limit = 10 }, &b->a, &page, &b->why), OK);
	assert_int_equal(page.n, 0);
	assert_int_equal(table_due(b->w.table, want.ends_ms, 10, &b->a, &page, &b->why), OK);
	assert_int_equal(page.n, 1);
	bench_resolve(b, 1, 5000, STR(""));
	assert_int_equal(table_list(b->w.table, &(struct image_query){ .limit = 10 }, &b->a, &page, &b->why), OK);
	assert_int_equal(page.n, 1);
}

static void test_get_of_an_unknown_id_then_no_such_image_and_out_is_untouched(void **state)
{
	static const char *const ids[] = { "", "x", "00000000-0000-4000-8000-000000000000", "' OR 1=1 --" };
	struct bench *b = *state;
	bench_insert(b, 1);
	for (size_t i = 0; i < COUNT_OF(ids); i++) {
		struct image_row row = { .width = 77 };
		assert_fails(b, table_get(b->w.table, str_of(ids[i]), &b->a, &row, &b->why), F_NO_SUCH_IMAGE);
		assert_int_equal(row.width, 77);
	}
}

/* start */

struct started {
	struct write_completion wait;
	struct image_row row;
	struct arena a;
	enum status status;
	unsigned ends;
	sem_t *ended;
};

static void note_end(struct write_completion *w, enum status status)
{
	struct started *s = (struct started *)w;
	s->status = status;
	s->ends++;
	sem_post(s->ended);
}

static void await(sem_t *ended, size_t n)
{
	for (size_t i = 0; i < n; i++)
		while (sem_wait(ended) != 0)
			assert_int_equal(errno, EINTR);
}

static void test_start_insert_of_many_then_each_is_reported_once_and_is_there(void **state)
{
	struct bench *b = *state;
	struct started s[16] = { 0 };
	sem_t ended;
	sem_init(&ended, 0, 0);
	for (unsigned i = 0; i < COUNT_OF(s); i++) {
		arena_init(&s[i].a, 65536);
		s[i].wait.done = note_end;
		s[i].ended = &ended;
		s[i].row = row_pending(&s[i].a, i / 2); /* of two with one id, one fails */
		table_start_insert(b->w.table, &s[i].row, &s[i].a, &s[i].wait);
	}
	await(&ended, COUNT_OF(s));
	assert_int_equal(bench_ending(b), COUNT_OF(s) / 2);
	for (unsigned i = 0; i < COUNT_OF(s); i += 2) {
		assert_true(s[i].ends == 1 && s[i + 1].ends == 1);
		assert_int_equal(s[i].status, OK);
		assert_fails(b, (b->why = s[i + 1].wait.why, s[i + 1].status), F_IMAGE_EXISTS);
		struct image_row row = bench_row(b, i / 2);
		assert_true(row_equal(&row, &s[i].row));
		arena_deinit(&s[i].a);
		arena_deinit(&s[i + 1].a);
	}
	sem_destroy(&ended);
}

static void test_start_insert_when_the_arena_is_full_then_reported_and_no_row_or_a_row(void **state)
{
	struct bench *b = *state;
	struct started s = { .wait = { .done = note_end }, .row = row_pending(&b->a, 1) };
	sem_t ended;
	sem_init(&ended, 0, 0);
	s.ended = &ended;
	arena_init(&s.a, 0);
	table_start_insert(b->w.table, &s.row, &s.a, &s.wait);
	await(&ended, 1);
	assert_true(s.status == OK || s.wait.why.code == F_TOO_MUCH);
	assert_int_equal(bench_ending(b), s.status == OK);
	arena_deinit(&s.a);
	sem_destroy(&ended);
}

/* resolve */

static void resolve_and_compare(struct bench *b, struct str reason)
{
	struct image_row want = row_pending(&b->a, 1), now;
	struct resolution s = row_verdict(&b->a, 1, 1700000123456, reason);
	bench_insert(b, 1);
	assert_int_equal(table_resolve(b->w.table, &s, &b->a, &now, &b->why), OK);
	row_resolve(&b->a, &want, &s);
	assert_true(row_equal(&now, &want));
	struct image_row row = bench_row(b, 1);
	assert_true(row_equal(&row, &want));
}

static void test_resolve_as_uploaded_then_verdict_is_in_the_row_and_the_rest_stays(void **state)
{
	resolve_and_compare(*state, STR(""));
}

static void test_resolve_as_rejected_then_reason_is_in_the_row_and_the_rest_stays(void **state)
{
	resolve_and_compare(*state,
		STR("The bytes are \"image/png\"; r\xc3\xa9"
			"essayez."));
}

static void test_resolve_of_an_unknown_id_then_no_such_image(void **state)
{
	struct bench *b = *state;
	struct image_row now;
	struct resolution s = row_verdict(&b->a, 1, 5000, STR(""));
	assert_fails(b, table_resolve(b->w.table, &s, &b->a, &now, &b->why), F_NO_SUCH_IMAGE);
	assert_int_equal(bench_listed(b), 0);
}

static void resolve_twice(struct bench *b, struct str first_reason, struct str second_reason)
{
	bench_insert(b, 1);
	bench_resolve(b, 1, 5000, first_reason);
	struct image_row before = bench_row(b, 1), now = { 0 };
	struct resolution s = row_verdict(&b->a, 1, 6000, second_reason);
	s.etag = STR("ffffffffffffffffffffffffffffffff");
	assert_fails(b, table_resolve(b->w.table, &s, &b->a, &now, &b->why), F_STATE_CHANGED);
	assert_true(row_equal(&now, &before));
	struct image_row after = bench_row(b, 1);
	assert_true(row_equal(&after, &before));
}

static void test_resolve_of_an_uploaded_row_then_state_changed_and_now_is_the_row(void **state)
{
	resolve_twice(*state, STR(""), STR("too late"));
}

static void test_resolve_of_a_rejected_row_then_state_changed_and_now_is_the_row(void **state)
{
	resolve_twice(*state, STR("no image"), STR(""));
}

static struct resolution replacement(struct bench *b, const char *etag, struct str reason)
{
	struct resolution s = row_verdict(&b->a, 1, 9000, reason);
	s.replaces = bench_row(b, 1).etag;
	s.etag = str_of(etag);
	return s;
}

static void test_resolve_that_replaces_then_the_new_bytes_at_the_old_position_of_the_list(void **state)
{
	struct bench *b = *state;
	struct image_page page;
	struct image_row now;
	for (unsigned i = 1; i <= 2; i++) {
		bench_insert(b, i);
		bench_resolve(b, i, 5000, STR(""));
	}
	struct resolution s = replacement(b, "ffffffffffffffffffffffffffffffff", STR(""));
	assert_int_equal(table_resolve(b->w.table, &s, &b->a, &now, &b->why), OK);
	assert_str(now.etag, s.etag);
	assert_int_equal(table_list(b->w.table, &(struct image_query){ .limit = 10 }, &b->a, &page, &b->why), OK);
	assert_int_equal(page.n, 2);
	assert_true(row_equal(&page.rows[1], &now));
	assert_int_equal(bench_ending(b), 0);
}

static void test_resolve_that_replaces_other_bytes_than_are_there_then_state_changed(void **state)
{
	struct bench *b = *state;
	struct image_row now, before;
	bench_insert(b, 1);
	struct resolution pending = replacement(b, "x", STR(""));
	pending.replaces = STR("00");
	assert_fails(b, table_resolve(b->w.table, &pending, &b->a, &now, &b->why), F_STATE_CHANGED);
	bench_resolve(b, 1, 5000, STR(""));
	struct resolution s = replacement(b, "x", STR(""));
	s.replaces = STR("00");
	before = bench_row(b, 1);
	assert_fails(b, table_resolve(b->w.table, &s, &b->a, &now, &b->why), F_STATE_CHANGED);
	assert_true(row_equal(&now, &before));
}

static void test_resolve_that_replaces_by_what_is_not_an_image_then_rejected_and_due(void **state)
{
	struct bench *b = *state;
	struct image_row now;
	bench_insert(b, 1);
	bench_resolve(b, 1, 5000, STR(""));
	struct resolution s = replacement(b, "x", STR("no image"));
	assert_int_equal(table_resolve(b->w.table, &s, &b->a, &now, &b->why), OK);
	assert_int_equal(now.status, IMAGE_REJECTED);
	assert_int_equal(bench_listed(b), 0);
	assert_int_equal(bench_ending(b), 1);
}

/* Counted as one image still, of another size. */
static void test_resolve_that_replaces_then_counts_are_of_the_new_bytes(void **state)
{
	struct bench *b = *state;
	struct image_row now;
	bench_insert(b, 1);
	bench_resolve(b, 1, 5000, STR(""));
	struct resolution s = replacement(b, "ffffffffffffffffffffffffffffffff", STR(""));
	s.file_size = 3;
	assert_int_equal(table_resolve(b->w.table, &s, &b->a, &now, &b->why), OK);
	struct image_counts counts = bench_counts(b);
	assert_int_equal(counts.uploaded, 1);
	assert_int_equal(counts.pending + counts.rejected, 0);
	assert_int_equal(counts.stored_bytes, 3);
	s = replacement(b, "x", STR("no image"));
	assert_int_equal(table_resolve(b->w.table, &s, &b->a, &now, &b->why), OK);
	counts = bench_counts(b);
	assert_int_equal(counts.uploaded + counts.pending, 0);
	assert_int_equal(counts.rejected, 1);
	assert_int_equal(counts.stored_bytes, 0);
}

/* remove */

static void test_remove_whatever_the_state_then_row_is_gone(void **state)
{
	struct bench *b = *state;
	for (unsigned i = 0; i < 3; i++)
		bench_insert(b, i);
	bench_resolve(b, 1, 5000, STR(""));
	bench_resolve(b, 2, 5000, STR("no image"));
	for (unsigned i = 0; i < 3; i++) {
		struct image_row row;
		assert_int_equal(table_remove(b->w.table, row_id(&b->a, i), 0, &b->why), OK);
		assert_fails(b, table_get(b->w.table, row_id(&b->a, i), &b->a, &row, &b->why), F_NO_SUCH_IMAGE);
	}
	struct image_page page;
	assert_int_equal(table_list(b->w.table, &(struct image_query){ .limit = 10 }, &b->a, &page, &b->why), OK);
	assert_int_equal(page.n, 0);
}

static void test_remove_of_an_unknown_id_then_no_such_image(void **state)
{
	struct bench *b = *state;
	bench_insert(b, 1);
	assert_fails(b, table_remove(b->w.table, row_id(&b->a, 2), 0, &b->why), F_NO_SUCH_IMAGE);
	assert_fails(b, table_remove(b->w.table, row_id(&b->a, 2), 99, &b->why), F_NO_SUCH_IMAGE);
	assert_int_equal(table_remove(b->w.table, row_id(&b->a, 1), 0, &b->why), OK);
	assert_fails(b, table_remove(b->w.table, row_id(&b->a, 1), 0, &b->why), F_NO_SUCH_IMAGE);
}

static void test_remove_many_then_those_that_are_there_are_gone_and_no_others(void **state)
{
	struct bench *b = *state;
	struct image_row row;
	bool removed[5];
	for (unsigned i = 1; i <= 4; i++)
		bench_insert(b, i);
	bench_resolve(b, 2, 5000, STR(""));
	const struct str ids[] = { row_id(&b->a, 1), row_id(&b->a, 9), row_id(&b->a, 2), row_id(&b->a, 1), row_id(&b->a, 4) };
	assert_int_equal(table_remove_many(b->w.table, ids, COUNT_OF(ids), removed, &b->why), OK);
	assert_true(removed[0] && !removed[1] && removed[2] && !removed[3] && removed[4]);
	for (size_t i = 0; i < COUNT_OF(ids); i++)
		assert_fails(b, table_get(b->w.table, ids[i], &b->a, &row, &b->why), F_NO_SUCH_IMAGE);
	assert_int_equal(bench_row(b, 3).status, IMAGE_PENDING);
	assert_int_equal(table_remove_many(b->w.table, ids, 2, removed, &b->why), OK);
	assert_true(!removed[0] && !removed[1]);
}

static void test_remove_by_end_when_not_ended_then_state_changed_and_row_stays(void **state)
{
	struct bench *b = *state;
	bench_insert(b, 1);
	struct image_row row = bench_row(b, 1);
	assert_fails(b, table_remove(b->w.table, row.image_id, row.ends_ms - 1, &b->why), F_STATE_CHANGED);
	struct image_row after = bench_row(b, 1);
	assert_true(row_equal(&after, &row));
}

static void test_remove_by_end_when_the_end_has_come_then_row_is_gone(void **state)
{
	struct bench *b = *state;
	bench_insert(b, 1);
	struct image_row row = bench_row(b, 1);
	assert_int_equal(table_remove(b->w.table, row.image_id, row.ends_ms, &b->why), OK);
	assert_fails(b, table_get(b->w.table, row.image_id, &b->a, &row, &b->why), F_NO_SUCH_IMAGE);
}

static void test_remove_by_end_of_a_row_that_never_ends_then_state_changed(void **state)
{
	struct bench *b = *state;
	bench_insert(b, 1);
	bench_resolve(b, 1, 5000, STR(""));
	assert_fails(b, table_remove(b->w.table, row_id(&b->a, 1), INT64_MAX, &b->why), F_STATE_CHANGED);
	assert_int_equal(bench_row(b, 1).status, IMAGE_UPLOADED);
}

static void test_insert_of_an_id_that_was_removed_then_ok(void **state)
{
	struct bench *b = *state;
	bench_insert(b, 1);
	bench_resolve(b, 1, 5000, STR(""));
	assert_int_equal(table_remove(b->w.table, row_id(&b->a, 1), 0, &b->why), OK);
	bench_insert(b, 1);
	struct image_row row = bench_row(b, 1), want = row_pending(&b->a, 1);
	assert_true(row_equal(&row, &want));
}

/* due */

static void insert_ending(struct bench *b, unsigned n, int64_t ends_ms)
{
	struct image_row row = row_pending(&b->a, n);
	row.ends_ms = ends_ms;
	assert_int_equal(table_insert(b->w.table, &row, &b->why), OK);
}

static struct image_page due(struct bench *b, int64_t now_ms, uint32_t limit)
{
	struct image_page page;
	assert_int_equal(table_due(b->w.table, now_ms, limit, &b->a, &page, &b->why), OK);
	assert_int_equal(page.next_cursor.n, 0);
	return page;
}

static void test_due_then_ended_rows_earliest_first_up_to_the_limit(void **state)
{
	static const int64_t ends[] = { 5000, 1000, 0, 4000, 2000, 9000, 3000 };
	static const unsigned order[] = { 1, 4, 6, 3, 0 };
	struct bench *b = *state;
	for (unsigned i = 0; i < COUNT_OF(ends); i++)
		insert_ending(b, i, ends[i]);
	for (uint32_t limit = 1; limit <= 10; limit++) {
		struct image_page page = due(b, 5000, limit);
		assert_int_equal(page.n, limit < 5 ? limit : 5);
		for (size_t i = 0; i < page.n; i++)
			assert_row_is(b, &page.rows[i], order[i]);
	}
	assert_int_equal(due(b, 999, 10).n, 0);
}

static void test_due_then_rejected_rows_by_their_new_expiry_and_uploaded_ones_never(void **state)
{
	struct bench *b = *state;
	for (unsigned i = 0; i < 3; i++)
		insert_ending(b, i, 1000 + i);
	bench_resolve(b, 0, 50000, STR(""));
	bench_resolve(b, 1, 50000, STR("no image")); /* ends at 51000 */
	struct image_page page = due(b, 50999, 10);
	assert_int_equal(page.n, 1);
	assert_row_is(b, &page.rows[0], 2);
	page = due(b, 51000, 10);
	assert_int_equal(page.n, 2);
	struct image_row want = bench_row(b, 1);
	assert_true(row_equal(&page.rows[1], &want));
	assert_int_equal(due(b, INT64_MAX, 10).n, 2);
}

/* counts */

static void test_counts_then_rows_by_status_and_bytes_of_the_uploaded(void **state)
{
	struct bench *b = *state;
	struct image_counts c = bench_counts(b);
	assert_true(c.pending == 0 && c.uploaded == 0 && c.rejected == 0 && c.stored_bytes == 0);
	for (unsigned i = 0; i < 6; i++)
		bench_insert(b, i);
	bench_resolve(b, 1, 5000, STR(""));
	bench_resolve(b, 2, 5000, STR(""));
	bench_resolve(b, 3, 5000, STR("no image"));
	for (unsigned round = 0; round < 2; round++) {
		c = bench_counts(b);
		assert_int_equal(c.pending, 3);
		assert_int_equal(c.uploaded, 2);
		assert_int_equal(c.rejected, 1);
		assert_int_equal(c.stored_bytes, 2001 + 2002);
		bench_reopen(b);
	}
	for (unsigned i = 0; i < 4; i++)
		assert_int_equal(table_remove(b->w.table, row_id(&b->a, i), 0, &b->why), OK);
	c = bench_counts(b);
	assert_true(c.pending == 2 && c.uploaded == 0 && c.rejected == 0 && c.stored_bytes == 0);
}

static const struct CMUnitTest tests[] = {
	BENCH_TEST(test_insert_of_a_new_row_then_get_gives_every_field),
	BENCH_TEST(test_insert_of_texts_of_all_kinds_then_get_gives_them_intact),
	BENCH_TEST(test_insert_of_the_largest_numbers_then_get_gives_them),
	BENCH_TEST(test_insert_of_an_id_that_is_there_then_exists_and_old_row_stays),
	BENCH_TEST(test_insert_over_a_resolved_row_then_exists),
	BENCH_TEST(test_resolve_that_leaves_the_row_pending_then_it_has_the_new_values_and_counts_as_before),
	BENCH_TEST_OF_LIMIT(test_insert_when_max_pending_rows_exist_then_full_until_one_is_resolved_or_removed),
	BENCH_TEST(test_start_insert_of_many_then_each_is_reported_once_and_is_there),
	BENCH_TEST(test_start_insert_when_the_arena_is_full_then_reported_and_no_row_or_a_row),
	BENCH_TEST(test_get_of_an_unknown_id_then_no_such_image_and_out_is_untouched),
	BENCH_TEST(test_resolve_as_uploaded_then_verdict_is_in_the_row_and_the_rest_stays),
	BENCH_TEST(test_resolve_as_rejected_then_reason_is_in_the_row_and_the_rest_stays),
	BENCH_TEST(test_resolve_of_an_unknown_id_then_no_such_image),
	BENCH_TEST(test_resolve_of_an_uploaded_row_then_state_changed_and_now_is_the_row),
	BENCH_TEST(test_resolve_of_a_rejected_row_then_state_changed_and_now_is_the_row),
	BENCH_TEST(test_resolve_that_replaces_then_the_new_bytes_at_the_old_position_of_the_list),
	BENCH_TEST(test_resolve_that_replaces_other_bytes_than_are_there_then_state_changed),
	BENCH_TEST(test_resolve_that_replaces_by_what_is_not_an_image_then_rejected_and_due),
	BENCH_TEST_OF_COUNTS(test_resolve_that_replaces_then_counts_are_of_the_new_bytes),
	BENCH_TEST(test_remove_whatever_the_state_then_row_is_gone),
	BENCH_TEST(test_remove_of_an_unknown_id_then_no_such_image),
	BENCH_TEST(test_remove_many_then_those_that_are_there_are_gone_and_no_others),
	BENCH_TEST(test_remove_by_end_when_not_ended_then_state_changed_and_row_stays),
	BENCH_TEST(test_remove_by_end_when_the_end_has_come_then_row_is_gone),
	BENCH_TEST(test_remove_by_end_of_a_row_that_never_ends_then_state_changed),
	BENCH_TEST(test_insert_of_an_id_that_was_removed_then_ok),
	BENCH_TEST(test_due_then_ended_rows_earliest_first_up_to_the_limit),
	BENCH_TEST(test_due_then_rejected_rows_by_their_new_expiry_and_uploaded_ones_never),
	BENCH_TEST_OF_COUNTS(test_counts_then_rows_by_status_and_bytes_of_the_uploaded),
};

int contract_table(const struct contract_maker *maker)
{
	return bench_run(maker, "image_table", tests, COUNT_OF(tests)) + contract_table_changes(maker) + contract_table_pages(maker);
}
