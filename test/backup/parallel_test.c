/* Work by several threads: each thing once, and nothing begun after a failure. */
#include "backup/parallel.h"

#include "unit.h"

#include <stdatomic.h>

#define MANY 1000

struct work {
	_Atomic unsigned done[MANY];
	unsigned asked; /* before each: by one thread at a time */
	size_t fail_at;
	unsigned stop_after;
};

static enum status count_one(void *arg, size_t i, struct fault *why)
{
	struct work *w = arg;
	atomic_fetch_add(&w->done[i], 1);
	return i == w->fail_at ? fault_set(why, STORAGE_FAILED, "the %zuth", i) : OK;
}

static enum status ask(void *arg, struct fault *why)
{
	struct work *w = arg;
	return ++w->asked > w->stop_after ? fault_set(why, DEADLINE, "stopped") : OK;
}

static void test_all_then_each_done_once(void **state)
{
	struct work w = { .fail_at = SIZE_MAX, .stop_after = UINT32_MAX };
	struct fault why;
	(void)state;
	assert_int_equal(parallel_run(&(struct parallel){ 0, ask, count_one, &w }, &why), OK);
	assert_int_equal(parallel_run(&(struct parallel){ MANY, ask, count_one, &w }, &why), OK);
	for (size_t i = 0; i < MANY; i++)
		assert_int_equal(w.done[i], 1);
	assert_int_equal(w.asked, MANY);
}

static void test_failure_then_reported_and_no_more_begun(void **state)
{
	struct work w = { .fail_at = 10, .stop_after = UINT32_MAX };
	struct fault why;
	(void)state;
	assert_int_equal(parallel_run(&(struct parallel){ MANY, NULL, count_one, &w }, &why), IO);
	assert_string_equal(why.text, "the 10th");
	for (size_t i = 0; i <= 10; i++)
		assert_int_equal(w.done[i], 1);
}

static void test_stopped_then_no_more_begun(void **state)
{
	struct work w = { .fail_at = SIZE_MAX, .stop_after = 5 };
	struct fault why;
	unsigned done = 0;
	(void)state;
	assert_int_equal(parallel_run(&(struct parallel){ MANY, ask, count_one, &w }, &why), TIMEOUT);
	assert_string_equal(why.text, "stopped");
	for (size_t i = 0; i < MANY; i++)
		done += w.done[i];
	assert_int_equal(done, 5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_then_each_done_once),
		cmocka_unit_test(test_failure_then_reported_and_no_more_begun),
		cmocka_unit_test(test_stopped_then_no_more_begun),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
