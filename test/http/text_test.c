/* Every byte against the character classes of RFC 9110, implemented differently here. */
#include "unit.h"

#include "http/text.h"

#include <ctype.h>
#include <string.h>

static void test_each_byte_is_in_its_classes(void **state)
{
	for (int i = 0; i < 256; i++) {
		char c = (char)i;
		struct str s = { &c, 1 };
		bool token = i < 0x80 && i != 0 && (isalnum(i) || strchr("!#$%&'*+-.^_`|~", i) != NULL);
		assert_int_equal(http_is_token(s), token);
		assert_int_equal(http_is_visible(s), i > 0x20 && i < 0x7f);
		assert_int_equal(http_is_printable(s), i >= 0x20 && i < 0x7f);
		assert_int_equal(http_is_field_value(s), i == '\t' || (i >= 0x20 && i != 0x7f));
	}
}

static void test_one_wrong_byte_anywhere_is_detected(void **state)
{
	assert_true(http_is_token(STR("X-Amz-Date")));
	assert_false(http_is_token(STR("X-Amz-Date ")));
	assert_false(http_is_token(STR(" X-Amz-Date")));
	assert_false(http_is_token(STR("X-A\0z")));
	assert_false(http_is_visible(STR("/a b")));
	assert_false(http_is_field_value(STR("a\r\nb: c")));
}

static void test_nothing_is_a_header_value_but_not_a_token(void **state)
{
	assert_false(http_is_token((struct str){ 0 }));
	assert_false(http_is_visible(STR("")));
	assert_true(http_is_field_value((struct str){ 0 }));
	assert_true(http_is_printable(STR("")));
}

static void test_preference_then_by_the_first_of_its_name_and_its_weight(void **state)
{
	static const struct {
		const char *list;
		enum http_preference want;
	} CASES[] = { { "", HTTP_NOT_NAMED }, { "*/*", HTTP_NOT_NAMED }, { "image/*", HTTP_NOT_NAMED }, { "image/webp2", HTTP_NOT_NAMED },
		{ "image/webp", HTTP_ACCEPTED }, { "image/avif, Image/WebP;q=0.8 ,*/*", HTTP_ACCEPTED }, { "image/webp;q=0.001", HTTP_ACCEPTED },
		{ "image/webp;q=0", HTTP_REFUSED }, { "*/*,image/webp; Q=0.000", HTTP_REFUSED }, { "image/webp;q=0,image/webp", HTTP_REFUSED } };
	for (size_t i = 0; i < COUNT_OF(CASES); i++)
		if (http_preference(str_of(CASES[i].list), STR("image/webp")) != CASES[i].want)
			fail_msg("\"%s\"", CASES[i].list);
	assert_int_equal(http_preference((struct str){ 0 }, STR("gzip")), HTTP_NOT_NAMED);
}

static void test_etag_lists_then_strong_or_weak(void **state)
{
	static const struct {
		const char *list;
		bool strong, weak;
	} CASES[] = { { "\"7\"", true, true }, { "*", true, true }, { " * ", true, true }, { "7", true, true }, { "W/\"7\"", false, true },
		{ "\"6\", \"7\"", true, true }, { "\"6\",W/\"7\"", false, true }, { "\"77\"", false, false }, { "\"6\"", false, false },
		{ "", false, false }, { ",", false, false }, { "w/\"7\"", false, false }, { "\"*\"", false, false } };
	for (size_t i = 0; i < COUNT_OF(CASES); i++)
		if (http_etag_listed(str_of(CASES[i].list), STR("7"), false) != CASES[i].strong ||
			http_etag_listed(str_of(CASES[i].list), STR("7"), true) != CASES[i].weak)
			fail_msg("\"%s\"", CASES[i].list);
	assert_false(http_etag_listed((struct str){ 0 }, STR("7"), true));
}

static void test_retry_after_then_seconds_or_a_date(void **state)
{
	static const struct {
		const char *value;
		int64_t wait_ms; /* -1: refused */
	} rows[] = { { "0", 0 }, { "120", 120000 }, { "31536000", RETRY_AFTER_MAX_MS }, { "99999999999", RETRY_AFTER_MAX_MS },
		{ "Sun, 22 Nov 2026 07:37:32 GMT", 10000 }, { "Sun, 22 Nov 2026 07:37:12 GMT", 0 },
		{ "Fri, 31 Dec 9999 23:59:59 GMT", RETRY_AFTER_MAX_MS }, { "Sunday, 22-Nov-26 07:37:32 GMT", 10000 }, { "", -1 }, { "-1", -1 },
		{ "1.5", -1 }, { "+1", -1 }, { "120 ", -1 }, { "soon", -1 }, { "99999999999999999999", -1 },
		{ "Sun, 22 Nov 2026 07:37:32 CET", -1 } };
	int64_t now_ms;
	assert_true(clock_parse_iso8601(STR("2026-11-22T07:37:22Z"), &now_ms));
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		int64_t wait_ms = -1;
		bool read = http_retry_after(str_of(rows[i].value), now_ms, &wait_ms);
		if (read != (rows[i].wait_ms >= 0) || wait_ms != rows[i].wait_ms)
			fail_msg("\"%s\": %lld", rows[i].value, (long long)wait_ms);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_byte_is_in_its_classes),
		cmocka_unit_test(test_one_wrong_byte_anywhere_is_detected),
		cmocka_unit_test(test_nothing_is_a_header_value_but_not_a_token),
		cmocka_unit_test(test_preference_then_by_the_first_of_its_name_and_its_weight),
		cmocka_unit_test(test_etag_lists_then_strong_or_weak),
		cmocka_unit_test(test_retry_after_then_seconds_or_a_date),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
