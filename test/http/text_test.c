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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_byte_is_in_its_classes),
		cmocka_unit_test(test_one_wrong_byte_anywhere_is_detected),
		cmocka_unit_test(test_nothing_is_a_header_value_but_not_a_token),
		cmocka_unit_test(test_preference_then_by_the_first_of_its_name_and_its_weight),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
