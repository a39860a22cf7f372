/* The console's handler: authentication, origins, methods; and that a failure shows no cause. */
#include "admin/fixture.h"

#define OWN_HOST \
	{ \
		STR("Host"), STR("127.0.0.1:8081") \
	}
#define OWN_TOKEN \
	{ \
		STR("Authorization"), STR("Bearer " TOKEN) \
	}

static const char *const secrets[] = { "/console/images", "/console/images/0b9f1c52-6f0e-4a7e-9a53-3f1f7b7f2a10", "/console/logs",
	"/console/settings" };

static void test_data_without_the_token_then_refused(void **state)
{
	const struct header none[] = { OWN_HOST }, basic[] = { OWN_HOST, { STR("Authorization"), STR("Basic " TOKEN) } };
	const struct header cookie[] = { OWN_HOST, { STR("Cookie"), STR("token=" TOKEN) } };
	const struct header proxied[] = { OWN_HOST, { STR("X-Forwarded-For"), STR("127.0.0.1") }, { STR("Forwarded"), STR("for=127.0.0.1") },
		{ STR("X-Real-IP"), STR("127.0.0.1") } };
	for (size_t i = 0; i < COUNT_OF(secrets); i++) {
		ask_with("GET", secrets[i], none, COUNT_OF(none), 401);
		assert_true(answer_says("WWW-Authenticate", "Bearer"));
		ask_with("GET", secrets[i], basic, COUNT_OF(basic), 401);
		ask_with("GET", secrets[i], cookie, COUNT_OF(cookie), 401);
		ask_with("GET", secrets[i], proxied, COUNT_OF(proxied), 401);
		ask_with("GET", str_cstr(&fixture.own, str_printf(&fixture.own, "%s?token=" TOKEN, secrets[i])), none, COUNT_OF(none), 401);
	}
}

static void test_data_with_wrong_tokens_then_403_and_soon_429_while_the_right_one_is_accepted(void **state)
{
	const struct header wrong[] = { OWN_HOST, { STR("Authorization"), STR("Bearer 00112233445566778899aabbccddeefe") } };
	for (int i = 0; i < BEARER_WRONG_MAX; i++)
		ask_with("GET", secrets[(size_t)i % COUNT_OF(secrets)], wrong, COUNT_OF(wrong), 403);
	ask_with("GET", "/console/settings", wrong, COUNT_OF(wrong), 429);
	assert_true(answer_says("Retry-After", "60"));
	ask("/console/settings", 200);
}

static void test_data_from_another_site_then_refused_even_with_the_token(void **state)
{
	const struct header foreign[] = { { STR("Sec-Fetch-Site"), STR("cross-site") }, { STR("Sec-Fetch-Site"), STR("same-site") },
		{ STR("Origin"), STR("http://evil.example") }, { STR("Origin"), STR("null") }, { STR("Origin"), STR("http://127.0.0.1:8080") } };
	for (size_t i = 0; i < COUNT_OF(foreign); i++)
		for (size_t s = 0; s < COUNT_OF(secrets); s++) {
			const struct header headers[] = { OWN_HOST, OWN_TOKEN, foreign[i] };
			ask_with("GET", secrets[s], headers, COUNT_OF(headers), 403);
		}
}

static void test_data_for_the_consoles_own_page_behind_a_tls_proxy_then_given(void **state)
{
	const struct header headers[] = { { STR("Host"), STR("admin.example") }, OWN_TOKEN, { STR("Origin"), STR("https://admin.example") },
		{ STR("Sec-Fetch-Site"), STR("same-origin") } };
	ask_with("GET", "/console/settings", headers, COUNT_OF(headers), 200);
}

static void test_other_methods_then_405_and_before_that_the_site(void **state)
{
	static const char *const methods[] = { "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "get", "TRACE" };
	const struct header headers[] = { OWN_HOST, OWN_TOKEN },
						foreign[] = { OWN_HOST, OWN_TOKEN, { STR("Origin"), STR("http://evil.example") } };
	for (size_t i = 0; i < COUNT_OF(methods); i++) {
		ask_with(methods[i], "/console/settings", headers, COUNT_OF(headers), 405);
		assert_true(answer_says("Allow", "GET, HEAD"));
		ask_with(methods[i], "/console/settings", foreign, COUNT_OF(foreign), 403);
	}
	ask_with("HEAD", "/console/settings", headers, COUNT_OF(headers), 200);
}

static void test_paths_that_do_not_exist_then_404(void **state)
{
	static const char *const paths[] = { "/console", "/console/", "/console/image", "/console/images/", "/console/images/a/b",
		"/console/settings/", "/Console/settings", "/console%2fsettings", "/nothing", "/../console/settings" };
	for (size_t i = 0; i < COUNT_OF(paths); i++)
		assert_refused(paths[i], 404, "no_such_route");
	assert_refused("/console/images/not-an-id", 404, "no_such_image");
}

static void test_failures_of_the_engine_then_no_cause_in_the_response(void **state)
{
	static const struct {
		enum fault_code code;
		int status;
	} rows[] = { { F_STORAGE_FAILED, 503 }, { F_UPSTREAM_FAILED, 502 }, { F_DEADLINE, 503 }, { F_OUT_OF_MEMORY, 503 },
		{ F_INTERNAL, 500 } };
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		fake_table_fail_nth(fixture.table, 1, rows[i].code);
		json_t *json = ask("/console/images", rows[i].status);
		assert_string_equal(text_of(json, "code"), fault_name(rows[i].code));
		assert_string_not_equal(text_of(json, "detail"), fixture.x.answer.fault.text);
		assert_string_equal(text_of(json, "requestId"), "the-id");
		assert_int_equal(fixture.x.answer.fault.code, rows[i].code);
	}
}

static void test_parameters_that_are_unknown_or_twice_then_400(void **state)
{
	assert_refused("/console/settings?x=1", 400, "bad_field");
	assert_refused("/console/images?Status=all", 400, "bad_field");
	assert_refused("/console/images?status=all&status=all", 400, "bad_field");
	assert_refused("/console/images/0b9f1c52-6f0e-4a7e-9a53-3f1f7b7f2a10?limit=1", 400, "bad_field");
	assert_refused("/console/logs?level=info&%6cevel=info", 400, "bad_field");
}

static void test_calls_of_the_api_then_passed_on_as_the_operators_with_the_token_alone(void **state)
{
	const struct header own[] = { OWN_HOST, OWN_TOKEN }, foreign[] = { OWN_HOST, OWN_TOKEN, { STR("Origin"), STR("http://evil.example") } };
	ask_next("DELETE", "/prod/images/0b9f1c52-6f0e-4a7e-9a53-3f1f7b7f2a10", own, COUNT_OF(own));
	assert_true(fixture.x.is_operator && str_equal(fixture.x.key_id, STR("console")) && !fixture.x.answer.is_poll);
	ask_next("GET", "/prod/users", own, COUNT_OF(own));
	assert_true(fixture.x.answer.is_poll);
	fixture.passed = 0;
	ask_with("DELETE", "/prod/keys/abcdefgh", own, 1, 401);
	ask_with("DELETE", "/prod/keys/abcdefgh", foreign, COUNT_OF(foreign), 403);
	ask_with("OPTIONS", "/prod/keys", foreign, COUNT_OF(foreign), 403);
	ask_with("POST", "/prod/upload", own, COUNT_OF(own), 404);
	ask_with("PATCH", "/prod/users", own, COUNT_OF(own), 405);
	assert_true(answer_says("Allow", "GET, HEAD"));
	assert_int_equal(fixture.passed, 0);
}

static void test_pictures_then_passed_on_without_the_token_unless_another_site_asks(void **state)
{
	const struct header own[] = { OWN_HOST }, foreign[] = { OWN_HOST, OWN_TOKEN, { STR("Sec-Fetch-Site"), STR("cross-site") } };
	ask_next("GET", "/i/sig.1/0b9f1c52-6f0e-4a7e-9a53-3f1f7b7f2a10/original", own, COUNT_OF(own));
	assert_false(fixture.x.is_operator);
	fixture.passed = 0;
	ask_with("GET", "/i/sig.1/0b9f1c52-6f0e-4a7e-9a53-3f1f7b7f2a10/original", foreign, COUNT_OF(foreign), 403);
	assert_int_equal(fixture.passed, 0);
}

static void test_buckets_without_an_object_store_then_not_here(void **state)
{
	assert_refused("/console/buckets", 409, "not_here");
	assert_refused("/console/buckets/photos", 409, "not_here");
	assert_refused("/console/s3-users", 409, "not_here");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FIXTURE_TEST(test_data_without_the_token_then_refused),
		FIXTURE_TEST(test_data_with_wrong_tokens_then_403_and_soon_429_while_the_right_one_is_accepted),
		FIXTURE_TEST(test_data_from_another_site_then_refused_even_with_the_token),
		FIXTURE_TEST(test_data_for_the_consoles_own_page_behind_a_tls_proxy_then_given),
		FIXTURE_TEST(test_other_methods_then_405_and_before_that_the_site),
		FIXTURE_TEST(test_paths_that_do_not_exist_then_404),
		FIXTURE_TEST(test_failures_of_the_engine_then_no_cause_in_the_response),
		FIXTURE_TEST(test_parameters_that_are_unknown_or_twice_then_400),
		FIXTURE_TEST(test_calls_of_the_api_then_passed_on_as_the_operators_with_the_token_alone),
		FIXTURE_TEST(test_pictures_then_passed_on_without_the_token_unless_another_site_asks),
		FIXTURE_TEST(test_buckets_without_an_object_store_then_not_here),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
