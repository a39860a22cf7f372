/* Threads: which signals they have blocked, and waiting until a time. */
#include "unit.h"

#include "base/clock.h"
#include "base/thread.h"

#include <semaphore.h>
#include <signal.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static bool blocked, ended;

static void *look_at_signals(void *arg)
{
	sigset_t now;
	pthread_sigmask(SIG_SETMASK, NULL, &now);
	pthread_mutex_lock(&lock);
	blocked = sigismember(&now, SIGTERM) == 1 && sigismember(&now, SIGPIPE) == 1 && sigismember(&now, SIGUSR1) == 1;
	ended = true;
	pthread_cond_signal(&changed);
	pthread_mutex_unlock(&lock);
	return arg;
}

static void test_a_thread_has_all_signals_blocked_and_its_starter_has_not(void **state)
{
	pthread_t thread;
	sigset_t now;
	void *given = NULL;
	blocked = false;
	assert_true(thread_start(&thread, look_at_signals, &lock));
	pthread_join(thread, &given);
	assert_ptr_equal(given, &lock);
	assert_true(blocked);
	pthread_sigmask(SIG_SETMASK, NULL, &now);
	assert_int_equal(sigismember(&now, SIGTERM), 0);
}

static void test_a_detached_thread_runs_and_a_wait_ends_with_its_signal(void **state)
{
	int64_t until_ms = clock_mono_ms() + 60000;
	ended = false;
	pthread_mutex_lock(&lock);
	assert_true(thread_start(NULL, look_at_signals, NULL));
	while (!ended)
		assert_true(thread_wait_until(&changed, &lock, until_ms));
	pthread_mutex_unlock(&lock);
}

static void test_a_wait_without_a_signal_ends_with_the_time(void **state)
{
	int64_t until_ms = clock_mono_ms() + 30;
	pthread_mutex_lock(&lock);
	while (thread_wait_until(&changed, &lock, until_ms))
		continue;
	pthread_mutex_unlock(&lock);
	assert_true(clock_mono_ms() >= until_ms);
}

static struct timed_thread timed;
static sem_t woken;

static void *sleep_shortly_and_long(void *arg)
{
	int64_t until_ms = clock_mono_ms() + 30;
	assert_true(timed_thread_sleep(&timed, until_ms));
	assert_true(clock_mono_ms() >= until_ms);
	sem_post(&woken);
	while (timed_thread_sleep(&timed, clock_mono_ms() + 3600000))
		continue;
	assert_true(timed_thread_stopping(&timed));
	assert_false(timed_thread_sleep(&timed, 0));
	return arg;
}

static void test_a_sleep_ends_with_its_time_and_a_longer_one_with_the_thread(void **state)
{
	sem_init(&woken, 0, 0);
	assert_true(timed_thread_start(&timed, sleep_shortly_and_long, NULL));
	while (sem_wait(&woken) != 0)
		continue;
	assert_false(timed_thread_stopping(&timed));
	timed_thread_end(&timed);
	sem_destroy(&woken);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_thread_has_all_signals_blocked_and_its_starter_has_not),
		cmocka_unit_test(test_a_detached_thread_runs_and_a_wait_ends_with_its_signal),
		cmocka_unit_test(test_a_wait_without_a_signal_ends_with_the_time),
		cmocka_unit_test(test_a_sleep_ends_with_its_time_and_a_longer_one_with_the_thread),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
