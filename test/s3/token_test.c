/* Continuation tokens: issued, accepted back, and refused when forged. */
#include "unit.h"

#include "s3/parameters.h"

#include <string.h>

static struct arena a;

static int up(void **state)
{
	arena_init(&a, 1 << 20);
	return 0;
}

static int down(void **state)
{
	arena_deinit(&a);
	return 0;
}

static void test_token_when_decoded_then_the_same_key(void **state)
{
	char longest[1024];
	memset(longest, 0xC3, sizeof(longest));
	const struct str keys[] = { STR("k"), STR("a/b c"), STR("\1\n\xFF"), { longest, sizeof(longest) } };
	for (size_t i = 0; i < COUNT_OF(keys); i++) {
		struct str last, token = token_write(&a, STR("bucket"), keys[i]);
		assert_true(token_decode(&a, STR("bucket"), token, &last));
		assert_true(str_equal(last, keys[i]));
		assert_false(token_decode(&a, STR("other"), token, &last));
	}
}

static void test_token_when_changed_in_any_byte_then_refused(void **state)
{
	struct str last, token = token_write(&a, STR("bucket"), STR("some/key"));
	for (size_t i = 0; i < token.n; i++) {
		char *changed = str_cstr(&a, token);
		changed[i] = changed[i] == 'A' ? 'B' : 'A';
		assert_false(token_decode(&a, STR("bucket"), str_of(changed), &last));
		assert_false(token_decode(&a, STR("bucket"), str_slice(token, 0, i), &last));
	}
	assert_false(token_decode(&a, STR("bucket"), STR("!"), &last));
	assert_false(token_decode(&a, STR(""), token, &last));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_token_when_decoded_then_the_same_key),
		cmocka_unit_test(test_token_when_changed_in_any_byte_then_refused),
	};
	return cmocka_run_group_tests(tests, up, down);
}
