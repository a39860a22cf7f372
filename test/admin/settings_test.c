/* The settings for the console. */
#include "admin/fixture.h"

static const json_t *setting(const char *env)
{
	size_t i;
	json_t *one;
	json_array_foreach(json_object_get(fixture.json, "settings"), i, one) if (strcmp(text_of(one, "env"), env) == 0) return one;
	fail();
	return NULL;
}

static void test_settings_then_value_default_and_meaning_of_each(void **state)
{
	fixture.settings.max_size = 77;
	fixture.settings.hosts = "<b>a.example</b>";
	ask("/console/settings", 200);
	const json_t *size = setting("TINTYPE_MAX_SIZE"), *hosts = setting("TINTYPE_HOSTS"), *ttl = setting("TINTYPE_URL_TTL");
	assert_string_equal(text_of(size, "value"), "77");
	assert_string_equal(text_of(size, "unit"), "bytes");
	assert_string_equal(text_of(size, "flag"), "max-size");
	assert_true(json_is_false(json_object_get(size, "isDefault")) && json_is_true(json_object_get(ttl, "isDefault")));
	assert_string_equal(text_of(hosts, "value"), "<b>a.example</b>");
	assert_string_equal(text_of(ttl, "value"), "300");
	assert_string_equal(text_of(setting("TINTYPE_OPEN"), "value"), "off");
	assert_true(strlen(text_of(ttl, "meaning")) > 10);
}

static void test_settings_of_secrets_then_only_whether_they_are_set(void **state)
{
	static const char key[] = "a key that nobody may see";
	ask("/console/settings", 200);
	assert_true(json_is_false(json_object_get(setting("TINTYPE_API_KEY"), "isSet")));
	fixture.settings.api_key = key;
	ask("/console/settings", 200);
	assert_true(json_is_true(json_object_get(setting("TINTYPE_API_KEY"), "isSet")));
	assert_true(json_is_true(json_object_get(setting("TINTYPE_API_KEY"), "isSecret")));
	assert_true(json_is_null(json_object_get(setting("TINTYPE_API_KEY"), "value")));
	assert_true(json_is_null(json_object_get(setting("TINTYPE_API_KEY"), "flag")));
	assert_string_equal(text_of(setting("TINTYPE_API_KEY"), "default"), "");
	assert_true(json_is_false(json_object_get(setting("TINTYPE_API_KEY"), "isDefault")));
	assert_true(str_find(fixture.x.answer.body, str_of(key)) == fixture.x.answer.body.n);
	assert_true(str_find(fixture.x.answer.body, STR(TOKEN)) == fixture.x.answer.body.n);
}

static void test_settings_of_a_table_in_postgresql_then_its_address_without_the_password(void **state)
{
	fixture.settings.table = "postgres://app:s3cret@db/images?sslpassword=s3cret";
	ask("/console/settings", 200);
	assert_string_equal(text_of(setting("TINTYPE_TABLE"), "value"), "postgres://app@db/images");
	assert_true(str_find(fixture.x.answer.body, STR("s3cret")) == fixture.x.answer.body.n);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FIXTURE_TEST(test_settings_then_value_default_and_meaning_of_each),
		FIXTURE_TEST(test_settings_of_secrets_then_only_whether_they_are_set),
		FIXTURE_TEST(test_settings_of_a_table_in_postgresql_then_its_address_without_the_password),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
