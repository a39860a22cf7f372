/* The settings one by one: values as they are, and no secret. */
#include "unit.h"

#include "config/settings_shown.h"

static bool shown(const struct settings *s, const char *env, struct setting_shown *out, char digits[SETTING_DIGITS])
{
	for (size_t i = 0; i < settings_count(); i++) {
		settings_show(s, i, digits, out);
		if (str_equal(out->env, str_of(env)))
			return true;
	}
	return false;
}

static void test_show_then_values_and_whether_they_are_the_default(void **state)
{
	static char *argv[] = { "--max-size", "77", "--open", "--hosts", "a.example" };
	char digits[SETTING_DIGITS];
	struct setting_shown show;
	struct settings s;
	struct fault why;
	assert_int_equal(settings_load(&s, COUNT_OF(argv), argv, &why), OK);
	assert_true(shown(&s, "TINTYPE_MAX_SIZE", &show, digits));
	assert_true(str_equal(show.value, STR("77")) && !show.is_default && !show.is_secret && str_equal(show.flag, STR("max-size")));
	assert_true(shown(&s, "TINTYPE_OPEN", &show, digits));
	assert_true(str_equal(show.value, STR("on")) && !show.is_default);
	assert_true(shown(&s, "TINTYPE_HOSTS", &show, digits));
	assert_true(str_equal(show.value, STR("a.example")) && show.is_set);
	assert_true(shown(&s, "TINTYPE_URL_TTL", &show, digits));
	assert_true(str_equal(show.value, STR("300")) && show.is_default && str_equal(show.unit, STR("seconds")));
}

static void test_show_of_a_secret_then_whether_it_is_set_and_nothing_else(void **state)
{
	char digits[SETTING_DIGITS];
	struct setting_shown show;
	struct settings s;
	struct fault why;
	assert_int_equal(settings_load(&s, 0, NULL, &why), OK);
	assert_true(shown(&s, "TINTYPE_API_KEY", &show, digits));
	assert_true(show.is_secret && !show.is_set && show.value.n == 0);
	s.api_key = "a key that nobody may see";
	assert_true(shown(&s, "TINTYPE_API_KEY", &show, digits));
	assert_true(show.is_secret && show.is_set && !show.is_default && show.value.n == 0 && show.def.n == 0);
}

/* Whoever adds a secret to the table and gives it a flag meets this. */
static void test_settings_with_names_of_secrets_then_are_shown_as_secrets(void **state)
{
	static const char *const words[] = { "SECRET", "TOKEN", "PASSWORD", "API_KEY", "_KEY_ID" };
	char digits[SETTING_DIGITS];
	struct setting_shown show;
	struct settings s;
	struct fault why;
	assert_int_equal(settings_load(&s, 0, NULL, &why), OK);
	for (size_t i = 0; i < settings_count(); i++) {
		settings_show(&s, i, digits, &show);
		for (size_t w = 0; w < COUNT_OF(words); w++)
			assert_true(show.is_secret || str_find(show.env, str_of(words[w])) == show.env.n);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_show_then_values_and_whether_they_are_the_default),
		cmocka_unit_test(test_show_of_a_secret_then_whether_it_is_set_and_nothing_else),
		cmocka_unit_test(test_settings_with_names_of_secrets_then_are_shown_as_secrets),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
