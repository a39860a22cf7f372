/* What a bucket may be called. */
#include "unit.h"

#include "base/bucket_name.h"

#define SIXTY "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static void test_name_when_by_the_rules_then_ok(void **state)
{
	static const char *const good[] = { "abc", "0-9", "a.b", "a-b.c-d", "1.2.3", "1.2.3.4.5", "1.2.3.1234", SIXTY "123", "xn-a", "abc-s3",
		"mrap" };
	for (size_t i = 0; i < COUNT_OF(good); i++)
		assert_true(bucket_name_ok(str_of(good[i])));
}

static void test_name_when_against_a_rule_then_not(void **state)
{
	static const char *const bad[] = { "", "a", "ab", SIXTY "1234", "Abc", "a_b", "a b", "a/b", "-ab", "ab-", ".ab", "ab.", "a..b", "a.-b",
		"a-.b", "1.2.3.4", "999.1.1.1", "xn--a", "sthree-a", "amzn-s3-demo-a", "a-s3alias", "a--ol-s3", "a.mrap", "a--x-s3", "a--table-s3",
		"\xC3\xA9\xC3\xA9", "a\nb" };
	for (size_t i = 0; i < COUNT_OF(bad); i++)
		assert_false(bucket_name_ok(str_of(bad[i])));
	assert_false(bucket_name_ok(STR("a\0b")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_name_when_by_the_rules_then_ok),
		cmocka_unit_test(test_name_when_against_a_rule_then_not),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
