/* Calls of a CDN on CloudFront against services that respond by script: what is sent, and what becomes of refusals. */
#include "aws/one_answer.h"
#include "aws/surroundings.h"

#include "aws/aws.h"

#include <stdio.h>
#include <string.h>

struct fixture {
	struct one_answer http;
	struct aws_chain *chain;
	struct aws_service *service;
	struct object_store *store;
	struct cdn *cdn;
	struct arena a;
	struct fault why;
};

static int set_up(void **state)
{
	static struct fixture f;
	assert_int_equal(surroundings_clear(NULL), 0);
	surroundings_give_keys("AKIDEXAMPLE", "secret", "");
	f = (struct fixture){ 0 };
	one_answer_start(&f.http, "200 OK", "");
	arena_init(&f.a, 1 << 20);
	f.chain = aws_chain_new();
	const struct aws_service_options o = {
		.service = STR("cloudfront"), .region = STR("us-east-1"), .endpoint = str_of(f.http.server.url), .global = true, .chain = f.chain
	};
	f.service = aws_service_new(&o);
	f.store = s3_store_new(
		&(struct s3_store_options){ .service = f.service, .bucket = STR("pictures"), .region = STR("us-east-1"), .path_style = true });
	const struct cloudfront_options c = {
		.url = STR("https://cdn.example.com"), .distribution = STR("EDFDVBD632BHDS5"), .store = f.store, .service = f.service
	};
	f.cdn = cloudfront_new(&c);
	assert_non_null(f.cdn);
	*state = &f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;
	cloudfront_free(&f->cdn);
	s3_store_free(&f->store);
	aws_service_free(&f->service);
	aws_chain_free(&f->chain);
	one_answer_stop(&f->http);
	arena_deinit(&f->a);
	return 0;
}

static void assert_sent(const struct fixture *f, const char *part)
{
	if (str_find(buf_str(&f->http.last), str_of(part)) == f->http.last.n)
		fail_msg("\"%s\" is not in:\n%.*s", part, STRF(buf_str(&f->http.last)));
}

static void answer(struct fixture *f, const char *status, const char *body)
{
	f->http.status = status;
	f->http.body = body;
}

static void test_invalidate_then_one_path_in_the_form_of_the_reference(void **state)
{
	struct fixture *f = *state;
	answer(f, "201 Created", "<Invalidation/>");
	assert_int_equal(cdn_invalidate(f->cdn, STR("/public/1/*"), &f->why), OK);
	assert_sent(f, "POST /2020-05-31/distribution/EDFDVBD632BHDS5/invalidation HTTP/1.1\r\n");
	assert_sent(f, "/us-east-1/cloudfront/aws4_request, ");
	assert_sent(f, "<Paths><Quantity>1</Quantity><Items><Path>/public/1/*</Path></Items></Paths><CallerReference>");
}

static void test_invalidate_when_too_many_are_in_progress_then_busy_else_upstream(void **state)
{
	struct fixture *f = *state;
	answer(f, "400 Bad Request", "<ErrorResponse><Error><Code>TooManyInvalidationsInProgress</Code></Error></ErrorResponse>");
	assert_int_equal(cdn_invalidate(f->cdn, STR("/public/1/*"), &f->why), BUSY);
	answer(f, "403 Forbidden", "<ErrorResponse><Error><Code>AccessDenied</Code></Error></ErrorResponse>");
	assert_int_equal(cdn_invalidate(f->cdn, STR("/public/1/*"), &f->why), UPSTREAM);
	assert_non_null(strstr(f->why.cause, "AccessDenied"));
	assert_null(strstr(f->why.text, "AccessDenied"));
}

static enum status copy(struct fixture *f)
{
	const struct cdn_copy c = { .from = STR("images/a b.png"),
		.to = STR("public/1/original"),
		.etag = STR("00112233445566778899aabbccddeeff"),
		.content_type = STR("image/png"),
		.disposition = STR("inline"),
		.cache_control = STR("public, max-age=60") };
	return cdn_copy(f->cdn, &c, &f->why);
}

static void test_copy_then_only_of_these_bytes_and_with_headers_of_its_own(void **state)
{
	struct fixture *f = *state;
	answer(f, "200 OK", "<?xml version=\"1.0\"?><CopyObjectResult><ETag>\"00\"</ETag></CopyObjectResult>");
	assert_int_equal(copy(f), OK);
	static const char *const parts[] = { "PUT /pictures/public/1/original HTTP/1.1\r\n",
		"x-amz-copy-source: /pictures/images/a%20b.png\r\n", "x-amz-copy-source-if-match: \"00112233445566778899aabbccddeeff\"\r\n",
		"x-amz-metadata-directive: REPLACE\r\n", "Content-Type: image/png\r\n", "Content-Disposition: inline\r\n",
		"Cache-Control: public, max-age=60\r\n" };
	for (size_t i = 0; i < COUNT_OF(parts); i++)
		assert_sent(f, parts[i]);
}

static void test_copy_when_s3_refuses_then_what_callers_tell_apart(void **state)
{
	struct fixture *f = *state;
	answer(f, "404 Not Found", "<Error><Code>NoSuchKey</Code></Error>");
	assert_int_equal(copy(f), NOT_FOUND);
	assert_int_equal(f->why.code, F_NO_SUCH_KEY);
	answer(f, "412 Precondition Failed", "<Error><Code>PreconditionFailed</Code></Error>");
	assert_int_equal(copy(f), CONFLICT);
	assert_int_equal(f->why.code, F_PRECONDITION);
	answer(f, "200 OK", "<Error><Code>InternalError</Code></Error>"); /* after its head was sent */
	assert_int_equal(copy(f), UPSTREAM);
}

static void test_sign_without_a_key_then_an_error_and_no_url(void **state)
{
	struct fixture *f = *state;
	struct str url = STR("unchanged");
	assert_int_equal(cdn_sign(f->cdn, &(struct cdn_link){ .key = STR("images/a.png"), .expires_s = 1 }, &f->a, &url, &f->why), IO);
	assert_int_equal(f->why.code, F_INTERNAL);
	assert_str(url, STR("unchanged"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_invalidate_then_one_path_in_the_form_of_the_reference, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_invalidate_when_too_many_are_in_progress_then_busy_else_upstream, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_copy_then_only_of_these_bytes_and_with_headers_of_its_own, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_copy_when_s3_refuses_then_what_callers_tell_apart, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_sign_without_a_key_then_an_error_and_no_url, set_up, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
