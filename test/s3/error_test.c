/* The table of errors: every fault has its row, and no fault's cause gets out. */
#include "s3/fixture.h"

#include "s3/error.h"

#include <string.h>

static const struct {
	const char *code;
	int status;
} known[] = { { "AccessDenied", 403 }, { "AuthorizationQueryParametersError", 400 }, { "BadDigest", 400 }, { "EntityTooLarge", 400 },
	{ "EntityTooSmall", 400 }, { "IncompleteBody", 400 }, { "InternalError", 500 }, { "InvalidAccessKeyId", 403 },
	{ "InvalidArgument", 400 }, { "InvalidDigest", 400 }, { "InvalidPolicyDocument", 400 }, { "InvalidRange", 416 },
	{ "InvalidRequest", 400 }, { "KeyTooLongError", 400 }, { "MalformedPOSTRequest", 400 }, { "MethodNotAllowed", 405 },
	{ "MissingContentLength", 411 }, { "NoSuchBucket", 404 }, { "NoSuchKey", 404 }, { "NotModified", 304 }, { "PreconditionFailed", 412 },
	{ "RequestTimeout", 400 }, { "SignatureDoesNotMatch", 403 }, { "SlowDown", 503 }, { "ServiceUnavailable", 503 },
	{ "AuthorizationHeaderMalformed", 400 }, { "BucketAlreadyExists", 409 }, { "BucketNotEmpty", 409 }, { "InvalidBucketName", 400 },
	{ "InvalidChunkSizeError", 403 }, { "InvalidPart", 400 }, { "InvalidPartNumber", 416 }, { "InvalidPartOrder", 400 },
	{ "InvalidStorageClass", 400 }, { "InvalidToken", 400 }, { "MalformedTrailerError", 400 }, { "MalformedXML", 400 },
	{ "MetadataTooLarge", 400 }, { "NoSuchCORSConfiguration", 404 }, { "NoSuchUpload", 404 }, { "NoSuchVersion", 404 },
	{ "AccessForbidden", 403 }, { "InvalidLocationConstraint", 400 }, { "InvalidBucketAclWithObjectOwnership", 400 },
	{ "AccessControlListNotSupported", 400 }, { "NoSuchConfiguration", 404 }, { "NotImplemented", 501 }, { "RequestTimeTooSkewed", 403 },
	{ "XAmzContentSHA256Mismatch", 400 }, { "URITooLong", 414 }, { "RequestHeaderSectionTooLarge", 431 },
	{ "HttpVersionNotSupported", 505 }, { "MisdirectedRequest", 421 } };

static void test_error_when_any_fault_then_code_and_status_belong_together(void **state)
{
	bool seen[COUNT_OF(known)] = { false };
	(void)state;
	for (unsigned f = 0; f < FAULT_CODES; f++) {
		size_t i = 0;
		while (i < COUNT_OF(known) && strcmp(known[i].code, error_code((enum fault_code)f)) != 0)
			i++;
		if (i == COUNT_OF(known))
			fail_msg("%s is %s", fault_name((enum fault_code)f), error_code((enum fault_code)f));
		assert_int_equal(error_http_status((enum fault_code)f), known[i].status);
		seen[i] = true;
	}
	for (size_t i = 0; i < COUNT_OF(known); i++)
		assert_true(seen[i]);
	assert_string_equal(error_code((enum fault_code)9999), "InternalError");
}

static void refuse(struct rig *r, const struct fault *why)
{
	rig_send(r, &(struct ask){ 0 }, STR("/" RIG_BUCKET "/<a>&b"));
	answer_reset(&r->x.answer);
	r->handler->ops->on_error(r->handler, &r->x, why);
}

static void test_error_when_fault_is_internal_then_its_texts_are_not_sent(void **state)
{
	static const enum fault_code ours[] = { F_INTERNAL, F_OUT_OF_MEMORY, F_STORAGE_FAILED, F_DISK_FULL, F_UPSTREAM_FAILED,
		F_SCHEMA_UNKNOWN };
	struct rig *r = *state;
	for (size_t i = 0; i < COUNT_OF(ours); i++) {
		struct fault why = { 0 };
		(void)fault_write(&why, ours[i], "/data/secret.db: SELECT failed");
		fault_cause(&why, "errno 5 at /data/secret.db");
		refuse(r, &why);
		assert_true(rig_status(r) >= 500);
		assert_int_equal(str_find(rig_body(r), STR("secret")), rig_body(r).n);
		assert_string_equal(r->x.answer.fault.cause, "errno 5 at /data/secret.db");
	}
}

static void test_error_when_texts_hold_markup_then_it_is_escaped(void **state)
{
	struct rig *r = *state;
	struct fault why = { 0 };
	(void)fault_set(&why, INVALID_INPUT, "<script>alert(1)</script>");
	refuse(r, &why);
	rig_expect_error(r, 400, "InvalidArgument");
	assert_true(str_equal(rig_element(r, "Message"), STR("&lt;script&gt;alert(1)&lt;/script&gt;")));
	assert_true(str_equal(rig_element(r, "Resource"), STR("/" RIG_BUCKET "/&lt;a&gt;&amp;b")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		RIG_TEST(test_error_when_any_fault_then_code_and_status_belong_together),
		RIG_TEST(test_error_when_fault_is_internal_then_its_texts_are_not_sent),
		RIG_TEST(test_error_when_texts_hold_markup_then_it_is_escaped),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
