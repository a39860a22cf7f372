/* The log as a whole: callers, queue, writer, both sinks. stderr is replaced for each test, by a
 * file or by a pipe that is not read. */
#include "temp.h"

#include "base/log/log.h"
#include "base/log/line.h"
#include "base/mem.h"
#include "base/metrics.h"

#include <jansson.h>
#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>

static char dir[TEMP_PATH_MAX];
static int real_stderr;
static char content[1 << 24];

static void replace_stderr(int fd)
{
	assert_true(fd >= 0);
	assert_int_equal(dup2(fd, STDERR_FILENO), STDERR_FILENO);
	close(fd);
}

static int begin(void **state)
{
	temp_make(dir);
	real_stderr = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 100);
	replace_stderr(open(temp_path(dir, "stderr"), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
	signal(SIGPIPE, SIG_IGN);
	return 0;
}

static int end(void **state)
{
	log_stop();
	mem_fail_nth(0);
	replace_stderr(real_stderr);
	temp_remove(dir);
	return 0;
}

static void start(enum log_level level, size_t queue_lines)
{
	const struct log_options o = { dir, level, (uint64_t)1 << 30, 2, queue_lines, 0 };
	struct fault why;
	assert_int_equal(log_start(&o, &why), OK);
}

static struct str current(void)
{
	return temp_read(temp_path(dir, "logs/current.jsonl"), content, sizeof content);
}

static struct str on_stderr(void)
{
	return temp_read(temp_path(dir, "stderr"), content, sizeof content);
}

static void test_lines_are_in_the_file_and_on_stderr_after_flush(void **state)
{
	start(LOG_INFO, 0);
	LOG(REQUEST, STR("r-1"), LOG_I("status", 200));
	log_flush();
	struct str line = current();
	assert_int_equal(log_lines(line), 1);
	assert_true(str_ends_with(line, STR("\"event\":\"request\",\"requestId\":\"r-1\",\"status\":200}\n")));
	static char copy[1000];
	struct str in_file = { memcpy(copy, line.p, line.n), line.n };
	assert_str(on_stderr(), in_file);
}

static void test_direct_when_set_then_each_line_is_written_on_return(void **state)
{
	int fd = open(temp_path(dir, "direct"), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	const struct log_options o = { .level = LOG_INFO, .direct_fd = fd };
	struct fault why;
	assert_int_equal(log_start(&o, &why), OK);
	LOG(REQUEST, STR("r-1"), LOG_I("status", 200));
	LOG(IMAGE_UPLOADED, STR("r-2"), LOG_I("n", 1)); /* a debug line: below the level */
	log_write_raw(STR("{}\n"));
	struct str text = temp_read(temp_path(dir, "direct"), content, sizeof content);
	assert_int_equal(log_lines(text), 2);
	assert_true(str_ends_with(text, STR("\"requestId\":\"r-1\",\"status\":200}\n{}\n")));
	assert_int_equal(on_stderr().n, 0);
	log_stop();
	close(fd);
}

static void test_direct_when_no_one_reads_then_the_line_is_counted_as_lost(void **state)
{
	int ends[2];
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	const struct log_options o = { .level = LOG_INFO, .direct_fd = ends[1] };
	struct fault why;
	assert_int_equal(log_start(&o, &why), OK);
	uint64_t before = (uint64_t)metric_get(M_LOG_LINES_DROPPED);
	close(ends[0]);
	LOG(REQUEST, STR("r-1"), LOG_I("status", 200));
	assert_int_equal((uint64_t)metric_get(M_LOG_LINES_DROPPED), before + 1);
	log_stop();
	close(ends[1]);
	LOG(REQUEST, STR("r-2"), LOG_I("status", 200));
	assert_int_equal(log_lines(on_stderr()), 1);
}

static void test_stop_writes_out_what_is_queued(void **state)
{
	start(LOG_INFO, 0);
	for (int i = 0; i < 500; i++)
		LOG(REQUEST, STR(""), LOG_I("n", i));
	log_stop();
	assert_int_equal(log_lines(current()), 500);
	assert_int_equal(log_lines(on_stderr()), 500);
	log_stop();
}

static void test_lines_below_the_level_are_not_written(void **state)
{
	start(LOG_WARN, 0);
	LOG(CONNECTION_ENDED, STR(""), LOG_I("n", 1));
	LOG(REQUEST, STR(""), LOG_I("n", 2));
	LOG(STORE_LOW, STR(""), LOG_I("n", 3));
	LOG(STORE_FAILED, STR(""), LOG_I("n", 4));
	log_stop();
	assert_int_equal(log_lines(current()), 2);
	start(LOG_DEBUG, 0);
	LOG(CONNECTION_ENDED, STR(""), LOG_I("n", 1));
	log_stop();
	assert_int_equal(log_lines(current()), 3);
	start(LOG_INFO, 0);
}

static void test_lines_before_start_and_after_stop_go_to_stderr_at_once(void **state)
{
	LOG(SERVER_READY, STR(""), LOG_I("n", 1));
	assert_int_equal(log_lines(on_stderr()), 1);
	start(LOG_INFO, 0);
	log_stop();
	LOG(SERVER_STOPPED, STR(""), LOG_I("n", 2));
	assert_int_equal(log_lines(on_stderr()), 2);
	assert_int_equal(log_lines(current()), 0);
	log_flush();
}

static void test_without_a_directory_lines_go_to_stderr_only(void **state)
{
	const struct log_options o = { NULL, LOG_INFO, 0, 0, 0 };
	struct fault why;
	assert_int_equal(log_start(&o, &why), OK);
	LOG(REQUEST, STR(""), LOG_I("n", 1));
	log_stop();
	assert_int_equal(log_lines(on_stderr()), 1);
	assert_null(current().p);
}

static void test_start_when_the_directory_is_a_file_reports_it(void **state)
{
	const struct log_options o = { temp_path(dir, "stderr"), LOG_INFO, 0, 0, 0 };
	struct fault why;
	assert_int_equal(log_start(&o, &why), IO);
	assert_int_equal(why.code, F_STORAGE_FAILED);
}

#define THREADS 4
#define LINES_EACH 1500

static void *write_many(void *unused)
{
	for (int i = 0; i < LINES_EACH; i++)
		LOG(REQUEST, STR("id"), LOG_I("n", i), LOG_S("name", STR("caf\xc3\xa9 \"x\"\n")));
	return unused;
}

static void run_writers(void)
{
	pthread_t threads[THREADS];
	for (size_t i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, write_many, NULL), 0);
	for (size_t i = 0; i < THREADS; i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
}

/* Every line of the file is JSON; returns the sum of the counts in its log.dropped lines. */
static size_t check_lines(struct str all, size_t *ordinary)
{
	size_t dropped = 0;
	*ordinary = 0;
	while (all.n > 0) {
		struct str text = str_cut(&all, '\n');
		json_t *line = json_loadb(text.p, text.n, 0, NULL);
		assert_non_null(line);
		bool tells = strcmp(json_string_value(json_object_get(line, "event")), "log.dropped") == 0;
		*ordinary += !tells;
		dropped += tells ? (size_t)json_integer_value(json_object_get(line, "count")) : 0;
		json_decref(line);
	}
	return dropped;
}

static void test_threads_write_whole_lines_concurrently(void **state)
{
	size_t lines;
	start(LOG_INFO, THREADS * LINES_EACH);
	run_writers();
	log_stop();
	assert_int_equal(check_lines(current(), &lines), 0);
	assert_int_equal(lines, THREADS * LINES_EACH);
}

/* Room for one line and no pause between them: most are lost, and each is either there or owned
 * up to. */
static void test_queue_when_full_drops_counts_and_reports(void **state)
{
	size_t lines;
	uint64_t before = (uint64_t)metric_get(M_LOG_LINES_DROPPED);
	start(LOG_INFO, 1);
	run_writers();
	log_stop();
	size_t given = check_lines(current(), &lines);
	assert_true(given > 0);
	assert_int_equal(lines + given, THREADS * LINES_EACH);
	assert_true((uint64_t)metric_get(M_LOG_LINES_DROPPED) - before == given);
}

static void test_stderr_that_no_one_reads_blocks_neither_callers_nor_file(void **state)
{
	int ends[2];
	size_t lines;
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	replace_stderr(ends[1]);
	start(LOG_INFO, 100000);
	for (int i = 0; i < 5; i++) { /* well over the pipe and the megabyte that waits for it */
		run_writers();
		log_flush();
	}
	assert_int_equal(check_lines(current(), &lines), 0);
	assert_int_equal(lines, 5 * THREADS * LINES_EACH);
	assert_true((uint64_t)metric_get(M_LOG_LINES_DROPPED) > 0);
	log_stop();
	close(ends[0]);
}

/* On a real pipe: the queued lines arrive, then the line with the number of lost ones. */
static void test_stderr_that_is_read_again_gets_the_queued_lines(void **state)
{
	int ends[2];
	size_t seen = 0;
	bool given = false;
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	replace_stderr(ends[1]);
	start(LOG_INFO, 100000);
	for (int i = 0; i < 3; i++) {
		run_writers();
		log_flush();
	}
	LOG(SERVER_READY, STR(""), LOG_I("n", 1));
	while (!given) { /* read blocks until the writer has more */
		ssize_t n = read(ends[0], content, sizeof content);
		assert_true(n > 0);
		seen += log_lines((struct str){ content, (size_t)n });
		if (seen > 0)
			LOG(SERVER_READY, STR(""), LOG_I("n", 2));
		given = memmem(content, (size_t)n, "\"sink\":\"stderr\"", 15) != NULL;
	}
	assert_true(seen > 1000);
	log_stop();
	close(ends[0]);
}

static void test_disk_full_blocks_nothing_and_is_reported_later(void **state)
{
	struct rlimit before, low;
	size_t lines;
	getrlimit(RLIMIT_FSIZE, &before);
	signal(SIGXFSZ, SIG_IGN);
	start(LOG_INFO, 0);
	LOG(REQUEST, STR(""), LOG_I("n", 1));
	log_flush();
	low = (struct rlimit){ current().n + 20, before.rlim_max };
	setrlimit(RLIMIT_FSIZE, &low);
	LOG(REQUEST, STR(""), LOG_I("n", 2));
	LOG(REQUEST, STR(""), LOG_I("n", 3));
	log_flush();
	setrlimit(RLIMIT_FSIZE, &before);
	assert_int_equal(log_lines(current()), 1);
	LOG(REQUEST, STR(""), LOG_I("n", 4));
	log_stop();
	assert_int_equal(check_lines(current(), &lines), 2);
	assert_int_equal(lines, 2);
}

static void test_line_longer_than_the_stack_buffer_is_whole(void **state)
{
	static char text[1024];
	struct log_field fields[20];
	memset(text, '\x01', sizeof text);
	for (size_t i = 0; i < COUNT_OF(fields); i++)
		fields[i] = LOG_S("a", ((struct str){ text, sizeof text }));
	start(LOG_INFO, 0);
	log_write(EV_REQUEST, STR(""), fields, COUNT_OF(fields));
	log_stop();
	assert_true(current().n > COUNT_OF(fields) * sizeof text * 6);
	assert_int_equal(log_lines(current()), 1);
}

static void test_line_without_memory_is_dropped_and_counted(void **state)
{
	static char text[1024];
	struct log_field fields[5];
	for (size_t i = 0; i < COUNT_OF(fields); i++)
		fields[i] = LOG_S("a", ((struct str){ memset(text, 'x', sizeof text), sizeof text }));
	start(LOG_INFO, 0);
	log_flush();
	uint64_t before = (uint64_t)metric_get(M_LOG_LINES_DROPPED);
	mem_fail_nth(1);
	log_write(EV_REQUEST, STR(""), fields, COUNT_OF(fields)); /* too long for the stack, so on the heap */
	mem_fail_nth(0);
	assert_true((uint64_t)metric_get(M_LOG_LINES_DROPPED) == before + 1);
	LOG(REQUEST, STR(""), LOG_I("n", 1));
	log_flush();
	assert_int_equal(log_lines(current()), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_lines_before_start_and_after_stop_go_to_stderr_at_once, begin, end),
		cmocka_unit_test_setup_teardown(test_lines_are_in_the_file_and_on_stderr_after_flush, begin, end),
		cmocka_unit_test_setup_teardown(test_direct_when_set_then_each_line_is_written_on_return, begin, end),
		cmocka_unit_test_setup_teardown(test_direct_when_no_one_reads_then_the_line_is_counted_as_lost, begin, end),
		cmocka_unit_test_setup_teardown(test_stop_writes_out_what_is_queued, begin, end),
		cmocka_unit_test_setup_teardown(test_lines_below_the_level_are_not_written, begin, end),
		cmocka_unit_test_setup_teardown(test_without_a_directory_lines_go_to_stderr_only, begin, end),
		cmocka_unit_test_setup_teardown(test_start_when_the_directory_is_a_file_reports_it, begin, end),
		cmocka_unit_test_setup_teardown(test_threads_write_whole_lines_concurrently, begin, end),
		cmocka_unit_test_setup_teardown(test_queue_when_full_drops_counts_and_reports, begin, end),
		cmocka_unit_test_setup_teardown(test_stderr_that_no_one_reads_blocks_neither_callers_nor_file, begin, end),
		cmocka_unit_test_setup_teardown(test_stderr_that_is_read_again_gets_the_queued_lines, begin, end),
		cmocka_unit_test_setup_teardown(test_disk_full_blocks_nothing_and_is_reported_later, begin, end),
		cmocka_unit_test_setup_teardown(test_line_longer_than_the_stack_buffer_is_whole, begin, end),
		cmocka_unit_test_setup_teardown(test_line_without_memory_is_dropped_and_counted, begin, end),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
