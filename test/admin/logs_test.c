/* The log for the console: newest, older, followed; level and text; bad parameters. */
#include "admin/fixture.h"

#include "base/log/log.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

/* the log goes to stderr, which this test does not read */
static int setup(void **state)
{
	struct log_options o = { .level = LOG_DEBUG, .ring_bytes = 1 << 18 };
	struct fault why;
	int nowhere = open("/dev/null", O_WRONLY), own = dup(STDERR_FILENO);
	fixture_setup(state);
	dup2(nowhere, STDERR_FILENO);
	assert_int_equal(log_start(&o, &why), OK);
	dup2(own, STDERR_FILENO);
	close(nowhere);
	close(own);
	for (int i = 1; i <= 10; i++)
		LOG(SWEEP, STR("the-id"), LOG_I("no", i), LOG_C("text", i == 4 ? "a \"quoted\" <script>" : "plain"));
	LOG(STORE_LOW, STR(""), LOG_I("no", 11));
	LOG(CONNECTION_ENDED, STR(""), LOG_I("no", 12));
	log_flush();
	return 0;
}

static int teardown(void **state)
{
	log_stop();
	return fixture_teardown(state);
}

static const json_t *line(size_t i)
{
	return json_object_get(json_array_get(json_object_get(fixture.json, "lines"), i), "line");
}

static long long number(const char *name)
{
	return json_integer_value(json_object_get(fixture.json, name));
}

/* The returned lines, by their field "no". */
static void assert_lines(const char *target, int first, int last)
{
	ask(target, 200);
	assert_int_equal(json_array_size(json_object_get(fixture.json, "lines")), last - first + 1);
	for (int i = first; i <= last; i++)
		assert_int_equal(json_integer_value(json_object_get(line((size_t)(i - first)), "no")), i);
}

static void test_logs_then_the_newest_in_order(void **state)
{
	assert_lines("/console/logs", 1, 12);
	assert_int_equal(number("last"), 12);
	assert_true(json_is_false(json_object_get(fixture.json, "more")));
	assert_lines("/console/logs?limit=3", 10, 12);
	assert_true(json_is_true(json_object_get(fixture.json, "more")));
	assert_lines("/console/logs?before=10&limit=2", 8, 9);
}

static void test_logs_followed_then_what_is_new(void **state)
{
	assert_lines("/console/logs?after=12", 13, 12);
	LOG(STORE_BACK, STR(""), LOG_I("no", 13));
	log_flush();
	assert_lines("/console/logs?after=12", 13, 13);
	assert_int_equal(number("last"), 13);
	assert_lines("/console/logs?after=0&limit=2", 1, 2);
	assert_int_equal(number("last"), 2);
}

static void test_logs_filtered_then_by_level_and_text(void **state)
{
	assert_lines("/console/logs?level=warn", 11, 11);
	assert_lines("/console/logs?level=info", 1, 11);
	assert_lines("/console/logs?text=STORE.low", 11, 11);
	assert_lines("/console/logs?text=a+%22QUOTED%22+%3Cscript%3E", 4, 4);
	assert_string_equal(text_of(line(0), "text"), "a \"quoted\" <script>");
	assert_lines("/console/logs?text=nobody", 2, 1);
}

static void test_logs_with_bad_parameters_then_400(void **state)
{
	static const char *const bad[] = { "level=fatal", "limit=0", "limit=501", "after=-1", "after=x", "before=0", "after=1&before=2",
		"after=18446744073709551615", "text=%c3", "cursor=1" };
	char target[100];
	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		snprintf(target, sizeof target, "/console/logs?%s", bad[i]);
		assert_refused(target, 400, "bad_field");
	}
	assert_lines("/console/logs?level=&text=&after=", 1, 12);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_logs_then_the_newest_in_order, setup, teardown),
		cmocka_unit_test_setup_teardown(test_logs_followed_then_what_is_new, setup, teardown),
		cmocka_unit_test_setup_teardown(test_logs_filtered_then_by_level_and_text, setup, teardown),
		cmocka_unit_test_setup_teardown(test_logs_with_bad_parameters_then_400, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
