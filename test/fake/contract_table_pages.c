/* The contract of the image table, second half: pages of a list while rows come and go, cursors, the
 * same after the adapter was opened again, and several callers at once. */
#include "fake/contract_table.h"

#include "fake/bench.h"
#include "fake/rows.h"
#include <pthread.h>
#include <string.h>

/* Rows 1..n, uploaded in this order; the clock runs backwards and stands still now and then. */
static void upload_many(struct bench *b, unsigned n)
{
	for (unsigned i = 1; i <= n; i++) {
		bench_insert(b, i);
		bench_resolve(b, i, 1700000000000 - (int64_t)(i / 3) * 1000, STR(""));
	}
}

static struct image_page list(struct bench *b, uint32_t limit, struct str cursor)
{
	struct image_page page;
	assert_int_equal(table_list(b->w.table, &(struct image_query){ .limit = limit, .cursor = cursor }, &b->a, &page, &b->why), OK);
	assert_true(page.n <= limit);
	return page;
}

static void assert_row_is(struct bench *b, const struct image_row *row, unsigned n)
{
	assert_true(str_equal(row->image_id, row_id(&b->a, n)));
}

/* list */

static void test_list_of_an_empty_table_then_no_rows_and_no_cursor(void **state)
{
	struct image_page page = list(*state, 1000, STR(""));
	assert_int_equal(page.n, 0);
	assert_int_equal(page.next_cursor.n, 0);
}

static void test_list_then_only_uploaded_rows_each_with_every_field(void **state)
{
	struct bench *b = *state;
	for (unsigned i = 0; i < 3; i++)
		bench_insert(b, i);
	bench_resolve(b, 1, 5000, STR(""));
	bench_resolve(b, 2, 5000, STR("no image"));
	struct image_page page = list(b, 10, STR(""));
	struct image_row want = bench_row(b, 1);
	assert_int_equal(page.n, 1);
	assert_true(row_equal(&page.rows[0], &want));
	assert_int_equal(page.next_cursor.n, 0);
}

static void test_list_then_order_is_of_commit_not_of_the_clock_nor_of_insertion(void **state)
{
	static const unsigned order[] = { 3, 1, 5, 2, 4 };
	struct bench *b = *state;
	for (unsigned i = 1; i <= 5; i++)
		bench_insert(b, i);
	for (unsigned i = 0; i < 5; i++)
		bench_resolve(b, order[i], 1700000000000 + (int64_t)(order[i] * 7919 % 5) * 1000, STR(""));
	struct image_page page = list(b, 10, STR(""));
	assert_int_equal(page.n, 5);
	for (unsigned i = 0; i < 5; i++)
		assert_row_is(b, &page.rows[i], order[4 - i]);
}

static void test_list_of_pages_then_each_row_once_and_the_last_page_has_no_cursor(void **state)
{
	struct bench *b = *state;
	upload_many(b, 12);
	for (uint32_t limit = 1; limit <= 13; limit++) {
		unsigned next = 12;
		struct str cursor = STR("");
		do {
			struct image_page page = list(b, limit, cursor);
			for (size_t i = 0; i < page.n; i++)
				assert_row_is(b, &page.rows[i], next--);
			cursor = page.next_cursor;
			assert_true(cursor.n == 0 || page.n == limit);
		} while (cursor.n > 0);
		assert_int_equal(next, 0);
	}
}

static void test_list_when_the_page_size_changes_on_the_way_then_each_row_once(void **state)
{
	static const uint32_t sizes[] = { 2, 5, 1, 1000 };
	struct bench *b = *state;
	unsigned next = 12;
	struct str cursor = STR("");
	upload_many(b, 12);
	for (size_t p = 0; p < COUNT_OF(sizes); p++) {
		struct image_page page = list(b, sizes[p], cursor);
		for (size_t i = 0; i < page.n; i++)
			assert_row_is(b, &page.rows[i], next--);
		cursor = page.next_cursor;
	}
	assert_int_equal(next, 0);
	assert_int_equal(cursor.n, 0);
}

/* While pages are read: rows come, rows that were given go, rows that were not yet given go, and the
 * row that the cursor is on goes. */
static void test_list_when_rows_are_added_and_removed_between_pages_then_the_old_that_stay_appear_once(void **state)
{
	struct bench *b = *state;
	unsigned seen[64] = { 0 }, fresh = 30;
	struct str cursor = STR("");
	upload_many(b, 20);
	bench_insert(b, 21); /* pending at the first page, uploaded later: may come or not */
	do {
		struct image_page page = list(b, 3, cursor);
		for (size_t i = 0; i < page.n; i++)
			for (unsigned n = 1; n < COUNT_OF(seen); n++)
				seen[n] += str_equal(page.rows[i].image_id, row_id(&b->a, n));
		cursor = page.next_cursor;
		if (fresh == 30) {
			bench_resolve(b, 21, 1, STR(""));
			static const unsigned gone[] = { 20, 18, 15, 11, 1 }; /* given, the cursor's own, next, later, last */
			for (size_t i = 0; i < COUNT_OF(gone); i++)
				assert_int_equal(table_remove(b->w.table, row_id(&b->a, gone[i]), 0, &b->why), OK);
		}
		bench_insert(b, fresh);
		bench_resolve(b, fresh, (int64_t)fresh * 1000000000000 / 30, STR(""));
		fresh++;
	} while (cursor.n > 0);
	for (unsigned n = 1; n <= 20; n++) {
		bool was_given = n >= 18, went = n == 15 || n == 11 || n == 1;
		assert_int_equal(seen[n], was_given || !went ? 1 : 0);
	}
	for (unsigned n = 21; n < COUNT_OF(seen); n++)
		assert_true(seen[n] <= 1);
}

static void test_list_when_all_rows_after_the_cursor_were_removed_then_empty_last_page(void **state)
{
	struct bench *b = *state;
	upload_many(b, 4);
	struct str cursor = list(b, 2, STR("")).next_cursor;
	assert_true(cursor.n > 0);
	for (unsigned n = 1; n <= 4; n++)
		assert_int_equal(table_remove(b->w.table, row_id(&b->a, n), 0, &b->why), OK);
	struct image_page page = list(b, 2, cursor);
	assert_int_equal(page.n, 0);
	assert_int_equal(page.next_cursor.n, 0);
}

static void test_list_at_the_largest_limit_then_a_whole_page(void **state)
{
	struct bench *b = *state;
	upload_many(b, 30);
	assert_int_equal(list(b, TABLE_LIST_MAX, STR("")).n, 30);
}

static void assert_bad_cursor(struct bench *b, struct str cursor)
{
	struct image_page page = { .n = 77 };
	assert_fails(b, table_list(b->w.table, &(struct image_query){ .limit = 2, .cursor = cursor }, &b->a, &page, &b->why), F_BAD_CURSOR);
	assert_int_equal(page.n, 77);
}

static void test_list_with_a_forged_cursor_then_bad_cursor(void **state)
{
	static const char *const bad[] = { "x", "0", "-1", "1", "99999999999999999999999999", "' OR 1=1 --", "%00", "==", "\xff\xfe", "{}",
		" " };
	struct bench *b = *state;
	char longest[5000];
	upload_many(b, 3);
	for (size_t i = 0; i < COUNT_OF(bad); i++)
		assert_bad_cursor(b, str_of(bad[i]));
	assert_bad_cursor(b, (struct str){ "\0", 1 });
	memset(longest, 'A', sizeof(longest));
	assert_bad_cursor(b, (struct str){ longest, sizeof(longest) });
}

static void test_list_with_a_cursor_cut_or_extended_then_bad_cursor(void **state)
{
	struct bench *b = *state;
	upload_many(b, 5);
	struct str cursor = list(b, 2, STR("")).next_cursor;
	assert_true(cursor.n > 1);
	for (size_t n = 1; n < cursor.n; n++)
		assert_bad_cursor(b, str_slice(cursor, 0, n));
	assert_bad_cursor(b, str_printf(&b->a, "%.*sA", STRF(cursor)));
	assert_bad_cursor(b, str_printf(&b->a, " %.*s", STRF(cursor)));
}

static void test_list_cursor_then_needs_no_escaping_in_a_query(void **state)
{
	struct bench *b = *state;
	upload_many(b, 5);
	struct str cursor = list(b, 2, STR("")).next_cursor;
	for (size_t i = 0; i < cursor.n; i++)
		assert_non_null(strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~", cursor.p[i]));
}

/* opened again */

static void test_reopen_then_every_row_and_every_cursor_is_as_before(void **state)
{
	struct bench *b = *state;
	upload_many(b, 5);
	bench_insert(b, 6);
	bench_insert(b, 7);
	bench_resolve(b, 7, 5000, STR("no image"));
	struct str cursor = list(b, 2, STR("")).next_cursor;
	struct image_row before[8];
	for (unsigned i = 1; i <= 7; i++)
		before[i] = bench_row(b, i);
	bench_reopen(b);
	for (unsigned i = 1; i <= 7; i++) {
		struct image_row after = bench_row(b, i);
		assert_true(row_equal(&after, &before[i]));
	}
	struct image_page page = list(b, 10, cursor);
	assert_int_equal(page.n, 3);
	assert_row_is(b, &page.rows[0], 3);
}

/* two at once */

struct rival {
	struct bench *b;
	unsigned n;
	struct resolution s;
	struct image_row row, now;
	struct arena a;
	struct fault why;
	enum status end;
	pthread_barrier_t *start;
	pthread_t thread;
	void (*act)(struct rival *);
};

static void *run_rival(void *arg)
{
	struct rival *r = arg;
	pthread_barrier_wait(r->start);
	r->act(r);
	return NULL;
}

/* All rivals act at once; their ends are in them afterwards. */
static void compete(struct bench *b, struct rival *rivals, size_t n)
{
	pthread_barrier_t start;
	pthread_barrier_init(&start, NULL, (unsigned)n);
	for (size_t i = 0; i < n; i++) {
		rivals[i].b = b;
		rivals[i].start = &start;
		arena_init(&rivals[i].a, 1 << 20);
		int rc = pthread_create(&rivals[i].thread, NULL, run_rival, &rivals[i]);
		assert_int_equal(rc, 0);
	}
	for (size_t i = 0; i < n; i++)
		pthread_join(rivals[i].thread, NULL);
	pthread_barrier_destroy(&start);
}

static void forget(struct rival *rivals, size_t n)
{
	for (size_t i = 0; i < n; i++)
		arena_deinit(&rivals[i].a);
}

static void act_resolve(struct rival *r)
{
	r->end = table_resolve(r->b->w.table, &r->s, &r->a, &r->now, &r->why);
}

static void test_resolve_by_several_at_once_then_one_wins_and_all_see_its_row(void **state)
{
	struct bench *b = *state;
	for (unsigned round = 0; round < 10; round++) {
		struct rival rivals[4] = { 0 };
		unsigned won = 0;
		bench_insert(b, round);
		for (unsigned i = 0; i < 4; i++) {
			rivals[i].act = act_resolve;
			rivals[i].s = row_verdict(&b->a, round, 5000 + i, i % 2 == 0 ? STR("") : STR("no image"));
			rivals[i].s.etag = str_printf(&b->a, "%032x", i);
		}
		compete(b, rivals, 4);
		struct image_row row = bench_row(b, round);
		for (unsigned i = 0; i < 4; i++) {
			won += rivals[i].end == OK;
			assert_true(rivals[i].end == OK || rivals[i].why.code == F_STATE_CHANGED);
			assert_true(row_equal(&rivals[i].now, &row));
			assert_true(rivals[i].end != OK || str_equal(row.etag, rivals[i].s.etag));
		}
		assert_int_equal(won, 1);
		forget(rivals, 4);
	}
}

static void act_insert(struct rival *r)
{
	r->end = table_insert(r->b->w.table, &r->row, &r->why);
}

static void test_insert_of_one_id_by_several_at_once_then_one_wins(void **state)
{
	struct bench *b = *state;
	struct rival rivals[4] = { 0 };
	unsigned won = 0;
	for (unsigned i = 0; i < 4; i++) {
		rivals[i].act = act_insert;
		rivals[i].row = row_pending(&b->a, 1);
		rivals[i].row.file_size = i + 1;
	}
	compete(b, rivals, 4);
	struct image_row row = bench_row(b, 1);
	for (unsigned i = 0; i < 4; i++) {
		won += rivals[i].end == OK;
		assert_true(rivals[i].end == OK || rivals[i].why.code == F_IMAGE_EXISTS);
		assert_true(rivals[i].end != OK || row.file_size == i + 1);
	}
	assert_int_equal(won, 1);
	forget(rivals, 4);
}

static void test_insert_by_several_at_once_at_the_limit_then_no_more_than_the_limit(void **state)
{
	struct bench *b = *state;
	struct rival rivals[8] = { 0 };
	unsigned won = 0;
	for (unsigned i = 0; i < 8; i++) {
		rivals[i].act = act_insert;
		rivals[i].row = row_pending(&b->a, i);
	}
	compete(b, rivals, 8);
	for (unsigned i = 0; i < 8; i++) {
		won += rivals[i].end == OK;
		assert_true(rivals[i].end == OK || rivals[i].why.code == F_SLOTS_FULL);
	}
	assert_int_equal(won, BENCH_LITTLE);
	assert_int_equal(bench_counts(b).pending, BENCH_LITTLE);
	forget(rivals, 8);
}

static void act_upload_ten(struct rival *r)
{
	for (unsigned i = 0; i < 10 && r->end == OK; i++) {
		struct image_row row = row_pending(&r->a, r->n + i);
		struct resolution s = row_verdict(&r->a, r->n + i, 5000, STR(""));
		r->end = table_insert(r->b->w.table, &row, &r->why);
		if (r->end == OK)
			r->end = table_resolve(r->b->w.table, &s, &r->a, &r->now, &r->why);
	}
}

static void test_upload_by_several_at_once_then_all_are_listed_once(void **state)
{
	struct bench *b = *state;
	struct rival rivals[4] = { 0 };
	unsigned seen[40] = { 0 };
	struct str cursor = STR("");
	for (unsigned i = 0; i < 4; i++) {
		rivals[i].act = act_upload_ten;
		rivals[i].n = 10 * i;
	}
	compete(b, rivals, 4);
	for (unsigned i = 0; i < 4; i++)
		assert_int_equal(rivals[i].end, OK);
	do {
		struct image_page page = list(b, 7, cursor);
		for (size_t i = 0; i < page.n; i++)
			for (unsigned n = 0; n < 40; n++)
				seen[n] += str_equal(page.rows[i].image_id, row_id(&b->a, n));
		cursor = page.next_cursor;
	} while (cursor.n > 0);
	for (unsigned n = 0; n < 40; n++)
		assert_int_equal(seen[n], 1);
	forget(rivals, 4);
}

static const struct CMUnitTest tests[] = {
	BENCH_TEST(test_list_of_an_empty_table_then_no_rows_and_no_cursor),
	BENCH_TEST(test_list_then_only_uploaded_rows_each_with_every_field),
	BENCH_TEST(test_list_then_order_is_of_commit_not_of_the_clock_nor_of_insertion),
	BENCH_TEST(test_list_of_pages_then_each_row_once_and_the_last_page_has_no_cursor),
	BENCH_TEST(test_list_when_the_page_size_changes_on_the_way_then_each_row_once),
	BENCH_TEST(test_list_when_rows_are_added_and_removed_between_pages_then_the_old_that_stay_appear_once),
	BENCH_TEST(test_list_when_all_rows_after_the_cursor_were_removed_then_empty_last_page),
	BENCH_TEST(test_list_at_the_largest_limit_then_a_whole_page),
	BENCH_TEST(test_list_with_a_forged_cursor_then_bad_cursor),
	BENCH_TEST(test_list_with_a_cursor_cut_or_extended_then_bad_cursor),
	BENCH_TEST(test_list_cursor_then_needs_no_escaping_in_a_query),
	BENCH_TEST(test_reopen_then_every_row_and_every_cursor_is_as_before),
	BENCH_TEST(test_resolve_by_several_at_once_then_one_wins_and_all_see_its_row),
	BENCH_TEST(test_insert_of_one_id_by_several_at_once_then_one_wins),
	BENCH_TEST_OF_LIMIT(test_insert_by_several_at_once_at_the_limit_then_no_more_than_the_limit),
	BENCH_TEST(test_upload_by_several_at_once_then_all_are_listed_once),
};

int contract_table_pages(const struct contract_maker *maker)
{
	return bench_run(maker, "image_table's pages", tests, COUNT_OF(tests));
}
