/* The hold on removals: taken by one, renewed, released, and ended by time. */
#include "store/files/hold.h"

#include "temp.h"

static char dir[TEMP_PATH_MAX];
static int dir_fd;

static int set_up(void **state)
{
	(void)state;
	temp_make(dir);
	dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return dir_fd < 0;
}

static int tear_down(void **state)
{
	(void)state;
	close(dir_fd);
	temp_remove(dir);
	return 0;
}

/* As if it had been renewed so long ago. */
static void age(int64_t seconds)
{
	const struct timespec then = { .tv_sec = clock_now_ms() / 1000 - seconds };
	assert_int_equal(utimensat(dir_fd, HOLD_NAME, (const struct timespec[]){ then, then }, 0), 0);
}

static int64_t age_of_it(void)
{
	struct stat st;
	assert_int_equal(fstatat(dir_fd, HOLD_NAME, &st, 0), 0);
	return clock_now_ms() / 1000 - st.st_mtim.tv_sec;
}

static void test_hold_taken_then_on_until_released(void **state)
{
	struct hold h, other;
	struct fault why = { 0 };
	(void)state;
	assert_false(hold_is_on(dir_fd));
	assert_int_equal(hold_take(&h, dir_fd, &why), OK);
	assert_true(hold_is_on(dir_fd));
	assert_int_equal(hold_take(&other, dir_fd, &why), BUSY);
	assert_int_equal(why.code, F_DIR_LOCKED);
	hold_release(&other);
	assert_true(hold_is_on(dir_fd));
	hold_release(&h);
	hold_release(&h);
	assert_false(hold_is_on(dir_fd));
}

static void test_hold_renewed_then_young_again(void **state)
{
	struct hold h;
	struct fault why = { 0 };
	(void)state;
	assert_int_equal(hold_take(&h, dir_fd, &why), OK);
	age(HOLD_LEASE_S - 10);
	assert_true(hold_is_on(dir_fd));
	assert_int_equal(hold_renew(&h, &why), OK);
	assert_true(age_of_it() < 10);
	hold_release(&h);
}

static void test_hold_too_old_then_off_and_not_renewed(void **state)
{
	struct hold h;
	struct fault why = { 0 };
	(void)state;
	assert_int_equal(hold_take(&h, dir_fd, &why), OK);
	age(HOLD_LEASE_S + 1);
	assert_false(hold_is_on(dir_fd));
	assert_int_equal(hold_renew(&h, &why), TIMEOUT);
	assert_false(hold_is_on(dir_fd));
	age(-HOLD_LEASE_S - 10); /* the clock was set back */
	assert_false(hold_is_on(dir_fd));
	hold_release(&h);
}

static void test_hold_whose_file_was_removed_then_not_renewed(void **state)
{
	struct hold h;
	struct fault why = { 0 };
	(void)state;
	assert_int_equal(hold_take(&h, dir_fd, &why), OK);
	assert_int_equal(unlinkat(dir_fd, HOLD_NAME, 0), 0);
	assert_int_equal(hold_renew(&h, &why), TIMEOUT);
	hold_release(&h);
}

static void test_hold_left_by_a_killed_backup_then_taken_over(void **state)
{
	struct hold h;
	struct fault why = { 0 };
	(void)state;
	temp_write(temp_path(dir, HOLD_NAME), STR(""));
	age(HOLD_LEASE_S + 1);
	assert_int_equal(hold_take(&h, dir_fd, &why), OK);
	assert_true(hold_is_on(dir_fd));
	hold_release(&h);
	assert_int_equal(symlink("elsewhere", temp_path(dir, HOLD_NAME)), 0);
	assert_false(hold_is_on(dir_fd));
	assert_int_equal(hold_take(&h, dir_fd, &why), IO);
	hold_release(&h);
}

#define HOLD_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		HOLD_TEST(test_hold_taken_then_on_until_released),
		HOLD_TEST(test_hold_renewed_then_young_again),
		HOLD_TEST(test_hold_too_old_then_off_and_not_renewed),
		HOLD_TEST(test_hold_whose_file_was_removed_then_not_renewed),
		HOLD_TEST(test_hold_left_by_a_killed_backup_then_taken_over),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
