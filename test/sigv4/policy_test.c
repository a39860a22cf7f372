/* POST policies: S3's example, each way a document can be wrong, each condition, and the fields that
 * no condition names. */
#include "sigv4/cases.h"

#include "base/codec.h"
#include "sigv4/policy.h"

#define NOW_MS 1451347200000 /* 20151229T000000Z */
#define EXPIRATION "\"expiration\": \"2015-12-30T12:00:00.000Z\""
#define EXPIRATION_MS 1451476800000

static struct arena arena;
static const struct verify_context CTX = {
	.region = { "us-east-1", 9 }, .service = { "s3", 2 }, .now_ms = NOW_MS, .secret = { "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", 40 }
};

/* S3 API reference, "Example: Browser-Based Upload using HTTP POST". */
static const char EXAMPLE[] =
	"{ \"expiration\": \"2015-12-30T12:00:00.000Z\",\r\n"
	"  \"conditions\": [\r\n"
	"    {\"bucket\": \"sigv4examplebucket\"},\r\n"
	"    [\"starts-with\", \"$key\", \"user/user1/\"],\r\n"
	"    {\"acl\": \"public-read\"},\r\n"
	"    {\"success_action_redirect\": \"http://sigv4examplebucket.s3.amazonaws.com/successful_upload.html\"},\r\n"
	"    [\"starts-with\", \"$Content-Type\", \"image/\"],\r\n"
	"    {\"x-amz-meta-uuid\": \"14365123651274\"},\r\n"
	"    {\"x-amz-server-side-encryption\": \"AES256\"},\r\n"
	"    [\"starts-with\", \"$x-amz-meta-tag\", \"\"],\r\n"
	"\r\n"
	"    {\"x-amz-credential\": \"AKIAIOSFODNN7EXAMPLE/20151229/us-east-1/s3/aws4_request\"},\r\n"
	"    {\"x-amz-algorithm\": \"AWS4-HMAC-SHA256\"},\r\n"
	"    {\"x-amz-date\": \"20151229T000000Z\" }\r\n"
	"  ]\r\n"
	"}";

#define EXAMPLE_FIELDS 13
static struct header example[EXAMPLE_FIELDS];

static int set_up(void **state)
{
	struct buf policy;
	arena_init(&arena, ARENA_BYTES);
	buf_init_arena(&policy, &arena, 4096);
	base64_encode(&policy, str_of(EXAMPLE));
	const struct header fields[EXAMPLE_FIELDS] = { { STR("key"), STR("user/user1/a.jpg") }, { STR("acl"), STR("public-read") },
		{ STR("success_action_redirect"), STR("http://sigv4examplebucket.s3.amazonaws.com/successful_upload.html") },
		{ STR("Content-Type"), STR("image/jpeg") }, { STR("x-amz-meta-uuid"), STR("14365123651274") },
		{ STR("x-amz-server-side-encryption"), STR("AES256") },
		{ STR("X-Amz-Credential"), STR("AKIAIOSFODNN7EXAMPLE/20151229/us-east-1/s3/aws4_request") },
		{ STR("X-Amz-Algorithm"), STR("AWS4-HMAC-SHA256") }, { STR("X-Amz-Date"), STR("20151229T000000Z") },
		{ STR("x-amz-meta-tag"), STR("") }, { STR("Policy"), buf_str(&policy) },
		{ STR("X-Amz-Signature"), STR("8afdbf4008c03f22c2cd3cdb72e4afbb1f6a588f3255ac628749a66d7f09699e") },
		{ STR("x-ignore-me"), STR("anything") } };
	memcpy(example, fields, sizeof example);
	return 0;
}

static int tear_down(void **state)
{
	arena_deinit(&arena);
	return 0;
}

/* Claim and signature of the example's first n fields. */
static enum status verify(size_t n, const struct verify_context *ctx, struct fault *why)
{
	struct parsed_signature auth;
	enum status parsed = policy_signature(&arena, example, n, &auth, why);
	return parsed != OK ? parsed : policy_verify(example, n, &auth, ctx, why);
}

static void assert_refused(const struct verify_context *ctx, enum fault_code code, const char *words)
{
	struct fault why = { .code = F_NONE };
	assert_int_not_equal(verify(EXAMPLE_FIELDS, ctx, &why), OK);
	if (why.code != code || strstr(why.text, words) == NULL)
		fail_msg("got %s \"%s\", expected \"%s\"", fault_name(why.code), why.text, words);
}

static struct header *field(const char *name)
{
	for (size_t i = 0; i < EXAMPLE_FIELDS; i++) {
		if (str_equal_nocase(example[i].name, str_of(name)))
			return &example[i];
	}
	fail_msg("no field %s", name);
	return NULL;
}

static void test_signature_when_s3_example_then_accepted(void **state)
{
	struct parsed_signature auth;
	assert_int_equal(field("policy")->value.n, 864);
	assert_int_equal(policy_signature(&arena, example, EXAMPLE_FIELDS, &auth, NULL), OK);
	assert_str(auth.access_key, STR("AKIAIOSFODNN7EXAMPLE"));
	assert_str(auth.scope.region, STR("us-east-1"));
	assert_true(auth.date_ms == NOW_MS);
	assert_int_equal(policy_verify(example, EXAMPLE_FIELDS, &auth, &CTX, NULL), OK);
}

static void test_signature_when_policy_signature_or_secret_differ_then_wrong(void **state)
{
	struct header *signature = field("x-amz-signature"), *policy = field("policy");
	struct verify_context ctx = CTX;
	ctx.secret = STR("other");
	assert_refused(&ctx, F_SIGNATURE_WRONG, "does not match");
	signature->value.n--;
	assert_refused(&CTX, F_SIGNATURE_WRONG, "does not match");
	signature->value.n++;
	policy->value.n--;
	assert_refused(&CTX, F_SIGNATURE_WRONG, "does not match");
	policy->value.n++;
	assert_int_equal(verify(EXAMPLE_FIELDS, &CTX, NULL), OK);
}

static void test_scope_when_not_ours_then_malformed(void **state)
{
	struct verify_context ctx = CTX;
	ctx.region = STR("eu-west-1");
	assert_refused(&ctx, F_AUTH_MALFORMED, "the region 'us-east-1' is wrong; expecting 'eu-west-1'");
	ctx = CTX;
	ctx.service = STR("s4");
	assert_refused(&ctx, F_AUTH_MALFORMED, "belongs to \"s4\"");
}

static void test_date_when_ahead_or_a_week_old_then_expired(void **state)
{
	struct verify_context ctx = CTX;
	ctx.now_ms = NOW_MS - SIGV4_SKEW_MS - 1;
	assert_refused(&ctx, F_SIGNATURE_EXPIRED, "Request is not valid yet");
	ctx.now_ms = NOW_MS + INT64_C(7) * 24 * 3600 * 1000 + 1;
	assert_refused(&ctx, F_SIGNATURE_EXPIRED, "Request has expired");
	ctx.now_ms--;
	assert_int_equal(verify(EXAMPLE_FIELDS, &ctx, NULL), OK);
}

static void test_signature_when_fields_are_missing_repeated_or_bad_then_refused(void **state)
{
	static const char *const NAMES[] = { "x-amz-algorithm", "x-amz-credential", "x-amz-date", "x-amz-signature", "policy" };
	for (size_t i = 0; i < COUNT_OF(NAMES); i++) {
		struct header *f = field(NAMES[i]), kept = *f;
		f->name = STR("x-ignore-other");
		assert_refused(
			&CTX, F_AUTH_MALFORMED, str_cstr(&arena, str_printf(&arena, "Bucket POST must contain a field named '%s'", NAMES[i])));
		*f = kept;
		example[EXAMPLE_FIELDS - 1] = kept;
		assert_refused(&CTX, F_AUTH_MALFORMED, "must not be repeated");
		example[EXAMPLE_FIELDS - 1].name = STR("x-ignore-me");
	}
	field("x-amz-algorithm")->value = STR("AWS4-HMAC-SHA1");
	assert_refused(&CTX, F_AUTH_MALFORMED, "x-amz-algorithm only supports");
	field("x-amz-algorithm")->value = STR("AWS4-HMAC-SHA256");
	field("x-amz-date")->value = STR("20151230T000000Z");
	assert_refused(&CTX, F_AUTH_MALFORMED, "This date is not the same as x-amz-date");
	field("x-amz-credential")->value = STR("AKID");
	assert_refused(&CTX, F_AUTH_MALFORMED, "Error parsing the x-amz-credential parameter; the Credential is mal-formed");
}

static void test_signature_when_no_field_of_it_then_not_signed(void **state)
{
	const struct header fields[] = { { STR("key"), STR("k") }, { STR("x-amz-meta-a"), STR("b") } };
	struct parsed_signature auth;
	struct fault why;
	assert_int_equal(policy_signature(&arena, fields, COUNT_OF(fields), &auth, &why), DENIED);
	assert_int_equal(why.code, F_NOT_SIGNED);
}

static enum status check_example(struct str bucket, int64_t now_ms, struct fault *why)
{
	struct post_policy policy;
	assert_int_equal(policy_parse(&arena, str_of(EXAMPLE), &policy, NULL), OK);
	return policy_check(&policy, example, EXAMPLE_FIELDS, bucket, now_ms, why);
}

static void test_example_when_checked_then_holds_until_its_expiration(void **state)
{
	struct fault why;
	assert_int_equal(check_example(STR("sigv4examplebucket"), NOW_MS, &why), OK);
	assert_int_equal(check_example(STR("sigv4examplebucket"), EXPIRATION_MS, &why), OK);
	assert_int_equal(check_example(STR("sigv4examplebucket"), EXPIRATION_MS + 1, &why), DENIED);
	assert_int_equal(why.code, F_POLICY_EXPIRED);
	assert_string_equal(why.text, "Invalid according to Policy: Policy expired.");
}

static void test_example_when_a_field_is_changed_or_left_out_then_violated(void **state)
{
	static const char *const NAMES[] = { "key", "acl", "success_action_redirect", "Content-Type", "x-amz-meta-uuid",
		"x-amz-server-side-encryption", "x-amz-credential", "x-amz-algorithm", "x-amz-date" };
	for (size_t i = 0; i < COUNT_OF(NAMES); i++) {
		struct header *f = field(NAMES[i]), kept = *f;
		struct fault why;
		f->value = STR("other");
		assert_int_equal(check_example(STR("sigv4examplebucket"), NOW_MS, &why), DENIED);
		assert_non_null(strstr(why.text, "Invalid according to Policy: Policy Condition failed: [\""));
		*f = kept;
		f->name = STR("x-ignore-other");
		assert_int_equal(check_example(STR("sigv4examplebucket"), NOW_MS, &why), DENIED);
		*f = kept;
	}
	field("x-amz-meta-tag")->name = STR("x-ignore-other");
	assert_int_equal(check_example(STR("sigv4examplebucket"), NOW_MS, NULL), DENIED);
}

/* Parse a policy of these conditions; true and checked against the fields, or refused with these words. */
static enum status check(const char *conditions, const struct header *fields, size_t n, struct fault *why)
{
	struct str document = str_printf(&arena, "{" EXPIRATION ",\"conditions\":[{\"bucket\":\"b\"},%s]}", conditions);
	struct post_policy policy;
	if (policy_parse(&arena, document, &policy, why) != OK)
		fail_msg("%s: %s", conditions, why->text);
	return policy_check(&policy, fields, n, STR("b"), NOW_MS, why);
}

static void test_condition_when_checked_then_by_its_kind(void **state)
{
	static const struct {
		const char *condition, *name, *value;
		bool holds;
	} CASES[] = { { "{\"key\":\"a\"}", "key", "a", true }, { "{\"key\":\"a\"}", "key", "ab", false },
		{ "{\"KeY\":\"a\"}", "kEy", "a", true }, { "{\"key\":\"a\"}", "key", "A", false }, { "[\"eq\",\"$key\",\"a\"]", "key", "a", true },
		{ "[\"eq\",\"$key\",\"\"]", "key", "", true }, { "[\"EQ\",\"$key\",\"a\"]", "key", "b", false },
		{ "[\"starts-with\",\"$key\",\"a/\"]", "key", "a/b", true }, { "[\"StArTs-WiTh\",\"$kEY\",\"a/\"]", "key", "a", false },
		{ "[\"starts-with\",\"$key\",\"\"]", "key", "anything", true }, { "[\"starts-with\",\"$key\",\"\"]", "key", "", true },
		{ "[\"starts-with\",\"$Content-Type\",\"image/\"]", "content-type", "image/png", true },
		{ "[\"starts-with\",\"$Content-Type\",\"image/\"]", "content-type", "image/png, image/gif", true },
		{ "[\"starts-with\",\"$Content-Type\",\"image/\"]", "content-type", "image/png,text/html", false },
		{ "[\"starts-with\",\"$Content-Type\",\"image/\"]", "content-type", "", false },
		{ "[\"starts-with\",\"$Content-Type\",\"\"]", "content-type", "", true },
		{ "[\"eq\",\"$Content-Type\",\"image/png\"]", "content-type", "image/png,image/png", false },
		{ "[\"starts-with\",\"$key\",\"a\"]", "key", "a,b", true },
		{ "[\"eq\",\"$key\",\"\\\\x\\u20ac\\\"\"]", "key", "\\x\xE2\x82\xAC\"", true }, { "[\"eq\",\"$key\",\"\\$5\"]", "key", "$5", true },
		{ "[\"eq\",\"$key\",\"\\\\$5\"]", "key", "\\$5", true },
		{ "{\"success_action_status\":\"201\"}", "success_action_status", "201", true } };
	for (size_t i = 0; i < COUNT_OF(CASES); i++) {
		const struct header fields[] = { { str_of(CASES[i].name), str_of(CASES[i].value) } };
		struct fault why = { .code = F_NONE };
		enum status s = check(CASES[i].condition, fields, 1, &why);
		if ((s == OK) != CASES[i].holds)
			fail_msg("%s on \"%s\": %s", CASES[i].condition, CASES[i].value, why.text);
		assert_int_equal(why.code, CASES[i].holds ? F_NONE : F_POLICY_VIOLATED);
	}
}

static void test_condition_when_several_on_a_field_then_each_must_hold(void **state)
{
	const struct header fields[] = { { STR("key"), STR("a/b") } };
	struct fault why;
	assert_int_equal(check("[\"starts-with\",\"$key\",\"a\"],[\"starts-with\",\"$key\",\"a/b\"]", fields, 1, &why), OK);
	assert_int_equal(check("[\"starts-with\",\"$key\",\"a\"],[\"starts-with\",\"$key\",\"a/c\"]", fields, 1, &why), DENIED);
	assert_string_equal(why.text, "Invalid according to Policy: Policy Condition failed: [\"starts-with\", \"$key\", \"a/c\"]");
}

static void test_condition_when_its_field_is_not_sent_then_violated(void **state)
{
	const struct header fields[] = { { STR("key"), STR("k") } };
	struct fault why;
	assert_int_equal(check("{\"key\":\"k\"},[\"starts-with\",\"$acl\",\"\"]", fields, 1, &why), DENIED);
	assert_int_equal(why.code, F_POLICY_VIOLATED);
}

static void test_field_when_not_in_the_policy_then_violated_and_named(void **state)
{
	static const struct {
		const char *name;
		bool taken;
	} CASES[] = { { "acl", false }, { "x-amz-meta-a", false }, { "success_action_redirect", false }, { "x-amz-storage-class", false },
		{ "x-ignor", false }, { "x-ignore-a", true }, { "X-IGNORE-", true }, { "file", true }, { "Policy", true },
		{ "X-Amz-Signature", true } };
	for (size_t i = 0; i < COUNT_OF(CASES); i++) {
		const struct header fields[] = { { STR("key"), STR("k") }, { str_of(CASES[i].name), STR("v") } };
		struct fault why;
		enum status s = check("{\"key\":\"k\"}", fields, 2, &why);
		assert_int_equal(s, CASES[i].taken ? OK : DENIED);
		if (!CASES[i].taken)
			assert_string_equal(why.text, str_printf(&arena, "Invalid according to Policy: Extra input fields: %s", CASES[i].name).p);
	}
}

static void test_field_when_repeated_then_violated(void **state)
{
	const struct header fields[] = { { STR("key"), STR("k") }, { STR("KEY"), STR("k") }, { STR("x-ignore-a"), STR("1") },
		{ STR("x-ignore-a"), STR("2") } };
	struct fault why;
	assert_int_equal(check("{\"key\":\"k\"}", fields, 2, &why), DENIED);
	assert_int_equal(check("[\"starts-with\",\"$key\",\"\"]", fields, 2, &why), DENIED);
	assert_int_equal(check("{\"key\":\"k\"}", fields + 1, 3, &why), OK);
}

static void test_bucket_when_another_or_not_in_the_policy_then_violated(void **state)
{
	const struct header none[] = { { STR("key"), STR("k") } };
	const struct header other[] = { { STR("key"), STR("k") }, { STR("Bucket"), STR("c") } };
	const struct header same[] = { { STR("key"), STR("k") }, { STR("bucket"), STR("b") } };
	struct post_policy policy;
	struct fault why;
	assert_int_equal(check("{\"key\":\"k\"}", none, 1, &why), OK);
	assert_int_equal(check("{\"key\":\"k\"}", same, 2, &why), OK);
	assert_int_equal(check("{\"key\":\"k\"}", other, 2, &why), DENIED);
	assert_int_equal(policy_parse(&arena, STR("{" EXPIRATION ",\"conditions\":[{\"bucket\":\"b\"},{\"key\":\"k\"}]}"), &policy, NULL), OK);
	assert_int_equal(policy_check(&policy, same, 2, STR("c"), NOW_MS, &why), DENIED);
	assert_int_equal(policy_parse(&arena, STR("{" EXPIRATION ",\"conditions\":[{\"key\":\"k\"}]}"), &policy, NULL), OK);
	assert_int_equal(policy_check(&policy, none, 1, STR("b"), NOW_MS, &why), DENIED);
	assert_non_null(strstr(why.text, "bucket"));
}

static void test_range_when_given_then_read_and_narrowed(void **state)
{
	struct post_policy policy;
	assert_int_equal(policy_parse(&arena, STR("{" EXPIRATION ",\"conditions\":[]}"), &policy, NULL), OK);
	assert_false(policy.has_range);
	assert_true(policy.expiration_ms == EXPIRATION_MS);
	assert_int_equal(
		policy_parse(&arena, STR("{" EXPIRATION ",\"conditions\":[[\"content-length-range\",1,5242880]]}"), &policy, NULL), OK);
	assert_true(policy.has_range);
	assert_int_equal(policy.min_size, 1);
	assert_int_equal(policy.max_size, 5242880);
	assert_int_equal(
		policy_parse(&arena, STR("{" EXPIRATION ",\"conditions\":[[\"content-length-range\",\"2\",\"10\"]]}"), &policy, NULL), OK);
	assert_true(policy.has_range && policy.min_size == 2 && policy.max_size == 10);
	assert_int_equal(
		policy_parse(&arena,
			STR("{" EXPIRATION
				",\"conditions\":[[\"content-length-range\",1,9],[\"content-length-range\",0,5],[\"content-length-range\",2,7]]}"),
			&policy, NULL),
		OK);
	assert_int_equal(policy.min_size, 2);
	assert_int_equal(policy.max_size, 5);
}

static void test_document_when_malformed_then_refused_with_the_reason(void **state)
{
	static const char *const BAD[][2] = { { "", "Invalid JSON" }, { "x", "Invalid JSON" }, { "[]", "Invalid JSON" },
		{ "{", "Invalid JSON" }, { "{}}", "Invalid JSON" }, { "\"a\"", "Invalid JSON" },
		{ "{" EXPIRATION "," EXPIRATION ",\"conditions\":[]}", "Invalid JSON" },
		{ "{" EXPIRATION ",\"conditions\":[{\"key\":\"a\",\"key\":\"b\"}]}", "Invalid JSON" },
		{ "{" EXPIRATION ",\"conditions\":[{\"key\":\"\xFF\"}]}", "Invalid JSON" },
		{ "{" EXPIRATION ",\"conditions\":[{\"key\":\"\\u0000\"}]}", "Invalid JSON" },
		{ "{\"conditions\":[]}", "Policy missing expiration" },
		{ "{\"EXPIRATION\":\"2015-12-30T12:00:00.000Z\",\"conditions\":[]}", "Policy missing expiration" },
		{ "{\"expiration\":5,\"conditions\":[]}", "Invalid 'expiration'" },
		{ "{\"expiration\":\"2015-12-30 12:00:00\",\"conditions\":[]}", "Invalid 'expiration'" },
		{ "{\"expiration\":\"2015-02-30T12:00:00Z\",\"conditions\":[]}", "Invalid 'expiration'" },
		{ "{" EXPIRATION "}", "Policy missing conditions" }, { "{" EXPIRATION ",\"CONDITIONS\":[]}", "Policy missing conditions" },
		{ "{" EXPIRATION ",\"conditions\":{}}", "'conditions' must be a list" },
		{ "{" EXPIRATION ",\"conditions\":[{}]}", "Simple-Conditions must have exactly one property" },
		{ "{" EXPIRATION ",\"conditions\":[{\"a\":\"1\",\"b\":\"2\"}]}", "exactly one property" },
		{ "{" EXPIRATION ",\"conditions\":[{\"a\":1}]}", "value must be a string" },
		{ "{" EXPIRATION ",\"conditions\":[\"a\"]}", "must be an object or a list" },
		{ "{" EXPIRATION ",\"conditions\":[[]]}", "must be an object or a list" },
		{ "{" EXPIRATION ",\"conditions\":[[1,\"$a\",\"b\"]]}", "must be an object or a list" },
		{ "{" EXPIRATION ",\"conditions\":[null]}", "must be an object or a list" },
		{ "{" EXPIRATION ",\"conditions\":[[\"ends-with\",\"$a\",\"b\"]]}", "unknown operation 'ends-with'" },
		{ "{" EXPIRATION ",\"conditions\":[[\"eq\",\"$a\"]]}", "both strings" },
		{ "{" EXPIRATION ",\"conditions\":[[\"eq\",\"$a\",\"b\",\"c\"]]}", "both strings" },
		{ "{" EXPIRATION ",\"conditions\":[[\"eq\",\"$a\",1]]}", "both strings" },
		{ "{" EXPIRATION ",\"conditions\":[[\"eq\",\"a\",\"b\"]]}", "must begin with '$'" },
		{ "{" EXPIRATION ",\"conditions\":[[\"eq\",\"$\",\"b\"]]}", "must begin with '$'" },
		{ "{" EXPIRATION ",\"conditions\":[[\"content-length-range\",0]]}", "two integers" },
		{ "{" EXPIRATION ",\"conditions\":[[\"content-length-range\",0,1,2]]}", "two integers" },
		{ "{" EXPIRATION ",\"conditions\":[[\"content-length-range\",0,1.5]]}", "two integers" },
		{ "{" EXPIRATION ",\"conditions\":[[\"content-length-range\",\"0\",\"1x\"]]}", "two integers" },
		{ "{" EXPIRATION ",\"conditions\":[[\"content-length-range\",-1,0]]}", "none negative" },
		{ "{" EXPIRATION ",\"conditions\":[[\"content-length-range\",\"-1\",0]]}", "none negative" },
		{ "{" EXPIRATION ",\"conditions\":[[\"content-length-range\",2,1]]}", "end before it begins" },
		{ "{" EXPIRATION ",\"conditions\":[[\"content-length-range\",0,9223372036854775808]]}", "Invalid JSON" } };
	for (size_t i = 0; i < COUNT_OF(BAD); i++) {
		struct post_policy policy;
		struct fault why = { .code = F_NONE };
		assert_int_equal(policy_parse(&arena, str_of(BAD[i][0]), &policy, &why), INVALID);
		if (why.code != F_POLICY_MALFORMED || strncmp(why.text, "Invalid Policy: ", 16) != 0 || strstr(why.text, BAD[i][1]) == NULL)
			fail_msg("%s: got \"%s\", expected \"%s\"", BAD[i][0], why.text, BAD[i][1]);
	}
}

static void test_document_when_too_long_deep_or_many_then_refused(void **state)
{
	struct buf b;
	struct post_policy policy;
	struct fault why;
	buf_init_arena(&b, &arena, 200000);
	buf_put(&b, STR("{" EXPIRATION ",\"conditions\":[{\"a\":\"b\"}"));
	for (int i = 0; i < 127; i++)
		buf_put(&b, STR(",{\"a\":\"b\"}"));
	assert_int_equal(policy_parse(&arena, str_printf(&arena, "%.*s]}", STRF(buf_str(&b))), &policy, &why), OK);
	assert_int_equal(policy.n_conditions, 128);
	buf_put(&b, STR(",{\"a\":\"b\"}]}"));
	assert_int_equal(policy_parse(&arena, buf_str(&b), &policy, &why), INVALID);
	assert_non_null(strstr(why.text, "more than 128 conditions"));
	buf_clear(&b);
	for (int i = 0; i < 10000; i++)
		buf_put_char(&b, '[');
	assert_int_equal(policy_parse(&arena, buf_str(&b), &policy, &why), INVALID);
	buf_clear(&b);
	for (int i = 0; i < 65537; i++)
		buf_put_char(&b, ' ');
	assert_int_equal(policy_parse(&arena, buf_str(&b), &policy, &why), INVALID);
	assert_non_null(strstr(why.text, "more than 65536 bytes"));
}

static void test_arena_when_full_then_limit(void **state)
{
	size_t limited = 0;
	for (size_t cap = 0; cap < 8000; cap += 50) {
		struct arena small CLEANUP(arena_deinit) = { 0 };
		struct post_policy policy;
		struct fault why = { .code = F_NONE };
		arena_init(&small, cap);
		enum status s = policy_parse(&small, str_of(EXAMPLE), &policy, &why);
		assert_true(s == OK || (s == LIMIT && why.code == F_TOO_MUCH));
		limited += s == LIMIT;
	}
	assert_in_range(limited, 1, 159);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_signature_when_s3_example_then_accepted, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_signature_when_policy_signature_or_secret_differ_then_wrong, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_scope_when_not_ours_then_malformed, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_date_when_ahead_or_a_week_old_then_expired, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_signature_when_fields_are_missing_repeated_or_bad_then_refused, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_signature_when_no_field_of_it_then_not_signed, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_example_when_checked_then_holds_until_its_expiration, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_example_when_a_field_is_changed_or_left_out_then_violated, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_condition_when_checked_then_by_its_kind, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_condition_when_several_on_a_field_then_each_must_hold, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_condition_when_its_field_is_not_sent_then_violated, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_field_when_not_in_the_policy_then_violated_and_named, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_field_when_repeated_then_violated, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_bucket_when_another_or_not_in_the_policy_then_violated, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_range_when_given_then_read_and_narrowed, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_document_when_malformed_then_refused_with_the_reason, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_document_when_too_long_deep_or_many_then_refused, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_arena_when_full_then_limit, set_up, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
