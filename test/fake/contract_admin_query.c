/* The contract of the inspection: every status with its rows and no others, in order, filtered, in pages that
 * miss nothing and repeat nothing, and bounded. */
#include "fake/contract_admin_query.h"

#include "fake/bench.h"
#include "fake/rows.h"

#define PENDING 7
#define UPLOADED 5
#define REJECTED 4

/* Rows 0..6 pending, 10..14 uploaded in that order, 20..23 rejected in that order. */
static void fill(struct bench *b)
{
	for (unsigned i = 0; i < PENDING; i++)
		bench_insert(b, i);
	for (unsigned i = 10; i < 10 + UPLOADED; i++) {
		bench_insert(b, i);
		bench_resolve(b, i, 1000000 + i, STR(""));
	}
	for (unsigned i = 20; i < 20 + REJECTED; i++) {
		bench_insert(b, i);
		bench_resolve(b, i, 2000000 + i, STR("no image"));
	}
}

static struct admin_query_page look(struct bench *b, const struct admin_query_filter *q)
{
	struct admin_query_page page;
	assert_int_equal(admin_query_page(b->w.admin_query, q, &b->a, &page, &b->why), OK);
	assert_true(page.n <= q->limit && page.looked >= page.n && page.looked <= ADMIN_QUERY_SCAN_MAX);
	return page;
}

/* Follow the cursor to the end; returns how many rows came, the i-th being of number order[i]. */
static size_t follow(struct bench *b, struct admin_query_filter q, const unsigned *order, size_t n)
{
	size_t seen = 0;
	do {
		struct admin_query_page page = look(b, &q);
		for (size_t i = 0; i < page.n; i++, seen++)
			if (order != NULL) {
				assert_true(seen < n);
				assert_str(page.rows[i].image_id, row_id(&b->a, order[seen]));
			}
		q.cursor = page.next_cursor;
	} while (q.cursor.n > 0);
	return seen;
}

static void test_page_of_an_empty_table_then_no_rows_and_no_cursor(void **state)
{
	for (enum admin_query_status s = ADMIN_QUERY_ALL; s <= ADMIN_QUERY_REJECTED; s++) {
		struct admin_query_page page = look(*state, &(struct admin_query_filter){ .status = s, .limit = 10 });
		assert_int_equal(page.n, 0);
		assert_int_equal(page.next_cursor.n, 0);
	}
}

static void test_page_of_a_status_then_only_its_rows_newest_first_at_any_page_size(void **state)
{
	static const unsigned uploaded[] = { 14, 13, 12, 11, 10 }, rejected[] = { 23, 22, 21, 20 };
	struct bench *b = *state;
	fill(b);
	for (uint32_t limit = 1; limit <= 20; limit++) {
		assert_int_equal(
			follow(b, (struct admin_query_filter){ .status = ADMIN_QUERY_UPLOADED, .limit = limit }, uploaded, UPLOADED), UPLOADED);
		assert_int_equal(
			follow(b, (struct admin_query_filter){ .status = ADMIN_QUERY_REJECTED, .limit = limit }, rejected, REJECTED), REJECTED);
		assert_int_equal(follow(b, (struct admin_query_filter){ .status = ADMIN_QUERY_PENDING, .limit = limit }, NULL, 0), PENDING);
	}
}

static void test_page_of_all_then_newest_slot_first_with_every_field(void **state)
{
	static const unsigned order[] = { 23, 22, 21, 20, 14, 13, 12, 11, 10, 6, 5, 4, 3, 2, 1, 0 };
	struct bench *b = *state;
	fill(b);
	for (uint32_t limit = 1; limit <= 17; limit++)
		assert_int_equal(follow(b, (struct admin_query_filter){ .limit = limit }, order, COUNT_OF(order)), COUNT_OF(order));
	struct admin_query_page page = look(b, &(struct admin_query_filter){ .limit = COUNT_OF(order) });
	assert_int_equal(page.next_cursor.n, 0);
	for (size_t i = 0; i < page.n; i++) {
		struct image_row want = bench_row(b, order[i]);
		assert_true(row_equal(&page.rows[i], &want));
	}
}

static void test_page_of_pending_with_equal_ends_then_each_once(void **state)
{
	struct bench *b = *state;
	for (unsigned i = 0; i < 9; i++) {
		struct image_row row = row_pending(&b->a, i);
		row.ends_ms = 5000 + i / 3;
		assert_int_equal(table_insert(b->w.table, &row, &b->why), OK);
	}
	static const unsigned order[] = { 8, 7, 6, 5, 4, 3, 2, 1, 0 };
	for (uint32_t limit = 1; limit <= 10; limit++)
		assert_int_equal(follow(b, (struct admin_query_filter){ .status = ADMIN_QUERY_PENDING, .limit = limit }, order, 9), 9);
}

static void insert_named(struct bench *b, unsigned n, const char *name, const char *type)
{
	struct image_row row = row_pending(&b->a, n);
	row.file_name = str_of(name);
	row.file_type = str_of(type);
	assert_int_equal(table_insert(b->w.table, &row, &b->why), OK);
}

static void test_filter_then_name_id_and_type_are_checked_without_case(void **state)
{
	struct bench *b = *state;
	insert_named(b, 1, "Holiday at SEA.jpg", "image/jpeg");
	insert_named(b, 2, "<script>alert(1)</script>.png", "image/png");
	insert_named(b, 3, "caf\xc3\xa9 100%_.png", "image/png");
	struct str id = row_id(&b->a, 1);
	const struct {
		struct str text, type;
		size_t found;
	} rows[] = { { STR("sea"), STR(""), 1 }, { STR("<SCRIPT>"), STR(""), 1 }, { STR("caf\xc3\xa9"), STR(""), 1 }, { STR("%"), STR(""), 1 },
		{ STR("_"), STR(""), 1 }, { STR("mountain"), STR(""), 0 }, { id, STR(""), 1 }, { str_slice(id, 0, 8), STR("image/jpeg"), 1 },
		{ STR(""), STR("image/png"), 2 }, { STR(""), STR("IMAGE/"), 3 }, { STR(""), STR("png"), 0 }, { STR("sea"), STR("image/png"), 0 } };
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct admin_query_filter q = { .text = rows[i].text, .type = rows[i].type, .limit = 2 };
		bool is_id = i == 7; /* ids of small numbers may begin alike */
		size_t found = follow(b, q, NULL, 0);
		assert_true(is_id ? found >= 1 : found == rows[i].found);
		q.status = ADMIN_QUERY_UPLOADED;
		assert_int_equal(follow(b, q, NULL, 0), 0);
	}
}

static void insert_owned(struct bench *b, unsigned n, const char *owner, const char *subject)
{
	struct image_row row = row_pending(&b->a, n);
	row.owner = str_of(owner);
	row.issuer = STR("app");
	row.subject = str_of(subject);
	assert_int_equal(table_insert(b->w.table, &row, &b->why), OK);
}

static void test_filter_by_owner_then_the_owner_or_the_subject_whole(void **state)
{
	static const unsigned anas[] = { 3, 1 }, bobs[] = { 2 };
	struct bench *b = *state;
	insert_owned(b, 1, "0123456789abcdef0123456789abcdef", "ana");
	insert_owned(b, 2, "f123456789abcdef0123456789abcdef", "bob");
	insert_owned(b, 3, "0123456789abcdef0123456789abcdef", "ana");
	bench_insert(b, 4);
	for (uint32_t limit = 1; limit <= 3; limit++) {
		assert_int_equal(follow(b, (struct admin_query_filter){ .owner = STR("ana"), .limit = limit }, anas, 2), 2);
		assert_int_equal(
			follow(b, (struct admin_query_filter){ .owner = STR("0123456789abcdef0123456789abcdef"), .limit = limit }, anas, 2), 2);
		assert_int_equal(
			follow(b, (struct admin_query_filter){ .owner = STR("bob"), .status = ADMIN_QUERY_PENDING, .limit = limit }, bobs, 1), 1);
		assert_int_equal(
			follow(b, (struct admin_query_filter){ .owner = STR("bob"), .status = ADMIN_QUERY_UPLOADED, .limit = limit }, NULL, 0), 0);
		assert_int_equal(follow(b, (struct admin_query_filter){ .owner = STR("an"), .limit = limit }, NULL, 0), 0);
	}
}

static void test_filter_by_reason_then_what_was_rejected_or_is_damaged_for_it(void **state)
{
	static const unsigned found[] = { 3, 1 };
	struct bench *b = *state;
	for (unsigned n = 1; n <= 3; n++) {
		bench_insert(b, n);
		bench_resolve(b, n, 1000 + n, n == 2 ? STR("The file is too big.") : STR("The file is NOT image/png: no header."));
	}
	bench_insert(b, 4);
	const struct admin_query_filter q = { .reason = STR("not image/"), .status = ADMIN_QUERY_REJECTED, .limit = 1 };
	assert_int_equal(follow(b, q, found, 2), 2);
	assert_int_equal(follow(b, (struct admin_query_filter){ .reason = STR("too big"), .limit = 5 }, NULL, 0), 1);
	assert_int_equal(follow(b, (struct admin_query_filter){ .reason = STR("no such"), .limit = 5 }, NULL, 0), 0);
}

static void test_pages_when_rows_are_added_and_removed_between_then_the_old_that_stay_appear_once(void **state)
{
	struct bench *b = *state;
	fill(b);
	struct admin_query_filter q = { .limit = 3 };
	struct admin_query_page page = look(b, &q);
	bench_insert(b, 90);
	assert_int_equal(table_remove(b->w.table, row_id(&b->a, 21), 0, &b->why), OK); /* the cursor's own */
	assert_int_equal(table_remove(b->w.table, row_id(&b->a, 13), 0, &b->why), OK);
	static const unsigned rest[] = { 20, 14, 12, 11, 10, 6, 5, 4, 3, 2, 1, 0 };
	q.cursor = page.next_cursor;
	assert_int_equal(follow(b, q, rest, COUNT_OF(rest)), COUNT_OF(rest));
}

static void test_page_with_a_cursor_that_is_invalid_or_of_another_list_then_bad_cursor(void **state)
{
	struct bench *b = *state;
	struct admin_query_page page;
	fill(b);
	struct str cursor = look(b, &(struct admin_query_filter){ .limit = 1 }).next_cursor;
	const struct str bad[] = { STR("x"), STR("a"), STR("."), STR("e."), STR("a.."), str_slice(cursor, 0, cursor.n - 1),
		str_slice(cursor, 1, cursor.n), str_printf(&b->a, "%.*s.", STRF(cursor)), str_printf(&b->a, "%.*s0", STRF(cursor)),
		str_printf(&b->a, "%4000d", 1) };
	for (size_t i = 0; i < COUNT_OF(bad); i++)
		assert_fails(b,
			admin_query_page(b->w.admin_query, &(struct admin_query_filter){ .limit = 1, .cursor = bad[i] }, &b->a, &page, &b->why),
			F_BAD_CURSOR);
	for (enum admin_query_status s = ADMIN_QUERY_PENDING; s <= ADMIN_QUERY_REJECTED; s++)
		assert_fails(b,
			admin_query_page(
				b->w.admin_query, &(struct admin_query_filter){ .status = s, .limit = 1, .cursor = cursor }, &b->a, &page, &b->why),
			F_BAD_CURSOR);
}

static const struct CMUnitTest tests[] = {
	BENCH_TEST(test_page_of_an_empty_table_then_no_rows_and_no_cursor),
	BENCH_TEST(test_page_of_a_status_then_only_its_rows_newest_first_at_any_page_size),
	BENCH_TEST(test_page_of_all_then_newest_slot_first_with_every_field),
	BENCH_TEST(test_page_of_pending_with_equal_ends_then_each_once),
	BENCH_TEST(test_filter_then_name_id_and_type_are_checked_without_case),
	BENCH_TEST(test_filter_by_owner_then_the_owner_or_the_subject_whole),
	BENCH_TEST(test_filter_by_reason_then_what_was_rejected_or_is_damaged_for_it),
	BENCH_TEST(test_pages_when_rows_are_added_and_removed_between_then_the_old_that_stay_appear_once),
	BENCH_TEST(test_page_with_a_cursor_that_is_invalid_or_of_another_list_then_bad_cursor),
};

int contract_admin_query(const struct contract_maker *maker)
{
	return bench_run(maker, "inspection", tests, COUNT_OF(tests));
}
