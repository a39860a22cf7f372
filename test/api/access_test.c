#include "api/access.h"

#include "api/fixture.h"
#include "http/bearer.h"

static void open_with(bool images, bool slots, const char *key)
{
	fixture_teardown(NULL);
	fixture_open(&(struct api_options){ .images = images ? ACCESS_KEYS : ACCESS_OPEN,
		.slots = slots ? ACCESS_KEYS : ACCESS_OPEN,
		.key = str_of(key),
		.cors_origins = STR("*") });
}

/* Every call there is, on an image that is there or not. */
static const struct {
	const char *method, *path;
	bool slot, image;
} calls[] = {
	{ "POST", "/prod/upload", true, false },
	{ "POST", "/prod/uppy", true, false },
	{ "GET", "/prod/images", false, true },
	{ "HEAD", "/prod/images", false, true },
	{ "GET", "/prod/images/" SOME_ID, false, true },
	{ "GET", "/prod/images/" SOME_ID "/file", false, true },
	{ "POST", "/prod/images/" SOME_ID "/complete", false, true },
	{ "POST", "/prod/images/" SOME_ID "/links", false, true },
	{ "PATCH", "/prod/images/" SOME_ID, false, true },
	{ "DELETE", "/prod/images/" SOME_ID, false, true },
	{ "DELETE", "/prod/images/no-id", false, true },
	{ "GET", "/prod/images/no-id", false, true },
	{ "GET", "/prod/limits", false, false },
	{ "OPTIONS", "/prod/images", false, false },
};

static bool refused(void)
{
	return fixture.x.answer.status == 401 || fixture.x.answer.status == 403;
}

static void test_access_when_open_then_no_one_is_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(calls); i++) {
		ASK(calls[i].method, calls[i].path, .body = "{}");
		assert_false(refused());
	}
}

/* Each is a failed credential, which never makes an anonymous caller. */
static void test_access_when_a_credential_fails_then_401_on_every_route_open_ones_too(void **state)
{
	static const char *const wrong[] = { "Bearer whatever", "Bearer " KEY "x", "Bearer", "Basic dTpw", "Bearer a.b.c", "Bearer a,Bearer b",
		"Bearer tk_AbCdEfGh_0123456789012345678901234567890123456789012", KEY };
	(void)state;
	for (unsigned needs_key = 0; needs_key < 2; needs_key++) {
		open_with(needs_key, needs_key, KEY);
		for (size_t i = 0; i < COUNT_OF(calls); i++)
			for (size_t j = 0; j < COUNT_OF(wrong); j++) {
				ASK(calls[i].method, calls[i].path, .body = "{}", .authorization = wrong[j]);
				assert_int_equal(fixture.x.answer.status, 401);
				assert_int_equal(fixture.step, HANDLER_ANSWER);
				assert_true(str_starts_with(header_of("WWW-Authenticate"), STR("Bearer error=\"invalid_token\", error_description=\"")));
			}
	}
}

static void check_matrix(bool images, bool slots)
{
	open_with(images, slots, KEY);
	for (size_t i = 0; i < COUNT_OF(calls); i++) {
		bool asked = (calls[i].image && images) || (calls[i].slot && slots);
		ASK(calls[i].method, calls[i].path, .body = "{}");
		assert_int_equal(fixture.x.answer.status == 401, asked);
		if (asked)
			assert_str(header_of("WWW-Authenticate"), "Bearer");
		ASK(calls[i].method, calls[i].path, .body = "{}", .authorization = "Bearer " KEY);
		assert_false(refused());
		ASK(calls[i].method, calls[i].path, .body = "{}", .authorization = "bearer  " KEY " ");
		assert_false(refused());
	}
}

static void test_access_when_images_require_the_key_then_slots_stay_open(void **state)
{
	(void)state;
	check_matrix(true, false);
}

static void test_access_when_slots_require_the_key_too_then_all_but_limits_and_preflights_do(void **state)
{
	(void)state;
	check_matrix(true, true);
}

static void test_access_when_only_slots_require_the_key_then_images_stay_open(void **state)
{
	(void)state;
	check_matrix(false, true);
}

static void test_access_when_a_key_is_required_but_none_is_set_then_no_key_is_right(void **state)
{
	(void)state;
	open_with(true, true, "");
	assert_int_equal(ASK("GET", "/prod/images")->status, 401);
	assert_int_equal(ASK("GET", "/prod/images", .authorization = "Bearer ")->status, 401);
	assert_int_equal(ASK("GET", "/prod/images", .authorization = "Bearer x")->status, 401);
}

static enum status give_key(void *arg, struct str *out, struct fault *why)
{
	unsigned *times = arg;
	++*times;
	*out = STR(KEY);
	return *times > 1 ? OK : fault_set(why, IDENTITY_UNREACHABLE, "Keys cannot be verified now; try again.");
}

static void test_access_when_the_key_must_be_read_then_only_for_what_may_be_it(void **state)
{
	static const char *const others[] = { NULL, "Bearer a.b.c" };
	unsigned times = 0;
	(void)state;
	fixture_teardown(NULL);
	fixture_open(&(struct api_options){
		.images = ACCESS_KEYS, .slots = ACCESS_KEYS, .read_key = give_key, .read_key_arg = &times, .cors_origins = STR("*") });
	for (size_t i = 0; i < COUNT_OF(others); i++)
		assert_int_equal(ASK("GET", "/prod/images", .authorization = others[i])->status, 401);
	assert_int_equal(times, 0);
	assert_int_equal(ASK("GET", "/prod/images", .authorization = "Bearer " KEY)->status, 503);
	assert_int_equal(ASK("GET", "/prod/images", .authorization = "Bearer " KEY)->status, 200);
	assert_int_equal(fixture.step, HANDLER_RUN);
	assert_int_equal(ASK("GET", "/prod/images", .authorization = "Bearer " KEY "x")->status, 401);
	assert_int_equal(ASK("GET", "/prod/limits", .authorization = "Bearer " KEY "x")->status, 401);
	assert_int_equal(times, 4);
}

static void test_access_when_the_key_is_missing_then_nothing_is_read(void **state)
{
	(void)state;
	make_image();
	uint64_t before = fake_table_calls(fixture.table);
	ASK("GET", "/prod/images");
	ASK("DELETE", "/prod/images/" SOME_ID);
	ASK("GET", "/prod/images/" SOME_ID, .authorization = "Bearer wrong");
	assert_int_equal(fixture.step, HANDLER_ANSWER);
	assert_int_equal(fake_table_calls(fixture.table), before);
}

static void test_delete_when_the_token_is_right_then_it_needs_no_key(void **state)
{
	struct made one = make_image(), two = make_image(), three = make_image();

	(void)state;
	assert_int_equal(ASK("DELETE", path_of("/prod/images/", one.id, ""), .authorization = bearer(one.delete_token))->status, 204);
	assert_int_equal(
		ASK("DELETE", path_of("/prod/images/", two.id, ""), .delete_token = str_cstr(&fixture.own, two.delete_token))->status, 204);
	assert_int_equal(fake_store_count(fixture.store), 1);
	/* An Authorization that fails is not passed over for it. */
	static const char *const wrong[] = { "Basic dTpw", "Bearer", "Bearer whatever", "Bearer a.b.c" };
	for (size_t i = 0; i < COUNT_OF(wrong); i++) {
		ASK("DELETE", path_of("/prod/images/", three.id, ""), .authorization = wrong[i],
			.delete_token = str_cstr(&fixture.own, three.delete_token));
		assert_problem(401, "token_invalid");
	}
	assert_int_equal(fake_store_count(fixture.store), 1);
}

static void test_delete_when_the_token_is_of_another_image_then_404_and_the_image_stays(void **state)
{
	struct made one = make_image(), two = make_image();

	(void)state;
	ASK("DELETE", path_of("/prod/images/", one.id, ""), .authorization = bearer(two.delete_token));
	assert_problem(404, "no_such_image");
	ASK("DELETE", path_of("/prod/images/", one.id, ""), .delete_token = "x");
	assert_problem(404, "no_such_image");
	ASK("DELETE", path_of("/prod/images/", one.id, ""), .delete_token = "x", .authorization = "Bearer y");
	assert_problem(401, "token_invalid");
	assert_int_equal(fake_store_count(fixture.store), 2);
}

static void test_delete_when_the_key_is_given_next_to_a_wrong_token_then_the_key_counts(void **state)
{
	struct made one = make_image();

	(void)state;
	assert_int_equal(ASK("DELETE", path_of("/prod/images/", one.id, ""), .authorization = "Bearer " KEY, .delete_token = "x")->status, 204);
}

static void test_delete_when_the_id_is_unknown_then_404_only_with_a_key_or_token(void **state)
{
	(void)state;
	ASK("DELETE", "/prod/images/" SOME_ID);
	assert_problem(401, "key_needed");
	ASK("DELETE", "/prod/images/" SOME_ID, .delete_token = "some token");
	assert_problem(404, "no_such_image");
	ASK("DELETE", "/prod/images/" SOME_ID, .authorization = "Bearer " KEY);
	assert_problem(404, "no_such_image");
}

static void test_delete_token_when_used_for_another_call_then_401(void **state)
{
	struct made one = make_image();

	(void)state;
	ASK("GET", path_of("/prod/images/", one.id, ""), .authorization = bearer(one.delete_token));
	assert_problem(401, "token_invalid");
	ASK("GET", path_of("/prod/images/", one.id, ""), .delete_token = str_cstr(&fixture.own, one.delete_token));
	assert_problem(401, "key_needed");
}

static void test_delete_token_when_a_row_has_none_then_no_token_is_right(void **state)
{
	struct image_row row = row_pending(&fixture.own, 7);
	struct fault why;

	(void)state;
	row.delete_hash = (struct str){ 0 };
	assert_int_equal(table_insert(fixture.product.table, &row, &why), OK);
	ASK("DELETE", path_of("/prod/images/", row.image_id, ""),
		.delete_token = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
	assert_problem(404, "no_such_image");
}

/* What a browser sends for pages of different origins, and whether that page is of another site. */
static const struct {
	const char *origin, *referer, *fetch_site;
	bool cross_site;
} callers[] = {
	{ NULL, NULL, NULL, false },
	{ NULL, NULL, "none", false },
	{ NULL, "http://127.0.0.1:8080/", "same-origin", false },
	{ NULL, NULL, "same-site", false },
	{ NULL, NULL, "cross-site", true },
	{ NULL, NULL, "", false },
	{ NULL, NULL, "a site of tomorrow", true },
	{ "null", NULL, NULL, true },
	{ "null", NULL, "cross-site", true },
	{ "https://evil.example", NULL, NULL, true },
	{ "https://evil.example", NULL, "cross-site", true },
	{ "https://127.0.0.1.evil.example", NULL, NULL, true },
	{ "https://localhost.evil.example", NULL, NULL, true },
	{ "evil.example", NULL, NULL, true },
	{ "http://localhost:3000", NULL, "cross-site", false },
	{ "http://127.0.0.1:3000", NULL, NULL, false },
	{ "http://[::1]:3000", NULL, "cross-site", false },
	{ "http://proxy.example:8443", NULL, NULL, false },
	{ "https://app.example", NULL, "cross-site", false },
	{ "https://app.example:444", NULL, "cross-site", true },
	{ NULL, "https://app.example/page?x=1", "cross-site", false },
	{ NULL, "https://evil.example/app.example", "cross-site", true },
	{ NULL, "https://evil.example/?https://app.example/", "cross-site", true },
	{ NULL, "https://app.example@evil.example/", "cross-site", true },
	{ NULL, "about:blank", "cross-site", true },
	{ NULL, "://", NULL, false },
};

static void test_access_when_open_because_of_loopback_then_pages_of_other_sites_are_refused_images(void **state)
{
	(void)state;
	fixture_teardown(NULL);
	fixture_open(&(struct api_options){ .refuse_cross_site = true, .cors_origins = STR("*,https://app.example") });
	for (size_t i = 0; i < COUNT_OF(callers); i++)
		for (size_t j = 0; j < COUNT_OF(calls); j++) {
			ASK(calls[j].method, calls[j].path, .body = "{}", .origin = callers[i].origin, .referer = callers[i].referer,
				.fetch_site = callers[i].fetch_site, .host = "proxy.example");
			assert_int_equal(refused(), callers[i].cross_site && calls[j].image);
			if (refused() && strcmp(calls[j].method, "HEAD") != 0)
				assert_problem(403, "cross_site");
		}
}

static void test_access_when_open_by_setting_then_any_origin_is_allowed(void **state)
{
	(void)state;
	for (size_t j = 0; j < COUNT_OF(calls); j++) {
		ASK(calls[j].method, calls[j].path, .body = "{}", .origin = "https://evil.example", .fetch_site = "cross-site");
		assert_false(refused());
	}
}

/* The right key and the right token are asked first: they work all the while, and none that is missing counts. */
static void test_access_when_wrong_too_often_then_429_but_the_right_key_and_token_work(void **state)
{
	struct rate_limit *wrong = rate_limit_new(BEARER_WRONG_MAX, BEARER_WINDOW_MS);

	(void)state;
	fixture_teardown(NULL);
	fixture_open(&(struct api_options){ .images = ACCESS_KEYS, .key = STR(KEY), .wrong_keys = wrong, .cors_origins = STR("*") });
	struct made one = make_image(), two = make_image();
	for (int i = 0; i < 2 * BEARER_WRONG_MAX; i++)
		assert_int_equal(ASK("GET", "/prod/images")->status, 401);
	for (int i = 0; i < BEARER_WRONG_MAX / 2; i++) {
		ASK("GET", "/prod/images", .authorization = "Bearer wrong");
		assert_problem(401, "token_invalid");
		ASK("DELETE", path_of("/prod/images/", one.id, ""), .delete_token = "wrong");
		assert_problem(404, "no_such_image");
	}
	ASK("GET", "/prod/images", .authorization = "Bearer wrong");
	assert_problem(429, "too_many_tries");
	assert_str(header_of("Retry-After"), "60");
	ASK("DELETE", path_of("/prod/images/", one.id, ""), .delete_token = str_cstr(&fixture.own, two.delete_token));
	assert_problem(429, "too_many_tries");
	assert_int_equal(ASK("GET", "/prod/images", .authorization = "Bearer " KEY)->status, 200);
	assert_int_equal(ASK("DELETE", path_of("/prod/images/", one.id, ""), .authorization = bearer(one.delete_token))->status, 204);
	assert_int_equal(ASK("DELETE", path_of("/prod/images/", two.id, ""), .authorization = "Bearer " KEY)->status, 204);
	rate_limit_free(&wrong);
}

static void test_public_when_no_key_is_sent_then_403_wherever_it_is_asked_for(void **state)
{
	static const char slot[] = "{\"fileName\":\"a.png\",\"fileType\":\"image/png\",\"visibility\":\"public\"}";
	static const char change[] = "{\"visibility\":\"public\"}";
	struct image_row row;
	struct fault why;

	(void)state;
	for (unsigned with_key = 0; with_key < 2; with_key++) {
		open_with(false, false, with_key ? KEY : "");
		struct made m = make_image();
		ASK("POST", "/prod/upload", slot);
		assert_problem(403, "public_denied");
		ASK("PATCH", path_of("/prod/images/", m.id, ""), change);
		assert_problem(403, "public_denied");
		ASK("PATCH", path_of("/prod/images/", m.id, ""), change, .delete_token = str_cstr(&fixture.own, m.delete_token));
		assert_problem(403, "public_denied");
		ASK("PATCH", path_of("/prod/images/", m.id, ""), change, .authorization = "Bearer wrong");
		assert_problem(401, "token_invalid");
		assert_int_equal(table_get(fixture.product.table, m.id, &fixture.own, &row, &why), OK);
		assert_false(row.is_public);
		ASK("PATCH", path_of("/prod/images/", m.id, ""), "{\"visibility\":\"private\"}");
		assert_int_equal(fixture.x.answer.status, 200);
		ASK("POST", "/prod/upload", slot, .authorization = "Bearer " KEY);
		assert_int_equal(fixture.x.answer.status, with_key ? 200 : 401);
		assert_int_equal(answer_has("deleteToken"), false);
		ASK("PATCH", path_of("/prod/images/", m.id, ""), change, .authorization = "Bearer " KEY);
		assert_int_equal(fixture.x.answer.status, with_key ? 200 : 401);
		assert_int_equal(table_get(fixture.product.table, m.id, &fixture.own, &row, &why), OK);
		assert_int_equal(row.is_public, with_key);
	}
}

static void test_delete_by_token_when_open_then_anybody_reads_and_nobody_but_owners_changes(void **state)
{
	static const char all[] = "{\"imageIds\":[\"" SOME_ID "\"]}";
	(void)state;
	fixture_teardown(NULL);
	fixture_open(&(struct api_options){ .delete_by_token = true, .key = STR(KEY), .cors_origins = STR("*") });
	struct made one = make_image(), two = make_image();
	const char *path = path_of("/prod/images/", one.id, "");

	assert_int_equal(ASK("GET", "/prod/images")->status, 200);
	assert_int_equal(ASK("GET", path)->status, 200);
	ASK("DELETE", path);
	assert_problem(401, "key_needed");
	ASK("PATCH", path, "{\"metadata\":{}}");
	assert_problem(401, "key_needed");
	ASK("POST", "/prod/images/delete", all);
	assert_problem(401, "key_needed");
	ASK("DELETE", path, .delete_token = str_cstr(&fixture.own, two.delete_token));
	assert_problem(404, "no_such_image");
	assert_int_equal(fake_store_count(fixture.store), 2);
	assert_int_equal(ASK("DELETE", path, .delete_token = str_cstr(&fixture.own, one.delete_token))->status, 204);
	path = path_of("/prod/images/", two.id, "");
	assert_int_equal(ASK("PATCH", path, "{\"metadata\":{}}", .authorization = "Bearer " KEY)->status, 200);
	assert_int_equal(ASK("DELETE", path, .authorization = "Bearer " KEY)->status, 204);
}

/* Clients with one key send it in both headers, since API Gateway reads one and the function the other. */
static void test_gateway_key_when_sent_in_both_headers_then_it_makes_no_caller(void **state)
{
	(void)state;
	for (unsigned keyed = 0; keyed < 2; keyed++) {
		fixture_teardown(NULL);
		fixture_open(&(struct api_options){ .keyed_gateway = keyed, .delete_by_token = true, .key = STR(KEY), .cors_origins = STR("*") });
		struct made one = make_image();
		const char *path = path_of("/prod/images/", one.id, "");
		assert_int_equal(ASK("GET", path, .authorization = "Bearer gateway", .gateway_key = "gateway")->status, keyed ? 200 : 401);
		assert_int_equal(ASK("GET", path, .authorization = "Bearer gateway", .gateway_key = "another")->status, 401);
		assert_int_equal(ASK("GET", path, .authorization = "Bearer a.b.c", .gateway_key = "a.b.c")->status, 401);
		assert_int_equal(ASK("PATCH", path, "{\"metadata\":{}}", .authorization = "Bearer gateway", .gateway_key = "gateway")->status, 401);
		assert_int_equal(
			ASK("PATCH", path, "{\"visibility\":\"public\"}", .authorization = "Bearer " KEY, .gateway_key = "gateway")->status, 200);
		assert_int_equal(ASK("DELETE", path, .authorization = "Bearer gateway", .gateway_key = "gateway",
							 .delete_token = str_cstr(&fixture.own, one.delete_token))
							 ->status,
			keyed ? 204 : 401);
	}
}

#define T(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
#define K(name) cmocka_unit_test_setup_teardown(name, fixture_setup_with_key, fixture_teardown)

/* The operator may choose any text: also one that looks like a token, or begins as keys of applications do. */
static void test_operator_key_when_it_looks_like_another_credential_then_it_is_the_operators(void **state)
{
	static const char *const keys[] = { "a.key.with-two-dots", "tk_a-key-of-the-operator", "0123456789012345678901234567890123456789012" };

	for (size_t i = 0; i < COUNT_OF(keys); i++) {
		open_with(true, true, keys[i]);
		assert_int_equal(ASK("GET", "/prod/images",
							 .authorization = (const char *)STR_CONCAT(&fixture.own, STR("Bearer "), str_of(keys[i]), STR("\0")).p)
							 ->status,
			200);
		fixture_teardown(state);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_operator_key_when_it_looks_like_another_credential_then_it_is_the_operators),
		T(test_access_when_open_then_no_one_is_refused),
		T(test_access_when_a_credential_fails_then_401_on_every_route_open_ones_too),
		T(test_public_when_no_key_is_sent_then_403_wherever_it_is_asked_for),
		T(test_access_when_wrong_too_often_then_429_but_the_right_key_and_token_work),
		T(test_access_when_open_because_of_loopback_then_pages_of_other_sites_are_refused_images),
		T(test_access_when_open_by_setting_then_any_origin_is_allowed),
		T(test_access_when_images_require_the_key_then_slots_stay_open),
		T(test_access_when_slots_require_the_key_too_then_all_but_limits_and_preflights_do),
		T(test_access_when_only_slots_require_the_key_then_images_stay_open),
		T(test_access_when_a_key_is_required_but_none_is_set_then_no_key_is_right),
		K(test_access_when_the_key_must_be_read_then_only_for_what_may_be_it),
		K(test_access_when_the_key_is_missing_then_nothing_is_read),
		K(test_delete_when_the_token_is_right_then_it_needs_no_key),
		K(test_delete_when_the_token_is_of_another_image_then_404_and_the_image_stays),
		K(test_delete_when_the_key_is_given_next_to_a_wrong_token_then_the_key_counts),
		K(test_delete_when_the_id_is_unknown_then_404_only_with_a_key_or_token),
		K(test_delete_token_when_used_for_another_call_then_401),
		K(test_delete_token_when_a_row_has_none_then_no_token_is_right),
		T(test_delete_by_token_when_open_then_anybody_reads_and_nobody_but_owners_changes),
		T(test_gateway_key_when_sent_in_both_headers_then_it_makes_no_caller),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
