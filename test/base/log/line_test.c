/* The form of a log line: exact bytes, and what a client's strings become in it. */
#include "unit.h"

#include "base/codec.h"
#include "base/log/line.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

static struct buf out;

static int begin(void **state)
{
	buf_init(&out, (size_t)1 << 20);
	return 0;
}

static int end(void **state)
{
	buf_deinit(&out);
	return 0;
}

static void write_fields(struct str id, const struct log_field *fields, size_t n)
{
	struct log_line line = { 1795333042123, EV_REQUEST, id, fields, n };
	buf_clear(&out);
	log_line_write(&out, &line);
	assert_true(buf_ok(&out));
}

#define HEAD "{\"time\":\"2026-11-22T07:37:22.123Z\",\"level\":\"info\",\"event\":\"request\""

static void test_line_has_time_level_event_id_and_fields_in_order(void **state)
{
	const struct log_field fields[] = { LOG_C("method", "GET"), LOG_I("status", 200), LOG_D("ms", 1.5),
		LOG_S("route", STR("GET /images")) };
	write_fields(STR("id-1"), fields, COUNT_OF(fields));
	assert_str(buf_str(&out),
		STR(HEAD ",\"requestId\":\"id-1\",\"method\":\"GET\",\"status\":200,\"ms\":1.500,"
				 "\"route\":\"GET /images\"}\n"));
}

static void test_empty_strings_and_id_are_left_out(void **state)
{
	const struct log_field fields[] = { LOG_C("a", NULL), LOG_S("b", STR("")), LOG_I("c", 0) };
	write_fields(STR(""), fields, COUNT_OF(fields));
	assert_str(buf_str(&out), STR(HEAD ",\"c\":0}\n"));
	write_fields(STR(""), NULL, 0);
	assert_str(buf_str(&out), STR(HEAD "}\n"));
}

static void test_strings_from_outside_are_escaped(void **state)
{
	const struct log_field fields[] = { LOG_S("a", STR("\"},\n\x1b[2J\xe2\x80\xae\xff\0\x7f")) };
	write_fields(STR("\n"), fields, 1);
	assert_str(buf_str(&out),
		STR(HEAD ",\"requestId\":\"\\u000a\",\"a\":\"\\\"},\\u000a\\u001b[2J\\u202e\xef\xbf\xbd"
				 "\\u0000\\u007f\"}\n"));
	assert_int_equal(log_lines(buf_str(&out)), 1);
}

static void test_long_string_is_cut_at_a_code_point_and_marked(void **state)
{
	char text[1100];
	memset(text, 'x', sizeof text);
	memcpy(text + 1023, "\xc3\xa9", 2); /* across the cut */
	const struct log_field whole[] = { LOG_S("a", ((struct str){ text, 1023 })) };
	write_fields(STR(""), whole, 1);
	assert_false(str_ends_with(buf_str(&out), STR("...\"}\n")));
	const struct log_field cut[] = { LOG_S("a", ((struct str){ text, sizeof text })) };
	write_fields(STR(""), cut, 1);
	assert_true(str_ends_with(buf_str(&out), STR("xxx...\"}\n")));
	assert_true(utf8_valid(buf_str(&out)));
}

static void test_numbers_at_their_limits_are_valid_json(void **state)
{
	const struct log_field fields[] = { LOG_I("a", INT64_MIN), LOG_I("b", INT64_MAX), LOG_D("c", NAN), LOG_D("d", INFINITY),
		LOG_D("e", -0.0005), LOG_D("f", 1e300) };
	write_fields(STR(""), fields, COUNT_OF(fields));
	json_t *line = json_loadb(out.p, out.n, 0, NULL);
	assert_non_null(line);
	assert_true(json_integer_value(json_object_get(line, "a")) == INT64_MIN);
	assert_true(json_integer_value(json_object_get(line, "b")) == INT64_MAX);
	assert_true(json_is_null(json_object_get(line, "c")));
	assert_true(json_is_null(json_object_get(line, "d")));
	assert_true(json_is_real(json_object_get(line, "f")));
	json_decref(line);
}

static void test_dropped_line_gives_sink_and_count(void **state)
{
	log_line_write_dropped(&out, "stderr", 7);
	assert_true(str_ends_with(buf_str(&out), STR("\"level\":\"warn\",\"event\":\"log.dropped\",\"sink\":\"stderr\",\"count\":7}\n")));
}

static void test_levels_are_read_by_their_names_alone(void **state)
{
	static const char *const names[] = { "debug", "info", "warn", "error" };
	enum log_level level;
	for (size_t i = 0; i < COUNT_OF(names); i++) {
		assert_true(log_level_parse(str_of(names[i]), &level));
		assert_int_equal(level, i);
	}
	assert_false(log_level_parse(STR("INFO"), &level));
	assert_false(log_level_parse(STR(""), &level));
	assert_false(log_level_parse(STR("warning"), &level));
}

static void assert_event(enum log_event event, enum log_level level, const char *name)
{
	char expected[128];
	enum log_level read;
	struct log_line line = { .event = event };
	buf_clear(&out);
	log_line_write(&out, &line);
	snprintf(expected, sizeof expected, "\"event\":\"%s\"}\n", name);
	assert_true(str_ends_with(buf_str(&out), str_of(expected)));
	assert_true(log_line_level(buf_str(&out), &read));
	assert_int_equal(read, level);
	assert_int_equal(log_event_level(event), level);
}

static void test_events_have_the_table_s_name_and_level(void **state)
{
#define EVENT(id, level, name, meaning) assert_event(EV_##id, level, name);
#include "base/log/log.def"
#undef EVENT
}

/* Ties, neighbours of ties, and a walk over all magnitudes. */
static void test_reals_are_written_as_printf_does(void **state)
{
	double values[3000] = { 0.0, -0.0, 0.0005, 0.0015, 0.0025, 1.0005, 2.0005, 0.0004999999999999999, 0.00050000000000000001, 1e12,
		999999999999.9995, 1e15, -1.5 };
	uint64_t seed = 7;
	for (size_t i = 16; i < COUNT_OF(values); i++) {
		seed = seed * 6364136223846793005u + 1442695040888963407u;
		values[i] = i % 2 == 0 ? (double)(seed >> 40) / 2000.0 : ldexp((double)(seed >> 20), (int)(seed % 60) - 60);
	}
	for (size_t i = 0; i < COUNT_OF(values); i++) {
		char want[512];
		write_fields(STR(""), (const struct log_field[]){ LOG_D("d", values[i]) }, 1);
		int n = snprintf(want, sizeof want, fabs(values[i]) < 1e15 ? HEAD ",\"d\":%.3f}\n" : HEAD ",\"d\":%.17g}\n", values[i]);
		assert_str(buf_str(&out), (struct str){ want, (size_t)n });
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_line_has_time_level_event_id_and_fields_in_order, begin, end),
		cmocka_unit_test_setup_teardown(test_reals_are_written_as_printf_does, begin, end),
		cmocka_unit_test_setup_teardown(test_empty_strings_and_id_are_left_out, begin, end),
		cmocka_unit_test_setup_teardown(test_strings_from_outside_are_escaped, begin, end),
		cmocka_unit_test_setup_teardown(test_long_string_is_cut_at_a_code_point_and_marked, begin, end),
		cmocka_unit_test_setup_teardown(test_numbers_at_their_limits_are_valid_json, begin, end),
		cmocka_unit_test_setup_teardown(test_dropped_line_gives_sink_and_count, begin, end),
		cmocka_unit_test_setup_teardown(test_levels_are_read_by_their_names_alone, begin, end),
		cmocka_unit_test_setup_teardown(test_events_have_the_table_s_name_and_level, begin, end),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
