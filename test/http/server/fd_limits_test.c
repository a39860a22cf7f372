/* Descriptors: what each listener gets of few and of many. */
#include "unit.h"

#include "http/server/fd_limits.h"

/* How many connections one listener gets next to the other's. */
static int64_t fill(const struct fd_limits *s, int64_t other)
{
	int64_t own = 0;
	while (fd_limits_may_open(s, own, other))
		own++;
	return own;
}

static void test_files_when_plenty_then_all_requested(void **state)
{
	struct fd_limits shares = fd_limits_share(1048576, 20000);
	assert_int_equal(shares.room, 40000);
	assert_int_equal(shares.admin, 256);
	assert_true(fill(&shares, 20000) >= 20000);
	assert_int_equal(fd_limits_share(UINT64_MAX, 1000000).room, 2000000);
}

static void test_files_when_few_then_all_together_leave_a_reserve(void **state)
{
	for (uint64_t files = 150; files < 70000; files += 777) {
		struct fd_limits shares = fd_limits_share(files, 20000);
		uint64_t spare = files / 4 < 128 ? 128 : files / 4 > 1024 ? 1024 : files / 4;
		assert_true(shares.room > 0 && shares.admin > 0);
		assert_true((uint64_t)shares.room + shares.admin + spare <= files);
	}
}

static void test_files_when_one_listener_is_full_then_the_other_still_has_its_share(void **state)
{
	struct fd_limits shares = fd_limits_share(3000, 20000);
	int64_t first = fill(&shares, 0), second = fill(&shares, first);
	assert_true(first > shares.room / 2 && second >= shares.assured && second > 0);
	assert_int_equal(first + second, shares.room);
	assert_int_equal(fill(&shares, shares.room), 0);
}

static void test_files_when_very_few_then_still_one_each(void **state)
{
	for (uint64_t files = 0; files < 100; files++) {
		struct fd_limits shares = fd_limits_share(files, 20000);
		assert_true(shares.admin >= 1 && fill(&shares, fill(&shares, 0)) >= 1);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_files_when_plenty_then_all_requested),
		cmocka_unit_test(test_files_when_few_then_all_together_leave_a_reserve),
		cmocka_unit_test(test_files_when_one_listener_is_full_then_the_other_still_has_its_share),
		cmocka_unit_test(test_files_when_very_few_then_still_one_each),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
