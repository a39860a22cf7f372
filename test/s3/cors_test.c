/* CORS: preflights, and what lets a page read every response. */
#include "s3/fixture.h"

static void preflight(struct rig *r, const char *origin, const char *method, const char *headers)
{
	struct ask ask = { .method = "OPTIONS" };
	size_t n = 0;
	if (origin != NULL)
		ask.more[n++] = (struct header){ STR("Origin"), str_of(origin) };
	if (method != NULL)
		ask.more[n++] = (struct header){ STR("Access-Control-Request-Method"), str_of(method) };
	if (headers != NULL)
		ask.more[n++] = (struct header){ STR("Access-Control-Request-Headers"), str_of(headers) };
	rig_send(r, &ask, STR("/" RIG_BUCKET "/images/x?X-Amz-Signature=y"));
}

static void test_preflight_when_allowed_then_lists_what_is_allowed(void **state)
{
	static const char *const methods[] = { "GET", "HEAD", "PUT", "POST" };
	struct rig *r = *state;
	for (size_t i = 0; i < COUNT_OF(methods); i++) {
		preflight(r, "https://app.example", methods[i], "content-type, x-amz-date");
		rig_expect(r, 200, NULL);
		assert_int_equal(rig_body(r).n, 0);
		assert_true(str_equal(rig_header(r, "Access-Control-Allow-Origin"), STR("*")));
		assert_true(str_equal(rig_header(r, "Access-Control-Allow-Methods"), STR("GET, PUT, POST, HEAD")));
		assert_true(str_equal(rig_header(r, "Access-Control-Allow-Headers"), STR("content-type, x-amz-date")));
		assert_true(str_equal(rig_header(r, "Access-Control-Expose-Headers"), STR("ETag, x-amz-request-id")));
		assert_true(str_equal(rig_header(r, "Access-Control-Max-Age"), STR("3000")));
	}
	preflight(r, "null", "PUT", NULL);
	rig_expect(r, 200, NULL);
	assert_null(rig_header(r, "Access-Control-Allow-Headers").p);
}

static void test_preflight_when_incomplete_or_not_allowed_then_refused(void **state)
{
	struct rig *r = *state;
	preflight(r, NULL, "PUT", NULL);
	rig_expect_error(r, 400, "InvalidRequest");
	preflight(r, "https://app.example", NULL, NULL);
	rig_expect_error(r, 400, "InvalidRequest");
	preflight(r, "https://app.example", "DELETE", NULL);
	rig_expect_error(r, 403, "AccessForbidden");
	preflight(r, "https://app.example\r\nX: y", "PUT", NULL);
	rig_expect_error(r, 403, "AccessForbidden");
	assert_null(rig_header(r, "Access-Control-Allow-Origin").p);
}

static void test_preflight_when_header_names_are_odd_then_they_are_not_echoed(void **state)
{
	static const char *const odd[] = { "a\r\nX: y", "a:b", "<a>", "\xC3\xA9", "" };
	struct rig *r = *state;
	for (size_t i = 0; i < COUNT_OF(odd); i++) {
		preflight(r, "https://app.example", "PUT", odd[i]);
		rig_expect(r, 200, NULL);
		assert_null(rig_header(r, "Access-Control-Allow-Headers").p);
	}
}

static void test_origins_when_listed_then_only_they_are_named(void **state)
{
	struct rig *r = *state;
	r->options.cors_origins = STR("https://a.example, https://b.example");
	rig_renew(r);
	preflight(r, "https://b.example", "PUT", NULL);
	rig_expect(r, 200, NULL);
	assert_true(str_equal(rig_header(r, "Access-Control-Allow-Origin"), STR("https://b.example")));
	assert_true(rig_header(r, "Vary").n > 0);
	preflight(r, "https://c.example", "PUT", NULL);
	rig_expect_error(r, 403, "AccessForbidden");
	preflight(r, "https://a.exampl", "PUT", NULL);
	rig_expect_error(r, 403, "AccessForbidden");
	r->options.cors_origins = STR("");
	rig_renew(r);
	preflight(r, "https://a.example", "PUT", NULL);
	rig_expect_error(r, 403, "AccessForbidden");
}

static void test_response_when_origin_is_sent_then_a_page_may_read_it_errors_too(void **state)
{
	struct rig *r = *state;
	struct header origin = { STR("Origin"), STR("https://app.example") };
	struct str key = rig_slot(r, 1);
	const struct ask asks[] = {
		{ .method = "PUT", .key = key, .body = RIG_GIF, .more = { origin } },
		{ .method = "GET", .key = key, .more = { origin } },
		{ .method = "GET", .key = STR("none"), .more = { origin } },
		{ .method = "PUT", .key = STR("none"), .no_length = true, .more = { origin } },
		{ .method = "PATCH", .key = key, .more = { origin } },
	};
	for (size_t i = 0; i < COUNT_OF(asks); i++) {
		rig_ask(r, &asks[i]);
		assert_true(str_equal(rig_header(r, "Access-Control-Allow-Origin"), STR("*")));
		assert_true(str_equal(rig_header(r, "Access-Control-Expose-Headers"), STR("ETag, x-amz-request-id")));
	}
	rig_ask(r, &(struct ask){ .key = key });
	assert_null(rig_header(r, "Access-Control-Allow-Origin").p);
	assert_true(str_starts_with(rig_header(r, "Vary"), STR("Origin,")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		RIG_TEST(test_preflight_when_allowed_then_lists_what_is_allowed),
		RIG_TEST(test_preflight_when_incomplete_or_not_allowed_then_refused),
		RIG_TEST(test_preflight_when_header_names_are_odd_then_they_are_not_echoed),
		RIG_TEST(test_origins_when_listed_then_only_they_are_named),
		RIG_TEST(test_response_when_origin_is_sent_then_a_page_may_read_it_errors_too),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
