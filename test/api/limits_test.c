#include "api/fixture.h"

static void test_limits_when_requested_then_the_configured_rules(void **state)
{
	(void)state;
	fixture.product.rules.allowed_types = STR("image/jpeg, application/pdf");
	assert_int_equal(ASK("GET", "/prod/limits")->status, 200);
	assert_int_equal(fixture.step, HANDLER_ANSWER);
	assert_str(fixture.x.answer.body,
		"{\"allowedTypes\":[\"image/jpeg\",\"application/pdf\"],\"maxFileSize\":5242880,\"maxPixels\":50000000,"
		"\"maxFileNameBytes\":255,\"maxMetadataMembers\":32,\"maxMetadataBytes\":2048,\"urlLifetimeSeconds\":300,\"requireSize\":false}");
}

static void test_limits_when_slots_need_their_size_then_it_is_reported(void **state)
{
	(void)state;
	fixture.product.rules.require_size = true;
	assert_int_equal(ASK("GET", "/prod/limits")->status, 200);
	assert_true(str_ends_with(fixture.x.answer.body, STR(",\"requireSize\":true}")));
}

static void test_limits_when_anonymous_callers_may_not_change_images_then_they_are_told(void **state)
{
	(void)state;
	fixture_teardown(NULL);
	fixture_open(&(struct api_options){ .delete_by_token = true, .key = STR("a-key-of-the-operator"), .cors_origins = STR("*") });
	ASK("GET", "/prod/limits");
	assert_true(str_ends_with(fixture.x.answer.body, STR(",\"requireSize\":false,\"anonymousChanges\":false}")));
	ASK("GET", "/prod/limits", .authorization = "Bearer a-key-of-the-operator");
	assert_true(str_ends_with(fixture.x.answer.body, STR(",\"requireSize\":false}")));
}

static void test_limits_when_the_store_is_down_then_still_returned(void **state)
{
	(void)state;
	uint64_t before = fake_table_calls(fixture.table) + fake_store_calls(fixture.store);
	assert_int_equal(ASK("HEAD", "/prod/limits")->status, 200);
	assert_int_equal(fake_table_calls(fixture.table) + fake_store_calls(fixture.store), before);
}

#define T(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_limits_when_requested_then_the_configured_rules),
		T(test_limits_when_slots_need_their_size_then_it_is_reported),
		T(test_limits_when_anonymous_callers_may_not_change_images_then_they_are_told),
		T(test_limits_when_the_store_is_down_then_still_returned),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
