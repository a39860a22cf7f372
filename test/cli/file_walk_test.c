/* Which files are found, and that no link leads anywhere. */
#include "cli/file_walk.h"
#include "cli/run.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/stat.h>

#include <cmocka.h>

static char scratch[64];

static int set_up(void **state)
{
	enter_scratch(scratch);
	assert_int_equal(mkdir("d", 0755) | mkdir("d/e", 0755) | mkdir("out", 0755), 0);
	write_file("d/b", "bb", 2);
	write_file("d/a", "a", 1);
	write_file("d/e/c", "ccc", 3);
	write_file("out/secret", "secret", 6);
	assert_int_equal(symlink("../out/secret", "d/link") | symlink("../out", "d/dirlink") | symlink("out/secret", "named"), 0);
	assert_int_equal(mkfifo("d/fifo", 0600), 0);
	return 0;
}

static int tear_down(void **state)
{
	leave_scratch(scratch);
	return 0;
}

static void test_directory_when_walked_then_files_by_name_and_no_links(void **state)
{
	static const char *const want[] = { "d/a", "d/b", "d/e/c" };
	struct file_walk w;
	walk_init(&w);
	walk_add(&w, "d");
	assert_int_equal(w.n, COUNT_OF(want));
	assert_int_equal(w.failed, 0);
	assert_int_equal(w.size_bytes, 6);
	for (size_t i = 0; i < w.n; i++) {
		struct str path = walk_path(&w.arena, &w.files[i]);
		assert_true(str_equal(path, str_of(want[i])));
	}
	walk_deinit(&w);
}

static void test_operand_when_a_link_to_a_file_then_accepted(void **state)
{
	struct file_walk w;
	struct fault why;
	int fd = -1;
	uint64_t size = 0;
	walk_init(&w);
	walk_add(&w, "named");
	assert_int_equal(w.n, 1);
	assert_int_equal(walk_open(&w.files[0], &fd, &size, &why), OK);
	assert_int_equal(size, 6);
	close(fd);
	walk_deinit(&w);
}

static void test_operand_when_missing_or_special_then_counted_as_failed(void **state)
{
	struct file_walk w;
	walk_init(&w);
	walk_add(&w, "nothing");
	walk_add(&w, "d/fifo");
	walk_add(&w, "/dev/null");
	walk_add(&w, "");
	assert_int_equal(w.n, 0);
	assert_int_equal(w.failed, 4);
	walk_deinit(&w);
}

static void test_open_when_swapped_for_a_link_meanwhile_then_refused(void **state)
{
	struct file_walk w;
	struct fault why;
	int fd = -1;
	uint64_t size = 0;
	walk_init(&w);
	walk_add(&w, "d");
	assert_int_equal(unlink("d/a") | symlink("../out/secret", "d/a"), 0);
	assert_int_equal(rename("d/e", "e2") | symlink("../e2", "d/e"), 0);
	assert_int_equal(walk_open(&w.files[0], &fd, &size, &why), IO);
	assert_int_equal(walk_open(&w.files[1], &fd, &size, &why), OK);
	close(fd);
	assert_int_equal(walk_open(&w.files[2], &fd, &size, &why), IO);
	assert_int_equal(unlink("d/b") | mkfifo("d/b", 0600), 0);
	assert_int_equal(walk_open(&w.files[1], &fd, &size, &why), INVALID);
	walk_deinit(&w);
}

static void test_directory_when_too_deep_then_failed_and_the_rest_found(void **state)
{
	char path[400] = "deep";
	struct file_walk w;
	assert_int_equal(mkdir(path, 0755), 0);
	write_file("deep/a", "a", 1);
	for (int i = 0; i < 70; i++) {
		(void)snprintf(path + strlen(path), sizeof path - strlen(path), "/x");
		assert_int_equal(mkdir(path, 0755), 0);
	}
	walk_init(&w);
	walk_add(&w, "deep");
	assert_int_equal(w.n, 1);
	assert_int_equal(w.failed, 1);
	walk_deinit(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_directory_when_walked_then_files_by_name_and_no_links, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_operand_when_a_link_to_a_file_then_accepted, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_operand_when_missing_or_special_then_counted_as_failed, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_open_when_swapped_for_a_link_meanwhile_then_refused, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_directory_when_too_deep_then_failed_and_the_rest_found, set_up, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
