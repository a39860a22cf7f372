#include "base/writer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

static void assert_json(const struct buf *b, const char *expected)
{
	assert_true(buf_ok(b));
	assert_string_equal(b->p, expected);
}

static void test_writer_when_values_follow_each_other_then_commas_are_between(void **state)
{
	struct buf b CLEANUP(buf_deinit) = { 0 };

	(void)state;
	buf_init(&b, 1000);
	writer_open(&b, (struct str){ 0 }, '{');
	writer_text(&b, STR("a"), STR("x"));
	writer_number(&b, STR("b"), 0);
	writer_open(&b, STR("c"), '[');
	writer_text(&b, (struct str){ 0 }, STR("y"));
	writer_open(&b, (struct str){ 0 }, '{');
	writer_close(&b, '}');
	writer_open(&b, (struct str){ 0 }, '[');
	writer_close(&b, ']');
	writer_close(&b, ']');
	writer_number(&b, STR("d"), UINT64_MAX);
	writer_bool(&b, STR("t"), true);
	writer_bool(&b, STR("f"), false);
	writer_time(&b, STR("e"), 1795332442123);
	writer_close(&b, '}');
	assert_json(&b,
		"{\"a\":\"x\",\"b\":0,\"c\":[\"y\",{},[]],\"d\":18446744073709551615,\"t\":true,\"f\":false,\"e\":\"2026-11-22T07:27:22.123Z\"}");
}

static void test_writer_when_a_text_ends_in_a_bracket_then_the_comma_still_comes(void **state)
{
	struct buf b CLEANUP(buf_deinit) = { 0 };

	(void)state;
	buf_init(&b, 1000);
	writer_open(&b, (struct str){ 0 }, '{');
	writer_text(&b, STR("a"), STR("{"));
	writer_text(&b, STR("b"), STR("["));
	writer_text(&b, STR("c"), STR(""));
	writer_close(&b, '}');
	assert_json(&b, "{\"a\":\"{\",\"b\":\"[\",\"c\":\"\"}");
}

static void test_writer_when_a_text_has_quotes_and_controls_then_they_are_escaped(void **state)
{
	struct buf b CLEANUP(buf_deinit) = { 0 };

	(void)state;
	buf_init(&b, 1000);
	writer_text(&b, (struct str){ 0 }, STR("\"\\\x01"));
	assert_json(&b, "\"\\\"\\\\\\u0001\"");
}

static void test_writer_when_the_buffer_is_too_small_then_it_is_marked(void **state)
{
	struct buf b CLEANUP(buf_deinit) = { 0 };

	(void)state;
	buf_init(&b, 8);
	writer_text(&b, STR("name"), STR("value"));
	assert_false(buf_ok(&b));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_writer_when_values_follow_each_other_then_commas_are_between),
		cmocka_unit_test(test_writer_when_a_text_ends_in_a_bracket_then_the_comma_still_comes),
		cmocka_unit_test(test_writer_when_a_text_has_quotes_and_controls_then_they_are_escaped),
		cmocka_unit_test(test_writer_when_the_buffer_is_too_small_then_it_is_marked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
