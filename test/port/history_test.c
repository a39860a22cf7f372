/* The history in memory. */
#include "unit.h"

#include "fake/contract_history.h"

static void test_history_in_memory_then_by_its_contract(void **state)
{
	struct history_ring r = { 0 };
	assert_int_equal(history_ring_init(&r, NULL), OK);
	assert_false(history_is_kept(&r.port));
	contract_history(&r.port, HISTORY_MINUTES + 100);
	history_ring_deinit(&r);
	history_ring_deinit(&r);
}

/* Of steps of several minutes, in any order. */
static void test_fold_of_an_earlier_minute_then_gauges_of_the_later(void **state)
{
	struct history_point a = contract_history_point(10, 1), b = contract_history_point(11, 2), one = { 0 }, other = { 0 };
	history_fold(&one, &a);
	history_fold(&one, &b);
	history_fold(&other, &b);
	history_fold(&other, &a);
	assert_memory_equal(&one, &other, sizeof one);
	assert_true(one.gauges[0] == b.gauges[0] && one.minute == 11);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_history_in_memory_then_by_its_contract),
		cmocka_unit_test(test_fold_of_an_earlier_minute_then_gauges_of_the_later),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
