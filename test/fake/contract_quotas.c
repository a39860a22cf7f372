/* The contract of the owners, second half: quotas, also when several ask at once, and the recount. */
#include "fake/contract_users.h"

#include "fake/owned.h"

#include <pthread.h>
#include <string.h>

static void allow(struct bench *b, struct str owner, struct owner_quota quota)
{
	assert_int_equal(user_set_quota(b->w.users, owner, &quota, &b->why), OK);
}

static enum status ask(struct bench *b, unsigned n, struct str owner, uint64_t max_bytes)
{
	struct image_row row = owned_row(b, n, owner);
	row.max_bytes = max_bytes;
	return table_insert(b->w.table, &row, &b->why);
}

static void test_set_quota_then_it_is_the_owners_until_it_is_taken_back(void **state)
{
	struct bench *b = *state;
	const struct owner_quota want = { 1, 2, 3, 4 };
	allow(b, ALICE, want);
	for (int turn = 0; turn < 2; turn++) {
		struct user_row user = owned_user(b, ALICE);
		assert_true(user.has_quota);
		assert_true(user.quota.bytes == 1 && user.quota.images == 2 && user.quota.pending == 3 && user.quota.slots_per_minute == 4);
		bench_reopen(b);
	}
	assert_fails(b, ask(b, 1, ALICE, 2), F_QUOTA_FULL);
	assert_int_equal(user_set_quota(b->w.users, ALICE, NULL, &b->why), OK);
	assert_false(owned_user(b, ALICE).has_quota);
	assert_int_equal(ask(b, 1, ALICE, 2), OK);
	struct user_row user = owned_user(b, ALICE);
	assert_str(user.subject, owned_row(b, 1, ALICE).subject);
}

/* One byte over is refused from the first slot of an owner on; a quota may be exactly full. */
static void test_quota_of_bytes_then_exactly_full_is_accepted_and_one_byte_more_is_not(void **state)
{
	struct bench *b = *state;
	allow(b, ALICE, (struct owner_quota){ .bytes = 1000 });
	assert_fails(b, ask(b, 1, ALICE, 1001), F_QUOTA_FULL);
	assert_int_equal(ask(b, 1, ALICE, 600), OK);
	assert_fails(b, ask(b, 2, ALICE, 401), F_QUOTA_FULL);
	assert_non_null(strstr(b->why.text, "1000"));
	assert_non_null(strstr(b->why.text, "600"));
	assert_non_null(strstr(b->why.text, "401"));
	assert_int_equal(ask(b, 2, ALICE, 400), OK);
	assert_fails(b, ask(b, 3, ALICE, 1), F_QUOTA_FULL);
	assert_usage(b, ALICE, &(struct owner_usage){ .pending = 2, .reserved_bytes = 1000 });
	/* Another owner has none. */
	assert_int_equal(ask(b, 4, BOB, UINT64_C(1) << 40), OK);
	assert_int_equal(ask(b, 5, STR(""), UINT64_C(1) << 40), OK);
}

static void test_quota_of_bytes_when_images_end_then_there_is_room_again(void **state)
{
	struct bench *b = *state;
	allow(b, ALICE, (struct owner_quota){ .bytes = 3000 });
	assert_int_equal(ask(b, 1, ALICE, 3000), OK);
	bench_resolve(b, 1, 5000, STR("")); /* 2001 bytes */
	assert_fails(b, ask(b, 2, ALICE, 1000), F_QUOTA_FULL);
	assert_int_equal(ask(b, 2, ALICE, 999), OK);
	bench_resolve(b, 2, 5000, STR("no image"));
	assert_int_equal(ask(b, 3, ALICE, 999), OK);
	assert_int_equal(table_remove(b->w.table, row_id(&b->a, 1), 0, &b->why), OK);
	assert_int_equal(ask(b, 4, ALICE, 2001), OK);
	assert_usage(b, ALICE, &(struct owner_usage){ .pending = 2, .reserved_bytes = 3000 });
}

static void test_quota_of_images_then_pending_and_uploaded_ones_count(void **state)
{
	struct bench *b = *state;
	allow(b, ALICE, (struct owner_quota){ .images = 2 });
	assert_int_equal(ask(b, 1, ALICE, 1), OK);
	bench_resolve(b, 1, 5000, STR(""));
	assert_int_equal(ask(b, 2, ALICE, 1), OK);
	assert_fails(b, ask(b, 3, ALICE, 1), F_QUOTA_FULL);
	bench_resolve(b, 2, 5000, STR("no image"));
	assert_int_equal(ask(b, 3, ALICE, 1), OK);
}

static void test_quota_of_pending_then_uploaded_ones_do_not_count(void **state)
{
	struct bench *b = *state;
	allow(b, ALICE, (struct owner_quota){ .pending = 2 });
	assert_int_equal(ask(b, 1, ALICE, 1), OK);
	assert_int_equal(ask(b, 2, ALICE, 1), OK);
	assert_fails(b, ask(b, 3, ALICE, 1), F_QUOTA_FULL);
	bench_resolve(b, 1, 5000, STR(""));
	assert_int_equal(ask(b, 3, ALICE, 1), OK);
	assert_fails(b, ask(b, 4, ALICE, 1), F_QUOTA_FULL);
	assert_int_equal(table_remove(b->w.table, row_id(&b->a, 2), 0, &b->why), OK);
	assert_int_equal(ask(b, 4, ALICE, 1), OK);
}

static enum status ask_at(struct bench *b, unsigned n, int64_t at_ms)
{
	struct image_row row = owned_row(b, n, ALICE);
	row.created_ms = at_ms;
	return table_insert(b->w.table, &row, &b->why);
}

static void test_quota_of_slots_then_as_many_in_each_minute_of_the_clock(void **state)
{
	struct bench *b = *state;
	const int64_t minute_ms = 28333333 * (int64_t)QUOTA_MINUTE_MS;
	allow(b, ALICE, (struct owner_quota){ .slots_per_minute = 2 });
	assert_int_equal(ask_at(b, 1, minute_ms + 10000), OK);
	assert_int_equal(ask_at(b, 2, minute_ms + 20000), OK);
	bench_reopen(b);
	assert_fails(b, ask_at(b, 3, minute_ms + 22001), F_TOO_MANY);
	assert_non_null(strstr(b->why.text, " 38 seconds"));
	bench_resolve(b, 1, 5000, STR(""));
	assert_int_equal(table_remove(b->w.table, row_id(&b->a, 2), 0, &b->why), OK);
	assert_fails(b, ask_at(b, 3, minute_ms + 59999), F_TOO_MANY);
	assert_int_equal(ask_at(b, 3, minute_ms + 60000), OK);
	assert_int_equal(ask_at(b, 4, minute_ms + 60000), OK);
	assert_fails(b, ask_at(b, 5, minute_ms + 60000), F_TOO_MANY);
}

/* A repeated request is told that its slot exists, not that there is no room for another. */
static void test_insert_of_an_id_that_is_there_when_the_quota_is_full_then_exists(void **state)
{
	struct bench *b = *state;
	struct image_row row = owned_row(b, 1, ALICE);
	row.request_hash = str_printf(&b->a, "%064x", 1);
	row.created_ms = 1700000000000;
	allow(b, ALICE, (struct owner_quota){ .images = 1, .slots_per_minute = 1 });
	assert_int_equal(table_insert(b->w.table, &row, &b->why), OK);
	assert_fails(b, table_insert(b->w.table, &row, &b->why), F_IMAGE_EXISTS);
	assert_usage(b, ALICE, &(struct owner_usage){ .pending = 1, .reserved_bytes = row.max_bytes });
}

static void test_set_quota_below_what_is_used_then_nothing_goes_and_nothing_comes(void **state)
{
	struct bench *b = *state;
	owned_insert(b, 1, ALICE);
	bench_resolve(b, 1, 5000, STR(""));
	allow(b, ALICE, (struct owner_quota){ .bytes = 10 });
	assert_fails(b, ask(b, 2, ALICE, 1), F_QUOTA_FULL);
	assert_fails(b, ask(b, 2, ALICE, 0), F_QUOTA_FULL);
	assert_usage(b, ALICE, &(struct owner_usage){ .bytes = 2001, .images = 1 });
}

/* several at once */

#define THREADS 8
#define ASKED_EACH 50

struct asker {
	pthread_t thread;
	struct bench *bench;
	unsigned first, accepted;
	bool other; /* something else than OK or QUOTA_FULL came */
};

static void *ask_many(void *arg)
{
	struct asker *k = arg;
	struct bench mine = { .w = k->bench->w };
	arena_init(&mine.a, (size_t)4 << 20);
	for (unsigned n = 0; n < ASKED_EACH; n++) {
		struct image_row row = owned_row(&mine, k->first + n, ALICE);
		row.max_bytes = 10;
		enum status end = table_insert(mine.w.table, &row, &mine.why);
		k->accepted += end == OK;
		k->other = k->other || (end != OK && mine.why.code != F_QUOTA_FULL);
	}
	arena_deinit(&mine.a);
	return NULL;
}

static void test_insert_by_many_at_once_then_the_quota_is_exactly_full(void **state)
{
	struct bench *b = *state;
	struct asker askers[THREADS] = { 0 };
	unsigned accepted = 0;
	allow(b, ALICE, (struct owner_quota){ .bytes = 1009 });
	for (unsigned i = 0; i < THREADS; i++) {
		askers[i] = (struct asker){ .bench = b, .first = i * ASKED_EACH };
		assert_int_equal(pthread_create(&askers[i].thread, NULL, ask_many, &askers[i]), 0);
	}
	for (unsigned i = 0; i < THREADS; i++) {
		pthread_join(askers[i].thread, NULL);
		accepted += askers[i].accepted;
		assert_false(askers[i].other);
	}
	assert_int_equal(accepted, 100);
	assert_usage(b, ALICE, &(struct owner_usage){ .pending = 100, .reserved_bytes = 1000 });
}

/* the recount */

static void recount_all(struct bench *b, bool repair)
{
	struct user_recount one;
	uint64_t owners = 0, repaired = 0;
	struct str from = STR("");
	do {
		assert_int_equal(user_recount(b->w.users, from, repair, &b->a, &one, &b->why), OK);
		owners += one.owners;
		repaired += one.repaired;
		assert_true((one.repairs != NULL) == (one.repaired > 0));
		for (const struct user_repair *r = one.repairs; r != NULL; r = r->next) {
			assert_true(str_equal(r->owner, ALICE));
			assert_int_equal(r->counted.images, 1);
			assert_false(owner_usage_equal(&r->recorded, &r->counted));
		}
		from = one.next_owner;
	} while (from.n > 0);
	assert_int_equal(repaired, 1);
	assert_int_equal(owners, 1);
}

static void test_recount_then_what_was_spoilt_is_found_and_repaired_if_it_is_to_be(void **state)
{
	struct bench *b = *state;
	for (unsigned n = 1; n <= 4; n++)
		owned_insert(b, n, n % 2 == 1 ? ALICE : BOB);
	bench_resolve(b, 1, 5000, STR(""));
	b->w.spoil(&b->w, ALICE);
	recount_all(b, false);
	recount_all(b, true);
	assert_usage(b, ALICE, &(struct owner_usage){ .bytes = 2001, .images = 1, .pending = 1, .reserved_bytes = 1003 });
	assert_usage(b, BOB, &(struct owner_usage){ .pending = 2, .reserved_bytes = 1002 + 1004 });
}

static const struct CMUnitTest tests[] = {
	BENCH_TEST(test_set_quota_then_it_is_the_owners_until_it_is_taken_back),
	BENCH_TEST(test_quota_of_bytes_then_exactly_full_is_accepted_and_one_byte_more_is_not),
	BENCH_TEST(test_quota_of_bytes_when_images_end_then_there_is_room_again),
	BENCH_TEST(test_quota_of_images_then_pending_and_uploaded_ones_count),
	BENCH_TEST(test_quota_of_pending_then_uploaded_ones_do_not_count),
	BENCH_TEST(test_quota_of_slots_then_as_many_in_each_minute_of_the_clock),
	BENCH_TEST(test_insert_of_an_id_that_is_there_when_the_quota_is_full_then_exists),
	BENCH_TEST(test_set_quota_below_what_is_used_then_nothing_goes_and_nothing_comes),
	BENCH_TEST(test_insert_by_many_at_once_then_the_quota_is_exactly_full),
	BENCH_TEST(test_recount_then_what_was_spoilt_is_found_and_repaired_if_it_is_to_be),
};

int contract_quotas(const struct contract_maker *maker)
{
	return bench_run(maker, "user_table's quotas", tests, COUNT_OF(tests));
}
