/* Names and places of files. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "store/fixture.h"

#include "store/files/io.h"
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static struct tree tree;
static int dir_fd;

static int set_up(void **state)
{
	static struct fixture fixture;
	struct fault why;

	fixture_init(&fixture);
	*state = &fixture;
	dir_fd = open(fixture.dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(tree_open(&tree, dir_fd, &why), OK);
	atomic_store(&tree.next_file, 1);
	return 0;
}

static int tear_down(void **state)
{
	tree_close(&tree);
	close(dir_fd);
	fixture_deinit(*state);
	return 0;
}

static uint64_t make(void)
{
	uint64_t file = 0;
	int fd = tree_create(&tree, &file);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, "hello", 5), 5);
	close(fd);
	return file;
}

static bool is_there(uint64_t file)
{
	int fd = tree_read(&tree, file);

	if (fd < 0)
		assert_int_equal(errno, ENOENT);
	io_close(fd);
	return fd >= 0;
}

static void test_parse_name_then_only_our_own(void **state)
{
	static const char *const others[] = { "", "1", "000000000000000", "00000000000000001", "000000000000000g", "000000000000000A", "..",
		"stray.jpg", "000000000000000 " };
	uint64_t file = 7;

	(void)state;
	assert_true(tree_parse_name("0000000000000abc", &file));
	assert_int_equal(file, 0xabc);
	assert_true(tree_parse_name("ffffffffffffffff", &file));
	assert_true(file == UINT64_MAX);
	for (size_t i = 0; i < COUNT_OF(others); i++)
		assert_false(tree_parse_name(others[i], &file));
}

static void test_create_when_the_number_is_taken_then_refused(void **state)
{
	uint64_t file = 0;

	(void)state;
	(void)make();
	atomic_store(&tree.next_file, 1);
	assert_int_equal(tree_create(&tree, &file), -1);
	assert_int_equal(errno, EEXIST);
}

static void expect_next(uint64_t saved, uint64_t next)
{
	struct fault why;

	atomic_store(&tree.next_file, saved);
	assert_int_equal(tree_skip_used(&tree, &why), OK);
	assert_int_equal(atomic_load(&tree.next_file), next);
}

static void test_skip_used_when_files_are_newer_than_the_saved_number_then_above_them(void **state)
{
	struct fixture *p = *state;
	struct fault why;

	expect_next(1, 1);
	atomic_store(&tree.next_file, 3 * TREE_FILES_PER_DIR - 2);
	uint64_t files[] = { make(), make(), make(), make() }, last = files[3];
	expect_next(1, 1);
	assert_int_equal(tree_publish(&tree, files, 4, &why), OK);
	fixture_write(p, "objects/zzz", "", 0600);
	fixture_write(p, "objects/000003/stray", "", 0600);
	assert_int_equal(mkdirat(tree.objects_fd, "00000009", 0700), 0);
	assert_int_equal(mkdirat(tree.objects_fd, "ffffffffffffffff", 0700), 0);
	expect_next(1, last + 1);
	expect_next(last, last + 1);
	expect_next(last + 1, last + 1);
	expect_next(last + 500, last + 500);
	assert_int_equal(tree_erase(&tree, files, 4, &why), OK);
	expect_next(1, 3 * TREE_FILES_PER_DIR + 1);
}

static void test_publish_twice_and_of_a_removed_file_then_ok(void **state)
{
	struct fixture *p = *state;
	struct fault why;
	uint64_t files[] = { make(), 999, make() };
	uint64_t first = files[0], last = files[2];

	assert_int_equal(tree_publish(&tree, files, 3, &why), OK);
	assert_int_equal(tree_publish(&tree, files, 3, &why), OK);
	assert_int_equal(fixture_files(p, "incoming"), 0);
	assert_int_equal(fixture_files(p, "objects"), 2);
	assert_true(is_there(first) && is_there(last));
	assert_false(is_there(999));
}

static int syncs_to_fail, objects_syncs;

static int failing_fsync(int fd)
{
	if (fd == tree.objects_fd)
		objects_syncs++;
	if (syncs_to_fail == 0)
		return local_io_system.fsync(fd);
	syncs_to_fail--;
	errno = EIO;
	return -1;
}

/* Else a directory that was made before its sync failed, or before a crash, would hold the only names. */
static void test_publish_into_an_existing_directory_then_synced_once_before_any_name_is_removed(void **state)
{
	struct fixture *p = *state;
	struct fault why;
	uint64_t first = make(), second = make();

	local_io.fsync = failing_fsync;
	syncs_to_fail = 1;
	objects_syncs = 0;
	assert_int_equal(tree_publish(&tree, &first, 1, &why), IO);
	assert_int_equal(fixture_files(p, "incoming"), 2);
	assert_int_equal(tree_publish(&tree, &first, 1, &why), OK);
	assert_int_equal(objects_syncs, 2);
	assert_int_equal(tree_publish(&tree, &second, 1, &why), OK);
	assert_int_equal(objects_syncs, 2);
	local_io = local_io_system;
}

static int failing_unlink(int dir, const char *name)
{
	(void)dir;
	(void)name;
	errno = EIO;
	return -1;
}

static void test_publish_when_a_name_cannot_be_removed_then_failed_and_done_the_next_time(void **state)
{
	struct fixture *p = *state;
	struct fault why;
	uint64_t file = make();

	local_io.unlink = failing_unlink;
	assert_int_equal(tree_publish(&tree, &file, 1, &why), IO);
	local_io = local_io_system;
	assert_int_equal(fixture_files(p, "incoming"), 1);
	assert_true(is_there(file));
	assert_int_equal(tree_publish(&tree, &file, 1, &why), OK);
	assert_int_equal(fixture_files(p, "incoming"), 0);
	assert_int_equal(fixture_files(p, "objects"), 1);
}

static void test_erase_then_gone_from_either_place(void **state)
{
	struct fixture *p = *state;
	struct fault why;
	uint64_t moved = make();

	assert_int_equal(tree_publish(&tree, &moved, 1, &why), OK);
	uint64_t files[] = { make(), moved, 999 };
	assert_int_equal(tree_erase(&tree, files, 3, &why), OK);
	assert_int_equal(fixture_files(p, "incoming") + fixture_files(p, "objects"), 0);
	assert_int_equal(tree_erase(&tree, files, 3, &why), OK);
}

static void test_drop_then_gone_from_incoming(void **state)
{
	uint64_t file = make();

	(void)state;
	assert_true(is_there(file));
	tree_drop(&tree, file);
	assert_false(is_there(file));
	tree_drop(&tree, file);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_parse_name_then_only_our_own),
		TEST(test_create_when_the_number_is_taken_then_refused),
		TEST(test_skip_used_when_files_are_newer_than_the_saved_number_then_above_them),
		TEST(test_publish_twice_and_of_a_removed_file_then_ok),
		TEST(test_publish_into_an_existing_directory_then_synced_once_before_any_name_is_removed),
		TEST(test_publish_when_a_name_cannot_be_removed_then_failed_and_done_the_next_time),
		TEST(test_erase_then_gone_from_either_place),
		TEST(test_drop_then_gone_from_incoming),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
