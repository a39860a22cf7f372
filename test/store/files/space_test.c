/* The reserve against a file system whose free room is given by the test. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "store/fixture.h"

#include "base/log/log.h"
#include "base/metrics.h"
#include "store/files/io.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define BLOCK 4096
#define RESERVE (100 * BLOCK)

static uint64_t free_blocks;
static int statvfs_errno;

static int given_statvfs(int fd, struct statvfs *out)
{
	(void)fd;
	if (statvfs_errno != 0) {
		errno = statvfs_errno;
		return -1;
	}
	*out = (struct statvfs){ .f_bavail = free_blocks, .f_frsize = BLOCK };
	return 0;
}

static int set_up(void **state)
{
	static struct space space;

	space = (struct space){ .fd = -1, .reserve_bytes = RESERVE };
	statvfs_errno = 0;
	local_io.statvfs = given_statvfs;
	*state = &space;
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	local_io = local_io_system;
	return 0;
}

static void test_measure_then_the_gauge_has_the_free_space_or_its_last_known_value(void **state)
{
	struct space *s = *state;

	free_blocks = 7;
	space_measure(s);
	assert_int_equal(metric_get(M_FREE_BYTES), 7 * BLOCK);
	assert_true(s->low);
	free_blocks = 8;
	statvfs_errno = EIO;
	space_measure(s);
	assert_int_equal(metric_get(M_FREE_BYTES), 7 * BLOCK);
}

static void test_take_then_up_to_the_reserve_and_no_byte_more(void **state)
{
	struct space *s = *state;
	struct fault why;

	free_blocks = 103;
	assert_int_equal(space_reserve(s, 3 * BLOCK + 1, SPACE_FILE, &why), BUSY);
	assert_int_equal(why.code, F_DISK_FULL);
	assert_int_equal(s->promised_bytes, 0);
	assert_int_equal(space_reserve(s, 3 * BLOCK, SPACE_FILE, &why), OK);
	assert_int_equal(space_reserve(s, 1, SPACE_FILE, &why), BUSY);
	assert_int_equal(space_reserve(s, 0, SPACE_FILE, &why), OK);
	space_release(s, BLOCK);
	assert_int_equal(space_reserve(s, BLOCK, SPACE_FILE, &why), OK);
	assert_int_equal(metric_get(M_FREE_BYTES), 103 * BLOCK);
}

static void test_take_when_below_the_reserve_then_refused_even_for_0_bytes(void **state)
{
	struct space *s = *state;
	struct fault why;

	free_blocks = 99;
	assert_int_equal(space_reserve(s, 0, SPACE_FILE, &why), BUSY);
	free_blocks = 100;
	assert_int_equal(space_reserve(s, 0, SPACE_FILE, &why), OK);
}

static void test_take_of_more_than_the_disk_has_then_no_overflow(void **state)
{
	struct space *s = *state;
	struct fault why;

	free_blocks = 1000;
	assert_int_equal(space_reserve(s, UINT64_MAX, SPACE_FILE, &why), BUSY);
	assert_int_equal(space_reserve(s, UINT64_MAX - RESERVE, SPACE_FILE, &why), BUSY);
	assert_int_equal(s->promised_bytes, 0);
}

static void test_take_when_the_allocation_fails_then_storage_failed(void **state)
{
	struct space *s = *state;
	struct fault why;

	statvfs_errno = EIO;
	assert_int_equal(space_reserve(s, 1, SPACE_FILE, &why), IO);
	assert_true(space_for_rows(s));
}

static void test_rows_then_free_pages_down_to_a_quarter_and_never_more_than_16_mib(void **state)
{
	struct space *s = *state;

	free_blocks = 25;
	assert_true(space_for_rows(s));
	free_blocks = 24;
	assert_false(space_for_rows(s));
	s->reserve_bytes = (uint64_t)1 << 40;
	free_blocks = (16 << 20) / BLOCK;
	assert_true(space_for_rows(s));
	free_blocks--;
	assert_false(space_for_rows(s));
	s->reserve_bytes = 0;
	free_blocks = 0;
	assert_true(space_for_rows(s));
}

static size_t count(const char *text, const char *word)
{
	size_t n = 0;

	for (; (text = strstr(text, word)) != NULL; text++)
		n++;
	return n;
}

static size_t read_log(const struct fixture *p, char *out, size_t size)
{
	char path[128];

	(void)snprintf(path, sizeof path, "%s/logs/current.jsonl", p->dir);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, out, size - 1);
	assert_true(n >= 0);
	close(fd);
	out[n] = '\0';
	return (size_t)n;
}

static void test_crossing_the_reserve_then_logged_once_each_way(void **state)
{
	static const uint64_t walk[] = { 150, 99, 50, 98, 100, 200, 150, 10, 11, 101 };
	struct space *s = *state;
	struct fixture p;
	struct fault why;
	static char text[16384];

	fixture_init(&p);
	const struct log_options o = { .dir = p.dir, .level = LOG_INFO, .file_max_bytes = 1 << 20, .files = 1, .queue_lines = 100 };
	assert_int_equal(log_start(&o, &why), OK);
	for (size_t i = 0; i < COUNT_OF(walk); i++) {
		free_blocks = walk[i];
		assert_int_equal(space_reserve(s, 0, SPACE_FILE, &why) == OK, walk[i] >= 100);
	}
	log_stop();
	(void)read_log(&p, text, sizeof text);
	assert_int_equal(count(text, "store.low"), 2);
	assert_int_equal(count(text, "store.back"), 2);
	fixture_deinit(&p);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_measure_then_the_gauge_has_the_free_space_or_its_last_known_value),
		TEST(test_take_then_up_to_the_reserve_and_no_byte_more),
		TEST(test_take_when_below_the_reserve_then_refused_even_for_0_bytes),
		TEST(test_take_of_more_than_the_disk_has_then_no_overflow),
		TEST(test_take_when_the_allocation_fails_then_storage_failed),
		TEST(test_rows_then_free_pages_down_to_a_quarter_and_never_more_than_16_mib),
		TEST(test_crossing_the_reserve_then_logged_once_each_way),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
