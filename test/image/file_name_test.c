/* File names: which are refused, with which message, and that no others are. */
#include "image/slot.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <string.h>

static void assert_refused(struct str name, const char *word)
{
	struct fault why = { 0 };
	assert_int_equal(file_name_check(name, &why), INVALID);
	assert_int_equal(why.code, F_BAD_FIELD);
	assert_non_null(strstr(why.text, "fileName"));
	assert_non_null(strstr(why.text, word));
}

static void test_name_that_is_missing_or_empty_then_refused(void **state)
{
	(void)state;
	assert_refused((struct str){ NULL, 0 }, "missing");
	assert_refused(STR(""), "missing");
}

static void test_name_of_only_blanks_then_refused(void **state)
{
	static const char *const blanks[] = { "\t", "\n", "\x0b", "\x0c", "\r", " ", "\xc2\x85", "\xc2\xa0", "\xe1\x9a\x80", "\xe2\x80\x80",
		"\xe2\x80\x81", "\xe2\x80\x8a", "\xe2\x80\xa8", "\xe2\x80\xa9", "\xe2\x80\xaf", "\xe2\x81\x9f", "\xe3\x80\x80", "   ",
		" \t\r\n\xe3\x80\x80\xc2\xa0" };
	(void)state;
	for (size_t i = 0; i < COUNT_OF(blanks); i++)
		assert_refused(str_of(blanks[i]), "blank");
}

static void test_name_of_256_bytes_then_refused_and_of_255_accepted(void **state)
{
	char name[256];
	struct fault why;
	(void)state;
	memset(name, 'a', sizeof(name));
	assert_refused((struct str){ name, 256 }, "255");
	assert_int_equal(file_name_check((struct str){ name, 255 }, &why), OK);
	for (size_t i = 0; i < 252; i += 4)
		memcpy(name + i, "\xf0\x9f\x98\x80", 4);
	assert_int_equal(file_name_check((struct str){ name, 252 }, &why), OK);
	assert_refused((struct str){ name, 250 }, "UTF-8");
}

static void test_name_that_is_ill_formed_then_refused(void **state)
{
	static const char *const bad[] = { "\xff", "a\xc3", "\xed\xa0\x80", "\xc0\xaf", "\xf4\x90\x80\x80", "\x80" };
	(void)state;
	for (size_t i = 0; i < COUNT_OF(bad); i++)
		assert_refused(str_of(bad[i]), "UTF-8");
}

static void test_name_with_a_nul_then_refused(void **state)
{
	(void)state;
	assert_refused((struct str){ "a\0b", 3 }, "U+0000");
	assert_refused((struct str){ "\0", 1 }, "U+0000");
}

static void test_any_other_name_then_accepted(void **state)
{
	static const char *const names[] = { "a", " a ", "\x01", "\r\na", "..", "/", "\\", "a/b", "\"", "\xe2\x80\xae", "\xe2\x80\x8b",
		"\xc2\x84", "\xc2\x86", "\xe2\x80\x8c", "\xe2\x80\xa7", "\xe3\x80\x81", "\xf0\x93\x80\x80", "\xf0\x92\x80\xa8", "\xf0\x90\x80\x80",
		"\xf4\x8f\xbf\xbf", "\x7f", "\xef\xbf\xbf" };
	struct fault why;
	(void)state;
	for (size_t i = 0; i < COUNT_OF(names); i++)
		assert_int_equal(file_name_check(str_of(names[i]), &why), OK);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_name_that_is_missing_or_empty_then_refused),
		cmocka_unit_test(test_name_of_only_blanks_then_refused),
		cmocka_unit_test(test_name_of_256_bytes_then_refused_and_of_255_accepted),
		cmocka_unit_test(test_name_that_is_ill_formed_then_refused),
		cmocka_unit_test(test_name_with_a_nul_then_refused),
		cmocka_unit_test(test_any_other_name_then_accepted),
	};
	return cmocka_run_group_tests_name("file_name", tests, NULL, NULL);
}
