/* Descriptors: what each listener gets of few and of many. */
#include "unit.h"

#include "serve/files.h"

static void test_files_when_plenty_then_what_is_wanted(void **state)
{
	struct file_shares shares = files_share(1048576, 20000);
	assert_int_equal(shares.each, 20000);
	assert_int_equal(shares.admin, 256);
	assert_int_equal(files_share(UINT64_MAX, 1000000).each, 1000000);
}

static void test_files_when_few_then_all_together_leave_a_spare(void **state)
{
	for (uint64_t files = 100; files < 70000; files += 7) {
		struct file_shares shares = files_share(files, 20000);
		uint64_t spare = files / 4 < 64 ? 64 : files / 4 > 1024 ? 1024 : files / 4;
		assert_true(shares.each > 0 && shares.admin > 0);
		assert_true((uint64_t)shares.each * 3 + shares.admin + spare <= files);
	}
}

static void test_files_when_hardly_any_then_still_one_each(void **state)
{
	for (uint64_t files = 0; files < 100; files++) {
		struct file_shares shares = files_share(files, 20000);
		assert_true(shares.each >= 1 && shares.admin >= 1);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_files_when_plenty_then_what_is_wanted),
		cmocka_unit_test(test_files_when_few_then_all_together_leave_a_spare),
		cmocka_unit_test(test_files_when_hardly_any_then_still_one_each),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
