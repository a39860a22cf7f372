/* The table of verbs: help, wrong use, exit statuses. */
#include "cli/run.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void test_help_of_each_verb_has_usage_and_flags(void **state)
{
	static const char *const verbs[] = { "upload", "list", "get", "rm", "logs" };
	for (size_t i = 0; i < COUNT_OF(verbs); i++) {
		struct run *r = RUN(verbs[i], "--help");
		assert_int_equal(r->code, 0);
		assert_non_null(strstr(r->out, verbs[i]));
		assert_non_null(strstr(r->out, "--json"));
		assert_true(cli_knows(str_of(verbs[i])));
		mem_free(r);
	}
	assert_false(cli_knows(STR("serve")));
}

static void test_usage_when_wrong_then_2_and_a_message(void **state)
{
	static const char *const rows[][5] = { { "upload" }, { "get" }, { "get", "a", "b" }, { "rm" }, { "list", "extra" }, { "logs", "extra" },
		{ "nonsense" }, { "list", "--jobs", "3" }, { "list", "--limit", "0" }, { "logs", "--since", "x" }, { "logs", "--level", "loud" },
		{ "list", "--endpoint", "nonsense" }, { "upload", "x", "--endpoint", "ftp://a/" }, { "rm", "x", "--endpoint", "http://" },
		{ "get", "x", "--force" }, { "get", "x", "--json", "-o", "-" }, { "list", "--bad\x1b[2J" } };
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		const char *args[6] = { NULL };
		memcpy(args, rows[i], sizeof rows[i]);
		struct run *r = run_verb(args);
		assert_int_equal(r->code, 2);
		assert_int_equal(count_lines(r->err), 1);
		assert_null(strchr(r->err, 0x1b));
		assert_string_equal(r->out, "");
		mem_free(r);
	}
}

static void test_output_when_it_cannot_be_written_then_failed(void **state)
{
	/* A device that is always full. */
	int full = open("/dev/full", O_WRONLY), old = dup(STDOUT_FILENO);
	char verb[] = "upload", flag[] = "--help", *argv[] = { verb, flag, NULL };
	fflush(stdout);
	dup2(full, STDOUT_FILENO);
	int code = cli_run(2, argv);
	clearerr(stdout);
	dup2(old, STDOUT_FILENO);
	close(old);
	close(full);
	assert_int_equal(code, 1);
}

static void test_commands_are_rows_up_to_the_last(void **state)
{
	size_t n = 0;
	while (cli_command(n) != NULL)
		n++;
	assert_int_equal(n, 7);
	assert_string_equal(cli_command(0)->name, "upload");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_help_of_each_verb_has_usage_and_flags),
		cmocka_unit_test(test_usage_when_wrong_then_2_and_a_message),
		cmocka_unit_test(test_output_when_it_cannot_be_written_then_failed),
		cmocka_unit_test(test_commands_are_rows_up_to_the_last),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
