/* The contract of the image table, sentence by sentence: insert, get, settle, remove, list, due,
 * counts; then two callers at once, and the same after the adapter was opened again. */
#include "fake/contract_table.h"

#include "fake/rows.h"
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#define LITTLE 3   /* max_pending in the test of the limit */

static const struct contract_maker *maker;

struct bench {
	struct contract_world w;
	struct arena a;
	struct fault why;
};

static int set_up(void **state)
{
	static struct bench b;
	uint64_t max_pending = *state == NULL ? CONTRACT_MAX_PENDING : LITTLE;
	b = (struct bench){ 0 };
	arena_init(&b.a, (size_t)64 << 20);
	maker->make(&b.w, max_pending);
	*state = &b;
	return 0;
}

static int tear_down(void **state)
{
	struct bench *b = *state;
	maker->unmake(&b->w);
	arena_deinit(&b->a);
	return 0;
}

/* Small words that fail the test themselves. */

static void insert(struct bench *b, unsigned n)
{
	struct image_row row = row_pending(&b->a, n);
	assert_int_equal(table_insert(b->w.table, &row, &b->why), OK);
}

static struct image_row get(struct bench *b, unsigned n)
{
	struct image_row row = { 0 };
	assert_int_equal(table_get(b->w.table, row_id(&b->a, n), &b->a, &row, &b->why), OK);
	return row;
}

static void settle(struct bench *b, unsigned n, int64_t uploaded_ms, struct str reason)
{
	struct image_row now;
	struct settlement s = row_verdict(&b->a, n, uploaded_ms, reason);
	assert_int_equal(table_settle(b->w.table, &s, &b->a, &now, &b->why), OK);
}

/* Rows 1..n, uploaded in this order; the clock runs backwards and stands still now and then. */
static void upload_many(struct bench *b, unsigned n)
{
	for (unsigned i = 1; i <= n; i++) {
		insert(b, i);
		settle(b, i, 1700000000000 - (int64_t)(i / 3) * 1000, STR(""));
	}
}

static struct image_page list(struct bench *b, uint32_t limit, struct str cursor)
{
	struct image_page page;
	assert_int_equal(table_list(b->w.table, limit, cursor, &b->a, &page, &b->why), OK);
	assert_true(page.n <= limit);
	return page;
}

static struct image_counts counts(struct bench *b)
{
	struct image_counts c;
	assert_int_equal(table_counts(b->w.table, &c, &b->why), OK);
	return c;
}

static void assert_fails(struct bench *b, enum status got, enum fault_code code)
{
	assert_string_equal(fault_name(b->why.code), fault_name(code));
	assert_int_equal(got, fault_status(code));
	assert_true(b->why.text[0] != '\0');
}

static void assert_row_is(struct bench *b, const struct image_row *row, unsigned n)
{
	assert_true(str_equal(row->image_id, row_id(&b->a, n)));
}

/* insert and get */

static void test_insert_of_a_new_row_then_get_gives_every_field(void **state)
{
	struct bench *b = *state;
	struct image_row want = row_pending(&b->a, 7);
	insert(b, 7);
	struct image_row row = get(b, 7);
	assert_true(row_equal(&row, &want));
}

static void test_insert_of_texts_of_all_kinds_then_get_gives_them_intact(void **state)
{
	static const char *const names[] = { "a", "..", "a/b\\c", "\r\n\x01\x7f", "'; DROP TABLE images; --", "%s%n \"q\"",
		"\xe2\x80\xae" "gpj.exe", "\xf0\x9f\x98\x80\xf0\x9f\x98\x80", "\xc3\xa9\xcc\x81" };
	struct bench *b = *state;
	for (unsigned i = 0; i < COUNT_OF(names); i++) {
		struct image_row row = row_pending(&b->a, i);
		row.file_name = str_of(names[i]);
		row.owner = str_of(names[COUNT_OF(names) - 1 - i]);
		assert_int_equal(table_insert(b->w.table, &row, &b->why), OK);
		struct image_row back = get(b, i);
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
	struct image_row back = get(b, 1);
	assert_true(row_equal(&back, &row));
}

static void test_insert_of_an_id_that_is_there_then_exists_and_old_row_stays(void **state)
{
	struct bench *b = *state;
	struct image_row first = row_pending(&b->a, 1), second = row_pending(&b->a, 2);
	insert(b, 1);
	second.image_id = first.image_id;
	assert_fails(b, table_insert(b->w.table, &second, &b->why), F_IMAGE_EXISTS);
	struct image_row row = get(b, 1);
	assert_true(row_equal(&row, &first));
	assert_int_equal(counts(b).pending, 1);
}

static void test_insert_over_a_settled_row_then_exists(void **state)
{
	struct bench *b = *state;
	struct image_row again = row_pending(&b->a, 1);
	insert(b, 1);
	settle(b, 1, 5000, STR(""));
	assert_fails(b, table_insert(b->w.table, &again, &b->why), F_IMAGE_EXISTS);
	assert_int_equal(get(b, 1).status, IMAGE_UPLOADED);
}

static void test_insert_when_max_pending_wait_then_full_until_one_is_settled_or_removed(void **state)
{
	struct bench *b = *state;
	struct image_row more = row_pending(&b->a, 100);
	for (unsigned i = 0; i < LITTLE; i++)
		insert(b, i);
	assert_fails(b, table_insert(b->w.table, &more, &b->why), F_SLOTS_FULL);
	settle(b, 0, 5000, STR(""));
	insert(b, 101);
	assert_fails(b, table_insert(b->w.table, &more, &b->why), F_SLOTS_FULL);
	assert_int_equal(table_remove(b->w.table, row_id(&b->a, 101), 0, &b->why), OK);
	insert(b, 102);
	assert_fails(b, table_insert(b->w.table, &more, &b->why), F_SLOTS_FULL);
	maker->reopen(&b->w);
	assert_fails(b, table_insert(b->w.table, &more, &b->why), F_SLOTS_FULL);
	assert_int_equal(counts(b).pending, LITTLE);
}

static void test_get_of_an_unknown_id_then_no_such_image_and_out_is_untouched(void **state)
{
	static const char *const ids[] = { "", "x", "00000000-0000-4000-8000-000000000000", "' OR 1=1 --" };
	struct bench *b = *state;
	insert(b, 1);
	for (size_t i = 0; i < COUNT_OF(ids); i++) {
		struct image_row row = { .width = 77 };
		assert_fails(b, table_get(b->w.table, str_of(ids[i]), &b->a, &row, &b->why), F_NO_SUCH_IMAGE);
		assert_int_equal(row.width, 77);
	}
}

/* settle */

static void settle_and_compare(struct bench *b, struct str reason)
{
	struct image_row want = row_pending(&b->a, 1), now;
	struct settlement s = row_verdict(&b->a, 1, 1700000123456, reason);
	insert(b, 1);
	assert_int_equal(table_settle(b->w.table, &s, &b->a, &now, &b->why), OK);
	row_settle(&b->a, &want, &s);
	assert_true(row_equal(&now, &want));
	struct image_row row = get(b, 1);
	assert_true(row_equal(&row, &want));
}

static void test_settle_as_uploaded_then_verdict_is_in_the_row_and_the_rest_stays(void **state)
{
	settle_and_compare(*state, STR(""));
}

static void test_settle_as_rejected_then_reason_is_in_the_row_and_the_rest_stays(void **state)
{
	settle_and_compare(*state, STR("The bytes are \"image/png\"; r\xc3\xa9" "essayez."));
}

static void test_settle_of_an_unknown_id_then_no_such_image(void **state)
{
	struct bench *b = *state;
	struct image_row now;
	struct settlement s = row_verdict(&b->a, 1, 5000, STR(""));
	assert_fails(b, table_settle(b->w.table, &s, &b->a, &now, &b->why), F_NO_SUCH_IMAGE);
	assert_int_equal(counts(b).uploaded, 0);
}

static void settle_twice(struct bench *b, struct str first_reason, struct str second_reason)
{
	insert(b, 1);
	settle(b, 1, 5000, first_reason);
	struct image_row before = get(b, 1), now = { 0 };
	struct settlement s = row_verdict(&b->a, 1, 6000, second_reason);
	s.etag = STR("ffffffffffffffffffffffffffffffff");
	assert_fails(b, table_settle(b->w.table, &s, &b->a, &now, &b->why), F_STATE_CHANGED);
	assert_true(row_equal(&now, &before));
	struct image_row after = get(b, 1);
	assert_true(row_equal(&after, &before));
}

static void test_settle_of_an_uploaded_row_then_state_changed_and_now_is_the_row(void **state)
{
	settle_twice(*state, STR(""), STR("too late"));
}

static void test_settle_of_a_rejected_row_then_state_changed_and_now_is_the_row(void **state)
{
	settle_twice(*state, STR("no image"), STR(""));
}

/* remove */

static void test_remove_whatever_the_state_then_row_is_gone(void **state)
{
	struct bench *b = *state;
	for (unsigned i = 0; i < 3; i++)
		insert(b, i);
	settle(b, 1, 5000, STR(""));
	settle(b, 2, 5000, STR("no image"));
	for (unsigned i = 0; i < 3; i++) {
		struct image_row row;
		assert_int_equal(table_remove(b->w.table, row_id(&b->a, i), 0, &b->why), OK);
		assert_fails(b, table_get(b->w.table, row_id(&b->a, i), &b->a, &row, &b->why), F_NO_SUCH_IMAGE);
	}
	assert_int_equal(list(b, 10, STR("")).n, 0);
}

static void test_remove_of_an_unknown_id_then_no_such_image(void **state)
{
	struct bench *b = *state;
	insert(b, 1);
	assert_fails(b, table_remove(b->w.table, row_id(&b->a, 2), 0, &b->why), F_NO_SUCH_IMAGE);
	assert_fails(b, table_remove(b->w.table, row_id(&b->a, 2), 99, &b->why), F_NO_SUCH_IMAGE);
	assert_int_equal(table_remove(b->w.table, row_id(&b->a, 1), 0, &b->why), OK);
	assert_fails(b, table_remove(b->w.table, row_id(&b->a, 1), 0, &b->why), F_NO_SUCH_IMAGE);
}

static void test_remove_by_end_when_not_ended_then_state_changed_and_row_stays(void **state)
{
	struct bench *b = *state;
	insert(b, 1);
	struct image_row row = get(b, 1);
	assert_fails(b, table_remove(b->w.table, row.image_id, row.ends_ms - 1, &b->why), F_STATE_CHANGED);
	struct image_row after = get(b, 1);
	assert_true(row_equal(&after, &row));
}

static void test_remove_by_end_when_the_end_has_come_then_row_is_gone(void **state)
{
	struct bench *b = *state;
	insert(b, 1);
	struct image_row row = get(b, 1);
	assert_int_equal(table_remove(b->w.table, row.image_id, row.ends_ms, &b->why), OK);
	assert_fails(b, table_get(b->w.table, row.image_id, &b->a, &row, &b->why), F_NO_SUCH_IMAGE);
}

static void test_remove_by_end_of_a_row_that_never_ends_then_state_changed(void **state)
{
	struct bench *b = *state;
	insert(b, 1);
	settle(b, 1, 5000, STR(""));
	assert_fails(b, table_remove(b->w.table, row_id(&b->a, 1), INT64_MAX, &b->why), F_STATE_CHANGED);
	assert_int_equal(get(b, 1).status, IMAGE_UPLOADED);
}

static void test_insert_of_an_id_that_was_removed_then_ok(void **state)
{
	struct bench *b = *state;
	insert(b, 1);
	settle(b, 1, 5000, STR(""));
	assert_int_equal(table_remove(b->w.table, row_id(&b->a, 1), 0, &b->why), OK);
	insert(b, 1);
	struct image_row row = get(b, 1), want = row_pending(&b->a, 1);
	assert_true(row_equal(&row, &want));
}

/* list */

static void test_list_of_an_empty_table_then_no_rows_and_no_cursor(void **state)
{
	struct image_page page = list(*state, 1000, STR(""));
	assert_int_equal(page.n, 0);
	assert_int_equal(page.next_cursor.n, 0);
}

static void test_list_then_uploaded_rows_alone_each_with_every_field(void **state)
{
	struct bench *b = *state;
	for (unsigned i = 0; i < 3; i++)
		insert(b, i);
	settle(b, 1, 5000, STR(""));
	settle(b, 2, 5000, STR("no image"));
	struct image_page page = list(b, 10, STR(""));
	struct image_row want = get(b, 1);
	assert_int_equal(page.n, 1);
	assert_true(row_equal(&page.rows[0], &want));
	assert_int_equal(page.next_cursor.n, 0);
}

static void test_list_then_order_is_of_commit_not_of_the_clock_nor_of_insertion(void **state)
{
	static const unsigned order[] = { 3, 1, 5, 2, 4 };
	struct bench *b = *state;
	for (unsigned i = 1; i <= 5; i++)
		insert(b, i);
	for (unsigned i = 0; i < 5; i++)
		settle(b, order[i], 1700000000000 + (int64_t)(order[i] * 7919 % 5) * 1000, STR(""));
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
 * row that the cursor stands on goes. */
static void test_list_when_rows_come_and_go_between_pages_then_the_old_that_stay_come_once(void **state)
{
	struct bench *b = *state;
	unsigned seen[64] = { 0 }, fresh = 30;
	struct str cursor = STR("");
	upload_many(b, 20);
	insert(b, 21);                        /* pending at the first page, uploaded later: may come or not */
	do {
		struct image_page page = list(b, 3, cursor);
		for (size_t i = 0; i < page.n; i++)
			for (unsigned n = 1; n < COUNT_OF(seen); n++)
				seen[n] += str_equal(page.rows[i].image_id, row_id(&b->a, n));
		cursor = page.next_cursor;
		if (fresh == 30) {
			settle(b, 21, 1, STR(""));
			static const unsigned gone[] = { 20, 18, 15, 11, 1 };   /* given, the cursor's own, next, later, last */
			for (size_t i = 0; i < COUNT_OF(gone); i++)
				assert_int_equal(table_remove(b->w.table, row_id(&b->a, gone[i]), 0, &b->why), OK);
		}
		insert(b, fresh);
		settle(b, fresh, (int64_t)fresh * 1000000000000 / 30, STR(""));
		fresh++;
	} while (cursor.n > 0);
	for (unsigned n = 1; n <= 20; n++) {
		bool was_given = n >= 18, went = n == 15 || n == 11 || n == 1;
		assert_int_equal(seen[n], was_given || !went ? 1 : 0);
	}
	for (unsigned n = 21; n < COUNT_OF(seen); n++)
		assert_true(seen[n] <= 1);
}

static void test_list_when_all_behind_the_cursor_went_then_empty_last_page(void **state)
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
	assert_fails(b, table_list(b->w.table, 2, cursor, &b->a, &page, &b->why), F_BAD_CURSOR);
	assert_int_equal(page.n, 77);
}

static void test_list_with_a_cursor_that_nobody_gave_then_bad_cursor(void **state)
{
	static const char *const bad[] = { "x", "0", "-1", "1", "99999999999999999999999999", "' OR 1=1 --", "%00",
		"==", "\xff\xfe", "{}", " " };
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

static void test_list_cursor_then_may_stand_in_a_query_unescaped(void **state)
{
	struct bench *b = *state;
	upload_many(b, 5);
	struct str cursor = list(b, 2, STR("")).next_cursor;
	for (size_t i = 0; i < cursor.n; i++)
		assert_non_null(strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~", cursor.p[i]));
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

static void test_due_then_rejected_rows_by_their_new_end_and_uploaded_never(void **state)
{
	struct bench *b = *state;
	for (unsigned i = 0; i < 3; i++)
		insert_ending(b, i, 1000 + i);
	settle(b, 0, 50000, STR(""));
	settle(b, 1, 50000, STR("no image"));      /* ends at 51000 */
	struct image_page page = due(b, 50999, 10);
	assert_int_equal(page.n, 1);
	assert_row_is(b, &page.rows[0], 2);
	page = due(b, 51000, 10);
	assert_int_equal(page.n, 2);
	struct image_row want = get(b, 1);
	assert_true(row_equal(&page.rows[1], &want));
	assert_int_equal(due(b, INT64_MAX, 10).n, 2);
}

/* counts */

static void test_counts_then_rows_by_status_and_bytes_of_the_uploaded(void **state)
{
	struct bench *b = *state;
	struct image_counts c = counts(b);
	assert_true(c.pending == 0 && c.uploaded == 0 && c.rejected == 0 && c.stored_bytes == 0);
	for (unsigned i = 0; i < 6; i++)
		insert(b, i);
	settle(b, 1, 5000, STR(""));
	settle(b, 2, 5000, STR(""));
	settle(b, 3, 5000, STR("no image"));
	for (unsigned round = 0; round < 2; round++) {
		c = counts(b);
		assert_int_equal(c.pending, 3);
		assert_int_equal(c.uploaded, 2);
		assert_int_equal(c.rejected, 1);
		assert_int_equal(c.stored_bytes, 2001 + 2002);
		maker->reopen(&b->w);
	}
	for (unsigned i = 0; i < 4; i++)
		assert_int_equal(table_remove(b->w.table, row_id(&b->a, i), 0, &b->why), OK);
	c = counts(b);
	assert_true(c.pending == 2 && c.uploaded == 0 && c.rejected == 0 && c.stored_bytes == 0);
}

/* opened again */

static void test_reopen_then_every_row_and_every_cursor_is_as_before(void **state)
{
	struct bench *b = *state;
	upload_many(b, 5);
	insert(b, 6);
	insert(b, 7);
	settle(b, 7, 5000, STR("no image"));
	struct str cursor = list(b, 2, STR("")).next_cursor;
	struct image_row before[8];
	for (unsigned i = 1; i <= 7; i++)
		before[i] = get(b, i);
	maker->reopen(&b->w);
	for (unsigned i = 1; i <= 7; i++) {
		struct image_row after = get(b, i);
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
	struct settlement s;
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

static void act_settle(struct rival *r)
{
	r->end = table_settle(r->b->w.table, &r->s, &r->a, &r->now, &r->why);
}

static void test_settle_by_several_at_once_then_one_wins_and_all_see_its_row(void **state)
{
	struct bench *b = *state;
	for (unsigned round = 0; round < 10; round++) {
		struct rival rivals[4] = { 0 };
		unsigned won = 0;
		insert(b, round);
		for (unsigned i = 0; i < 4; i++) {
			rivals[i].act = act_settle;
			rivals[i].s = row_verdict(&b->a, round, 5000 + i, i % 2 == 0 ? STR("") : STR("no image"));
			rivals[i].s.etag = str_printf(&b->a, "%032x", i);
		}
		compete(b, rivals, 4);
		struct image_row row = get(b, round);
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
	struct image_row row = get(b, 1);
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
	assert_int_equal(won, LITTLE);
	assert_int_equal(counts(b).pending, LITTLE);
	forget(rivals, 8);
}

static void act_upload_ten(struct rival *r)
{
	for (unsigned i = 0; i < 10 && r->end == OK; i++) {
		struct image_row row = row_pending(&r->a, r->n + i);
		struct settlement s = row_verdict(&r->a, r->n + i, 5000, STR(""));
		r->end = table_insert(r->b->w.table, &row, &r->why);
		if (r->end == OK)
			r->end = table_settle(r->b->w.table, &s, &r->a, &r->now, &r->why);
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

static int little;   /* its address tells set_up that the test is of the limit */

#define TEST(f) { #f, f, set_up, tear_down, NULL }
#define TEST_OF_LIMIT(f) { #f, f, set_up, tear_down, &little }

static const struct CMUnitTest tests[] = {
	TEST(test_insert_of_a_new_row_then_get_gives_every_field),
	TEST(test_insert_of_texts_of_all_kinds_then_get_gives_them_intact),
	TEST(test_insert_of_the_largest_numbers_then_get_gives_them),
	TEST(test_insert_of_an_id_that_is_there_then_exists_and_old_row_stays),
	TEST(test_insert_over_a_settled_row_then_exists),
	TEST_OF_LIMIT(test_insert_when_max_pending_wait_then_full_until_one_is_settled_or_removed),
	TEST(test_get_of_an_unknown_id_then_no_such_image_and_out_is_untouched),
	TEST(test_settle_as_uploaded_then_verdict_is_in_the_row_and_the_rest_stays),
	TEST(test_settle_as_rejected_then_reason_is_in_the_row_and_the_rest_stays),
	TEST(test_settle_of_an_unknown_id_then_no_such_image),
	TEST(test_settle_of_an_uploaded_row_then_state_changed_and_now_is_the_row),
	TEST(test_settle_of_a_rejected_row_then_state_changed_and_now_is_the_row),
	TEST(test_remove_whatever_the_state_then_row_is_gone),
	TEST(test_remove_of_an_unknown_id_then_no_such_image),
	TEST(test_remove_by_end_when_not_ended_then_state_changed_and_row_stays),
	TEST(test_remove_by_end_when_the_end_has_come_then_row_is_gone),
	TEST(test_remove_by_end_of_a_row_that_never_ends_then_state_changed),
	TEST(test_insert_of_an_id_that_was_removed_then_ok),
	TEST(test_list_of_an_empty_table_then_no_rows_and_no_cursor),
	TEST(test_list_then_uploaded_rows_alone_each_with_every_field),
	TEST(test_list_then_order_is_of_commit_not_of_the_clock_nor_of_insertion),
	TEST(test_list_of_pages_then_each_row_once_and_the_last_page_has_no_cursor),
	TEST(test_list_when_the_page_size_changes_on_the_way_then_each_row_once),
	TEST(test_list_when_rows_come_and_go_between_pages_then_the_old_that_stay_come_once),
	TEST(test_list_when_all_behind_the_cursor_went_then_empty_last_page),
	TEST(test_list_at_the_largest_limit_then_a_whole_page),
	TEST(test_list_with_a_cursor_that_nobody_gave_then_bad_cursor),
	TEST(test_list_with_a_cursor_cut_or_extended_then_bad_cursor),
	TEST(test_list_cursor_then_may_stand_in_a_query_unescaped),
	TEST(test_due_then_ended_rows_earliest_first_up_to_the_limit),
	TEST(test_due_then_rejected_rows_by_their_new_end_and_uploaded_never),
	TEST(test_counts_then_rows_by_status_and_bytes_of_the_uploaded),
	TEST(test_reopen_then_every_row_and_every_cursor_is_as_before),
	TEST(test_settle_by_several_at_once_then_one_wins_and_all_see_its_row),
	TEST(test_insert_of_one_id_by_several_at_once_then_one_wins),
	TEST_OF_LIMIT(test_insert_by_several_at_once_at_the_limit_then_no_more_than_the_limit),
	TEST(test_upload_by_several_at_once_then_all_are_listed_once),
};

int contract_table(const struct contract_maker *m)
{
	char name[64];
	maker = m;
	snprintf(name, sizeof(name), "contract of image_table on %s", m->name);
	return _cmocka_run_group_tests(name, tests, COUNT_OF(tests), NULL, NULL);
}
