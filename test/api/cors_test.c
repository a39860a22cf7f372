#include "api/cors.h"

#include "api/fixture.h"

static void open_with(const char *origins)
{
	fixture_teardown(NULL);
	fixture_open(&(struct api_options){ .cors_origins = str_of(origins) });
}

static void test_origin_when_all_are_allowed_then_a_star(void **state)
{
	(void)state;
	assert_str(cors_origin(STR("*"), STR("https://a.example")), "*");
	assert_str(cors_origin(STR("*"), (struct str){ 0 }), "*");
	assert_str(cors_origin(STR("https://a.example, *"), STR("null")), "*");
}

static void test_origin_when_there_is_a_list_then_only_its_members_are_echoed(void **state)
{
	struct str list = STR("https://a.example, http://localhost:3000");

	(void)state;
	assert_str(cors_origin(list, STR("http://localhost:3000")), "http://localhost:3000");
	assert_str(cors_origin(list, STR("https://A.example")), "https://A.example");
	assert_str(cors_origin(list, STR("https://a.example.evil")), "");
	assert_str(cors_origin(list, STR("https://a.exampl")), "");
	assert_str(cors_origin(list, STR("http://a.example")), "");
	assert_str(cors_origin(list, STR("null")), "");
	assert_str(cors_origin(list, (struct str){ 0 }), "");
	assert_str(cors_origin((struct str){ 0 }, STR("https://a.example")), "");
}

static void test_preflight_of_any_path_then_204_with_its_methods(void **state)
{
	static const struct {
		const char *path, *methods;
	} rows[] = {
		{ "/prod/upload", "POST, OPTIONS" },
		{ "/prod/uppy", "POST, OPTIONS" },
		{ "/prod/images", "POST, GET, HEAD, OPTIONS" },
		{ "/prod/images/" SOME_ID, "GET, HEAD, PATCH, DELETE, OPTIONS" },
		{ "/prod/images/not-an-id", "GET, HEAD, PATCH, DELETE, OPTIONS" },
		{ "/prod/images/" SOME_ID "/file", "GET, HEAD, OPTIONS" },
		{ "/prod/images/" SOME_ID "/complete", "POST, OPTIONS" },
		{ "/prod/limits", "GET, HEAD, OPTIONS" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		assert_int_equal(ASK("OPTIONS", rows[i].path, .origin = "https://a.example")->status, 204);
		assert_int_equal(fixture.step, HANDLER_ANSWER);
		assert_str(header_of("Access-Control-Allow-Methods"), rows[i].methods);
		assert_str(header_of("Allow"), rows[i].methods);
		assert_str(
			header_of("Access-Control-Allow-Headers"), "Authorization, Content-Type, Idempotency-Key, If-Match, X-Api-Key, X-Delete-Token");
		assert_str(header_of("Access-Control-Allow-Origin"), "*");
		assert_true(header_of("Access-Control-Max-Age").n > 0);
		assert_int_equal(fixture.x.answer.body.n, 0);
	}
}

static void test_preflight_when_a_key_is_required_then_it_needs_none(void **state)
{
	(void)state;
	fixture_teardown(NULL);
	fixture_open(&(struct api_options){ .images = ACCESS_KEYS, .slots = ACCESS_KEYS, .key = STR(KEY), .cors_origins = STR("*") });
	assert_int_equal(ASK("OPTIONS", "/prod/upload")->status, 204);
	assert_int_equal(ASK("OPTIONS", "/prod/images")->status, 204);
}

static void test_response_when_all_origins_are_allowed_then_it_does_not_vary(void **state)
{
	(void)state;
	ASK("GET", "/prod/limits", .origin = "https://a.example");
	assert_str(header_of("Access-Control-Allow-Origin"), "*");
	assert_null(header_of("Vary").p);
	assert_null(header_of("Access-Control-Allow-Credentials").p);
}

static void test_response_when_the_origin_is_listed_then_echoed_on_errors_too(void **state)
{
	static const struct {
		const char *method, *path;
		int status;
	} rows[] = {
		{ "GET", "/prod/limits", 200 },
		{ "GET", "/prod/nowhere", 404 },
		{ "PUT", "/prod/images", 405 },
		{ "GET", "/prod/images?limit=0", 400 },
		{ "GET", "/prod/images/" SOME_ID, 404 },
		{ "POST", "/prod/upload", 400 },
	};

	(void)state;
	open_with("https://a.example,https://b.example");
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		assert_int_equal(ASK(rows[i].method, rows[i].path, .origin = "https://b.example")->status, rows[i].status);
		assert_str(header_of("Access-Control-Allow-Origin"), "https://b.example");
		assert_str(header_of("Vary"), "Origin");
	}
}

static void test_response_when_the_origin_is_not_listed_then_not_named_but_varies(void **state)
{
	(void)state;
	open_with("https://a.example");
	assert_int_equal(ASK("GET", "/prod/limits", .origin = "https://evil.example")->status, 200);
	assert_null(header_of("Access-Control-Allow-Origin").p);
	assert_str(header_of("Vary"), "Origin");
}

#define T(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_origin_when_all_are_allowed_then_a_star),
		cmocka_unit_test(test_origin_when_there_is_a_list_then_only_its_members_are_echoed),
		T(test_preflight_of_any_path_then_204_with_its_methods),
		T(test_preflight_when_a_key_is_required_then_it_needs_none),
		T(test_response_when_all_origins_are_allowed_then_it_does_not_vary),
		T(test_response_when_the_origin_is_listed_then_echoed_on_errors_too),
		T(test_response_when_the_origin_is_not_listed_then_not_named_but_varies),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
