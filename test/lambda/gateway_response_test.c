/* Responses in the form that API Gateway accepts. */
#include "unit.h"

#include "lambda/gateway_response.h"

static char memory[4096];
static struct buf b;

static struct str write_it(enum gateway_version version, struct answer *ans, bool bodiless)
{
	buf_init_fixed(&b, memory, sizeof memory);
	gateway_answer_write(&b, version, ans, bodiless);
	assert_true(buf_ok(&b));
	return buf_str(&b);
}

static struct answer answer_of(int status, struct str body)
{
	struct answer ans;
	answer_init(&ans);
	ans.status = status;
	ans.body = body;
	return ans;
}

static void test_response_then_status_headers_and_body_as_text(void **state)
{
	struct answer ans = answer_of(200, STR("{\"a\":\"\xc3\xa9\"}"));
	answer_header(&ans, STR("Content-Type"), STR("application/json"));
	answer_header(&ans, STR("Vary"), STR("Origin"));
	assert_str(write_it(GATEWAY_V1, &ans, false),
		STR("{\"statusCode\":200,\"headers\":{\"Content-Type\":\"application/json\",\"Vary\":\"Origin\"},"
			"\"body\":\"{\\\"a\\\":\\\"\xc3\xa9\\\"}\",\"isBase64Encoded\":false}"));
}

static void test_response_without_body_then_an_empty_text(void **state)
{
	struct answer ans = answer_of(204, (struct str){ 0 });
	assert_str(write_it(GATEWAY_V2, &ans, false), STR("{\"statusCode\":204,\"headers\":{},\"body\":\"\",\"isBase64Encoded\":false}"));
	ans = answer_of(200, STR("text"));
	assert_str(write_it(GATEWAY_V2, &ans, true), STR("{\"statusCode\":200,\"headers\":{},\"body\":\"\",\"isBase64Encoded\":false}"));
}

static void test_response_that_is_not_text_then_base64(void **state)
{
	struct answer ans = answer_of(200, STR("\x89PNG\xff"));
	assert_str(
		write_it(GATEWAY_V1, &ans, false), STR("{\"statusCode\":200,\"headers\":{},\"body\":\"iVBOR/8=\",\"isBase64Encoded\":true}"));
}

static void test_header_that_is_repeated_then_as_each_payload_version_gives_it(void **state)
{
	struct answer ans = answer_of(200, STR(""));
	answer_header(&ans, STR("A"), STR("1"));
	answer_header(&ans, STR("Vary"), STR("Origin"));
	answer_header(&ans, STR("vary"), STR("Accept"));
	assert_str(write_it(GATEWAY_V1, &ans, false),
		STR("{\"statusCode\":200,\"headers\":{\"A\":\"1\"},\"multiValueHeaders\":{\"Vary\":[\"Origin\",\"Accept\"]},\"body\":\"\",\"isBase64Encoded\":false}"));
	assert_str(write_it(GATEWAY_V2, &ans, false),
		STR("{\"statusCode\":200,\"headers\":{\"A\":\"1\",\"Vary\":\"Origin, Accept\"},\"body\":\"\",\"isBase64Encoded\":false}"));
}

static void test_response_larger_than_the_buffer_then_the_buffer_reports_it(void **state)
{
	struct answer ans = answer_of(200, STR("a long text"));
	answer_header(&ans, STR("A"), STR("1"));
	answer_header(&ans, STR("A"), STR("2"));
	for (size_t size = 1; size < 100; size++) {
		buf_init_fixed(&b, memory, size);
		gateway_answer_write(&b, GATEWAY_V1, &ans, false);
		assert_false(buf_ok(&b));
		buf_init_fixed(&b, memory, size);
		gateway_answer_write(&b, GATEWAY_V2, &ans, false);
		assert_true(size > 70 || !buf_ok(&b));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_response_then_status_headers_and_body_as_text),
		cmocka_unit_test(test_response_without_body_then_an_empty_text),
		cmocka_unit_test(test_response_that_is_not_text_then_base64),
		cmocka_unit_test(test_header_that_is_repeated_then_as_each_payload_version_gives_it),
		cmocka_unit_test(test_response_larger_than_the_buffer_then_the_buffer_reports_it),
	};
	return cmocka_run_group_tests_name("gateway_answer", tests, NULL, NULL);
}
