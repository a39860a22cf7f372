/* The history of the embedded engine: its contract, restarts, and rows of other versions. */
#include "unit.h"

#include "store/fixture.h"

#include "fake/contract_history.h"

static struct history *history_of(struct fixture *p)
{
	return &engine_ports(p->engine)->history;
}

static void test_history_then_by_its_contract_and_over_restarts(void **state)
{
	struct fixture *p = *state;
	fixture_open(p);
	assert_true(history_is_kept(history_of(p)));
	contract_history(history_of(p), 0);
	struct history_point a = contract_history_point(1000, 9), again = contract_history_point(1000, 2);
	assert_int_equal(history_add(history_of(p), &a, NULL), OK);
	fixture_close(p);
	fixture_open(p);
	assert_int_equal(history_add(history_of(p), &again, NULL), OK);
	history_fold(&a, &again);
	struct history_point found = contract_history_find(history_of(p), 1000);
	assert_memory_equal(&found, &a, sizeof a);
}

static void test_rows_that_are_short_or_malformed_then_zeros_or_nothing(void **state)
{
	struct fixture *p = *state;
	fixture_open(p);
	fixture_close(p);
	fixture_run(p,
		"INSERT INTO history VALUES(1, 1, '60000 7'), (2, 2, ''), (3, 3, 'abc'), (4, 4, '60000 x'), (5, 5, '60000 99999999999999999999999')");
	fixture_open(p);
	struct history_point found = contract_history_find(history_of(p), 1), whole = contract_history_point(4, 1);
	assert_int_equal(found.ms, 60000);
	assert_int_equal(found.gauges[0], 7);
	assert_int_equal(found.counts[HISTORY_COUNTS - 1], 0);
	for (int64_t minute = 2; minute <= 5; minute++)
		assert_int_equal(contract_history_find(history_of(p), minute).ms, 0);
	assert_int_equal(history_add(history_of(p), &whole, NULL), OK);
	found = contract_history_find(history_of(p), 4);
	assert_memory_equal(&found, &whole, sizeof whole);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, fixture_set_up, fixture_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_history_then_by_its_contract_and_over_restarts),
		TEST(test_rows_that_are_short_or_malformed_then_zeros_or_nothing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
