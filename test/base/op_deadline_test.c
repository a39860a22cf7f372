/* The deadline that travels with a thread. */
#include "unit.h"

#include "base/clock.h"
#include "base/op_deadline.h"
#include <pthread.h>

static void test_deadline_when_none_is_set_then_nothing_is_clamped(void **state)
{
	op_deadline_set(0);
	assert_int_equal(op_deadline_clamp(123), 123);
	assert_false(op_deadline_passed());
}

static void test_deadline_when_set_then_the_earlier_time_counts(void **state)
{
	op_deadline_set(clock_mono_ms() + 100000);
	assert_int_equal(op_deadline_clamp(5), 5);
	assert_true(op_deadline_clamp(INT64_MAX) < INT64_MAX);
	assert_false(op_deadline_passed());
	op_deadline_set(clock_mono_ms());
	assert_true(op_deadline_passed());
	op_deadline_set(0);
}

static void *clamp_elsewhere(void *arg)
{
	*(int64_t *)arg = op_deadline_clamp(INT64_MAX);
	return NULL;
}

static void test_deadline_of_another_thread_is_its_own(void **state)
{
	pthread_t other;
	int64_t seen = 0;
	op_deadline_set(1);
	assert_int_equal(pthread_create(&other, NULL, clamp_elsewhere, &seen), 0);
	assert_int_equal(pthread_join(other, NULL), 0);
	assert_true(seen == INT64_MAX);
	op_deadline_set(0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_deadline_when_none_is_set_then_nothing_is_clamped),
		cmocka_unit_test(test_deadline_when_set_then_the_earlier_time_counts),
		cmocka_unit_test(test_deadline_of_another_thread_is_its_own),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
