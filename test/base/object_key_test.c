/* The rule for keys, at its borders. */
#include "unit.h"

#include "base/object_key.h"

#include <string.h>

static enum fault_code check(struct str key)
{
	struct fault why = { .code = F_NONE };
	enum status status = object_key_check(key, &why);
	assert_int_equal(status == OK, why.code == F_NONE);
	return why.code;
}

static void test_a_key_has_1_to_1024_bytes(void **state)
{
	char long_key[1025];
	memset(long_key, 'k', sizeof long_key);
	assert_int_equal(check(STR("")), F_KEY_INVALID);
	assert_int_equal(check((struct str){ 0 }), F_KEY_INVALID);
	assert_int_equal(check(STR("k")), F_NONE);
	assert_int_equal(check((struct str){ long_key, 1024 }), F_NONE);
	assert_int_equal(check((struct str){ long_key, 1025 }), F_KEY_TOO_LONG);
}

static void test_a_key_is_utf8_without_a_nul(void **state)
{
	assert_int_equal(check(STR("a/../b//c \x01\x7f")), F_NONE);
	assert_int_equal(check(STR("\xc3\xa9")), F_NONE);
	assert_int_equal(check(STR("a\0b")), F_KEY_INVALID);
	assert_int_equal(check(STR("\xc3")), F_KEY_INVALID);
	assert_int_equal(check(STR("\xed\xa0\x80")), F_KEY_INVALID);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_key_has_1_to_1024_bytes),
		cmocka_unit_test(test_a_key_is_utf8_without_a_nul),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
