/* The contract of the owners: what is recorded of them as rows come, are resolved and go, and what else the port does. What they may
 * use is in contract_quotas.c. */
#include "fake/contract_users.h"

#include "fake/owned.h"

#include <stdio.h>

/* what they use */

static void test_insert_then_the_owner_is_there_and_its_bytes_are_reserved(void **state)
{
	struct bench *b = *state;
	struct user_row user;
	assert_fails(b, user_get(b->w.users, ALICE, &b->a, &user, &b->why), F_NO_SUCH_USER);
	owned_insert(b, 1, ALICE);
	owned_insert(b, 5, ALICE);
	owned_insert(b, 2, BOB);
	owned_insert(b, 3, STR(""));
	user = owned_user(b, ALICE);
	assert_str(user.owner, ALICE);
	assert_str(user.issuer, STR("https://issuer.example/"));
	assert_str(user.subject, owned_row(b, 1, ALICE).subject);
	assert_true(!user.has_quota && !user.blocked);
	assert_int_equal(user.first_ms, row_pending(&b->a, 1).created_ms);
	assert_int_equal(user.seen_ms, row_pending(&b->a, 5).created_ms);
	assert_usage(b, ALICE, &(struct owner_usage){ .pending = 2, .reserved_bytes = 1001 + 1005 });
	bench_reopen(b);
	assert_usage(b, BOB, &(struct owner_usage){ .pending = 1, .reserved_bytes = 1002 });
}

static void test_resolve_then_what_was_reserved_becomes_what_is_stored(void **state)
{
	struct bench *b = *state;
	owned_insert(b, 1, ALICE);
	owned_insert(b, 2, ALICE);
	owned_insert(b, 3, ALICE);
	bench_resolve(b, 1, 5000, STR(""));
	bench_resolve(b, 2, 5000, STR("no image"));
	assert_usage(b, ALICE, &(struct owner_usage){ .bytes = 2001, .images = 1, .pending = 1, .reserved_bytes = 1003 });
}

static void test_resolve_that_fails_then_usage_stays(void **state)
{
	struct bench *b = *state;
	struct image_row now;
	struct resolution s = row_verdict(&b->a, 1, 6000, STR(""));
	owned_insert(b, 1, ALICE);
	bench_resolve(b, 1, 5000, STR(""));
	assert_fails(b, table_resolve(b->w.table, &s, &b->a, &now, &b->why), F_STATE_CHANGED);
	assert_usage(b, ALICE, &(struct owner_usage){ .bytes = 2001, .images = 1 });
}

static void test_resolve_that_replaces_then_the_new_bytes_are_counted(void **state)
{
	struct bench *b = *state;
	struct image_row now;
	struct resolution s = row_verdict(&b->a, 1, 6000, STR(""));
	owned_insert(b, 1, ALICE);
	bench_resolve(b, 1, 5000, STR(""));
	s.replaces = bench_row(b, 1).etag;
	s.file_size = 7;
	assert_int_equal(table_resolve(b->w.table, &s, &b->a, &now, &b->why), OK);
	assert_usage(b, ALICE, &(struct owner_usage){ .bytes = 7, .images = 1 });
	s = row_verdict(&b->a, 1, 7000, STR("no image"));
	s.replaces = now.etag;
	assert_int_equal(table_resolve(b->w.table, &s, &b->a, &now, &b->why), OK);
	assert_usage(b, ALICE, &(struct owner_usage){ 0 });
}

static void test_resolve_that_leaves_the_row_pending_then_usage_stays(void **state)
{
	struct bench *b = *state;
	struct image_row now;
	struct resolution s = row_verdict(&b->a, 1, 0, STR(""));
	owned_insert(b, 1, ALICE);
	s.status = IMAGE_PENDING;
	assert_int_equal(table_resolve(b->w.table, &s, &b->a, &now, &b->why), OK);
	assert_usage(b, ALICE, &(struct owner_usage){ .pending = 1, .reserved_bytes = 1001 });
}

static void test_remove_whatever_the_state_then_nothing_is_used(void **state)
{
	struct bench *b = *state;
	for (unsigned n = 1; n <= 3; n++)
		owned_insert(b, n, ALICE);
	bench_resolve(b, 2, 5000, STR(""));
	bench_resolve(b, 3, 5000, STR("no image"));
	assert_int_equal(table_remove(b->w.table, row_id(&b->a, 1), 0, &b->why), OK);
	assert_usage(b, ALICE, &(struct owner_usage){ .bytes = 2002, .images = 1 });
	assert_int_equal(table_remove(b->w.table, row_id(&b->a, 2), 0, &b->why), OK);
	assert_int_equal(table_remove(b->w.table, row_id(&b->a, 3), 0, &b->why), OK);
	assert_usage(b, ALICE, &(struct owner_usage){ 0 });
}

static void test_remove_of_expired_slots_then_what_they_reserved_is_released(void **state)
{
	struct bench *b = *state;
	for (unsigned n = 1; n <= 3; n++)
		owned_insert(b, n, ALICE);
	int64_t ends_ms = row_pending(&b->a, 2).ends_ms;
	if (table_removes_due(b->w.table)) {
		struct image_counts removed;
		assert_int_equal(table_remove_due(b->w.table, ends_ms, &removed, &b->why), OK);
	} else {
		assert_int_equal(table_remove(b->w.table, row_id(&b->a, 1), ends_ms, &b->why), OK);
		assert_int_equal(table_remove(b->w.table, row_id(&b->a, 2), ends_ms, &b->why), OK);
	}
	assert_usage(b, ALICE, &(struct owner_usage){ .pending = 1, .reserved_bytes = 1003 });
}

static void test_add_derived_then_it_is_summed_and_never_below_nothing(void **state)
{
	struct bench *b = *state;
	owned_insert(b, 1, ALICE);
	assert_int_equal(user_add_derived(b->w.users, ALICE, 500, &b->why), OK);
	assert_int_equal(user_add_derived(b->w.users, ALICE, -200, &b->why), OK);
	assert_int_equal(user_add_derived(b->w.users, BOB, 200, &b->why), OK);
	/* Durable once a later write is. */
	owned_insert(b, 2, ALICE);
	assert_int_equal(owned_user(b, ALICE).usage.derived_bytes, 300);
	assert_int_equal(user_add_derived(b->w.users, ALICE, -301, &b->why), OK);
	owned_insert(b, 3, ALICE);
	assert_int_equal(owned_user(b, ALICE).usage.derived_bytes, 0);
	struct user_row user;
	assert_fails(b, user_get(b->w.users, BOB, &b->a, &user, &b->why), F_NO_SUCH_USER);
}

/* lists */

static void test_list_then_all_by_name_in_pages(void **state)
{
	struct bench *b = *state;
	char names[13][33] = { 0 };
	for (unsigned n = 0; n < COUNT_OF(names); n++) {
		snprintf(names[n], sizeof(names[n]), "%032x", n);
		owned_insert(b, n, str_of(names[n]));
	}
	for (uint32_t limit = 1; limit <= 14; limit++) {
		struct user_query q = { .limit = limit };
		struct user_page page;
		size_t seen = 0;
		do {
			assert_int_equal(user_list(b->w.users, &q, &b->a, &page, &b->why), OK);
			assert_true(page.n <= limit && seen + page.n <= COUNT_OF(names));
			for (size_t i = 0; i < page.n; i++, seen++) {
				assert_str(page.rows[i].owner, str_of(names[seen]));
				assert_int_equal(page.rows[i].usage.pending, 1);
			}
			q.cursor = page.next_cursor;
		} while (q.cursor.n > 0);
		assert_int_equal(seen, COUNT_OF(names));
	}
}

static void test_list_with_a_cursor_that_was_not_given_then_bad_cursor(void **state)
{
	static const char *const bad[] = { "x", "!", "%00", "\xff" };
	struct bench *b = *state;
	struct user_page page;
	for (size_t i = 0; i < COUNT_OF(bad); i++)
		assert_fails(
			b, user_list(b->w.users, &(struct user_query){ .limit = 1, .cursor = str_of(bad[i]) }, &b->a, &page, &b->why), F_BAD_CURSOR);
}

/* deletion */

static void test_block_then_no_new_slots_and_the_owner_is_in_the_list_of_blocked_ones(void **state)
{
	struct bench *b = *state;
	struct image_row row = owned_row(b, 2, ALICE);
	struct user_page page;
	assert_fails(b, user_block(b->w.users, ALICE, &b->why), F_NO_SUCH_USER);
	owned_insert(b, 1, ALICE);
	owned_insert(b, 3, BOB);
	assert_int_equal(user_block(b->w.users, ALICE, &b->why), OK);
	assert_int_equal(user_block(b->w.users, ALICE, &b->why), OK);
	for (int turn = 0; turn < 2; turn++) {
		assert_fails(b, table_insert(b->w.table, &row, &b->why), F_OWNER_BLOCKED);
		assert_true(owned_user(b, ALICE).blocked);
		assert_int_equal(user_list(b->w.users, &(struct user_query){ .blocked = true, .limit = 10 }, &b->a, &page, &b->why), OK);
		assert_int_equal(page.n, 1);
		assert_str(page.rows[0].owner, ALICE);
		bench_reopen(b);
	}
	owned_insert(b, 4, BOB);
	assert_usage(b, ALICE, &(struct owner_usage){ .pending = 1, .reserved_bytes = 1001 });
}

static void test_block_then_what_was_announced_may_still_arrive(void **state)
{
	struct bench *b = *state;
	owned_insert(b, 1, ALICE);
	assert_int_equal(user_block(b->w.users, ALICE, &b->why), OK);
	bench_resolve(b, 1, 5000, STR(""));
	assert_usage(b, ALICE, &(struct owner_usage){ .bytes = 2001, .images = 1 });
}

static void test_remove_of_a_user_only_when_blocked_and_without_images(void **state)
{
	struct bench *b = *state;
	struct user_row user;
	assert_fails(b, user_remove(b->w.users, ALICE, &b->why), F_NO_SUCH_USER);
	owned_insert(b, 1, ALICE);
	bench_resolve(b, 1, 5000, STR("no image")); /* which no usage counts */
	assert_fails(b, user_remove(b->w.users, ALICE, &b->why), F_STATE_CHANGED);
	assert_int_equal(user_block(b->w.users, ALICE, &b->why), OK);
	assert_fails(b, user_remove(b->w.users, ALICE, &b->why), F_STATE_CHANGED);
	assert_int_equal(table_remove(b->w.table, row_id(&b->a, 1), 0, &b->why), OK);
	assert_int_equal(user_remove(b->w.users, ALICE, &b->why), OK);
	assert_fails(b, user_get(b->w.users, ALICE, &b->a, &user, &b->why), F_NO_SUCH_USER);
	owned_insert(b, 2, ALICE);
	assert_usage(b, ALICE, &(struct owner_usage){ .pending = 1, .reserved_bytes = 1002 });
}

static void test_remove_of_a_row_of_no_user_then_no_user_comes_to_be(void **state)
{
	struct bench *b = *state;
	struct user_page page;
	bench_insert(b, 1);
	bench_resolve(b, 1, 5000, STR(""));
	assert_int_equal(table_remove(b->w.table, row_id(&b->a, 1), 0, &b->why), OK);
	assert_int_equal(user_list(b->w.users, &(struct user_query){ .limit = 10 }, &b->a, &page, &b->why), OK);
	assert_int_equal(page.n, 0);
}

static const struct CMUnitTest tests[] = {
	BENCH_TEST(test_insert_then_the_owner_is_there_and_its_bytes_are_reserved),
	BENCH_TEST(test_resolve_then_what_was_reserved_becomes_what_is_stored),
	BENCH_TEST(test_resolve_that_fails_then_usage_stays),
	BENCH_TEST(test_resolve_that_replaces_then_the_new_bytes_are_counted),
	BENCH_TEST(test_resolve_that_leaves_the_row_pending_then_usage_stays),
	BENCH_TEST(test_remove_whatever_the_state_then_nothing_is_used),
	BENCH_TEST(test_remove_of_expired_slots_then_what_they_reserved_is_released),
	BENCH_TEST(test_add_derived_then_it_is_summed_and_never_below_nothing),
	BENCH_TEST(test_list_then_all_by_name_in_pages),
	BENCH_TEST(test_list_with_a_cursor_that_was_not_given_then_bad_cursor),
	BENCH_TEST(test_block_then_no_new_slots_and_the_owner_is_in_the_list_of_blocked_ones),
	BENCH_TEST(test_block_then_what_was_announced_may_still_arrive),
	BENCH_TEST(test_remove_of_a_user_only_when_blocked_and_without_images),
	BENCH_TEST(test_remove_of_a_row_of_no_user_then_no_user_comes_to_be),
};

int contract_users(const struct contract_maker *maker)
{
	return bench_run(maker, "user_table", tests, COUNT_OF(tests)) + contract_quotas(maker);
}
