/* Writing to a stderr that does not read: pipes, sockets, files, and one that is closed. */
#include "temp.h"

#include "base/log/line.h"
#include "base/log/stderr.h"
#include "base/metrics.h"

#include <errno.h>
#include <signal.h>
#include <sys/socket.h>

#define LINE_BYTES 1000

static char line[LINE_BYTES];
static char inbox[1 << 22];

static int prepare(void **state)
{
	memset(line, 'x', sizeof line - 1);
	line[sizeof line - 1] = '\n';
	signal(SIGPIPE, SIG_IGN);
	return 0;
}

/* All that can be read now. */
static struct str drain_inbox(int fd)
{
	size_t n = 0;
	assert_int_equal(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
	for (ssize_t got = 1; got > 0; n += got > 0 ? (size_t)got : 0)
		got = read(fd, inbox + n, sizeof inbox - n);
	return (struct str){ inbox, n };
}

/* Append `count` lines to a reader that does not read, until lines are lost; then read all. */
static void fill_then_drain(int reader, int writer, enum log_stderr_kind kind)
{
	struct log_stderr e;
	size_t count = 3000, seen = 0;
	int64_t dropped = metric_get(M_LOG_LINES_DROPPED);
	log_stderr_open(&e, writer);
	assert_int_equal(e.kind, kind);
	assert_int_equal(fcntl(writer, F_GETFL) & O_NONBLOCK, 0);
	for (size_t i = 0; i < count; i++)
		log_stderr_append(&e, (struct str){ line, sizeof line });
	uint64_t missed = e.missed;
	assert_true(missed > 0 && missed < count);
	assert_true(metric_get(M_LOG_LINES_DROPPED) == dropped + (int64_t)missed);
	assert_false(log_stderr_push(&e));
	assert_false(log_stderr_drain(&e, 0));
	while (!log_stderr_push(&e))
		seen += log_lines(drain_inbox(reader));
	seen += log_lines(drain_inbox(reader));
	assert_int_equal(seen + missed, count);
	log_stderr_append(&e, STR("again\n"));
	assert_true(e.missed == 0);
	struct str last = drain_inbox(reader);
	assert_int_equal(log_lines(last), 2);
	assert_true(str_find(last, STR("\"event\":\"log.dropped\",\"sink\":\"stderr\",\"count\":")) < last.n);
	assert_true(str_ends_with(last, STR("again\n")));
	log_stderr_close(&e);
}

static void test_pipe_that_no_one_reads_blocks_nothing(void **state)
{
	int ends[2];
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	fill_then_drain(ends[0], ends[1], STDERR_REOPENED);
	close(ends[0]);
	close(ends[1]);
}

static void test_socket_that_no_one_reads_blocks_nothing(void **state)
{
	int ends[2];
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
	fill_then_drain(ends[0], ends[1], STDERR_SOCKET);
	close(ends[0]);
	close(ends[1]);
}

/* The way without a description of our own: poll and small pieces. */
static void test_shared_pipe_is_polled_before_each_piece(void **state)
{
	int ends[2];
	struct log_stderr e = { .kind = STDERR_SHARED };
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	e.fd = ends[1];
	buf_init(&e.pending, (size_t)1 << 20);
	for (int i = 0; i < 200; i++)
		log_stderr_append(&e, (struct str){ line, sizeof line });
	assert_true(e.missed == 0);
	size_t seen = 0;
	while (!log_stderr_push(&e))
		seen += log_lines(drain_inbox(ends[0]));
	seen += log_lines(drain_inbox(ends[0]));
	assert_int_equal(seen, 200);
	log_stderr_close(&e);
	close(ends[0]);
	close(ends[1]);
}

static void test_reader_that_is_gone_loses_lines_and_counts_them(void **state)
{
	int ends[2];
	struct log_stderr e;
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	log_stderr_open(&e, ends[1]);
	close(ends[0]);
	log_stderr_append(&e, STR("one\ntwo\n"));
	assert_true(e.missed == 2);
	assert_int_equal(e.pending.n, 0);
	log_stderr_close(&e);
	log_stderr_open(&e, ends[1]);
	log_stderr_append(&e, STR("three\n"));
	log_stderr_append(&e, STR("four\n")); /* goes with the line that reports three */
	assert_true(e.missed == 2);
	log_stderr_close(&e);
	close(ends[1]);
}

static void test_lines_that_wait_at_the_end_are_counted(void **state)
{
	int ends[2];
	struct log_stderr e;
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	int64_t dropped = metric_get(M_LOG_LINES_DROPPED);
	log_stderr_open(&e, ends[1]);
	for (int i = 0; i < 200; i++)
		log_stderr_append(&e, (struct str){ line, sizeof line });
	assert_true(e.missed == 0);
	log_stderr_close(&e);
	size_t seen = log_lines(drain_inbox(ends[0]));
	assert_true(seen > 0 && seen < 200);
	assert_true(metric_get(M_LOG_LINES_DROPPED) == dropped + 200 - (int64_t)seen);
	close(ends[0]);
	close(ends[1]);
}

static void test_descriptor_that_is_closed_loses_lines(void **state)
{
	struct log_stderr e;
	log_stderr_open(&e, 1000);
	log_stderr_append(&e, STR("one\n"));
	assert_true(e.missed == 1);
	log_stderr_close(&e);
}

static void test_file_that_exists_is_appended_to(void **state)
{
	char dir[TEMP_PATH_MAX], content[100];
	struct log_stderr e;
	temp_make(dir);
	temp_write(temp_path(dir, "err"), STR("before\n"));
	int fd = open(temp_path(dir, "err"), O_WRONLY | O_APPEND | O_CLOEXEC);
	assert_true(fd >= 0);
	log_stderr_open(&e, fd);
	assert_int_equal(e.kind, STDERR_FILE);
	log_stderr_append(&e, STR("one\n"));
	assert_int_equal(write(fd, "theirs\n", 7), 7);
	log_stderr_append(&e, STR("two\n"));
	assert_str(temp_read(temp_path(dir, "err"), content, sizeof content), STR("before\none\ntheirs\ntwo\n"));
	log_stderr_close(&e);
	close(fd);
	temp_remove(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pipe_that_no_one_reads_blocks_nothing),
		cmocka_unit_test(test_socket_that_no_one_reads_blocks_nothing),
		cmocka_unit_test(test_shared_pipe_is_polled_before_each_piece),
		cmocka_unit_test(test_reader_that_is_gone_loses_lines_and_counts_them),
		cmocka_unit_test(test_lines_that_wait_at_the_end_are_counted),
		cmocka_unit_test(test_descriptor_that_is_closed_loses_lines),
		cmocka_unit_test(test_file_that_exists_is_appended_to),
	};
	return cmocka_run_group_tests(tests, prepare, NULL);
}
