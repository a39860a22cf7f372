/* The timer wheel: nothing fires early, everything fires in time, whatever is set, moved and cancelled in between. */
#include "unit.h"

#include "http/server/timer_wheel.h"

#include <stdlib.h>

static void test_wheel_when_empty_then_no_timeout(void **state)
{
	struct timer_wheel w;
	timer_wheel_init(&w, 1000);
	assert_int_equal(timer_wheel_wait_ms(&w, 1000), -1);
	assert_null(timer_wheel_pop(&w, INT64_MAX / 2));
}

static void test_timer_when_due_then_fires_once_and_not_before(void **state)
{
	struct timer_wheel w;
	struct timer t = { 0 };
	timer_wheel_init(&w, 1000);
	timer_set(&w, &t, 1300);
	assert_null(timer_wheel_pop(&w, 1299));
	assert_true(timer_wheel_wait_ms(&w, 1000) >= 300 && timer_wheel_wait_ms(&w, 1000) <= 300 + TIMER_TICK_MS);
	assert_ptr_equal(timer_wheel_pop(&w, 1300 + TIMER_TICK_MS), &t);
	assert_false(t.is_set);
	assert_null(timer_wheel_pop(&w, 100000));
}

static void test_timer_when_moved_or_cancelled_then_the_old_time_is_forgotten(void **state)
{
	struct timer_wheel w;
	struct timer a = { 0 }, b = { 0 }, c = { 0 };
	timer_wheel_init(&w, 0);
	timer_set(&w, &a, 500);
	timer_set(&w, &b, 500);
	timer_set(&w, &c, 500);
	timer_set(&w, &a, 5000);
	timer_cancel(&w, &b);
	timer_cancel(&w, &b);
	assert_ptr_equal(timer_wheel_pop(&w, 1000), &c);
	assert_null(timer_wheel_pop(&w, 1000));
	assert_ptr_equal(timer_wheel_pop(&w, 6000), &a);
	assert_int_equal(timer_wheel_wait_ms(&w, 6000), -1);
}

static void test_timer_when_beyond_the_wheel_then_still_not_early(void **state)
{
	struct timer_wheel w;
	struct timer t = { 0 };
	int64_t far_ms = (int64_t)TIMER_TICK_MS * TIMER_SLOTS * 5 + 1;
	timer_wheel_init(&w, 0);
	timer_set(&w, &t, far_ms);
	for (int64_t now_ms = 0; now_ms < far_ms; now_ms += 1000)
		assert_null(timer_wheel_pop(&w, now_ms));
	assert_ptr_equal(timer_wheel_pop(&w, far_ms + TIMER_TICK_MS), &t);
}

static void test_timer_when_set_again_for_now_then_next_tick_and_no_endless_round(void **state)
{
	struct timer_wheel w;
	struct timer t = { 0 };
	timer_wheel_init(&w, 0);
	timer_set(&w, &t, 250);
	assert_ptr_equal(timer_wheel_pop(&w, 250), &t);
	timer_set(&w, &t, 100);
	assert_null(timer_wheel_pop(&w, 250));
	assert_ptr_equal(timer_wheel_pop(&w, 500), &t);
	/* also after the thread has slept for many turns */
	timer_set(&w, &t, 600);
	assert_ptr_equal(timer_wheel_pop(&w, 1000000), &t);
	timer_set(&w, &t, 5);
	assert_null(timer_wheel_pop(&w, 1000000));
	assert_ptr_equal(timer_wheel_pop(&w, 1000250), &t);
}

/* Against a list: whatever is done, each fires between its time and a tick and a wake-up later. */
static void test_wheel_against_a_list(void **state)
{
	enum { TIMERS = 300 };
	static struct timer timers[TIMERS];
	struct timer_wheel w;
	struct timer *t;
	int64_t now_ms = 12345;
	timer_wheel_init(&w, now_ms);
	srand(1);
	for (int round = 0; round < 20000; round++) {
		struct timer *some = &timers[rand() % TIMERS];
		if (rand() % 4 == 0)
			timer_cancel(&w, some);
		else
			timer_set(&w, some, now_ms + rand() % (rand() % 8 == 0 ? 200000 : 3000));
		int64_t before_ms = now_ms;
		now_ms += rand() % 100 == 0 ? rand() % 300000 : rand() % 50;
		for (int tick = 0; tick < 2; tick++, now_ms += TIMER_TICK_MS) /* after sleeping for a whole turn one more tick may be needed */
			while ((t = timer_wheel_pop(&w, now_ms)) != NULL)
				assert_true(t->at_ms <= now_ms);
		for (size_t i = 0; i < TIMERS; i++)
			if (timers[i].is_set && timers[i].at_ms + 2 * TIMER_TICK_MS < before_ms)
				fail_msg("a timer of %lld is late at %lld", (long long)timers[i].at_ms, (long long)before_ms);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_wheel_when_empty_then_no_timeout),
		cmocka_unit_test(test_timer_when_due_then_fires_once_and_not_before),
		cmocka_unit_test(test_timer_when_moved_or_cancelled_then_the_old_time_is_forgotten),
		cmocka_unit_test(test_timer_when_beyond_the_wheel_then_still_not_early),
		cmocka_unit_test(test_timer_when_set_again_for_now_then_next_tick_and_no_endless_round),
		cmocka_unit_test(test_wheel_against_a_list),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
