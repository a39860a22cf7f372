/* One user's long jobs leave threads for another's, each job runs once, and the end waits for all. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "s3/long_jobs.h"

#include <semaphore.h>
#include <stdatomic.h>

#define JOBS 60

static sem_t go, ran;
static atomic_int running, most, done;

static void run_held(struct long_job *job)
{
	int now = atomic_fetch_add(&running, 1) + 1;

	for (int seen = atomic_load(&most); seen < now && !atomic_compare_exchange_weak(&most, &seen, now);)
		continue;
	while (sem_wait(&go) != 0)
		continue;
	atomic_fetch_sub(&running, 1);
	atomic_fetch_add(&done, 1);
}

static void run_at_once(struct long_job *job)
{
	sem_post(&ran);
}

static void test_jobs_of_one_owner_then_others_run_and_all_end(void **state)
{
	static struct long_job held[JOBS], other = { .run = run_at_once, .owner = { "bob", 3 } };
	struct long_jobs *l = long_jobs_new();

	assert_non_null(l);
	sem_init(&go, 0, 0);
	sem_init(&ran, 0, 0);
	for (int i = 0; i < JOBS; i++) {
		held[i] = (struct long_job){ .run = run_held, .owner = { "alice", 5 } };
		assert_true(long_jobs_submit(l, &held[i]));
	}
	/* None of alice's ends before this one has run. */
	assert_true(long_jobs_submit(l, &other));
	while (sem_wait(&ran) != 0)
		continue;
	assert_int_equal(atomic_load(&done), 0);
	for (int i = 0; i < JOBS; i++)
		sem_post(&go);
	long_jobs_free(&l);
	assert_null(l);
	assert_int_equal(atomic_load(&done), JOBS);
	assert_in_range(atomic_load(&most), 1, 8);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_jobs_of_one_owner_then_others_run_and_all_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
