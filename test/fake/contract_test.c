/* The contract suites on the in-memory fakes: what holds for every adapter holds for those that the
 * product's tests lean on. And what is the fakes' own: failing on demand. */
#include "fake/contract_admin_query.h"
#include "fake/contract_api_keys.h"
#include "fake/contract_store.h"
#include "fake/contract_table.h"
#include "fake/contract_users.h"
#include "fake/fake_api_keys.h"
#include "fake/fake_ring.h"
#include "fake/fake_store.h"
#include "fake/fake_table.h"
#include "fake/fake_users.h"
#include "fake/rows.h"

#include "base/mem.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

struct fakes {
	struct fake_table *table;
	struct fake_users *users;
	struct fake_api_keys *api_keys;
	struct fake_store *store;
};

static void spoil(struct contract_fixture *w, struct str owner)
{
	fake_users_spoil(((struct fakes *)w->own)->users, owner);
}

static void make(struct contract_fixture *w, uint64_t max_pending)
{
	struct fakes *f = mem_new(1, sizeof(*f));
	assert_non_null(f);
	f->table = fake_table_new(max_pending);
	f->users = fake_users_new(f->table, &(struct owner_quota){ 0 });
	f->api_keys = fake_api_keys_new();
	f->store = fake_store_new();
	*w = (struct contract_fixture){ .table = fake_table_port(f->table),
		.admin_query = fake_table_admin_query(f->table),
		.users = fake_users_port(f->users),
		.api_keys = fake_api_keys_port(f->api_keys),
		.store = fake_store_port(f->store),
		.spoil = spoil,
		.own = f };
}

static void reopen(struct contract_fixture *w)
{
	(void)w;
}

static void unmake(struct contract_fixture *w)
{
	struct fakes *f = w->own;
	fake_store_free(&f->store);
	fake_users_free(&f->users);
	fake_api_keys_free(&f->api_keys);
	fake_table_free(&f->table);
	mem_free(f);
}

static const struct contract_maker maker = { "fake", make, reopen, unmake };

/* the traps */

static enum status insert(struct fake_table *t, unsigned n, struct fault *why)
{
	struct arena a;
	arena_init(&a, 1 << 16);
	struct image_row row = row_pending(&a, n);
	enum status end = table_insert(fake_table_port(t), &row, why);
	arena_deinit(&a);
	return end;
}

static uint64_t pending(struct fake_table *t)
{
	struct image_counts c;
	struct fault why;
	assert_int_equal(table_counts(fake_table_port(t), &c, &why), OK);
	return c.pending;
}

static void test_fail_nth_then_only_that_call_fails_and_changes_nothing(void **state)
{
	struct fake_table *t = fake_table_new(100);
	struct fault why;
	(void)state;
	assert_int_equal(insert(t, 1, &why), OK);
	fake_table_fail_nth(t, 2, F_DISK_FULL);
	assert_int_equal(insert(t, 2, &why), OK);
	assert_int_equal(insert(t, 3, &why), BUSY);
	assert_int_equal(why.code, F_DISK_FULL);
	assert_int_equal(insert(t, 4, &why), OK);
	assert_int_equal(pending(t), 3);
	assert_int_equal(fake_table_calls(t), 5);
	fake_table_free(&t);
	assert_null(t);
}

static void test_lose_nth_then_only_that_call_works_and_reports_a_failure(void **state)
{
	struct fake_table *t = fake_table_new(100);
	struct fault why;
	(void)state;
	fake_table_lose_nth(t, 1, F_UPSTREAM_FAILED);
	assert_int_equal(insert(t, 1, &why), UPSTREAM);
	assert_int_equal(insert(t, 2, &why), OK);
	assert_int_equal(pending(t), 2);
	fake_table_free(&t);
}

static void insert_the_same(void *arg)
{
	struct fault why;
	assert_int_equal(insert(arg, 1, &why), OK);
}

static void test_meet_nth_then_another_writer_was_first(void **state)
{
	struct fake_table *t = fake_table_new(100);
	struct fault why;
	(void)state;
	fake_table_meet_nth(t, 1, insert_the_same, t);
	assert_int_equal(insert(t, 1, &why), EXISTS);
	assert_int_equal(pending(t), 1);
	fake_table_free(&t);
}

static void test_ring_then_keys_are_found_by_id(void **state)
{
	struct fake_ring ring;
	(void)state;
	fake_ring_init(&ring);
	fake_ring_add(&ring, "AKIAOWNER", "secret-1", KEY_OWNER);
	fake_ring_add(&ring, "AKIASLOTS", "secret-2", KEY_SLOTS);
	assert_string_equal(key_find(&ring.port, STR("AKIASLOTS"))->secret, "secret-2");
	assert_int_equal(key_find(&ring.port, STR("AKIAOWNER"))->power, KEY_OWNER);
	assert_null(key_find(&ring.port, STR("AKIA")));
	assert_null(key_find(&ring.port, STR("")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fail_nth_then_only_that_call_fails_and_changes_nothing),
		cmocka_unit_test(test_lose_nth_then_only_that_call_works_and_reports_a_failure),
		cmocka_unit_test(test_meet_nth_then_another_writer_was_first),
		cmocka_unit_test(test_ring_then_keys_are_found_by_id),
	};
	int failed = cmocka_run_group_tests_name("fakes", tests, NULL, NULL);
	failed += contract_table(&maker);
	failed += contract_table_owners(&maker);
	failed += contract_admin_query(&maker);
	failed += contract_users(&maker);
	failed += contract_api_keys(&maker);
	failed += contract_store(&maker);
	return failed;
}
