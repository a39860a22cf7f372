/* Files without a name, on a real disk and on one without room. */
#include "temp.h"

#include "base/file.h"
#include "base/spool.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/statvfs.h>

static char dir[TEMP_PATH_MAX];

static int set_up(void **state)
{
	temp_make(dir);
	return setenv("TMPDIR", dir, 1);
}

static int tear_down(void **state)
{
	unsetenv("TMPDIR");
	temp_remove(dir);
	return 0;
}

static size_t count_names(void)
{
	DIR *d = opendir(dir);
	size_t n = 0;
	assert_non_null(d);
	while (readdir(d) != NULL)
		n++;
	closedir(d);
	return n - 2; /* . and .. */
}

static void test_spool_when_written_in_pieces_then_the_view_has_them_and_no_name_is_left(void **state)
{
	struct spool s;
	struct fault why;
	struct str view;
	assert_int_equal(spool_open(&s, 0, 0, &why), OK);
	assert_int_equal(count_names(), 0);
	assert_int_equal(spool_write(&s, STR("one, "), &why), OK);
	assert_int_equal(spool_write(&s, STR(""), &why), OK);
	assert_int_equal(spool_write(&s, STR("two"), &why), OK);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(spool_view(&s, &view, &why), OK);
		assert_true(str_equal(view, STR("one, two")));
	}
	spool_close(&s);
	spool_close(&s);
	assert_false(s.is_open);
	assert_int_equal(count_names(), 0);
}

static void test_spool_when_nothing_is_written_then_the_view_is_empty(void **state)
{
	struct spool s;
	struct fault why;
	struct str view;
	assert_int_equal(spool_open(&s, 0, 0, &why), OK);
	assert_int_equal(spool_view(&s, &view, &why), OK);
	assert_int_equal(view.n, 0);
	spool_close(&s);
}

static void test_spool_when_zeroed_then_closing_does_nothing(void **state)
{
	struct spool s = { 0 };
	int before = open("/dev/null", O_RDONLY | O_CLOEXEC);
	s.fd = before;
	spool_close(&s);
	assert_int_equal(close(before), 0);
}

static void test_spool_when_there_is_no_directory_then_the_cause_is_for_the_log(void **state)
{
	struct spool s;
	struct fault why = { 0 };
	setenv("TMPDIR", "/nonexistent", 1);
	assert_int_equal(spool_open(&s, 0, 0, &why), IO);
	assert_int_equal(why.code, F_STORAGE_FAILED);
	assert_null(strstr(why.text, "nonexistent"));
	assert_non_null(strstr(why.cause, "No such file"));
	assert_false(s.is_open);
	spool_close(&s);
}

static void test_spool_when_the_file_may_not_grow_then_an_error(void **state)
{
	struct rlimit before, small;
	struct spool s;
	struct fault why = { 0 };
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	signal(SIGXFSZ, SIG_IGN);
	small = (struct rlimit){ 4, before.rlim_max };
	assert_int_equal(spool_open(&s, 0, 0, &why), OK);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	enum status st = spool_write(&s, STR("more than four bytes"), &why);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	assert_int_equal(st, IO);
	assert_int_equal(why.code, F_STORAGE_FAILED);
	spool_close(&s);
}

/* The file system of the tests has some room, and more than all of it is never free. */
static void test_spool_when_the_reserve_would_be_touched_then_refused(void **state)
{
	struct statvfs fs;
	struct spool s;
	struct fault why = { 0 };
	assert_int_equal(statvfs(dir, &fs), 0);
	const uint64_t all = (uint64_t)fs.f_blocks * fs.f_frsize;
	assert_int_equal(spool_open(&s, all + 1, 0, &why), BUSY);
	assert_int_equal(why.code, F_DISK_FULL);
	assert_false(s.is_open);
	assert_int_equal(spool_open(&s, 1, all, &why), BUSY);
	assert_int_equal(count_names(), 0);
	assert_int_equal(spool_open(&s, 1, 1, &why), OK);
	s.reserve_bytes = all;
	assert_int_equal(spool_write(&s, STR("x"), &why), BUSY);
	assert_int_equal(why.code, F_DISK_FULL);
	assert_non_null(strstr(why.cause, "are reserved"));
	spool_close(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_spool_when_written_in_pieces_then_the_view_has_them_and_no_name_is_left, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_spool_when_nothing_is_written_then_the_view_is_empty, set_up, tear_down),
		cmocka_unit_test(test_spool_when_zeroed_then_closing_does_nothing),
		cmocka_unit_test_setup_teardown(test_spool_when_there_is_no_directory_then_the_cause_is_for_the_log, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_spool_when_the_file_may_not_grow_then_an_error, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_spool_when_the_reserve_would_be_touched_then_refused, set_up, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
