/* Whole events through the real API over the fakes: every response has a gateway's form. */
#include "unit.h"

#include "lambda/gateway.h"

#include "api/api.h"
#include "base/log/log.h"
#include "delivery/delivery.h"
#include "fake/fake_product.h"
#include "fake/pictures.h"
#include "fake/rows.h"
#include "image/image_service.h"

#include <fcntl.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct fake_product f;
static struct api *api;
static struct delivery *delivery;
static struct arena a;
static json_t *answer;
static int log_fds[2];

static const char *const upload_routes[] = { "POST /upload", "POST /uppy", "GET /limits", NULL };
static const char *const all_routes[] = { "POST /upload", "POST /uppy", "GET /limits", "GET /images", "GET /images/{imageId}",
	"PATCH /images/{imageId}", "DELETE /images/{imageId}", "GET /images/{imageId}/file", "POST /images/{imageId}/complete",
	"POST /images/{imageId}/links", NULL };
static const char *const no_routes[] = { NULL };

static int set_up(void **state)
{
	fake_product_init(&f, false);
	arena_init(&a, 64 << 20);
	api = api_new(&f.product, &(struct api_options){ .cors_origins = STR("*"), .key = STR("the administrator's key") });
	assert_true(delivery_keys_parse(STR("a-key-of-32-characters-and-more..."), &f.product.delivery.keys));
	f.product.delivery.url = STR("https://gate.example/prod");
	f.product.delivery.ttl_s = 86400;
	delivery = delivery_new(&(struct delivery_options){ .product = &f.product, .redirects = true, .next = api_handler(api) });
	assert_int_equal(pipe2(log_fds, O_CLOEXEC | O_NONBLOCK), 0);
	assert_int_equal(log_start(&(struct log_options){ .level = LOG_INFO, .direct_fd = log_fds[1] }, &f.why), OK);
	return picture_set_up(state);
}

static int tear_down(void **state)
{
	log_stop();
	close(log_fds[0]);
	close(log_fds[1]);
	json_decref(answer);
	answer = NULL;
	delivery_free(&delivery);
	api_free(&api);
	fake_product_deinit(&f);
	arena_deinit(&a);
	return picture_tear_down(state);
}

static struct str logged(void)
{
	static char text[65536];
	ssize_t n = read(log_fds[0], text, sizeof text);
	return (struct str){ text, n > 0 ? (size_t)n : 0 };
}

static bool holds(struct str s, const char *part)
{
	return str_find(s, str_of(part)) < s.n;
}

static const char *text_of(const char *name)
{
	const char *s = json_string_value(json_object_get(answer, name));
	return s == NULL ? "" : s;
}

static void check_shape(void)
{
	json_t *headers = json_object_get(answer, "headers");
	assert_true(json_is_integer(json_object_get(answer, "statusCode")));
	assert_true(json_is_object(headers));
	assert_true(json_is_string(json_object_get(answer, "body")));
	assert_true(json_is_boolean(json_object_get(answer, "isBase64Encoded")));
	assert_string_equal(json_string_value(json_object_get(headers, "Access-Control-Allow-Origin")), "*");
}

static const char *header_of(const char *name)
{
	const char *s = json_string_value(json_object_get(json_object_get(answer, "headers"), name));
	return s == NULL ? "" : s;
}

/* The response's status; its form is checked. */
static int ask_gateway(const struct gateway *g, struct str event)
{
	const struct invocation in = { .id = STR("lambda-1"), .event = event };
	struct buf b;
	buf_init_arena(&b, &a, 6 << 20);
	assert_int_equal(gateway_run((void *)g, &in, &a, &b, &f.why), OK);
	json_decref(answer);
	answer = json_loadb(b.p, b.n, JSON_REJECT_DUPLICATES, NULL);
	assert_non_null(answer);
	check_shape();
	return (int)json_integer_value(json_object_get(answer, "statusCode"));
}

static int ask_with(const char *const *routes, struct str event)
{
	const struct gateway g = { .http_handler = api_handler(api), .routes = routes };
	int status = ask_gateway(&g, event);
	assert_true(strlen(header_of("x-amzn-RequestId")) > 0);
	return status;
}

static int ask(const char *method, const char *path, const char *rest)
{
	return ask_with(all_routes,
		str_printf(&a,
			"{\"httpMethod\":\"%s\",\"path\":\"%s\",\"requestContext\":{\"requestId\":\"gate-1\",\"identity\":{\"sourceIp\":\"192.0.2.7\"}}%s}",
			method, path, rest));
}

#define SLOT ",\"body\":\"{\\\"fileName\\\":\\\"a.png\\\",\\\"fileType\\\":\\\"image/png\\\"}\""

static void test_slot_in_both_versions_then_a_row_and_a_url(void **state)
{
	struct image_counts counts;
	assert_int_equal(ask("POST", "/upload", SLOT), 200);
	assert_non_null(strstr(text_of("body"), "\"uploadUrl\":\"http"));
	assert_int_equal(
		ask_with(upload_routes,
			STR("{\"version\":\"2.0\",\"rawPath\":\"/prod/upload\",\"requestContext\":{\"stage\":\"prod\",\"http\":{\"method\":\"POST\"}},"
				"\"isBase64Encoded\":true,\"body\":\"eyJmaWxlTmFtZSI6ImEucG5nIiwiZmlsZVR5cGUiOiJpbWFnZS9wbmcifQ==\"}")),
		200);
	assert_int_equal(table_counts(f.product.table, &counts, &f.why), OK);
	assert_int_equal(counts.pending, 2);
	struct str lines = logged();
	assert_true(holds(lines, "\"event\":\"request\",\"requestId\":\"gate-1\""));
	assert_true(holds(lines, "\"requestId\":\"lambda-1\""));
	assert_true(holds(lines, "\"client\":\"192.0.2.7\""));
	assert_true(holds(lines, "\"invocation\":\"lambda-1\""));
	assert_false(holds(lines, "Signature"));
}

static void test_each_route_then_its_response(void **state)
{
	struct str key = fake_product_slot(&f, 1, STR("image/png"));
	const char *id = str_cstr(&a, row_id(&a, 1));
	char path[200];
	fake_product_arrive(&f, key, picture_png(3, 2));
	assert_int_equal(ask("GET", "/limits", ""), 200);
	assert_int_equal(ask("POST", "/uppy", SLOT), 200);
	assert_non_null(strstr(text_of("body"), "\"method\":\"PUT\",\"url\":\"http"));
	(void)snprintf(path, sizeof path, "/images/%s/complete", id);
	assert_int_equal(ask("POST", path, ""), 200);
	assert_non_null(strstr(text_of("body"), "\"status\":\"uploaded\""));
	assert_int_equal(ask("GET", "/images", ",\"multiValueQueryStringParameters\":{\"limit\":[\"5\"]}"), 200);
	assert_non_null(strstr(text_of("body"), id));
	(void)snprintf(path, sizeof path, "/images/%s/file", id);
	assert_int_equal(ask("GET", path, ""), 302);
	(void)snprintf(path, sizeof path, "/images/%s", id);
	assert_int_equal(ask("GET", path, ""), 200);
	assert_int_equal(ask("HEAD", path, ""), 200);
	assert_string_equal(text_of("body"), "");
	assert_int_equal(ask("OPTIONS", path, ""), 204);
	assert_int_equal(ask("DELETE", path, ""), 204);
	assert_int_equal(ask("GET", path, ""), 404);
	assert_int_equal(fake_store_count(f.store), 0);
}

static void test_body_missing_null_empty_or_cut_then_400(void **state)
{
	static const char *const bodies[] = { "", ",\"body\":null", ",\"body\":\"\"", ",\"body\":\"{\\\"fileName\\\":\"",
		",\"body\":\"e30\\u0000\"", ",\"isBase64Encoded\":true,\"body\":\"not base64!\"", ",\"isBase64Encoded\":true,\"body\":null" };
	for (size_t i = 0; i < COUNT_OF(bodies); i++) {
		assert_int_equal(ask("POST", "/upload", bodies[i]), 400);
		assert_non_null(strstr(text_of("body"), "\"requestId\":\"gate-1\""));
	}
}

static void test_route_or_method_that_is_not_there_then_404_or_405(void **state)
{
	assert_int_equal(ask("GET", "/nothing", ""), 404);
	assert_int_equal(ask("GET", "/images/", ""), 404);
	assert_int_equal(ask("PATCH", "/images", ""), 405);
	assert_string_equal(json_string_value(json_object_get(json_object_get(answer, "headers"), "Allow")), "POST, GET, HEAD, OPTIONS");
	assert_int_equal(ask("GET", "/images", ",\"queryStringParameters\":{\"limit\":\"x\"}"), 400);
	assert_int_equal(
		ask_with(all_routes,
			STR("{\"version\":\"2.0\",\"rawPath\":\"/images\",\"rawQueryString\":\"%zz\",\"requestContext\":{\"http\":{\"method\":\"GET\"}}}")),
		400);
}

static void test_route_of_another_function_then_404_and_nothing_done(void **state)
{
	fake_product_slot(&f, 1, STR("image/png"));
	struct str event = str_printf(&a, "{\"httpMethod\":\"DELETE\",\"path\":\"/images/%.*s\"}", STRF(row_id(&a, 1)));
	assert_int_equal(ask_with(upload_routes, event), 404);
	assert_true(fake_product_row(&f, 1, &(struct image_row){ 0 }));
	assert_int_equal(ask_with(upload_routes, STR("{\"httpMethod\":\"OPTIONS\",\"path\":\"/images\"}")), 204);
}

static void test_body_of_6_mb_then_413(void **state)
{
	size_t n = (size_t)6 << 20;
	char *big = arena_alloc(&a, n + 1);
	memset(big, 'A', n);
	char *event = arena_alloc(&a, n + 200);
	int length = snprintf(event, n + 200, "{\"httpMethod\":\"POST\",\"path\":\"/upload\",\"body\":\"%s\"}", big);
	assert_int_equal(ask_with(all_routes, (struct str){ event, (size_t)length }), 413);
	length = snprintf(event, n + 200, "{\"httpMethod\":\"POST\",\"path\":\"/upload\",\"isBase64Encoded\":true,\"body\":\"%s\"}", big);
	assert_int_equal(ask_with(all_routes, (struct str){ event, (size_t)length }), 413);
}

static void test_event_that_is_unknown_or_cut_then_a_500_whose_cause_is_in_the_log(void **state)
{
	static const char *const events[] = { "", "{", "{\"httpMethod\":\"GET\",\"pa", "{\"Records\":[]}", "{\"hello\":\"world\"}", "[1]" };
	for (size_t i = 0; i < COUNT_OF(events); i++) {
		assert_int_equal(ask_with(all_routes, str_of(events[i])), 500);
		assert_non_null(strstr(text_of("body"), "\"requestId\":\"lambda-1\""));
		assert_true(holds(logged(), "\"level\":\"error\",\"event\":\"request.failed\",\"requestId\":\"lambda-1\""));
	}
}

static void test_engine_that_fails_then_5xx_with_the_request_id_and_the_cause_in_the_log(void **state)
{
	fake_table_fail_nth(f.table, 1, F_UPSTREAM_FAILED);
	assert_int_equal(ask("POST", "/upload", SLOT), 502);
	assert_non_null(strstr(text_of("body"), "\"requestId\":\"gate-1\""));
	struct str lines = logged();
	assert_true(holds(lines, "\"event\":\"request.failed\",\"requestId\":\"gate-1\""));
	assert_true(holds(lines, "\"code\":\"upstream_failed\""));
	fake_table_fail_nth(f.table, 1, F_DEADLINE);
	assert_int_equal(ask("POST", "/upload", SLOT), 503);
	fake_table_fail_nth(f.table, 1, F_INTERNAL);
	assert_int_equal(ask("POST", "/upload", SLOT), 500);
}

static void test_response_larger_than_lambda_accepts_then_replaced_by_413(void **state)
{
	for (unsigned n = 1; n <= 20; n++) {
		struct str key = fake_product_slot(&f, n, STR("image/png"));
		struct resolution s = row_verdict(&a, n, 1700000000000 + n, STR(""));
		fake_product_arrive(&f, key, STR("x"));
		assert_int_equal(table_resolve(f.product.table, &s, &a, &(struct image_row){ 0 }, &f.why), OK);
	}
	struct gateway g = { .http_handler = api_handler(api), .routes = all_routes };
	const struct invocation in = { .id = STR("lambda-1"), .event = STR("{\"httpMethod\":\"GET\",\"path\":\"/images\"}") };
	struct buf b;
	buf_init_arena(&b, &a, 2000); /* in the place of 6 MiB */
	assert_int_equal(gateway_run(&g, &in, &a, &b, &f.why), OK);
	json_decref(answer);
	answer = json_loadb(b.p, b.n, 0, NULL);
	check_shape();
	assert_int_equal(json_integer_value(json_object_get(answer, "statusCode")), 413);
}

static void test_response_when_the_arena_has_no_space_then_the_invocation_fails(void **state)
{
	struct gateway g = { .http_handler = api_handler(api), .routes = all_routes };
	const struct invocation in = { .id = STR("lambda-1"), .event = STR("{}") };
	struct buf b;
	buf_init_arena(&b, &a, 20);
	assert_int_equal(gateway_run(&g, &in, &a, &b, &f.why), LIMIT);
}

/* A row and its object. */
static struct image_row uploaded(unsigned n)
{
	struct image_row row;
	struct resolution s = row_verdict(&a, n, 1700000000000, STR(""));
	fake_product_arrive(&f, fake_product_slot(&f, n, STR("image/png")), STR("x"));
	assert_int_equal(table_resolve(f.product.table, &s, &a, &row, &f.why), OK);
	return row;
}

static int ask_delivery(bool delivers, const char *method, struct str url)
{
	const struct gateway g = { .http_handler = delivery_handler(delivery), .routes = no_routes, .delivers = delivers };
	struct str path = str_slice(url, f.product.delivery.url.n, url.n);
	return ask_gateway(
		&g, str_printf(&a, "{\"httpMethod\":\"%s\",\"path\":\"%.*s\",\"requestContext\":{\"stage\":\"prod\"}}", method, STRF(path)));
}

#define SECRET "what-the-cdn-alone-knows-0123456789"

/* Who calls, by the log: the gateway's peer, unless the request proves that it came by the CDN. Then the last address that is not
 * the peer's own, which the CDN has written; what is before it is the client's. */
static void test_client_behind_a_cdn_then_the_one_that_the_cdn_saw_if_it_is_proved(void **state)
{
	static const struct {
		const char *secret, *headers, *client;
	} rows[] = {
		{ SECRET, "", "192.0.2.7" },
		{ SECRET, "\"X-Forwarded-For\":[\"203.0.113.9, 192.0.2.7\"]", "192.0.2.7" },
		{ SECRET, "\"X-Tintype-Cdn\":[\"" SECRET "x\"],\"X-Forwarded-For\":[\"203.0.113.9, 192.0.2.7\"]", "192.0.2.7" },
		{ SECRET, "\"X-Tintype-Cdn\":[\"\"],\"X-Forwarded-For\":[\"203.0.113.9\"]", "192.0.2.7" },
		{ SECRET, "\"x-tintype-cdn\":[\"" SECRET "\"],\"X-Forwarded-For\":[\"10.0.0.1, 203.0.113.9, 192.0.2.7\"]", "203.0.113.9" },
		{ SECRET, "\"X-Tintype-Cdn\":[\"" SECRET "\"],\"X-Forwarded-For\":[\"10.0.0.1, 2001:db8::1\"]", "2001:db8::1" },
		{ SECRET, "\"X-Tintype-Cdn\":[\"" SECRET "\"],\"X-Forwarded-For\":[\"unknown\"]", "192.0.2.7" },
		{ SECRET, "\"X-Tintype-Cdn\":[\"" SECRET "\"]", "192.0.2.7" },
		{ "", "\"X-Tintype-Cdn\":[\"\"],\"X-Forwarded-For\":[\"203.0.113.9, 192.0.2.7\"]", "192.0.2.7" },
	};
	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		const struct gateway g = { .http_handler = api_handler(api), .routes = all_routes, .cdn_secret = str_of(rows[i].secret) };
		(void)ask_gateway(&g,
			str_printf(&a,
				"{\"httpMethod\":\"GET\",\"path\":\"/limits\",\"requestContext\":{\"identity\":{\"sourceIp\":\"192.0.2.7\"}},"
				"\"multiValueHeaders\":{%s}}",
				rows[i].headers));
		struct str lines = logged();
		assert_true(holds(lines, str_cstr(&a, str_printf(&a, "\"client\":\"%s\"", rows[i].client))));
		assert_false(holds(lines, SECRET));
	}
}

static void test_delivery_link_then_redirected_and_its_path_is_not_in_the_log(void **state)
{
	struct image_row row = uploaded(1);
	struct str url;
	assert_int_equal(image_service_link(&f.product, &row, STR("original"), 0, &a, &url, &f.why), OK);
	assert_true(str_starts_with(url, STR("https://gate.example/prod/i/")));
	assert_int_equal(ask_delivery(true, "GET", url), 302);
	assert_non_null(strstr(header_of("Location"), str_cstr(&a, row.key)));
	assert_true(strncmp(header_of("Cache-Control"), "private, max-age=", 17) == 0);
	assert_true(strtol(header_of("Cache-Control") + 17, NULL, 10) <= 2 * DOWNLOAD_WINDOW_S);
	struct str lines = logged(), signature = str_slice(url, 28, 50);
	assert_true(holds(lines, "\"route\":\"GET /i/{sig}.{exp}/{imageId}/{variant}\""));
	assert_false(holds(lines, str_cstr(&a, signature)));
	assert_int_equal(ask_delivery(true, "HEAD", url), 200);
	assert_string_equal(text_of("body"), "");
	assert_int_equal(ask_delivery(true, "OPTIONS", url), 204);
	assert_int_equal(ask_delivery(true, "POST", url), 405);
	assert_int_equal(ask_delivery(true, "GET", str_slice(url, 0, url.n - 1)), 404);
	assert_string_equal(header_of("Cache-Control"), "no-store");
}

static void test_delivery_link_where_another_function_is_asked_then_404(void **state)
{
	struct image_row row = uploaded(1);
	struct str url;
	assert_int_equal(image_service_link(&f.product, &row, STR("original"), 0, &a, &url, &f.why), OK);
	assert_int_equal(ask_delivery(false, "GET", url), 404);
	assert_int_equal(ask_delivery(true, "GET", STR("https://gate.example/prod/images")), 404);
}

/* The gateway's own key opens the gateway, and says nothing about who the caller is. */
static void test_visibility_then_only_for_callers_who_say_who_they_are(void **state)
{
	struct image_row row = uploaded(1);
	static const char body[] = ",\"body\":\"{\\\"visibility\\\":\\\"public\\\"}\"";
	const char *path = str_cstr(&a, str_printf(&a, "/images/%.*s", STRF(row.image_id)));
	assert_int_equal(ask("PATCH", path, body), 403);
	assert_non_null(strstr(text_of("body"), "public_denied"));
	static const struct {
		const char *headers;
		int status;
	} rows[] = { { "", 403 }, { ",\"headers\":{\"Authorization\":\"Bearer another key\"}", 401 },
		{ ",\"headers\":{\"x-api-key\":\"the administrator's key\"}", 403 },
		{ ",\"headers\":{\"Authorization\":\"Bearer the administrator's key\"}", 200 } };
	for (size_t i = 0; i < COUNT_OF(rows); i++)
		assert_int_equal(
			ask_with(all_routes,
				str_printf(&a, "{\"httpMethod\":\"PATCH\",\"path\":\"%s\",\"requestContext\":{\"identity\":{\"apiKeyId\":\"k1\"}}%s%s}",
					path, rows[i].headers, body)),
			rows[i].status);
	assert_non_null(strstr(text_of("body"), "\"visibility\":\"public\""));
	struct str link = str_printf(&a, "https://gate.example/prod/i/%.*s/original", STRF(row.image_id));
	assert_int_equal(ask_delivery(true, "GET", link), 302);
}

#define TEST(t) cmocka_unit_test_setup_teardown(t, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_slot_in_both_versions_then_a_row_and_a_url),
		TEST(test_each_route_then_its_response),
		TEST(test_body_missing_null_empty_or_cut_then_400),
		TEST(test_route_or_method_that_is_not_there_then_404_or_405),
		TEST(test_route_of_another_function_then_404_and_nothing_done),
		TEST(test_client_behind_a_cdn_then_the_one_that_the_cdn_saw_if_it_is_proved),
		TEST(test_delivery_link_then_redirected_and_its_path_is_not_in_the_log),
		TEST(test_delivery_link_where_another_function_is_asked_then_404),
		TEST(test_visibility_then_only_for_callers_who_say_who_they_are),
		TEST(test_body_of_6_mb_then_413),
		TEST(test_event_that_is_unknown_or_cut_then_a_500_whose_cause_is_in_the_log),
		TEST(test_engine_that_fails_then_5xx_with_the_request_id_and_the_cause_in_the_log),
		TEST(test_response_larger_than_lambda_accepts_then_replaced_by_413),
		TEST(test_response_when_the_arena_has_no_space_then_the_invocation_fails),
	};
	return cmocka_run_group_tests_name("gateway", tests, NULL, NULL);
}
