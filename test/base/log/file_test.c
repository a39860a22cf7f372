/* The log's file: modes, rotation, a disk that is full (simulated by a limit on the file size). */
#include "temp.h"

#include "base/log/file.h"
#include "base/log/line.h"
#include "base/metrics.h"

#include <signal.h>
#include <sys/resource.h>

static char dir[TEMP_PATH_MAX];
static struct log_file file;
static char content[1 << 16];

static int begin(void **state)
{
	temp_make(dir);
	file = (struct log_file){ .dir_fd = -1, .fd = -1 };
	return 0;
}

static int end(void **state)
{
	log_file_close(&file);
	temp_remove(dir);
	return 0;
}

static void open_file(uint64_t max_bytes, unsigned keep)
{
	struct fault why;
	assert_int_equal(log_file_open(&file, dir, max_bytes, keep, &why), OK);
}

static struct str current(void)
{
	return temp_read(temp_path(dir, "logs/current.jsonl"), content, sizeof content);
}

static unsigned mode_of(const char *name)
{
	struct stat st;
	assert_int_equal(stat(temp_path(dir, name), &st), 0);
	return st.st_mode & 07777;
}

/* Names in DIR/logs that begin with "log-", in order. */
static int list_rotated(struct dirent ***names)
{
	return scandir(temp_path(dir, "logs"), names, NULL, alphasort);
}

static struct str read_in_logs(const char *name)
{
	char path[TEMP_PATH_MAX];
	snprintf(path, sizeof path, "logs/%.100s", name);
	return temp_read(temp_path(dir, path), content, sizeof content);
}

static int count_rotated(void)
{
	struct dirent **names;
	int n = list_rotated(&names), rotated = 0;
	for (int i = 0; i < n; i++) {
		rotated += strncmp(names[i]->d_name, "log-", 4) == 0;
		free(names[i]);
	}
	free(names);
	return rotated;
}

static void test_file_and_directories_are_private_to_the_owner(void **state)
{
	struct fault why;
	mode_t before = umask(0);
	assert_int_equal(log_file_open(&file, temp_path(dir, "data"), 1000, 2, &why), OK);
	umask(before);
	assert_int_equal(mode_of("data"), 0700);
	assert_int_equal(mode_of("data/logs"), 0700);
	assert_int_equal(mode_of("data/logs/current.jsonl"), 0600);
}

static void test_lines_are_appended_to_those_of_the_last_run(void **state)
{
	open_file(1000, 2);
	log_file_append(&file, STR("one\ntwo\n"));
	log_file_close(&file);
	open_file(1000, 2);
	log_file_append(&file, STR("three\n"));
	assert_str(current(), STR("one\ntwo\nthree\n"));
}

static void test_incomplete_last_line_is_ended_first(void **state)
{
	open_file(1000, 2);
	log_file_close(&file);
	temp_write(temp_path(dir, "logs/current.jsonl"), STR("one\ntorn"));
	open_file(1000, 2);
	log_file_append(&file, STR("two\n"));
	assert_str(current(), STR("one\ntorn\ntwo\n"));
}

static void test_file_is_rotated_between_lines(void **state)
{
	struct dirent **names;
	open_file(10, 9);
	log_file_append(&file, STR("aaaa\nbbbb\ncccc\n")); /* the first two are 10 bytes */
	assert_str(current(), STR("cccc\n"));
	log_file_append(&file, STR("dddd\n"));
	assert_str(current(), STR("cccc\ndddd\n"));
	log_file_append(&file, STR("e\n"));
	assert_str(current(), STR("e\n"));
	int n = list_rotated(&names); /* . .. current log log: names that sort as they came */
	assert_int_equal(n, 5);
	assert_string_equal(names[2]->d_name, "current.jsonl");
	assert_str(read_in_logs(names[3]->d_name), STR("aaaa\nbbbb\n"));
	assert_str(read_in_logs(names[4]->d_name), STR("cccc\ndddd\n"));
	for (int i = 0; i < n; i++)
		free(names[i]);
	free(names);
	assert_int_equal(mode_of("logs/current.jsonl"), 0600);
}

static void test_line_longer_than_a_file_gets_a_file_of_its_own(void **state)
{
	open_file(4, 9);
	log_file_append(&file, STR("a long line\nanother one\n"));
	assert_str(current(), STR("another one\n"));
	assert_int_equal(count_rotated(), 1);
}

static void test_newest_rotated_files_are_kept_and_foreign_files_stay(void **state)
{
	open_file(2, 3);
	temp_write(temp_path(dir, "logs/log-20000101T000000Z-000.jsonl"), STR("old\n"));
	temp_write(temp_path(dir, "logs/notes.txt"), STR("mine\n"));
	for (int i = 0; i < 10; i++)
		log_file_append(&file, STR("x\n"));
	assert_int_equal(count_rotated(), 3);
	assert_null(temp_read(temp_path(dir, "logs/log-20000101T000000Z-000.jsonl"), content, 100).p);
	assert_non_null(temp_read(temp_path(dir, "logs/notes.txt"), content, 100).p);
}

static void test_file_that_was_removed_is_created_again(void **state)
{
	open_file(1000, 2);
	log_file_append(&file, STR("one\n"));
	assert_int_equal(unlink(temp_path(dir, "logs/current.jsonl")), 0);
	log_file_append(&file, STR("two\n"));
	assert_str(current(), STR("two\n"));
}

/* Files may have at most `bytes` bytes, as if the disk were full after them. */
static void limit_files(rlim_t bytes)
{
	struct rlimit limit;
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
	limit.rlim_cur = bytes;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static void test_disk_full_loses_lines_whole_and_counts_them(void **state)
{
	struct rlimit before;
	getrlimit(RLIMIT_FSIZE, &before);
	signal(SIGXFSZ, SIG_IGN);
	open_file(100000, 2);
	int64_t dropped = metric_get(M_LOG_LINES_DROPPED);
	log_file_append(&file, STR("first\n"));
	limit_files(16);
	log_file_append(&file, STR("second\nthird\nfourth\n")); /* "third" is cut at the limit */
	log_file_append(&file, STR("fifth\n"));
	limit_files(before.rlim_cur);
	assert_str(current(), STR("first\nsecond\n"));
	assert_true(file.missed == 3);
	assert_true(metric_get(M_LOG_LINES_DROPPED) == dropped + 3);
	log_file_append(&file, STR("sixth\n"));
	assert_true(file.missed == 0);
	struct str all = current();
	assert_int_equal(log_lines(all), 4);
	assert_true(str_starts_with(all, STR("first\nsecond\n{\"time\":")));
	assert_true(str_ends_with(all, STR("\"event\":\"log.dropped\",\"sink\":\"file\",\"count\":3}\nsixth\n")));
}

static void test_directory_that_cannot_be_made_is_reported(void **state)
{
	struct fault why;
	temp_write(temp_path(dir, "file"), STR("x"));
	assert_int_equal(log_file_open(&file, temp_path(dir, "file"), 1000, 2, &why), IO);
	assert_int_equal(why.code, F_STORAGE_FAILED);
	assert_true(str_find(str_of(why.cause), STR("Not a directory")) < strlen(why.cause));
	assert_int_equal(log_file_open(&file, temp_path(dir, "missing/data"), 1000, 2, &why), IO);
}

static void test_link_or_pipe_in_place_of_the_file_is_refused(void **state)
{
	struct fault why;
	open_file(1000, 2);
	log_file_close(&file);
	assert_int_equal(unlink(temp_path(dir, "logs/current.jsonl")), 0);
	assert_int_equal(symlink("elsewhere", temp_path(dir, "logs/current.jsonl")), 0);
	assert_int_equal(log_file_open(&file, dir, 1000, 2, &why), IO);
	assert_int_equal(unlink(temp_path(dir, "logs/current.jsonl")), 0);
	assert_int_equal(mkfifo(temp_path(dir, "logs/current.jsonl"), 0600), 0);
	assert_int_equal(log_file_open(&file, dir, 1000, 2, &why), IO);
}

static void test_directory_of_another_user_or_that_others_may_write_is_refused(void **state)
{
	const char *logs = temp_path(dir, "logs");
	struct fault why;
	assert_int_equal(mkdir(logs, 0700), 0);
	assert_int_equal(chmod(logs, 0720), 0);
	assert_int_equal(log_file_open(&file, dir, 1000, 2, &why), IO);
	assert_non_null(strstr(why.text, "/logs can be written by others; run chmod go-w on it"));
	assert_int_equal(file.dir_fd, -1);
	assert_int_equal(chmod(logs, 0755), 0);
	assert_int_equal(log_file_open(&file, dir, 1000, 2, &why), OK);
	log_file_close(&file);
	if (chown(logs, 65534, 65534) == 0) {
		assert_int_equal(log_file_open(&file, dir, 1000, 2, &why), IO);
		assert_non_null(strstr(why.text, "/logs belongs to another user (uid 65534, not 0); run chown on it"));
	} else {
		assert_true(geteuid() != 0); /* file_test.c has the owners */
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_file_and_directories_are_private_to_the_owner, begin, end),
		cmocka_unit_test_setup_teardown(test_lines_are_appended_to_those_of_the_last_run, begin, end),
		cmocka_unit_test_setup_teardown(test_incomplete_last_line_is_ended_first, begin, end),
		cmocka_unit_test_setup_teardown(test_file_is_rotated_between_lines, begin, end),
		cmocka_unit_test_setup_teardown(test_line_longer_than_a_file_gets_a_file_of_its_own, begin, end),
		cmocka_unit_test_setup_teardown(test_newest_rotated_files_are_kept_and_foreign_files_stay, begin, end),
		cmocka_unit_test_setup_teardown(test_file_that_was_removed_is_created_again, begin, end),
		cmocka_unit_test_setup_teardown(test_disk_full_loses_lines_whole_and_counts_them, begin, end),
		cmocka_unit_test_setup_teardown(test_directory_that_cannot_be_made_is_reported, begin, end),
		cmocka_unit_test_setup_teardown(test_directory_of_another_user_or_that_others_may_write_is_refused, begin, end),
		cmocka_unit_test_setup_teardown(test_link_or_pipe_in_place_of_the_file_is_refused, begin, end),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
