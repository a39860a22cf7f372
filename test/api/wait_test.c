/* The table of those that wait: who is woken, by what, and how often; from many threads at once. */
#include "unit.h"

#include "api/wait.h"
#include "base/clock.h"
#include "base/thread.h"

#include <semaphore.h>
#include <stdatomic.h>

#define LATER_MS 60000
#define ID STR("0b9f1c52-6f0e-4a7e-9a53-3f1f7b7f2a10")
#define OTHER STR("1b9f1c52-6f0e-4a7e-9a53-3f1f7b7f2a10")

struct sleeper {
	struct waiter waiter;
	sem_t woken;
	_Atomic unsigned wakes;
};

static struct waits *waits;

static void count_wake(struct waiter *w)
{
	struct sleeper *s = (struct sleeper *)w;
	atomic_fetch_add(&s->wakes, 1);
	sem_post(&s->woken);
}

static void prepare(struct sleeper *s, struct str id, int64_t for_ms)
{
	*s = (struct sleeper){ .waiter = { .image_id = id, .until_ms = clock_mono_ms() + for_ms, .wake = count_wake } };
	sem_init(&s->woken, 0, 0);
}

static void park(struct sleeper *s, struct str id, int64_t for_ms)
{
	prepare(s, id, for_ms);
	assert_true(waits_enter(waits, &s->waiter));
	assert_true(waits_park(waits, &s->waiter));
}

static void await(struct sleeper *s)
{
	while (sem_wait(&s->woken) != 0)
		;
	assert_int_equal(atomic_load(&s->wakes), 1);
	assert_null(s->waiter.link);
	sem_destroy(&s->woken);
}

static int set_up(void **state)
{
	waits = waits_new(NULL, NULL);
	return waits == NULL;
}

static int tear_down(void **state)
{
	waits_free(&waits);
	return 0;
}

static void test_wake_when_the_image_changes_then_all_of_its_waiters_and_no_others(void **state)
{
	struct sleeper a, b, other;
	park(&a, ID, LATER_MS);
	park(&b, ID, LATER_MS);
	park(&other, OTHER, LATER_MS);
	waits_wake(waits, ID);
	await(&a);
	await(&b);
	assert_int_equal(atomic_load(&other.wakes), 0);
	assert_int_equal(waits_count(waits), 1);
	waits_wake(waits, STR(""));
	await(&other);
	assert_int_equal(waits_count(waits), 0);
}

static void test_wake_when_it_comes_between_enter_and_park_then_there_is_no_park(void **state)
{
	struct sleeper s;
	prepare(&s, ID, LATER_MS);
	assert_true(waits_enter(waits, &s.waiter));
	waits_wake(waits, ID);
	assert_false(waits_park(waits, &s.waiter));
	assert_int_equal(atomic_load(&s.wakes), 0);
	assert_int_equal(waits_count(waits), 0);
	assert_true(waits_enter(waits, &s.waiter)); /* what was noticed before does not count again */
	assert_true(waits_park(waits, &s.waiter));
	waits_wake(waits, ID);
	await(&s);
}

static void test_leave_when_not_parked_then_not_woken(void **state)
{
	struct sleeper s;
	prepare(&s, ID, LATER_MS);
	assert_true(waits_enter(waits, &s.waiter));
	waits_leave(waits, &s.waiter);
	waits_leave(waits, &s.waiter);
	waits_wake(waits, ID);
	assert_int_equal(atomic_load(&s.wakes), 0);
	assert_int_equal(waits_count(waits), 0);
}

static void test_time_when_over_then_woken_and_not_entered_again(void **state)
{
	struct sleeper s, late;
	park(&late, OTHER, LATER_MS);
	park(&s, ID, 20);
	await(&s);
	assert_false(waits_enter(waits, &s.waiter));
	prepare(&s, ID, 0);
	assert_false(waits_enter(waits, &s.waiter));
	assert_int_equal(atomic_load(&late.wakes), 0);
	waits_cancel(waits, &late.waiter);
	await(&late);
}

static void test_cancel_at_any_time_then_the_wait_is_over(void **state)
{
	struct sleeper s;
	prepare(&s, ID, LATER_MS);
	waits_cancel(waits, &s.waiter);
	assert_false(waits_enter(waits, &s.waiter));
	prepare(&s, ID, LATER_MS);
	assert_true(waits_enter(waits, &s.waiter));
	waits_cancel(waits, &s.waiter);
	assert_false(waits_park(waits, &s.waiter));
	assert_false(waits_enter(waits, &s.waiter));
	park(&s, ID, LATER_MS);
	waits_cancel(waits, &s.waiter);
	await(&s);
	waits_cancel(waits, &s.waiter);
	assert_int_equal(waits_count(waits), 0);
}

static void test_end_then_all_are_woken_and_none_enters(void **state)
{
	struct sleeper s, next;
	park(&s, ID, LATER_MS);
	prepare(&next, ID, LATER_MS);
	assert_true(waits_enter(waits, &next.waiter));
	waits_end(waits);
	await(&s);
	assert_false(waits_park(waits, &next.waiter));
	assert_false(waits_enter(waits, &next.waiter));
	waits_end(waits);
}

static void test_table_when_full_then_no_more_enter(void **state)
{
	static struct sleeper all[WAITERS_MAX];
	struct sleeper one;
	for (size_t i = 0; i < WAITERS_MAX; i++)
		park(&all[i], ID, LATER_MS);
	prepare(&one, ID, LATER_MS);
	assert_false(waits_enter(waits, &one.waiter));
	waits_cancel(waits, &all[7].waiter);
	assert_true(waits_enter(waits, &one.waiter));
	waits_leave(waits, &one.waiter);
	waits_wake(waits, ID);
	for (size_t i = 0; i < WAITERS_MAX; i++)
		await(&all[i]);
}

static _Atomic unsigned looks;

static bool look(void *arg, struct str image_id)
{
	assert_true(str_equal(image_id, ID));
	return atomic_fetch_add(&looks, 1) == 1;
}

static void test_look_when_there_is_one_then_it_wakes_the_second_time(void **state)
{
	struct sleeper s;
	waits_free(&waits);
	atomic_store(&looks, 0);
	waits = waits_new(look, NULL);
	assert_non_null(waits);
	park(&s, ID, LATER_MS);
	await(&s);
	assert_int_equal(atomic_load(&looks), 2);
}

/* What a call does, on a thread of its own: it parks again and again, until it is cancelled. */
struct runner {
	struct sleeper sleeper;
	pthread_t thread;
	unsigned rounds;
};

static void *run_waiter(void *arg)
{
	struct runner *r = arg;
	while (waits_enter(waits, &r->sleeper.waiter)) {
		r->rounds++;
		if (!waits_park(waits, &r->sleeper.waiter))
			continue;
		while (sem_wait(&r->sleeper.woken) != 0)
			;
	}
	return NULL;
}

static void test_many_threads_at_once_then_each_park_is_woken_once(void **state)
{
	static struct runner runners[16];
	for (size_t i = 0; i < COUNT_OF(runners); i++) {
		prepare(&runners[i].sleeper, i % 2 == 0 ? ID : OTHER, i % 3 == 0 ? 50 : LATER_MS);
		assert_true(thread_start(&runners[i].thread, run_waiter, &runners[i]));
	}
	for (unsigned i = 0; i < 2000; i++)
		waits_wake(waits, i % 7 == 0 ? STR("") : i % 2 == 0 ? ID : OTHER);
	for (size_t i = 0; i < COUNT_OF(runners) / 2; i++)
		waits_cancel(waits, &runners[i].sleeper.waiter);
	waits_end(waits);
	for (size_t i = 0; i < COUNT_OF(runners); i++) {
		pthread_join(runners[i].thread, NULL);
		sem_destroy(&runners[i].sleeper.woken);
	}
	assert_int_equal(waits_count(waits), 0);
}

#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_wake_when_the_image_changes_then_all_of_its_waiters_and_no_others),
		T(test_wake_when_it_comes_between_enter_and_park_then_there_is_no_park),
		T(test_leave_when_not_parked_then_not_woken),
		T(test_time_when_over_then_woken_and_not_entered_again),
		T(test_cancel_at_any_time_then_the_wait_is_over),
		T(test_end_then_all_are_woken_and_none_enters),
		T(test_table_when_full_then_no_more_enter),
		T(test_look_when_there_is_one_then_it_wakes_the_second_time),
		T(test_many_threads_at_once_then_each_park_is_woken_once),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
