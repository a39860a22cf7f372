/* How often a pending image may be checked, by one reader and by a crowd. */
#include "base/rate_limit.h"

#include "base/arena.h"
#include "base/mem.h"
#include "fake/rows.h"
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdatomic.h>

#define NOW_MS 5000000
#define PLACES 4096
#define CROWD 20000u
#define READERS 4

static struct arena a;
static struct rate_limit *limit;

static int set_up(void **state)
{
	(void)state;
	arena_init(&a, (size_t)16 << 20);
	limit = rate_limit_new();
	return limit == NULL ? -1 : 0;
}

static int tear_down(void **state)
{
	(void)state;
	rate_limit_free(&limit);
	rate_limit_free(&limit);
	arena_deinit(&a);
	return 0;
}

static void test_rate_limit_then_once_a_second_for_each_image(void **state)
{
	(void)state;
	struct str one = row_id(&a, 1), other = row_id(&a, 2);
	assert_true(rate_limit_take(limit, one, NOW_MS));
	assert_false(rate_limit_take(limit, one, NOW_MS));
	assert_true(rate_limit_take(limit, other, NOW_MS + 1));
	assert_false(rate_limit_take(limit, one, NOW_MS + 999));
	assert_true(rate_limit_take(limit, one, NOW_MS + 1000));
	assert_false(rate_limit_take(limit, one, NOW_MS + 1999));
	assert_false(rate_limit_take(limit, other, NOW_MS + 1000));
	assert_true(rate_limit_take(limit, other, NOW_MS + 1001));
}

static unsigned ask_all(int64_t now_ms)
{
	unsigned allowed = 0;
	for (unsigned i = 0; i < CROWD; i++)
		allowed += rate_limit_take(limit, row_id(&a, i), now_ms);
	return allowed;
}

static void test_rate_limit_of_more_than_there_is_room_for_then_bounded_and_never_twice(void **state)
{
	(void)state;
	unsigned first = ask_all(NOW_MS);
	assert_in_range(first, PLACES / 2, PLACES);
	unsigned second = ask_all(NOW_MS + 999);
	assert_in_range(first + second, PLACES / 2, PLACES);
	arena_deinit(&a);
	arena_init(&a, (size_t)16 << 20);
	assert_in_range(ask_all(NOW_MS + 2000), PLACES / 2, PLACES);
}

static _Atomic unsigned taken;

static void *read_often(void *arg)
{
	for (unsigned i = 0; i < 1000; i++)
		taken += rate_limit_take(limit, *(struct str *)arg, NOW_MS);
	return NULL;
}

static void test_rate_limit_by_many_threads_then_one_check(void **state)
{
	pthread_t threads[READERS];
	struct str id = row_id(&a, 7);
	(void)state;
	taken = 0;
	for (size_t i = 0; i < READERS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, read_often, &id), 0);
	for (size_t i = 0; i < READERS; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(taken, 1);
}

static void test_new_without_memory_then_null(void **state)
{
	(void)state;
	mem_fail_nth(1);
	struct rate_limit *none = rate_limit_new();
	mem_fail_nth(0);
	assert_null(none);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_rate_limit_then_once_a_second_for_each_image),
		TEST(test_rate_limit_of_more_than_there_is_room_for_then_bounded_and_never_twice),
		TEST(test_rate_limit_by_many_threads_then_one_check),
		TEST(test_new_without_memory_then_null),
	};
	return cmocka_run_group_tests_name("rate_limit", tests, NULL, NULL);
}
