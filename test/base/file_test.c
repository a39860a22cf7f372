/* Whole files, on a real disk and on pipes. */
#include "temp.h"

#include "base/file.h"
#include "base/mem.h"
#include "base/thread.h"

#include <errno.h>

static char dir[TEMP_PATH_MAX], path[TEMP_PATH_MAX + 8];

static int set_up(void **state)
{
	temp_make(dir);
	snprintf(path, sizeof path, "%s/file", dir);
	return 0;
}

static int tear_down(void **state)
{
	temp_remove(dir);
	return 0;
}

static void put_file(size_t n, char fill)
{
	static char bytes[20000];
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	memset(bytes, fill, n);
	assert_true(fd >= 0);
	assert_int_equal(file_write_all(fd, (struct str){ bytes, n }), 0);
	close(fd);
}

static void test_a_file_of_any_size_up_to_the_maximum_is_read(void **state)
{
	static const size_t sizes[] = { 0, 1, 4095, 4096, 4097, 10000 };
	for (size_t i = 0; i < COUNT_OF(sizes); i++) {
		struct buf b;
		buf_init(&b, 10000);
		put_file(sizes[i], 'x');
		assert_int_equal(file_read(path, &b), 0);
		assert_int_equal(b.n, sizes[i]);
		buf_deinit(&b);
	}
}

static void test_byte_order_mark_at_the_start_alone_is_left_out(void **state)
{
	static const struct {
		const char *in, *out;
	} rows[] = { { "\xEF\xBB\xBF"
				   "a=b",
					 "a=b" },
		{ "\xEF\xBB\xBF", "" }, { "\xEF\xBB", "\xEF\xBB" }, { "\xEF\xBB\xBF\xEF\xBB\xBF", "\xEF\xBB\xBF" },
		{ "a\xEF\xBB\xBF", "a\xEF\xBB\xBF" } };
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct buf b;
		int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
		buf_init(&b, 100);
		assert_int_equal(file_write_all(fd, str_of(rows[i].in)), 0);
		close(fd);
		assert_int_equal(file_read(path, &b), 0);
		assert_str(buf_str(&b), str_of(rows[i].out));
		buf_deinit(&b);
	}
}

static void test_file_that_cannot_be_read_gives_its_errno(void **state)
{
	struct buf b;
	buf_init(&b, 100);
	assert_int_equal(file_read(path, &b), ENOENT);
	assert_int_equal(file_read(dir, &b), EISDIR);
	put_file(101, 'x');
	assert_int_equal(file_read(path, &b), EFBIG);
	buf_deinit(&b);
	buf_init(&b, 1000);
	mem_fail_nth(1);
	assert_int_equal(file_read(path, &b), ENOMEM);
	mem_fail_nth(0);
	buf_deinit(&b);
}

static void *write_slowly(void *arg)
{
	int fd = *(int *)arg;
	static char bytes[200000];
	memset(bytes, 'y', sizeof bytes);
	int error = file_write_all(fd, (struct str){ bytes, sizeof bytes });
	close(fd);
	return error == 0 ? arg : NULL;
}

/* More than a pipe holds: both sides see short transfers. */
static void test_short_reads_and_writes_are_continued(void **state)
{
	int ends[2];
	pthread_t writer;
	void *good = NULL;
	struct buf b;
	buf_init(&b, 1 << 20);
	assert_int_equal(pipe(ends), 0);
	assert_true(thread_start(&writer, write_slowly, &ends[1]));
	assert_int_equal(file_read_text(ends[0], &b), 0);
	pthread_join(writer, &good);
	assert_non_null(good);
	assert_int_equal(b.n, 200000);
	close(ends[0]);
	buf_deinit(&b);
}

static void test_a_write_that_fails_gives_its_errno(void **state)
{
	int fd = open("/dev/full", O_WRONLY | O_CLOEXEC);
	assert_int_equal(file_write_all(fd, STR("a")), ENOSPC);
	assert_int_equal(file_write_all(fd, STR("")), 0);
	close(fd);
}

static void test_another_size_time_mode_or_file_is_a_change(void **state)
{
	struct stat old, new;
	put_file(10, 'a');
	assert_int_equal(stat(path, &old), 0);
	assert_int_equal(stat(path, &new), 0);
	assert_false(file_changed(&old, &new));
	new.st_size++;
	assert_true(file_changed(&old, &new));
	new = old;
	new.st_mtim.tv_nsec ^= 1;
	assert_true(file_changed(&old, &new));
	assert_int_equal(chmod(path, 0640), 0);
	assert_int_equal(stat(path, &new), 0);
	assert_true(file_changed(&old, &new));
	new = old;
	new.st_ino++;
	assert_true(file_changed(&old, &new));
}

static void test_check_private_then_by_owner_mode_and_whether_it_is_a_secret(void **state)
{
	const uid_t us = geteuid(), other = us + 1;
	const struct {
		mode_t mode;
		uid_t owner;
		bool or_root, is_secret;
		const char *sentence; /* NULL: accepted */
	} rows[] = {
		{ 0600, us, false, false, NULL },
		{ 0644, us, false, false, NULL },
		{ 0660, us, false, false, "The file can be written by others; run chmod go-w on it, or wait." },
		{ 0602, us, false, false, "can be written by others" },
		{ 0600, other, false, false, "belongs to another user (uid " },
		{ 0600, us, false, true, NULL },
		{ 0640, us, false, true, "The file can be read by others; run chmod 600 on it, or wait." },
		{ 0604, us, false, true, "can be read by others" },
		{ 0601, us, true, true, "can be read by others" },
		{ 0660, us, true, true, "can be written by others; run chmod 600" },
		{ 0640, us, true, true, us == 0 ? NULL : "can be read by others" },
		{ 0600, other, true, false, us == 0 ? NULL : "belongs to another user" },
	};
	put_file(10, 'a');
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct fault why = { 0 };
		const struct file_rule rule = {
			.owner = rows[i].owner, .or_root = rows[i].or_root, .is_secret = rows[i].is_secret, .what = "file", .instead = "wait"
		};
		assert_int_equal(fchmod(fd, rows[i].mode), 0);
		assert_int_equal(file_check_private(fd, &rule, &why), rows[i].sentence == NULL ? OK : IO);
		assert_true(rows[i].sentence == NULL || strstr(why.text, rows[i].sentence) != NULL);
	}
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_a_file_of_any_size_up_to_the_maximum_is_read, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_byte_order_mark_at_the_start_alone_is_left_out, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_file_that_cannot_be_read_gives_its_errno, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_check_private_then_by_owner_mode_and_whether_it_is_a_secret, set_up, tear_down),
		cmocka_unit_test(test_short_reads_and_writes_are_continued),
		cmocka_unit_test(test_a_write_that_fails_gives_its_errno),
		cmocka_unit_test_setup_teardown(test_another_size_time_mode_or_file_is_a_change, set_up, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
