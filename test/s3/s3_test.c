/* The handler as a whole: which requests are operations, the permissions they need, and the codes of every refusal
 * that needs no body. */
#include "s3/fixture.h"

#include <string.h>

static void test_request_when_not_signed_then_access_denied(void **state)
{
	static const char *const methods[] = { "GET", "HEAD", "PUT", "POST", "DELETE" };
	static const char *const targets[] = { "/", "/" RIG_BUCKET, "/" RIG_BUCKET "/", "/" RIG_BUCKET "/images/x",
		"/" RIG_BUCKET "?list-type=2" };
	struct rig *r = *state;
	for (size_t i = 0; i < COUNT_OF(methods); i++) {
		for (size_t j = 0; j < COUNT_OF(targets); j++) {
			rig_send(r, &(struct ask){ .method = methods[i] }, str_of(targets[j]));
			rig_expect_error(r, 403, "AccessDenied");
		}
	}
	rig_expect_empty(r);
}

static void test_request_when_its_authorization_is_malformed_then_header_malformed(void **state)
{
	struct rig *r = *state;
	struct ask ask = { .method = "PUT",
		.body = STR("x"),
		.more = { { STR("Authorization"), STR("AWS4-HMAC-SHA256 Credential=a/b, SignedHeaders=host, Signature=c") } } };
	rig_send(r, &ask, STR("/" RIG_BUCKET "/k"));
	rig_expect_error(r, 400, "AuthorizationHeaderMalformed");
	ask.method = "POST";
	ask.more[1] = (struct header){ STR("Content-Type"), STR("multipart/form-data; boundary=x") };
	rig_send(r, &ask, STR("/" RIG_BUCKET));
	rig_expect_error(r, 400, "AuthorizationHeaderMalformed");
	ask.more[0] = (struct header){ STR("Accept"), STR("*/*") };
	rig_send(r, &ask, STR("/" RIG_BUCKET "?delete"));
	rig_expect_error(r, 403, "AccessDenied");
}

static void test_request_when_signed_twice_then_invalid_argument(void **state)
{
	struct rig *r = *state;
	rig_ask(r, &(struct ask){ .key = STR("k"), .more = { { STR("Authorization"), STR("AWS4-HMAC-SHA256 x") } } });
	rig_expect_error(r, 400, "InvalidArgument");
}

static void test_request_when_signed_by_version_2_then_invalid_request_names_version_4(void **state)
{
	struct rig *r = *state;
	rig_send(r, &(struct ask){ 0 }, STR("/" RIG_BUCKET "/k?AWSAccessKeyId=a&Signature=b&Expires=1"));
	rig_expect_error(r, 400, "InvalidRequest");
	assert_true(str_find(rig_element(r, "Message"), STR("AWS4-HMAC-SHA256")) < rig_element(r, "Message").n);
}

static void test_method_when_s3_has_none_then_method_not_allowed(void **state)
{
	static const char *const methods[] = { "PATCH", "TRACE", "CONNECT", "get", "BREW", "" };
	struct rig *r = *state;
	for (size_t i = 0; i < COUNT_OF(methods); i++) {
		rig_send(r, &(struct ask){ .method = methods[i] }, STR("/" RIG_BUCKET "/k"));
		rig_expect_error(r, 405, "MethodNotAllowed");
		assert_true(str_equal(rig_header(r, "Allow"), STR("GET, HEAD, PUT, POST, DELETE, OPTIONS")));
	}
}

static void test_operation_when_s3_does_not_have_it_then_method_not_allowed(void **state)
{
	struct rig *r = *state;
	rig_put(r, STR("k"), STR("bytes"));
	rig_ask(r, &(struct ask){ .method = "POST", .key = STR("k") });
	rig_expect_error(r, 405, "MethodNotAllowed");
	rig_ask(r, &(struct ask){ .method = "POST", .key = STR("") });
	rig_expect_error(r, 405, "MethodNotAllowed");
	rig_ask(r, &(struct ask){ .method = "HEAD", .key = STR("k"), .query = { { STR("acl"), STR("") } } });
	rig_expect_error(r, 405, "MethodNotAllowed");
	assert_int_equal(trapped_count(r->engine), 1);
}

static void test_sub_resource_when_put_then_it_is_never_the_plain_operation(void **state)
{
	static const struct {
		const char *sub;
		int status;
		const char *code;
	} rows[] = { { "acl", 400, "MalformedXML" }, { "tagging", 501, "NotImplemented" }, { "retention", 501, "NotImplemented" },
		{ "legal-hold", 501, "NotImplemented" }, { "restore", 501, "NotImplemented" }, { "torrent", 501, "NotImplemented" },
		{ "select", 501, "NotImplemented" }, { "uploads", 405, "MethodNotAllowed" }, { "attributes", 405, "MethodNotAllowed" },
		{ "uploadId", 400, "InvalidArgument" }, { "partNumber", 400, "InvalidArgument" }, { "versionId", 400, "InvalidArgument" } };
	struct rig *r = *state;
	rig_put(r, STR("k"), STR("bytes"));
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		rig_ask(r, &(struct ask){ .method = "PUT", .key = STR("k"), .query = { { str_of(rows[i].sub), STR("") } }, .body = STR("x") });
		rig_expect_error(r, rows[i].status, rows[i].code);
	}
	rig_ask(r, &(struct ask){ .key = STR("k") });
	assert_true(str_equal(rig_body(r), STR("bytes")));
}

static struct str start_upload(struct rig *r, struct str key)
{
	rig_ask(r, &(struct ask){ .method = "POST", .key = key, .query = { { STR("uploads"), STR("") } } });
	rig_expect(r, 200, NULL);
	return str_dup(&r->arena, rig_element(r, "UploadId"));
}

/* ... and not the target, which is there. */
static void test_copy_when_its_source_is_missing_then_the_error_names_the_source(void **state)
{
	static const struct {
		const char *source, *code, *element, *value;
	} rows[] = { { "/" RIG_BUCKET "/none", "NoSuchKey", "Key", "none" }, { "/nowhere/none", "NoSuchBucket", "BucketName", "nowhere" },
		{ "/" RIG_BUCKET "/k?versionId=0123456789abcdef0123456789abcdef", "NoSuchVersion", "Key", "k" } };
	struct rig *r = *state;
	rig_put(r, STR("k"), STR("body"));
	struct str upload = start_upload(r, STR("k2"));
	for (size_t i = 0; i < 2 * COUNT_OF(rows); i++) {
		struct ask ask = { .method = "PUT", .key = STR("k2"), .headers = { { STR("x-amz-copy-source"), str_of(rows[i / 2].source) } } };
		if (i % 2 == 1) {
			ask.query[0] = (struct header){ STR("uploadId"), upload };
			ask.query[1] = (struct header){ STR("partNumber"), STR("1") };
		}
		rig_ask(r, &ask);
		rig_expect_error(r, 404, rows[i / 2].code);
		assert_true(str_equal(rig_element(r, rows[i / 2].element), str_of(rows[i / 2].value)));
	}
	/* something missing at the target is named as before */
	rig_ask(r,
		&(struct ask){ .method = "PUT",
			.bucket = "nowhere",
			.key = STR("k2"),
			.headers = { { STR("x-amz-copy-source"), STR("/" RIG_BUCKET "/k") } } });
	rig_expect_error(r, 404, "NoSuchBucket");
	assert_true(str_equal(rig_element(r, "BucketName"), STR("nowhere")));
}

static void test_copy_when_its_source_is_missing_then_no_empty_object_is_made(void **state)
{
	struct rig *r = *state;
	rig_ask(r, &(struct ask){ .method = "PUT", .key = STR("k"), .headers = { { STR("x-amz-copy-source"), STR("/b/k") } } });
	rig_expect_error(r, 404, "NoSuchBucket");
	rig_expect_empty(r);
}

static void test_response_then_it_has_the_host_id(void **state)
{
	struct rig *r = *state;
	rig_ask(r, &(struct ask){ .method = "HEAD" });
	rig_expect(r, 200, NULL);
	assert_true(str_equal(rig_header(r, "x-amz-id-2"), STR("tintype")));
	rig_ask(r, &(struct ask){ .key = STR("none") });
	rig_expect_error(r, 404, "NoSuchKey");
	assert_true(str_equal(rig_header(r, "x-amz-id-2"), STR("tintype")));
	assert_true(str_equal(rig_element(r, "HostId"), STR("tintype")));
	assert_true(str_equal(rig_element(r, "Key"), STR("none")));
}

static void test_url_when_used_with_another_verb_key_or_bucket_then_signature_does_not_match(void **state)
{
	static const char *const methods[] = { "GET", "HEAD", "PUT", "DELETE", "POST" };
	struct rig *r = *state;
	for (size_t i = 0; i < COUNT_OF(methods); i++) {
		struct str target = rig_sign(r, &(struct ask){ .method = methods[i], .key = STR("k") });
		for (size_t j = 0; j < COUNT_OF(methods); j++) {
			if (i == j)
				continue;
			rig_send(r, &(struct ask){ .method = methods[j], .body = STR("x") }, target);
			rig_expect_error(r, 403, "SignatureDoesNotMatch");
		}
	}
	struct str target = rig_sign(r, &(struct ask){ .key = STR("k") });
	struct str query = str_slice(target, str_find_char(target, '?'), target.n);
	rig_send(r, &(struct ask){ 0 }, str_printf(&r->arena, "/" RIG_BUCKET "/other%.*s", STRF(query)));
	rig_expect_error(r, 403, "SignatureDoesNotMatch");
	rig_send(r, &(struct ask){ 0 }, str_printf(&r->arena, "/other/k%.*s", STRF(query)));
	rig_expect_error(r, 403, "SignatureDoesNotMatch");
	rig_expect_empty(r);
}

static void test_bucket_when_unknown_then_no_such_bucket_signed_or_not(void **state)
{
	static const char *const methods[] = { "GET", "HEAD", "PUT" };
	struct rig *r = *state;
	for (size_t i = 0; i < COUNT_OF(methods); i++) {
		struct ask ask = { .method = methods[i], .bucket = "other", .key = STR("k"), .body = STR("x") };
		rig_ask(r, &ask);
		rig_expect_error(r, 404, "NoSuchBucket");
		rig_send(r, &ask, STR("/other/k"));
		rig_expect_error(r, 404, "NoSuchBucket");
		rig_send(r, &ask, STR("/" RIG_BUCKET "/k"));
		rig_expect_error(r, 403, "AccessDenied");
	}
}

static void test_key_when_its_form_is_unusual_then_it_is_stored_under_its_own_bytes(void **state)
{
	char longest[1025];
	struct rig *r = *state;
	memset(longest, 'k', 1024);
	longest[1024] = '\0';
	const char *const keys[] = { "a b", "a+b", "a%2Fb", "a%b", "a//b", "/a", "../a", "a/../../b", "./a", "a/.", "\xC3\xA9", "'\"<>&",
		longest };
	for (size_t i = 0; i < COUNT_OF(keys); i++) {
		rig_put(r, str_of(keys[i]), str_of(keys[i]));
		assert_int_equal(trapped_count(r->engine), i + 1);
	}
	for (size_t i = 0; i < COUNT_OF(keys); i++) {
		rig_ask(r, &(struct ask){ .key = str_of(keys[i]) });
		rig_expect(r, 200, NULL);
		assert_true(str_equal(rig_body(r), str_of(keys[i])));
	}
}

static void test_key_when_slash_is_sent_encoded_then_it_is_the_same_key(void **state)
{
	struct rig *r = *state;
	rig_put(r, STR("a/b"), STR("bytes"));
	struct str target = rig_sign(r, &(struct ask){ .key = STR("a/b") });
	size_t at = str_find(target, STR("a/b"));
	rig_send(
		r, &(struct ask){ 0 }, str_printf(&r->arena, "%.*sa%%2fb%.*s", (int)at, target.p, (int)(target.n - at - 3), target.p + at + 3));
	rig_expect(r, 200, NULL);
}

static void test_key_when_invalid_then_refused(void **state)
{
	static const struct {
		const char *path;
		int status;
		const char *code;
	} rows[] = { { "/" RIG_BUCKET "/a%00b", 400, "InvalidArgument" }, { "/" RIG_BUCKET "/%FF", 400, "InvalidArgument" },
		{ "/" RIG_BUCKET "/%zz", 400, "InvalidArgument" }, { "//k", 400, "InvalidArgument" }, { "k", 400, "InvalidArgument" } };
	char longer[1100] = "/" RIG_BUCKET "/";
	struct rig *r = *state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		rig_send(r, &(struct ask){ .method = "PUT", .body = STR("x") }, str_of(rows[i].path));
		rig_expect_error(r, rows[i].status, rows[i].code);
	}
	memset(longer + strlen(longer), 'k', 1025);
	rig_send(r, &(struct ask){ .method = "PUT", .body = STR("x") }, str_of(longer));
	rig_expect_error(r, 400, "KeyTooLongError");
	rig_expect_empty(r);
}

static void test_query_when_malformed_then_invalid_argument(void **state)
{
	struct rig *r = *state;
	rig_send(r, &(struct ask){ 0 }, STR("/" RIG_BUCKET "/k?a=%zz"));
	rig_expect_error(r, 400, "InvalidArgument");
}

static void test_image_when_requested_then_its_id_is_logged_on_refusals_too(void **state)
{
	struct rig *r = *state;
	struct str key = rig_slot(r, 1);
	rig_ask(r, &(struct ask){ .key = key });
	rig_expect_error(r, 404, "NoSuchKey");
	assert_true(str_equal(r->x.answer.image_id, str_slice(key, 7, 43)));
	rig_ask(r, &(struct ask){ .key = STR("images/x") });
	assert_int_equal(r->x.answer.image_id.n, 0);
	rig_ask(r, &(struct ask){ .bucket = "other", .key = key });
	assert_int_equal(r->x.answer.image_id.n, 0);
}

static void test_refuse_when_listener_finds_a_fault_then_s3_error(void **state)
{
	static const struct {
		enum fault_code code;
		int status;
		const char *name;
	} rows[] = { { F_BODY_CUT, 400, "IncompleteBody" }, { F_BODY_SLOW, 400, "RequestTimeout" }, { F_BAD_FRAMING, 400, "InvalidRequest" },
		{ F_OVERLOADED, 503, "SlowDown" }, { F_BODY_TOO_LARGE, 400, "EntityTooLarge" }, { F_BAD_HOST, 403, "AccessDenied" },
		{ F_MISDIRECTED, 421, "MisdirectedRequest" } };
	struct rig *r = *state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct fault why = { 0 };
		rig_send(r, &(struct ask){ 0 }, STR("/" RIG_BUCKET "/k"));
		(void)fault_write(&why, rows[i].code, "a sentence");
		answer_reset(&r->x.answer);
		r->handler->ops->on_error(r->handler, &r->x, &why);
		rig_expect_error(r, rows[i].status, rows[i].name);
		assert_int_equal(rig_header(r, "Retry-After").n > 0, rows[i].status == 503);
	}
}

static void test_refuse_when_nothing_was_begun_then_responds_too(void **state)
{
	struct rig *r = *state;
	struct request_context x = { 0 };
	struct fault why = { 0 };
	arena_init(&x.arena, r->handler->arena_bytes);
	answer_init(&x.answer);
	(void)fault_set(&why, BODY_SLOW, "The body arrived too slowly");
	r->handler->ops->on_error(r->handler, &x, &why);
	assert_int_equal(x.answer.status, 400);
	arena_deinit(&x.arena);
}

static void test_heap_when_exhausted_then_internal_error(void **state)
{
	struct rig *r = *state;
	struct request_context x = { .request = { .method = STR("GET"), .path = STR("/" RIG_BUCKET "/k"), .id = STR("ID") } };
	arena_init(&x.arena, r->handler->arena_bytes);
	/* as the arena is when the heap refused */
	x.arena.full = x.arena.starved = true;
	answer_init(&x.answer);
	x.request.arena = &x.arena;
	assert_int_equal(r->handler->ops->on_head(r->handler, &x), HANDLER_ANSWER);
	assert_int_equal(x.answer.status, 500);
	assert_int_equal(x.answer.fault.code, F_OUT_OF_MEMORY);
	assert_true(str_find(x.answer.body, STR("<Code>InternalError</Code>")) < x.answer.body.n);
	arena_deinit(&x.arena);
}

static void test_head_when_it_fills_the_arena_then_invalid_request(void **state)
{
	struct rig *r = *state;
	for (size_t cap = 0; cap < 6000; cap += 500) {
		struct request_context x = { .request = { .method = STR("GET"), .path = STR("/" RIG_BUCKET "/%41%42"), .id = STR("ID") } };
		arena_init(&x.arena, cap);
		answer_init(&x.answer);
		x.request.arena = &x.arena;
		assert_int_equal(r->handler->ops->on_head(r->handler, &x), HANDLER_ANSWER);
		assert_true(x.answer.status == 400 || x.answer.status == 403);
		assert_true(x.answer.body.n > 0);
		arena_deinit(&x.arena);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		RIG_TEST(test_request_when_not_signed_then_access_denied),
		RIG_TEST(test_request_when_its_authorization_is_malformed_then_header_malformed),
		RIG_TEST(test_request_when_signed_twice_then_invalid_argument),
		RIG_TEST(test_request_when_signed_by_version_2_then_invalid_request_names_version_4),
		RIG_TEST(test_method_when_s3_has_none_then_method_not_allowed),
		RIG_TEST(test_operation_when_s3_does_not_have_it_then_method_not_allowed),
		RIG_TEST(test_sub_resource_when_put_then_it_is_never_the_plain_operation),
		RIG_TEST(test_copy_when_its_source_is_missing_then_the_error_names_the_source),
		RIG_TEST(test_copy_when_its_source_is_missing_then_no_empty_object_is_made),
		RIG_TEST(test_response_then_it_has_the_host_id),
		RIG_TEST(test_url_when_used_with_another_verb_key_or_bucket_then_signature_does_not_match),
		RIG_TEST(test_bucket_when_unknown_then_no_such_bucket_signed_or_not),
		RIG_TEST(test_key_when_its_form_is_unusual_then_it_is_stored_under_its_own_bytes),
		RIG_TEST(test_key_when_slash_is_sent_encoded_then_it_is_the_same_key),
		RIG_TEST(test_key_when_invalid_then_refused),
		RIG_TEST(test_query_when_malformed_then_invalid_argument),
		RIG_TEST(test_image_when_requested_then_its_id_is_logged_on_refusals_too),
		RIG_TEST(test_refuse_when_listener_finds_a_fault_then_s3_error),
		RIG_TEST(test_refuse_when_nothing_was_begun_then_responds_too),
		RIG_TEST(test_heap_when_exhausted_then_internal_error),
		RIG_TEST(test_head_when_it_fills_the_arena_then_invalid_request),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
