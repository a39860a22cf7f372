/* The times of attempts and what each status means. */
#include "unit.h"

#include "webhook/schedule.h"

static void test_wait_then_ten_attempts_over_a_day(void **state)
{
	static const int64_t after_s[] = { 5, 300, 1800, 7200, 18000, 36000, 50400, 72000, 86400 };
	int64_t wait_ms, sum_ms = 0;
	for (unsigned i = 0; i < COUNT_OF(after_s); i++) {
		int64_t gap_ms = (after_s[i] - (i > 0 ? after_s[i - 1] : 0)) * 1000;
		assert_true(schedule_wait(i + 1, (uint32_t)(gap_ms / 10), &wait_ms)); /* in the middle of the jitter */
		assert_int_equal(wait_ms, gap_ms);
		sum_ms += wait_ms;
		assert_int_equal(sum_ms, after_s[i] * 1000);
	}
	assert_false(schedule_wait(10, 0, &wait_ms));
	assert_false(schedule_wait(1000, 0, &wait_ms));
}

static void test_wait_when_any_number_then_within_a_tenth(void **state)
{
	int64_t wait_ms, least = INT64_MAX, most = 0;
	for (uint32_t i = 0; i < 100000; i++) {
		assert_true(schedule_wait(1, i * 2654435761u, &wait_ms));
		least = wait_ms < least ? wait_ms : least;
		most = wait_ms > most ? wait_ms : most;
	}
	assert_int_equal(least, 4500);
	assert_int_equal(most, 5500);
}

static void test_judge_each_status(void **state)
{
	for (int status = 100; status <= 599; status++) {
		enum webhook_outcome want = status / 100 == 2                          ? WEBHOOK_DELIVERED
			: status == 410                                                    ? WEBHOOK_GONE
			: status == 429 || status == 502 || status == 503 || status == 504 ? WEBHOOK_THROTTLED
																			   : WEBHOOK_REFUSED;
		assert_int_equal(schedule_judge(status), want);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_wait_then_ten_attempts_over_a_day),
		cmocka_unit_test(test_wait_when_any_number_then_within_a_tenth),
		cmocka_unit_test(test_judge_each_status),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
