/* The pool of readers: kept and handed out again, waited for when all are out, and a start that fails. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "local/place.h"

#include "base/hash.h"
#include <pthread.h>
#include <stdatomic.h>
#include <sched.h>

static struct readers pool;

static int set_up(void **state)
{
	static struct place place;

	place_init(&place);
	place_open(&place);
	readers_init(&pool, place.engine->db_path);
	*state = &place;
	return 0;
}

static int tear_down(void **state)
{
	readers_deinit(&pool);
	place_deinit(*state);
	return 0;
}

static void test_take_after_give_then_the_same_again(void **state)
{
	struct db *first, *second, *third;
	struct fault why;

	(void)state;
	assert_int_equal(readers_take(&pool, &first, &why), OK);
	assert_int_equal(readers_take(&pool, &second, &why), OK);
	assert_ptr_not_equal(first, second);
	readers_give(&pool, first);
	readers_give(&pool, second);
	assert_int_equal(readers_take(&pool, &third, &why), OK);
	assert_ptr_equal(third, second);   /* the one whose cache is warm */
	assert_int_equal(pool.n_open, 2);
	readers_give(&pool, third);
}

static atomic_int got;

static void *take_one(void *arg)
{
	struct db **out = arg;
	struct fault why;

	if (readers_take(&pool, out, &why) == OK)
		atomic_fetch_add(&got, 1);
	return NULL;
}

static void test_take_when_all_are_out_then_waits_for_one(void **state)
{
	struct db *all[READERS_MAX], *late = NULL;
	struct fault why;
	pthread_t thread;

	(void)state;
	atomic_store(&got, 0);
	for (size_t i = 0; i < READERS_MAX; i++)
		assert_int_equal(readers_take(&pool, &all[i], &why), OK);
	assert_int_equal(pthread_create(&thread, NULL, take_one, &late), 0);
	for (int i = 0; i < 1000; i++)
		sched_yield();
	assert_int_equal(atomic_load(&got), 0);
	readers_give(&pool, all[3]);
	pthread_join(thread, NULL);
	assert_int_equal(atomic_load(&got), 1);
	assert_ptr_equal(late, all[3]);
	for (size_t i = 0; i < READERS_MAX; i++)
		readers_give(&pool, all[i]);
	assert_int_equal(pool.n_open, READERS_MAX);
}

static void test_take_when_none_can_be_opened_then_failed_and_the_place_is_free_again(void **state)
{
	struct place *p = *state;
	struct db *d = NULL;
	struct fault why;

	pool.path = "/nowhere/tintype.db";
	for (size_t i = 0; i < READERS_MAX + 1; i++)
		assert_int_equal(readers_take(&pool, &d, &why), IO);
	assert_int_equal(why.code, F_STORAGE_FAILED);
	assert_int_equal(pool.n_open, 0);
	pool.path = p->engine->db_path;
	assert_int_equal(readers_take(&pool, &d, &why), OK);
	readers_give(&pool, d);
}

static void test_write_on_a_reader_then_refused(void **state)
{
	struct db *d = NULL;
	struct fault why;

	(void)state;
	assert_int_equal(readers_take(&pool, &d, &why), OK);
	sqlite3_stmt *s = db_query(d, Q_TRASH_ADD);
	bind_int(s, 1, 7);
	assert_int_equal(db_run(d, s, &why), IO);
	readers_give(&pool, d);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_take_after_give_then_the_same_again),
		TEST(test_take_when_all_are_out_then_waits_for_one),
		TEST(test_take_when_none_can_be_opened_then_failed_and_the_place_is_free_again),
		TEST(test_write_on_a_reader_then_refused),
	};

	crypto_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
