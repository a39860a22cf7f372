/* The pool of readers: kept and handed out again, waited for when all are out, and a start that fails. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "store/fixture.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sched.h>

static struct read_pool pool;

static int set_up(void **state)
{
	static struct fixture fixture;

	fixture_init(&fixture);
	fixture_open(&fixture);
	read_pool_init(&pool, fixture.engine->db_path);
	*state = &fixture;
	return 0;
}

static int tear_down(void **state)
{
	read_pool_deinit(&pool);
	fixture_deinit(*state);
	return 0;
}

static size_t count_open(void)
{
	size_t n = 0;

	for (size_t i = 0; i < READ_POOL_MAX; i++)
		n += pool.all[i].sq != NULL;
	return n;
}

static void test_take_after_give_then_the_same_reader_again(void **state)
{
	struct db *first, *second, *third;
	struct fault why;

	(void)state;
	assert_int_equal(read_pool_acquire(&pool, &first, &why), OK);
	assert_int_equal(read_pool_acquire(&pool, &second, &why), OK);
	assert_ptr_not_equal(first, second);
	read_pool_release(&first);
	read_pool_release(&second);
	assert_int_equal(read_pool_acquire(&pool, &third, &why), OK);
	assert_ptr_equal(third, second); /* the one whose cache is warm */
	assert_int_equal(count_open(), 2);
	read_pool_release(&third);
}

static atomic_int got;

static void *take_one(void *arg)
{
	struct db **out = arg;
	struct fault why;

	if (read_pool_acquire(&pool, out, &why) == OK)
		atomic_fetch_add(&got, 1);
	return NULL;
}

static void test_take_when_all_readers_are_in_use_then_waits_for_one(void **state)
{
	struct db *all[READ_POOL_MAX], *late = NULL;
	struct fault why;
	pthread_t thread;

	(void)state;
	atomic_store(&got, 0);
	for (size_t i = 0; i < READ_POOL_MAX; i++)
		assert_int_equal(read_pool_acquire(&pool, &all[i], &why), OK);
	assert_int_equal(pthread_create(&thread, NULL, take_one, &late), 0);
	for (int i = 0; i < 1000; i++)
		sched_yield();
	assert_int_equal(atomic_load(&got), 0);
	read_pool_release(&all[3]);
	pthread_join(thread, NULL);
	assert_int_equal(atomic_load(&got), 1);
	assert_ptr_equal(late, all[3]);
	for (size_t i = 0; i < READ_POOL_MAX; i++)
		read_pool_release(&all[i]);
	assert_int_equal(count_open(), READ_POOL_MAX);
}

static void test_take_when_no_reader_can_be_opened_then_failed_and_its_slot_is_free_again(void **state)
{
	struct fixture *p = *state;
	struct db *d = NULL;
	struct fault why;

	pool.path = "/nowhere/tintype.db";
	for (size_t i = 0; i < READ_POOL_MAX + 1; i++)
		assert_int_equal(read_pool_acquire(&pool, &d, &why), IO);
	assert_int_equal(why.code, F_STORAGE_FAILED);
	assert_int_equal(count_open(), 0);
	pool.path = p->engine->db_path;
	assert_int_equal(read_pool_acquire(&pool, &d, &why), OK);
	read_pool_release(&d);
}

static void test_write_on_a_reader_then_refused(void **state)
{
	struct db *d = NULL;
	struct fault why;

	(void)state;
	assert_int_equal(read_pool_acquire(&pool, &d, &why), OK);
	assert_int_equal(db_run(d, DB_BIND(d, Q_TRASH_ADD, db_int(7)), &why), IO);
	read_pool_release(&d);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_take_after_give_then_the_same_reader_again),
		TEST(test_take_when_all_readers_are_in_use_then_waits_for_one),
		TEST(test_take_when_no_reader_can_be_opened_then_failed_and_its_slot_is_free_again),
		TEST(test_write_on_a_reader_then_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
