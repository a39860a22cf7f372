/* The contract of the image table: the lists of an owner, with their filters, orders and cursors, and ids that are not given again. */
#include "fake/contract_table.h"

#include "fake/owned.h"

#include <string.h>

static const struct image_query all_of_alice = { .owner = { "a11ce000000000000000000000000000", 32 }, .status = LIST_ALL, .limit = 100 };

static struct image_page list(struct bench *b, struct image_query q)
{
	struct image_page page;
	assert_int_equal(table_list(b->w.table, &q, &b->a, &page, &b->why), OK);
	assert_true(page.n <= q.limit);
	return page;
}

/* All pages of a list give these rows, in this order; ends with 0. */
static void assert_lists(struct bench *b, struct image_query q, const unsigned *want)
{
	unsigned pages = 0;
	q.cursor = STR("");
	do {
		struct image_page page = list(b, q);
		for (size_t i = 0; i < page.n; i++, want++) {
			assert_int_not_equal(*want, 0);
			assert_str(page.rows[i].image_id, row_id(&b->a, *want));
		}
		q.cursor = page.next_cursor;
		assert_true(++pages < 1000);
	} while (q.cursor.n > 0);
	assert_int_equal(*want, 0);
}

/* 1, 4, 7, ... of Alice, 2, 5, ... of Bob, 3, 6, ... nobody's. Of nine of each, every third is uploaded, every third is rejected. */
static void fill(struct bench *b)
{
	static const struct str owners[] = { { "", 0 }, { "a11ce000000000000000000000000000", 32 },
		{ "b0b00000000000000000000000000000", 32 } };
	for (unsigned n = 1; n <= 27; n++) {
		owned_insert(b, n, owners[n % 3]);
		if (n / 3 % 3 == 1)
			bench_resolve(b, n, 5000, STR(""));
		if (n / 3 % 3 == 2)
			bench_resolve(b, n, 5000, STR("no image"));
	}
}

static void test_list_of_an_owner_then_own_rows_alone_in_the_order_of_their_slots(void **state)
{
	struct bench *b = *state;
	struct image_query q = all_of_alice;
	fill(b);
	for (q.limit = 1; q.limit <= 10; q.limit++) {
		q.oldest_first = false;
		assert_lists(b, q, (const unsigned[]){ 25, 22, 19, 16, 13, 10, 7, 4, 1, 0 });
		q.oldest_first = true;
		assert_lists(b, q, (const unsigned[]){ 1, 4, 7, 10, 13, 16, 19, 22, 25, 0 });
	}
	q.owner = STR("c0000000000000000000000000000000");
	assert_lists(b, q, (const unsigned[]){ 0 });
}

static void test_list_of_an_owner_by_status_then_those_alone_with_every_field(void **state)
{
	struct bench *b = *state;
	struct image_query q = all_of_alice;
	fill(b);
	for (q.limit = 1; q.limit <= 5; q.limit++) {
		q.status = LIST_PENDING;
		assert_lists(b, q, (const unsigned[]){ 19, 10, 1, 0 });
		q.status = LIST_UPLOADED;
		assert_lists(b, q, (const unsigned[]){ 22, 13, 4, 0 });
		q.status = LIST_REJECTED;
		assert_lists(b, q, (const unsigned[]){ 25, 16, 7, 0 });
	}
	struct image_page page = list(b, q);
	struct image_row want = bench_row(b, 25);
	assert_true(row_equal(&page.rows[0], &want));
	assert_str(page.rows[0].reason, STR("no image"));
}

static void test_list_of_an_owner_by_hash_then_what_was_received_with_it(void **state)
{
	struct bench *b = *state;
	struct image_query q = all_of_alice;
	fill(b);
	q.received_sha256 = bench_row(b, 13).received_sha256;
	assert_lists(b, q, (const unsigned[]){ 13, 0 });
	struct image_row now;
	struct resolution again = row_verdict(&b->a, 1, 6000, STR(""));
	again.received_sha256 = q.received_sha256;
	assert_int_equal(table_resolve(b->w.table, &again, &b->a, &now, &b->why), OK);
	for (q.limit = 1; q.limit <= 3; q.limit++)
		assert_lists(b, q, (const unsigned[]){ 13, 1, 0 });
	q.oldest_first = true;
	assert_lists(b, q, (const unsigned[]){ 1, 13, 0 });
	q.status = LIST_REJECTED;
	assert_lists(b, q, (const unsigned[]){ 0 });
	q.owner = BOB;
	q.status = LIST_ALL;
	assert_lists(b, q, (const unsigned[]){ 0 });
}

static void test_list_of_nobodys_by_hash_then_those_alone_or_not_here(void **state)
{
	struct bench *b = *state;
	struct image_query q = { .limit = 3 };
	struct image_page page;
	struct str hash = row_verdict(&b->a, 4, 5000, STR("")).received_sha256;
	for (unsigned n = 1; n <= 5; n++) {
		owned_insert(b, n, n <= 2 ? ALICE : STR(""));
		struct resolution verdict = row_verdict(&b->a, n, 5000, n == 3 ? STR("no image") : STR(""));
		struct image_row now;
		verdict.received_sha256 = hash;
		assert_int_equal(table_resolve(b->w.table, &verdict, &b->a, &now, &b->why), OK);
	}
	owned_insert(b, 6, STR(""));
	bench_resolve(b, 6, 5000, STR(""));
	q.received_sha256 = hash;
	if (table_list(b->w.table, &q, &b->a, &page, &b->why) != OK) {
		assert_int_equal(b->why.code, F_NOT_HERE);
		return;
	}
	for (q.limit = 1; q.limit <= 3; q.limit++)
		assert_lists(b, q, (const unsigned[]){ 5, 4, 0 });
	q.oldest_first = true;
	assert_lists(b, q, (const unsigned[]){ 4, 5, 0 });
	q.received_sha256 = bench_row(b, 6).received_sha256;
	assert_lists(b, q, (const unsigned[]){ 6, 0 });
	assert_int_equal(table_remove(b->w.table, row_id(&b->a, 6), 0, &b->why), OK);
	assert_lists(b, q, (const unsigned[]){ 0 });
}

static void test_list_of_everybody_from_the_oldest_then_in_the_order_of_commits(void **state)
{
	struct bench *b = *state;
	struct image_query q = { .oldest_first = true };
	for (unsigned n = 1; n <= 5; n++)
		owned_insert(b, n, n % 2 == 0 ? ALICE : STR(""));
	for (unsigned n = 5; n >= 1; n--)
		bench_resolve(b, n, 5000, STR(""));
	for (q.limit = 1; q.limit <= 6; q.limit++)
		assert_lists(b, q, (const unsigned[]){ 5, 4, 3, 2, 1, 0 });
	q.oldest_first = false;
	assert_lists(b, q, (const unsigned[]){ 1, 2, 3, 4, 5, 0 });
}

/* A page of nothing but rows that the filter leaves out may end before the list does; a row comes once all the same. */
static void test_list_of_an_owner_while_rows_come_and_go_then_the_old_that_stay_appear_once(void **state)
{
	struct bench *b = *state;
	struct image_query q = all_of_alice;
	unsigned seen = 0;
	for (unsigned n = 1; n <= 10; n++)
		owned_insert(b, n, ALICE);
	q.limit = 3;
	for (unsigned fresh = 11;; fresh++) {
		struct image_page page = list(b, q);
		for (size_t i = 0; i < page.n; i++)
			seen++;
		q.cursor = page.next_cursor;
		if (q.cursor.n == 0)
			break;
		owned_insert(b, fresh, ALICE);
		if (fresh == 11) /* the cursor's own, one that was given, and one that was not */
			for (unsigned n = 10; n >= 6; n -= 2)
				assert_int_equal(table_remove(b->w.table, row_id(&b->a, n), 0, &b->why), OK);
	}
	assert_int_equal(seen, 9);
}

static void assert_useless(struct bench *b, struct image_query q, struct str cursor)
{
	struct image_page page = { .n = 77 };
	q.cursor = cursor;
	assert_fails(b, table_list(b->w.table, &q, &b->a, &page, &b->why), F_BAD_CURSOR);
	assert_int_equal(page.n, 77);
}

static void test_list_with_the_cursor_of_another_list_then_bad_cursor(void **state)
{
	struct bench *b = *state;
	struct str hash = { 0 };
	fill(b);
	hash = bench_row(b, 4).received_sha256;
	const struct image_query lists[] = {
		{ .limit = 1 },
		{ .limit = 1, .oldest_first = true },
		{ .limit = 1, .owner = ALICE },
		{ .limit = 1, .owner = BOB },
		{ .limit = 1, .owner = ALICE, .oldest_first = true },
		{ .limit = 1, .owner = ALICE, .status = LIST_PENDING },
		{ .limit = 1, .owner = ALICE, .status = LIST_REJECTED },
		{ .limit = 1, .owner = ALICE, .status = LIST_ALL },
		{ .limit = 1, .owner = ALICE, .received_sha256 = hash },
	};
	for (size_t from = 0; from < COUNT_OF(lists) - 1; from++) {
		struct str cursor = list(b, lists[from]).next_cursor;
		assert_true(cursor.n > 0);
		for (size_t to = 0; to < COUNT_OF(lists); to++)
			if (to != from)
				assert_useless(b, lists[to], cursor);
	}
}

static void test_list_then_a_total_where_there_is_one_is_right(void **state)
{
	struct bench *b = *state;
	fill(b);
	const struct image_query lists[] = {
		{ .limit = 1 },
		{ .limit = 1, .owner = ALICE },
		{ .limit = 1, .owner = ALICE, .status = LIST_PENDING },
		{ .limit = 1, .owner = ALICE, .status = LIST_REJECTED },
		{ .limit = 1, .owner = ALICE, .status = LIST_ALL },
		{ .limit = 1, .owner = ALICE, .received_sha256 = bench_row(b, 4).received_sha256 },
	};
	static const uint64_t totals[] = { 9, 3, 3, 3, 9, 1 };
	for (size_t i = 0; i < COUNT_OF(lists); i++) {
		struct image_page page = list(b, lists[i]);
		assert_true(!page.has_total || page.total == totals[i]);
	}
}

/* What a table that cannot says of it. */
static bool can_list(struct bench *b, const struct image_query *q)
{
	struct image_page page;
	enum status st = table_list(b->w.table, q, &b->a, &page, &b->why);
	assert_true(st == OK || b->why.code == F_NOT_HERE);
	return st == OK;
}

static void test_list_that_skips_rows_then_the_page_begins_after_them_and_goes_on(void **state)
{
	struct bench *b = *state;
	const struct image_query skips = { .limit = 2, .skip = 1 };
	fill(b);
	if (!can_list(b, &skips))
		return;
	for (uint32_t skip = 0; skip <= 4; skip++) {
		static const unsigned uploaded[] = { 22, 13, 4, 0 }, rejected[] = { 7, 16, 25, 0 };
		struct image_query q = { .owner = ALICE, .limit = 1, .skip = skip };
		struct image_page page = list(b, q);
		assert_int_equal(page.n, skip < 3);
		for (uint32_t at = skip; at < 3; at++) { /* the cursor leads on from there */
			assert_str(page.rows[0].image_id, row_id(&b->a, uploaded[at]));
			assert_int_equal(page.next_cursor.n > 0, at < 2);
			q = (struct image_query){ .owner = ALICE, .limit = 1, .cursor = page.next_cursor };
			page = at < 2 ? list(b, q) : page;
		}
		page = list(b, (struct image_query){ .owner = ALICE, .status = LIST_REJECTED, .oldest_first = true, .limit = 9, .skip = skip });
		assert_int_equal(page.n, skip < 3 ? 3 - skip : 0);
		assert_true(page.n == 0 || str_equal(page.rows[0].image_id, row_id(&b->a, rejected[skip])));
	}
	struct image_page all = list(b, (struct image_query){ .limit = 100 });
	for (uint32_t skip = 0; skip < all.n + 2; skip++) {
		struct image_page down = list(b, (struct image_query){ .limit = 3, .skip = skip });
		struct image_page up = list(b, (struct image_query){ .limit = 3, .skip = skip, .oldest_first = true });
		assert_true(skip < all.n ? down.n > 0 && up.n > 0 : down.n == 0 && up.n == 0 && down.next_cursor.n == 0);
		assert_true(down.n == 0 || str_equal(down.rows[0].image_id, all.rows[skip].image_id));
		assert_true(up.n == 0 || str_equal(up.rows[0].image_id, all.rows[all.n - 1 - skip].image_id));
		assert_true(!down.has_total || down.total == all.n);
	}
}

/* Names, types and times of 1 to 9, of which the even ones are Alice's; 8 is pending. */
static void fill_dated(struct bench *b)
{
	for (unsigned n = 1; n <= 9; n++) {
		struct image_row row = owned_row(b, n, n % 2 == 0 ? ALICE : STR(""));
		row.file_name = str_printf(&b->a, "%s %u.PNG", n <= 4 ? "Autumn" : "winter", n);
		assert_int_equal(table_insert(b->w.table, &row, &b->why), OK);
		struct resolution s = row_verdict(&b->a, n, 1000 * (int64_t)n, STR(""));
		struct image_row now;
		s.file_type = n % 3 == 0 ? STR("image/png") : STR("image/gif");
		if (n != 8)
			assert_int_equal(table_resolve(b->w.table, &s, &b->a, &now, &b->why), OK);
	}
}

static void test_list_of_a_filter_then_what_matches_in_order_and_by_pages(void **state)
{
	struct bench *b = *state;
	const struct image_query probe = { .limit = 1, .filter.name = STR("x") };
	if (!can_list(b, &probe))
		return;
	fill_dated(b);
	for (uint32_t limit = 1; limit <= 9; limit++) {
		assert_lists(b, (struct image_query){ .limit = limit, .filter.name = STR("AUTUMN") }, (const unsigned[]){ 4, 3, 2, 1, 0 });
		assert_lists(b, (struct image_query){ .limit = limit, .filter.name = STR("r 7.p") }, (const unsigned[]){ 7, 0 });
		assert_lists(b, (struct image_query){ .limit = limit, .filter.name = STR("spring") }, (const unsigned[]){ 0 });
		assert_lists(b, (struct image_query){ .limit = limit, .filter.type = STR("Image/Png") }, (const unsigned[]){ 9, 6, 3, 0 });
		assert_lists(b, (struct image_query){ .limit = limit, .filter.uploaded_from = 3000, .filter.uploaded_to = 6000 },
			(const unsigned[]){ 5, 4, 3, 0 });
		assert_lists(
			b, (struct image_query){ .limit = limit, .filter.uploaded_from = 7000, .oldest_first = true }, (const unsigned[]){ 7, 9, 0 });
		assert_lists(b, (struct image_query){ .limit = limit, .filter.uploaded_to = 3000, .filter.type = STR("image/gif") },
			(const unsigned[]){ 2, 1, 0 });
		assert_lists(b, (struct image_query){ .limit = limit, .owner = ALICE, .filter.name = STR("winter") }, (const unsigned[]){ 6, 0 });
		assert_lists(b, (struct image_query){ .limit = limit, .owner = ALICE, .status = LIST_ALL, .filter.name = STR("winter") },
			(const unsigned[]){ 8, 6, 0 });
		assert_lists(b, (struct image_query){ .limit = limit, .owner = ALICE, .status = LIST_ALL, .filter.uploaded_from = 1 },
			(const unsigned[]){ 6, 4, 2, 0 });
	}
	struct image_query q = { .limit = 1, .filter.name = STR("autumn") };
	struct image_page page = list(b, q);
	assert_false(page.has_total);
	assert_useless(b, (struct image_query){ .limit = 1 }, page.next_cursor);
	assert_useless(b, (struct image_query){ .limit = 1, .filter.name = STR("winter") }, page.next_cursor);
}

/* ids that are kept */

static struct image_row with_request(struct bench *b, unsigned n, struct str owner)
{
	struct image_row row = owned_row(b, n, owner);
	row.request_hash = str_printf(&b->a, "%064x", n + 77);
	row.created_ms = 1700000000000;
	return row;
}

static void test_remove_of_a_row_with_a_request_then_its_id_is_nowhere_and_not_given_again(void **state)
{
	struct bench *b = *state;
	struct image_row row = with_request(b, 1, ALICE), got;
	assert_int_equal(table_insert(b->w.table, &row, &b->why), OK);
	assert_int_equal(table_remove(b->w.table, row.image_id, 0, &b->why), OK);
	for (int turn = 0; turn < 2; turn++) {
		assert_fails(b, table_get(b->w.table, row.image_id, &b->a, &got, &b->why), F_NO_SUCH_IMAGE);
		assert_fails(b, table_insert(b->w.table, &row, &b->why), F_IMAGE_EXISTS);
		assert_fails(b, table_remove(b->w.table, row.image_id, 0, &b->why), F_NO_SUCH_IMAGE);
		assert_lists(b, all_of_alice, (const unsigned[]){ 0 });
		assert_int_equal(bench_listed(b), 0);
		bench_reopen(b);
	}
	struct resolution s = row_verdict(&b->a, 1, 5000, STR(""));
	assert_fails(b, table_resolve(b->w.table, &s, &b->a, &got, &b->why), F_NO_SUCH_IMAGE);
	struct image_change change = { .image_id = row.image_id, .has_visibility = true };
	assert_fails(b, table_change(b->w.table, &change, &b->a, &got, &b->why), F_NO_SUCH_IMAGE);
}

static void test_remove_of_an_uploaded_row_with_a_request_then_the_same(void **state)
{
	struct bench *b = *state;
	struct image_row row = with_request(b, 1, ALICE), got;
	assert_int_equal(table_insert(b->w.table, &row, &b->why), OK);
	bench_resolve(b, 1, 5000, STR(""));
	assert_int_equal(bench_listed(b), 1);
	assert_int_equal(table_remove(b->w.table, row.image_id, 0, &b->why), OK);
	assert_int_equal(bench_listed(b), 0);
	assert_fails(b, table_get(b->w.table, row.image_id, &b->a, &got, &b->why), F_NO_SUCH_IMAGE);
	assert_fails(b, table_insert(b->w.table, &row, &b->why), F_IMAGE_EXISTS);
}

static void test_remove_by_end_of_a_row_with_a_request_then_the_same(void **state)
{
	struct bench *b = *state;
	struct image_row row = with_request(b, 1, ALICE);
	assert_int_equal(table_insert(b->w.table, &row, &b->why), OK);
	assert_int_equal(table_remove(b->w.table, row.image_id, row.ends_ms, &b->why), OK);
	assert_fails(b, table_insert(b->w.table, &row, &b->why), F_IMAGE_EXISTS);
}

static const struct CMUnitTest tests[] = {
	BENCH_TEST(test_list_of_an_owner_then_own_rows_alone_in_the_order_of_their_slots),
	BENCH_TEST(test_list_of_an_owner_by_status_then_those_alone_with_every_field),
	BENCH_TEST(test_list_of_an_owner_by_hash_then_what_was_received_with_it),
	BENCH_TEST(test_list_of_nobodys_by_hash_then_those_alone_or_not_here),
	BENCH_TEST(test_list_of_everybody_from_the_oldest_then_in_the_order_of_commits),
	BENCH_TEST(test_list_of_an_owner_while_rows_come_and_go_then_the_old_that_stay_appear_once),
	BENCH_TEST(test_list_with_the_cursor_of_another_list_then_bad_cursor),
	BENCH_TEST_OF_COUNTS(test_list_then_a_total_where_there_is_one_is_right),
	BENCH_TEST(test_list_that_skips_rows_then_the_page_begins_after_them_and_goes_on),
	BENCH_TEST(test_list_of_a_filter_then_what_matches_in_order_and_by_pages),
	BENCH_TEST(test_remove_of_a_row_with_a_request_then_its_id_is_nowhere_and_not_given_again),
	BENCH_TEST(test_remove_of_an_uploaded_row_with_a_request_then_the_same),
	BENCH_TEST(test_remove_by_end_of_a_row_with_a_request_then_the_same),
};

int contract_table_owners(const struct contract_maker *maker)
{
	return bench_run(maker, "image_table's owners", tests, COUNT_OF(tests));
}
