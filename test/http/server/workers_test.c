/* The pool: lazily started, bounded, and nothing that was taken is lost. */
#include "unit.h"

#include "base/metrics.h"
#include "http/server/workers.h"

#include <pthread.h>
#include <stdatomic.h>

#define MANY 2000

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t change = PTHREAD_COND_INITIALIZER;
static int running, ran;
static bool gate_is_open;

static int set_up(void **state)
{
	running = ran = 0;
	gate_is_open = false;
	return 0;
}

/* Wait at the gate, count. */
static void pass_gate(struct job *job)
{
	pthread_mutex_lock(&lock);
	running++;
	pthread_cond_broadcast(&change);
	while (!gate_is_open)
		pthread_cond_wait(&change, &lock);
	running--;
	ran++;
	pthread_mutex_unlock(&lock);
}

static void count(struct job *job)
{
	pthread_mutex_lock(&lock);
	ran++;
	pthread_mutex_unlock(&lock);
}

static void await_running(int n)
{
	pthread_mutex_lock(&lock);
	while (running != n)
		pthread_cond_wait(&change, &lock);
	pthread_mutex_unlock(&lock);
}

static void open_gate(void)
{
	pthread_mutex_lock(&lock);
	gate_is_open = true;
	pthread_cond_broadcast(&change);
	pthread_mutex_unlock(&lock);
}

static struct workers *make(unsigned threads, size_t queue)
{
	struct workers *w = NULL;
	struct fault why;
	assert_int_equal(workers_new(threads, queue, &w, &why), OK);
	return w;
}

static void test_jobs_when_each_waits_then_they_run_concurrently_up_to_the_limit(void **state)
{
	struct workers *w = make(3, 10);
	struct job jobs[5] = { 0 };
	for (size_t i = 0; i < 5; i++) {
		jobs[i].run = pass_gate;
		assert_true(workers_submit(w, &jobs[i]));
	}
	await_running(3); /* would wait for ever if fewer threads were started */
	assert_int_equal(metric_get(M_WORK_QUEUED), 2);
	open_gate();
	workers_free(&w);
	assert_int_equal(ran, 5);
	assert_null(w);
	assert_int_equal(metric_get(M_WORK_QUEUED), 0);
	assert_int_equal(metric_get(M_WORKERS_BUSY), 0);
}

static void test_submit_when_queue_is_full_then_refused_and_not_run(void **state)
{
	struct workers *w = make(1, 2);
	struct job jobs[4] = { 0 };
	for (size_t i = 0; i < 4; i++)
		jobs[i].run = pass_gate;
	assert_true(workers_submit(w, &jobs[0]));
	await_running(1);
	assert_true(workers_submit(w, &jobs[1]));
	assert_true(workers_submit(w, &jobs[2]));
	assert_false(workers_submit(w, &jobs[3]));
	open_gate();
	workers_free(&w);
	assert_int_equal(ran, 3);
}

static void test_stop_runs_what_is_queued_and_refuses_new_jobs(void **state)
{
	struct workers *w = make(4, MANY);
	static struct job jobs[MANY];
	for (size_t i = 0; i < MANY; i++) {
		jobs[i] = (struct job){ .run = count };
		assert_true(workers_submit(w, &jobs[i]));
	}
	workers_stop(w);
	assert_int_equal(ran, MANY);
	assert_false(workers_submit(w, &jobs[0]));
	workers_free(&w);
	assert_int_equal(ran, MANY);
}

static void *submit_many(void *arg)
{
	static _Atomic size_t next;
	static struct job jobs[4 * MANY];
	for (size_t i = 0; i < MANY; i++) {
		struct job *job = &jobs[atomic_fetch_add(&next, 1)];
		job->run = count;
		if (!workers_submit(arg, job))
			return NULL;
	}
	return arg;
}

static void test_submit_from_many_threads_loses_none(void **state)
{
	struct workers *w = make(8, 4 * MANY);
	pthread_t threads[4];
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, submit_many, w), 0);
	for (size_t i = 0; i < 4; i++) {
		void *done;
		pthread_join(threads[i], &done);
		assert_non_null(done);
	}
	workers_free(&w);
	assert_int_equal(ran, 4 * MANY);
}

static void test_free_accepts_nothing(void **state)
{
	struct workers *w = NULL;
	workers_free(NULL);
	workers_free(&w);
	workers_stop(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_jobs_when_each_waits_then_they_run_concurrently_up_to_the_limit, set_up),
		cmocka_unit_test_setup(test_submit_when_queue_is_full_then_refused_and_not_run, set_up),
		cmocka_unit_test_setup(test_stop_runs_what_is_queued_and_refuses_new_jobs, set_up),
		cmocka_unit_test_setup(test_submit_from_many_threads_loses_none, set_up),
		cmocka_unit_test(test_free_accepts_nothing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
