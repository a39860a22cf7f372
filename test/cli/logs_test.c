/* logs: rotated files in order, filters, and following across rotations. */
#include "cli/run.h"

#include "base/clock.h"
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <cmocka.h>

static char scratch[64];

static int set_up(void **state)
{
	enter_scratch(scratch);
	unsetenv("TINTYPE_DATA");
	assert_int_equal(mkdir("data", 0700) | mkdir("data/logs", 0700), 0);
	return 0;
}

static int tear_down(void **state)
{
	leave_scratch(scratch);
	return 0;
}

static void append(const char *file, const char *text)
{
	char path[128];
	(void)snprintf(path, sizeof path, "data/logs/%s", file);
	FILE *f = fopen(path, "a");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static void append_line(const char *file, const char *level, int64_t ms, const char *text)
{
	char line[256], time[ISO8601_CHARS + 1];
	clock_iso8601(ms, time);
	(void)snprintf(line, sizeof line, "{\"time\":\"%s\",\"level\":\"%s\",\"event\":\"e\",\"n\":\"%s\"}\n", time, level, text);
	append(file, line);
}

static void test_logs_when_rotated_then_oldest_first(void **state)
{
	append("log-20261122T073723Z-000.jsonl", "two\n");
	append("log-20261122T073722Z-001.jsonl", "one\n");
	append("log-20261122T073722Z-000.jsonl", "zero");
	append("current.jsonl", "three\ncut");
	append("other.jsonl", "none of ours\n");
	struct run *r = RUN("logs"), *named = RUN("logs", "--data", "data");
	assert_int_equal(r->code, 0);
	assert_string_equal(r->out, "zero\none\ntwo\nthree\ncut\n");
	assert_string_equal(named->out, r->out);
	mem_free(r);
	mem_free(named);
}

static void test_logs_when_filtered_then_only_those(void **state)
{
	int64_t now = clock_now_ms();
	append_line("current.jsonl", "info", now - 3600000, "old");
	append_line("current.jsonl", "error", now - 3500000, "older-error");
	append_line("current.jsonl", "info", now - 1000, "new");
	append_line("current.jsonl", "error", now, "new-error");
	static const struct {
		const char *flag, *value;
		size_t lines;
	} rows[] = { { "--level", "error", 2 }, { "--level", "debug", 4 }, { "--since", "15m", 2 }, { "--since", "2h", 4 },
		{ "--grep", "n=new", 2 }, { "--grep", "error", 2 }, { "--grep", "nothing", 0 } };
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct run *r = RUN("logs", rows[i].flag, rows[i].value);
		assert_int_equal(count_lines(r->out), rows[i].lines);
		mem_free(r);
	}
}

static void test_logs_when_a_line_has_terminal_controls_then_escaped(void **state)
{
	append("current.jsonl", "{\"event\":\"e\",\"name\":\"\\u001b[2J\\u202e\"}\nraw\x1b[31m\n");
	struct run *r = RUN("logs");
	assert_null(strchr(r->out, 0x1b));
	assert_non_null(strstr(r->out, "e name=\\x1b[2J\\u{202e}\nraw\\x1b[31m\n"));
	mem_free(r);
}

static void test_logs_when_json_then_lines_as_written(void **state)
{
	append_line("current.jsonl", "info", 0, "a");
	struct run *r = RUN("logs", "--json");
	assert_string_equal(r->out, "{\"time\":\"1970-01-01T00:00:00.000Z\",\"level\":\"info\",\"event\":\"e\",\"n\":\"a\"}\n");
	mem_free(r);
}

static void test_logs_when_a_line_is_too_long_then_skipped(void **state)
{
	static char big[(1 << 20) + 2];
	memset(big, 'x', sizeof big - 1);
	append("current.jsonl", "first\n");
	append("current.jsonl", big);
	append("current.jsonl", "\nlast\n");
	struct run *r = RUN("logs");
	assert_string_equal(r->out, "first\nlast\n");
	mem_free(r);
}

static void test_logs_when_there_are_none_then_an_error_message(void **state)
{
	struct run *r = RUN("logs", "--data", "elsewhere");
	assert_int_equal(r->code, 1);
	assert_non_null(strstr(r->err, "--data names"));
	mem_free(r);
}

static void read_until(int fd, char *text, size_t size, const char *end)
{
	size_t n = strlen(text);
	while (strstr(text, end) == NULL && n < size - 1) {
		ssize_t got = read(fd, text + n, size - 1 - n);
		assert_true(got > 0);
		n += (size_t)got;
		text[n] = '\0';
	}
}

static void rotate(const char *to)
{
	char path[128];
	(void)snprintf(path, sizeof path, "data/logs/%s", to);
	assert_int_equal(rename("data/logs/current.jsonl", path), 0);
}

static void test_logs_when_followed_then_no_line_is_lost_or_shown_twice(void **state)
{
	int out[2];
	char text[4096] = "";
	append("log-20261122T073700Z-000.jsonl", "old\n");
	append("current.jsonl", "one\n");
	assert_int_equal(pipe(out), 0);
	pid_t child = fork();
	if (child == 0) {
		char verb[] = "logs", flag[] = "--follow", *argv[] = { verb, flag, NULL };
		dup2(out[1], STDOUT_FILENO);
		_exit(cli_run(2, argv));
	}
	close(out[1]);
	read_until(out[0], text, sizeof text, "one\n");
	append("current.jsonl", "tw");
	append("current.jsonl", "o\n");
	read_until(out[0], text, sizeof text, "two\n");
	/* Three rotations at once: two files come and go between two looks. */
	append("current.jsonl", "three\n");
	rotate("log-20261122T073722Z-000.jsonl");
	append("current.jsonl", "four\n");
	rotate("log-20261122T073722Z-001.jsonl");
	append("current.jsonl", "five\n");
	rotate("log-20261122T073723Z-000.jsonl");
	append("current.jsonl", "six\n");
	read_until(out[0], text, sizeof text, "six\n");
	append("current.jsonl", "seven\n");
	read_until(out[0], text, sizeof text, "seven\n");
	int status = 0;
	assert_int_equal(kill(child, SIGTERM), 0);
	assert_int_equal(waitpid(child, &status, 0), child);
	close(out[0]);
	assert_string_equal(text, "old\none\ntwo\nthree\nfour\nfive\nsix\nseven\n");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_logs_when_rotated_then_oldest_first),
		TEST(test_logs_when_filtered_then_only_those),
		TEST(test_logs_when_a_line_has_terminal_controls_then_escaped),
		TEST(test_logs_when_json_then_lines_as_written),
		TEST(test_logs_when_a_line_is_too_long_then_skipped),
		TEST(test_logs_when_there_are_none_then_an_error_message),
		TEST(test_logs_when_followed_then_no_line_is_lost_or_shown_twice),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
