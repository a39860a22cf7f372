/* How often something may happen for one name: in one window, for many names, by many threads. */
#include "unit.h"

#include "base/hash.h"
#include "base/mem.h"
#include "base/rate_limit.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>

#define NOW_MS 5000000
#define WINDOW_MS 1000
#define MOST 3u
#define PLACES 4096u
#define NAMES 20000u
#define THREADS 4u

static struct rate_limit *limit;

static int set_up(void **state)
{
	limit = rate_limit_new(MOST, WINDOW_MS);
	return limit == NULL ? -1 : 0;
}

static int tear_down(void **state)
{
	rate_limit_free(&limit);
	rate_limit_free(&limit);
	return 0;
}

static bool take(unsigned name, int64_t now_ms)
{
	char text[16];
	int n = snprintf(text, sizeof text, "name-%u", name);
	return rate_limit_take(limit, (struct str){ text, (size_t)n }, now_ms);
}

static void test_rate_limit_then_so_often_in_a_window_for_each_name(void **state)
{
	for (unsigned i = 0; i < MOST; i++)
		assert_true(take(1, NOW_MS + i));
	assert_false(take(1, NOW_MS + MOST));
	assert_true(take(2, NOW_MS + 500));
	assert_false(take(1, NOW_MS + WINDOW_MS - 1));
	assert_true(take(1, NOW_MS + WINDOW_MS));
	assert_true(take(2, NOW_MS + WINDOW_MS));
	assert_true(take(2, NOW_MS + WINDOW_MS));
	assert_false(take(2, NOW_MS + WINDOW_MS + 499));
	assert_true(take(2, NOW_MS + WINDOW_MS + 500));
}

static void test_rate_limit_when_the_name_is_empty_then_a_name_like_any(void **state)
{
	for (unsigned i = 0; i < MOST; i++)
		assert_true(rate_limit_take(limit, STR(""), NOW_MS));
	assert_false(rate_limit_take(limit, (struct str){ 0 }, NOW_MS));
	assert_true(take(1, NOW_MS));
}

/* A few names and random times against the rule written down naively. */
static void test_rate_limit_when_random_then_as_the_model(void **state)
{
	enum { SOME = 40 };
	int64_t began_ms[SOME], now_ms = NOW_MS;
	unsigned n[SOME] = { 0 };
	for (unsigned i = 0; i < 100000; i++) {
		unsigned char dice[2];
		random_bytes(dice, sizeof dice);
		unsigned name = dice[0] % SOME;
		now_ms += dice[1] % 32;
		if (n[name] == 0 || now_ms - began_ms[name] >= WINDOW_MS) {
			began_ms[name] = now_ms;
			n[name] = 0;
		}
		bool want = n[name] < MOST;
		n[name] += want;
		assert_int_equal(take(name, now_ms), want);
	}
}

static int set_up_bucket(void **state)
{
	limit = rate_limit_new_bucket(MOST, WINDOW_MS);
	return limit == NULL ? -1 : 0;
}

static void test_bucket_then_all_at_once_and_further_ones_as_it_fills(void **state)
{
	const int64_t each_ms = WINDOW_MS / MOST + 1;
	for (unsigned i = 0; i < MOST; i++)
		assert_true(take(1, NOW_MS));
	assert_false(take(1, NOW_MS + each_ms - 2));
	assert_true(take(1, NOW_MS + each_ms));
	assert_false(take(1, NOW_MS + each_ms));
	assert_true(take(2, NOW_MS + each_ms));
	assert_true(take(1, NOW_MS + 3 * each_ms)); /* two have come; one of them is left */
	assert_true(take(1, NOW_MS + 3 * each_ms));
	assert_false(take(1, NOW_MS + 3 * each_ms));
	for (unsigned i = 0; i < MOST; i++) /* never more than it holds */
		assert_true(take(1, NOW_MS + 100 * WINDOW_MS));
	assert_false(take(1, NOW_MS + 100 * WINDOW_MS));
}

static void test_wait_when_refused_then_it_may_happen_after_so_long(void **state)
{
	int64_t now_ms = NOW_MS, wait_ms = 0;
	for (unsigned i = 0; i < 50; i++) {
		while (rate_limit_take_or_wait(limit, STR("a"), now_ms, &wait_ms))
			now_ms += i % 7;
		assert_in_range(wait_ms, 1, WINDOW_MS);
		assert_false(rate_limit_take(limit, STR("a"), now_ms + wait_ms - 1));
		now_ms += wait_ms;
		assert_true(rate_limit_take(limit, STR("a"), now_ms));
	}
}

/* In the long run no more than the rate, at once no more than the bucket. */
static void test_bucket_when_random_then_within_the_rate(void **state)
{
	int64_t now_ms = NOW_MS;
	unsigned taken = 0;
	for (unsigned i = 0; i < 20000; i++) {
		unsigned char dice;
		random_bytes(&dice, 1);
		now_ms += dice % 100;
		taken += take(1, now_ms);
		assert_true((int64_t)taken <= MOST + (now_ms - NOW_MS) * MOST / WINDOW_MS + 1);
	}
	assert_true((int64_t)taken >= (now_ms - NOW_MS) * MOST / WINDOW_MS - 1);
}

static unsigned take_all(int64_t now_ms)
{
	unsigned allowed = 0;
	for (unsigned i = 0; i < NAMES; i++)
		allowed += take(i, now_ms);
	return allowed;
}

/* Who is counted stays counted: a flood of names does not set one back. */
static void test_rate_limit_when_more_names_than_places_then_bounded_and_none_forgotten(void **state)
{
	unsigned allowed = 0;
	for (unsigned i = 0; i < MOST; i++)
		assert_true(take(NAMES, NOW_MS));
	for (unsigned i = 0; i <= MOST; i++)
		allowed += take_all(NOW_MS + i);
	assert_in_range(allowed, MOST * PLACES / 2, MOST * PLACES);
	assert_false(take(NAMES, NOW_MS + WINDOW_MS - 1));
	assert_in_range(take_all(NOW_MS + 2 * WINDOW_MS), PLACES / 2, PLACES);
}

static _Atomic unsigned taken;

static void *take_often(void *arg)
{
	for (unsigned i = 0; i < 1000; i++)
		taken += take(7, NOW_MS);
	return NULL;
}

static void test_rate_limit_by_many_threads_then_no_more(void **state)
{
	pthread_t threads[THREADS];
	taken = 0;
	for (size_t i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, take_often, NULL), 0);
	for (size_t i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(taken, MOST);
}

static void test_new_when_memory_fails_then_null(void **state)
{
	mem_fail_nth(1);
	struct rate_limit *none = rate_limit_new(1, 1);
	mem_fail_nth(0);
	assert_null(none);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_rate_limit_then_so_often_in_a_window_for_each_name),
		TEST(test_rate_limit_when_the_name_is_empty_then_a_name_like_any),
		TEST(test_rate_limit_when_random_then_as_the_model),
		cmocka_unit_test_setup_teardown(test_bucket_then_all_at_once_and_further_ones_as_it_fills, set_up_bucket, tear_down),
		TEST(test_wait_when_refused_then_it_may_happen_after_so_long),
		cmocka_unit_test_setup_teardown(test_wait_when_refused_then_it_may_happen_after_so_long, set_up_bucket, tear_down),
		cmocka_unit_test_setup_teardown(test_bucket_when_random_then_within_the_rate, set_up_bucket, tear_down),
		TEST(test_rate_limit_when_more_names_than_places_then_bounded_and_none_forgotten),
		TEST(test_rate_limit_by_many_threads_then_no_more),
		TEST(test_new_when_memory_fails_then_null),
	};
	return cmocka_run_group_tests_name("rate_limit", tests, NULL, NULL);
}
