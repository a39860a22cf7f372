/* Events of API Gateway in both versions, whole and spoilt. */
#include "unit.h"

#include "lambda/gateway_event.h"

#include "base/arena.h"

static struct arena a;
static struct fault why;
static struct gateway_event e;

static int set_up(void **state)
{
	arena_init(&a, 32 << 20);
	why = (struct fault){ 0 };
	return 0;
}

static int tear_down(void **state)
{
	arena_deinit(&a);
	return 0;
}

static enum status read(const char *event)
{
	return gateway_event_read(&a, str_of(event), &e, &why);
}

static void assert_client(const char *address)
{
	char text[CLIENT_ADDR_CHARS];
	assert_str(client_addr_text(&e.client, text), str_of(address));
}

static void assert_header(size_t i, const char *name, const char *value)
{
	assert_true(i < e.n_headers);
	assert_str(e.headers[i].name, str_of(name));
	assert_str(e.headers[i].value, str_of(value));
}

static void test_v1_then_all_values_in_order_and_the_base_path_before(void **state)
{
	assert_int_equal(
		read(
			"{\"resource\":\"/images\",\"path\":\"/images\",\"httpMethod\":\"GET\","
			"\"headers\":{\"Accept\":\"b\"},\"multiValueHeaders\":{\"Accept\":[\"a\",\"b\"],\"Origin\":[\"http://x\"]},"
			"\"queryStringParameters\":{\"limit\":\"2\"},\"multiValueQueryStringParameters\":{\"limit\":[\"1\",\"2\"],\"cursor\":[\"a b&=+\"]},"
			"\"requestContext\":{\"stage\":\"prod\",\"requestId\":\"r-1\",\"identity\":{\"sourceIp\":\"192.0.2.7\"}},\"body\":null,\"isBase64Encoded\":false}"),
		OK);
	assert_int_equal(e.version, GATEWAY_V1);
	assert_str(e.id, STR("r-1"));
	assert_client("192.0.2.7");
	assert_str(e.method, STR("GET"));
	assert_str(e.path, STR("/prod/images"));
	assert_str(e.query, STR("limit=1&limit=2&cursor=a%20b%26%3D%2B"));
	assert_int_equal(e.n_headers, 3);
	assert_header(0, "Accept", "a");
	assert_header(1, "Accept", "b");
	assert_header(2, "Origin", "http://x");
	assert_int_equal(e.body.n, 0);
}

static void test_v1_when_everything_optional_is_null_then_read_anyway(void **state)
{
	assert_int_equal(read("{\"path\":\"/upload\",\"httpMethod\":\"POST\",\"headers\":null,\"multiValueHeaders\":null,"
						  "\"queryStringParameters\":null,\"multiValueQueryStringParameters\":null,\"body\":null}"),
		OK);
	assert_str(e.id, STR(""));
	assert_client("");
	assert_str(e.query, STR(""));
	assert_int_equal(e.n_headers, 0);
}

static void test_v1_with_only_single_values_then_those_are_used(void **state)
{
	assert_int_equal(
		read(
			"{\"version\":\"1.0\",\"path\":\"/prod/images\",\"httpMethod\":\"GET\",\"headers\":{\"A\":\"1\"},\"queryStringParameters\":{\"limit\":\"2\"}}"),
		OK);
	assert_int_equal(e.version, GATEWAY_V1);
	assert_str(e.path, STR("/prod/images")); /* a custom domain's base path: it already exists */
	assert_str(e.query, STR("limit=2"));
	assert_header(0, "A", "1");
}

static const char *v1(const char *path, const char *route, const char *parameters)
{
	return str_cstr(
		&a, str_printf(&a, "{\"resource\":\"%s\",\"path\":\"%s\",\"httpMethod\":\"GET\",\"pathParameters\":%s}", route, path, parameters));
}

/* What precedes the matched route is a custom domain's; where the route is not in the path nothing is taken away. */
static void test_base_path_of_a_domain_then_it_is_not_of_the_api(void **state)
{
	static const struct {
		const char *path, *route, *parameters, *wanted;
	} rows[] = { { "/images", "/images", "null", "/prod/images" }, { "/img/images", "/images", "null", "/prod/images" },
		{ "/img/v1/images/7/file", "/images/{imageId}/file", "{\"imageId\":\"7\"}", "/prod/images/7/file" },
		{ "/images/images/7", "/images/{imageId}", "{\"imageId\":\"7\"}", "/prod/images/7" },
		{ "/img/i/sig.1/id/small.webp", "/i/{link+}", "{\"link\":\"sig.1/id/small.webp\"}", "/prod/i/sig.1/id/small.webp" },
		{ "/prod/images", "/{proxy+}", "{\"proxy\":\"prod/images\"}", "/prod/images" },
		{ "/images", "/{proxy+}", "{\"proxy\":\"images\"}", "/prod/images" }, { "/images", "$default", "null", "/prod/images" },
		{ "/images", "/a/b/c/d", "null", "/prod/images" }, { "/other", "/images", "null", "/prod/other" },
		{ "/img/images/", "/images", "null", "/prod/img/images/" }, { "/images", "", "7", "/prod/images" } };
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		assert_int_equal(read(v1(rows[i].path, rows[i].route, rows[i].parameters)), OK);
		assert_str(e.path, str_of(rows[i].wanted));
	}
	assert_int_equal(
		read(
			"{\"version\":\"2.0\",\"rawPath\":\"/img/images/7\",\"routeKey\":\"GET /images/{imageId}\",\"pathParameters\":{\"imageId\":\"7\"},"
			"\"requestContext\":{\"stage\":\"prod\",\"http\":{\"method\":\"GET\"}}}"),
		OK);
	assert_str(e.path, STR("/prod/images/7"));
}

static const char *v2(const char *stage, const char *path)
{
	return str_cstr(&a,
		str_printf(&a,
			"{\"version\":\"2.0\",\"routeKey\":\"$default\",\"rawPath\":\"%s\",\"rawQueryString\":\"limit=1&cursor=%%20\",\"cookies\":[\"c=1\"],"
			"\"headers\":{\"accept\":\"a,b\"},\"requestContext\":{\"stage\":\"%s\",\"requestId\":\"JKJaXmPLvHcESHA=\",\"http\":{\"method\":\"GET\",\"sourceIp\":\"2001:db8::7\"}},\"isBase64Encoded\":false}",
			path, stage));
}

static void test_v2_then_the_query_is_raw_and_the_stage_is_not_doubled(void **state)
{
	static const struct {
		const char *stage, *path, *wanted;
	} rows[] = { { "prod", "/prod/images", "/prod/images" }, { "$default", "/images", "/prod/images" },
		{ "$default", "/prod/images", "/prod/images" }, { "dev", "/dev/images", "/prod/images" }, { "dev", "/dev", "/prod/" },
		{ "dev", "/devil", "/prod/devil" }, { "prod", "/production", "/prod/production" } };
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		assert_int_equal(read(v2(rows[i].stage, rows[i].path)), OK);
		assert_int_equal(e.version, GATEWAY_V2);
		assert_str(e.path, str_of(rows[i].wanted));
		assert_str(e.query, STR("limit=1&cursor=%20"));
		assert_str(e.id, STR("JKJaXmPLvHcESHA="));
		assert_header(0, "accept", "a,b");
		assert_client("2001:db8::7");
	}
}

static void test_client_that_is_no_address_then_unknown(void **state)
{
	static const char *const values[] = { "null", "7", "\"\"", "\"test-invoke-source-ip\"", "\"192.0.2.7, 10.0.0.1\"",
		"\"192.0.2.7\\u0000\"" };
	for (size_t i = 0; i < COUNT_OF(values); i++) {
		struct str event =
			str_printf(&a, "{\"path\":\"/\",\"httpMethod\":\"GET\",\"requestContext\":{\"identity\":{\"sourceIp\":%s}}}", values[i]);
		assert_int_equal(read(str_cstr(&a, event)), OK);
		assert_client("");
	}
}

#define WITH_BODY(body, flag) "{\"path\":\"/upload\",\"httpMethod\":\"POST\",\"body\":" body ",\"isBase64Encoded\":" flag "}"

static void test_body_as_text_or_base64_then_the_bytes(void **state)
{
	assert_int_equal(read(WITH_BODY("\"{\\\"a\\\":\\u0000}\"", "false")), OK);
	assert_str(e.body, (struct str){ "{\"a\":\0}", 7 });
	assert_int_equal(read(WITH_BODY("\"eyJhIjoxfQ==\"", "true")), OK);
	assert_str(e.body, STR("{\"a\":1}"));
	assert_int_equal(read(WITH_BODY("\"\"", "true")), OK);
	assert_str(e.body, STR(""));
	assert_int_equal(read("{\"path\":\"/upload\",\"httpMethod\":\"POST\"}"), OK); /* without body */
	assert_str(e.body, STR(""));
}

static void test_body_that_is_not_base64_then_the_clients_fault(void **state)
{
	assert_int_equal(read(WITH_BODY("\"e*JhIjoxfQ==\"", "true")), INVALID);
	assert_int_equal(why.code, F_INVALID_INPUT);
}

static void test_header_that_cannot_be_one_then_refused(void **state)
{
	assert_int_equal(read("{\"path\":\"/a\",\"httpMethod\":\"GET\",\"headers\":{\"A\":\"1\\r\\nB: 2\"}}"), INVALID);
	assert_int_equal(read("{\"path\":\"/a\",\"httpMethod\":\"GET\",\"headers\":{\"A B\":\"1\"}}"), INVALID);
	assert_int_equal(read("{\"path\":\"/a\",\"httpMethod\":\"GET\",\"headers\":{\"A\":\"x\\u0000\"}}"), INVALID);
	assert_int_equal(why.code, F_INVALID_INPUT);
}

static void test_headers_that_are_no_text_then_empty_or_none(void **state)
{
	assert_int_equal(read("{\"path\":\"/a\",\"httpMethod\":\"GET\",\"headers\":{\"A\":[[],[1,2],7],\"B\":{\"c\":\"d\"},\"C\":[]}}"), OK);
	assert_int_equal(e.n_headers, 3);
	for (size_t i = 0; i < e.n_headers; i++)
		assert_header(i, "A", "");
	assert_int_equal(read("{\"path\":\"/a\",\"httpMethod\":\"GET\",\"headers\":[\"A\"],\"queryStringParameters\":[\"a\"]}"), OK);
	assert_int_equal(e.n_headers, 0);
	assert_str(e.query, STR(""));
}

/* What a client can put into a request is its own fault, so that it raises no alarm. */
static void test_path_or_name_with_a_control_character_then_refused(void **state)
{
	static const char *const events[] = { "{\"path\":\"/a\\nb\",\"httpMethod\":\"GET\"}", "{\"path\":\"/a\\tb\",\"httpMethod\":\"GET\"}",
		"{\"path\":\"/a\\u0000b\",\"httpMethod\":\"GET\"}",
		"{\"version\":\"2.0\",\"rawPath\":\"/a\\rb\",\"requestContext\":{\"http\":{\"method\":\"GET\"}}}",
		"{\"path\":\"/a\",\"httpMethod\":\"GET\",\"queryStringParameters\":{\"a\\u0000b\":\"1\"}}",
		"{\"path\":\"/a\",\"httpMethod\":\"GET\",\"headers\":{\"x\\u0000y\":\"1\"}}" };
	(void)state;
	for (size_t i = 0; i < COUNT_OF(events); i++) {
		assert_int_equal(read(events[i]), INVALID);
		assert_int_equal(why.code, F_INVALID_INPUT);
	}
}

static void test_request_id_that_may_not_are_in_a_header_then_none(void **state)
{
	assert_int_equal(read("{\"path\":\"/a\",\"httpMethod\":\"GET\",\"requestContext\":{\"requestId\":\"a\\r\\nb\"}}"), OK);
	assert_str(e.id, STR(""));
}

static void test_event_that_is_not_from_a_gateway_then_internal_with_a_cause(void **state)
{
	static const char *const events[] = { "", "nonsense", "{\"path\":\"/upl", "[]", "null", "7", "{}", "{\"key1\":\"value1\"}",
		"{\"Records\":[{\"eventSource\":\"aws:sqs\"}]}", "{\"version\":\"2.0\"}", "{\"path\":\"/a\"}", "{\"httpMethod\":\"GET\"}",
		"{\"path\":\"a\",\"httpMethod\":\"GET\"}", "{\"path\":\"/a\",\"httpMethod\":\"G T\"}", "{\"path\":7,\"httpMethod\":\"GET\"}",
		"{\"path\":\"/a\",\"httpMethod\":\"GET\",\"body\":{}}", "{\"path\":\"/a\",\"httpMethod\":\"GET\",\"body\":7}",
		"{\"version\":\"2.0\",\"rawPath\":\"/a\",\"requestContext\":\"x\"}" };
	for (size_t i = 0; i < COUNT_OF(events); i++) {
		assert_int_equal(read(events[i]), IO);
		assert_int_equal(why.code, F_INTERNAL);
		assert_true(why.cause[0] != '\0');
	}
}

static void test_arena_when_too_small_then_too_much(void **state)
{
	arena_deinit(&a);
	for (size_t cap = 16; cap < 400; cap += 16) {
		arena_init(&a, cap);
		(void)!read(WITH_BODY("\"a long enough text for some of these arenas, to be sure\"", "false"));
		arena_deinit(&a);
	}
	arena_init(&a, 64);
	assert_int_equal(
		read(WITH_BODY("\"a long enough text for some of these arenas, to be sure that it is more than there is\"", "false")), LIMIT);
}

#define TEST(t) cmocka_unit_test_setup_teardown(t, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_v1_then_all_values_in_order_and_the_base_path_before),
		TEST(test_v1_when_everything_optional_is_null_then_read_anyway),
		TEST(test_v1_with_only_single_values_then_those_are_used),
		TEST(test_base_path_of_a_domain_then_it_is_not_of_the_api),
		TEST(test_v2_then_the_query_is_raw_and_the_stage_is_not_doubled),
		TEST(test_client_that_is_no_address_then_unknown),
		TEST(test_body_as_text_or_base64_then_the_bytes),
		TEST(test_body_that_is_not_base64_then_the_clients_fault),
		TEST(test_header_that_cannot_be_one_then_refused),
		TEST(test_headers_that_are_no_text_then_empty_or_none),
		TEST(test_path_or_name_with_a_control_character_then_refused),
		TEST(test_request_id_that_may_not_are_in_a_header_then_none),
		TEST(test_event_that_is_not_from_a_gateway_then_internal_with_a_cause),
		TEST(test_arena_when_too_small_then_too_much),
	};
	return cmocka_run_group_tests_name("gateway_event", tests, NULL, NULL);
}
