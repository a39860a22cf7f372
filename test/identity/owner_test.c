/* The owner of an issuer and a subject: known values, and what is no subject. */
#include "unit.h"

#include "identity/owner.h"

#include <string.h>

static void test_owner_of_gives_the_first_half_of_the_sha256(void **state)
{
	char owner[OWNER_CHARS + 1];
	assert_true(owner_of(STR("https://id.example"), STR("alice"), owner)); /* printf 'https://id.example\nalice' | sha256sum */
	assert_string_equal(owner, "345794e1bae062269a8796a7313dbed5");
	assert_true(owner_of(STR(OWNER_APP_ISSUER), STR("42"), owner));
	assert_string_equal(owner, "e76341020b49e6f194fc7259ce5cfa2d");
	assert_true(owner_valid(str_of(owner)));
}

static void test_owner_of_when_there_is_no_subject_refuses(void **state)
{
	char owner[OWNER_CHARS + 1] = "as it was", longest[SUBJECT_MAX_BYTES + 1];
	const struct str bad[] = { STR(""), STR("a\nb"), STR("a\0b"), STR("\x1f"), STR("\x7f"), STR("\xc2\x9f"), STR("\xff"),
		STR("\xed\xa0\x80") };
	for (size_t i = 0; i < COUNT_OF(bad); i++)
		assert_false(owner_of(STR("i"), bad[i], owner));
	memset(longest, 'x', sizeof longest);
	assert_false(owner_of(STR("i"), (struct str){ longest, SUBJECT_MAX_BYTES + 1 }, owner));
	assert_string_equal(owner, "as it was");
	assert_true(owner_of(STR("i"), (struct str){ longest, SUBJECT_MAX_BYTES }, owner));
	assert_true(owner_of(STR("i"), STR("Zo\xc3\xab | \xc2\xa0 \xf0\x9f\x98\x80"), owner));
}

static void test_owner_valid_accepts_lower_case_hex_of_its_length(void **state)
{
	assert_true(owner_valid(STR("345794e1bae062269a8796a7313dbed5")));
	assert_false(owner_valid(STR("345794e1bae062269a8796a7313dbed")));
	assert_false(owner_valid(STR("345794e1bae062269a8796a7313dbed50")));
	assert_false(owner_valid(STR("345794E1bae062269a8796a7313dbed5")));
	assert_false(owner_valid(STR("g45794e1bae062269a8796a7313dbed5")));
	assert_false(owner_valid(STR("")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_owner_of_gives_the_first_half_of_the_sha256),
		cmocka_unit_test(test_owner_of_when_there_is_no_subject_refuses),
		cmocka_unit_test(test_owner_valid_accepts_lower_case_hex_of_its_length),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
