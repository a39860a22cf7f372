/* The verifying side of presigned requests: the cases' signed requests and URLs that real clients
 * made, each altered in turn; the form of every parameter; time; unsigned headers. */
#include "sigv4/cases.h"

#include "sigv4/verify.h"

#define DATE "20261122T073926Z"
#define CLIENT_MS 1795333166000 /* DATE */
#define PREFIX \
	"X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Content-Sha256=UNSIGNED-PAYLOAD&X-Amz-Credential=AKIAMAINMAINMAINMAIN%2F20261122%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Date=" DATE \
	"&X-Amz-Expires=300"
/* by the AWS SDK for JavaScript: checksum defaults, and WHEN_REQUIRED */
#define SDK_PUT \
	"/jsbucket/preputct?" PREFIX \
	"&X-Amz-Signature=aa88cc110b036770ac7f920a49879122b552aae9fde91c34589bafe67bf2da15&X-Amz-SignedHeaders=host&x-amz-checksum-crc32=AAAAAA%3D%3D&x-amz-meta-a=b&x-amz-sdk-checksum-algorithm=CRC32&x-id=PutObject"
#define SDK_PUT_REQUIRED \
	"/jsbucket/preputwr?" PREFIX \
	"&X-Amz-Signature=da74ec17063f5798a1ba3ebc417ca5e93727fcbed4726959514df3696b6eb116&X-Amz-SignedHeaders=host&x-id=PutObject"
/* by botocore */
#define BOTO_PUT \
	"/bthree/preput?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAMAINMAINMAINMAIN%2F20261122%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Date=20261122T073920Z&X-Amz-Expires=300&X-Amz-SignedHeaders=host&X-Amz-Signature=2605a7177319b965b1cd566519ca8d3cc33e53aa0aadae5df2d5fee223784a96"

static struct arena arena;
static const struct verify_context CTX = {
	.region = { "us-east-1", 9 }, .service = { "s3", 2 }, .now_ms = CLIENT_MS, .secret = { "mainmainmainmainmainmainmainmainmainmain", 40 }
};

static int set_up(void **state)
{
	arena_init(&arena, ARENA_BYTES);
	return 0;
}

static int tear_down(void **state)
{
	arena_deinit(&arena);
	return 0;
}

static void set_target(struct request *r, struct str target)
{
	struct str rest = target;
	r->target = target;
	r->path = str_cut(&rest, '?');
	assert_int_equal(query_parse(&arena, rest, &r->query, NULL), OK);
}

static const struct header CLIENT_HEADERS[] = { { { "Host", 4 }, { "127.0.0.1:5556", 14 } }, { { "content-length", 14 }, { "5", 1 } } };

static struct request client_request(const char *target)
{
	struct request r = { .arena = &arena, .method = STR("PUT"), .headers = CLIENT_HEADERS, .n_headers = COUNT_OF(CLIENT_HEADERS) };
	set_target(&r, str_of(target));
	return r;
}

static enum status verify_with(const struct request *r, const struct verify_context *ctx, struct fault *why)
{
	struct parsed_signature auth;
	enum status parsed = signature_parse(r, &auth, why);
	return parsed != OK ? parsed : signature_verify(r, &auth, ctx, why);
}

static enum status verify(const struct request *r, struct fault *why)
{
	return verify_with(r, &CTX, why);
}

static void assert_refused(const struct request *r, const struct verify_context *ctx, enum fault_code code, const char *words)
{
	struct fault why = { .code = F_NONE };
	assert_int_not_equal(verify_with(r, ctx, &why), OK);
	if (why.code != code || strstr(why.text, words) == NULL)
		fail_msg("got %s \"%s\", expected %s \"%s\"", fault_name(why.code), why.text, fault_name(code), words);
}

/* A case's presigned URL. */
struct signed_case {
	struct sigv4_case c;
	struct request r;
	struct verify_context ctx;
};

static void load_signed(const char *name, struct signed_case *s)
{
	case_load(&arena, name, &s->c);
	if (!case_has(&s->c, MODE_QUERY))
		return;
	s->r = case_signed_request(&arena, &s->c, MODE_QUERY);
	s->ctx = (struct verify_context){ .region = s->c.region, .service = s->c.service, .now_ms = s->c.now_ms, .secret = s->c.secret };
}

static enum status verify_signed(const struct signed_case *s)
{
	struct parsed_signature auth;
	struct fault why;
	if (signature_parse(&s->r, &auth, &why) != OK)
		fail_msg("%s: %s", s->c.name, why.text);
	enum status verdict = signature_verify(&s->r, &auth, &s->ctx, &why);
	assert_true(verdict != DENIED || why.code == F_SIGNATURE_WRONG);
	return verdict;
}

static struct str altered(struct str s, size_t at)
{
	char *copy = str_cstr(&arena, s);
	copy[at] = (char)(copy[at] ^ 1);
	return (struct str){ copy, s.n };
}

static size_t alter_path(const struct signed_case *s)
{
	struct signed_case other = *s;
	for (size_t i = 0; i < s->r.path.n; i++) {
		other.r.path = altered(s->r.path, i);
		assert_int_not_equal(verify_signed(&other), OK); /* INVALID where a %XX broke */
	}
	return s->r.path.n;
}

static size_t alter_headers(const struct signed_case *s)
{
	size_t n = 0;
	for (size_t i = 0; i < s->r.n_headers; i++) {
		if (s->r.headers[i].value.n == 0)
			continue;
		struct signed_case other = *s;
		struct header *headers = arena_array(&arena, s->r.n_headers, sizeof *headers);
		memcpy(headers, s->r.headers, s->r.n_headers * sizeof *headers);
		headers[i].value = altered(headers[i].value, headers[i].value.n - 1);
		other.r.headers = headers;
		assert_int_equal(verify_signed(&other), DENIED);
		n++;
	}
	return n;
}

static size_t alter_signature(const struct signed_case *s)
{
	struct signed_case other = *s;
	struct query_pair *pairs = arena_array(&arena, s->r.query.n, sizeof *pairs);
	const struct query_pair *signature = query_find(&s->r.query, STR("X-Amz-Signature"));
	memcpy(pairs, s->r.query.pairs, s->r.query.n * sizeof *pairs);
	other.r.query.pairs = pairs;
	for (size_t i = 0; i < SIGNATURE_CHARS; i++) {
		pairs[signature - s->r.query.pairs].value = altered(signature->value, i);
		assert_int_equal(verify_signed(&other), DENIED);
	}
	return SIGNATURE_CHARS;
}

static void test_case_when_verified_then_accepted_and_refused_when_altered(void **state)
{
	char *names[CASES_MAX];
	size_t n = case_names(&arena, names), accepted = 0;
	for (size_t i = 0; i < n; i++) {
		struct signed_case s;
		load_signed(names[i], &s);
		if (!case_has(&s.c, MODE_QUERY))
			continue;
		if (verify_signed(&s) != OK)
			fail_msg("%s is refused", names[i]);
		accepted++;
		assert_true(alter_path(&s) + alter_headers(&s) + alter_signature(&s) > SIGNATURE_CHARS);
	}
	assert_true(accepted >= 35);
}

static void test_client_urls_when_verified_then_accepted(void **state)
{
	static const char *const TARGETS[] = { SDK_PUT, SDK_PUT_REQUIRED, BOTO_PUT };
	for (size_t i = 0; i < COUNT_OF(TARGETS); i++) {
		struct request r = client_request(TARGETS[i]);
		struct fault why;
		if (verify(&r, &why) != OK)
			fail_msg("%s: %s", TARGETS[i], why.text);
	}
}

static void test_target_when_any_byte_is_changed_then_refused(void **state)
{
	struct str target = str_of(SDK_PUT);
	size_t refused = 0;
	for (size_t i = 0; i < target.n; i++) {
		struct request r = { .arena = &arena, .method = STR("PUT"), .headers = CLIENT_HEADERS, .n_headers = COUNT_OF(CLIENT_HEADERS) };
		struct str rest = altered(target, i);
		r.path = str_cut(&rest, '?');
		/* a bad %XX is refused where the query is parsed */
		if (query_parse(&arena, rest, &r.query, NULL) != OK || verify(&r, NULL) != OK)
			refused++;
		else
			fail_msg("byte %zu of the target may be changed", i);
	}
	assert_int_equal(refused, target.n);
}

static void test_method_when_another_then_refused(void **state)
{
	struct request r = client_request(SDK_PUT);
	r.method = STR("GET");
	assert_refused(&r, &CTX, F_SIGNATURE_WRONG, "The request signature we calculated does not match");
	r.method = STR("put");
	assert_refused(&r, &CTX, F_SIGNATURE_WRONG, "");
}

static void test_parameter_when_added_or_removed_then_refused(void **state)
{
	struct request r = client_request(SDK_PUT "&response-content-type=text/html");
	assert_refused(&r, &CTX, F_SIGNATURE_WRONG, "");
	set_target(&r,
		STR("/jsbucket/preputwr?" PREFIX
			"&X-Amz-Signature=da74ec17063f5798a1ba3ebc417ca5e93727fcbed4726959514df3696b6eb116&X-Amz-SignedHeaders=host"));
	assert_refused(&r, &CTX, F_SIGNATURE_WRONG, "");
}

static void test_secret_when_another_then_refused(void **state)
{
	struct request r = client_request(SDK_PUT);
	struct verify_context ctx = CTX;
	ctx.secret = STR("mainmainmainmainmainmainmainmainmainmaiN");
	assert_refused(&r, &ctx, F_SIGNATURE_WRONG, "");
}

static void test_request_when_without_parameters_then_not_signed(void **state)
{
	struct request r = client_request("/b/k?x-id=GetObject&x-amz-meta-a=b");
	assert_false(signature_present(&r));
	assert_refused(&r, &CTX, F_NOT_SIGNED, "");
	r = client_request("/b/k?X-Amz-Expires=1");
	assert_true(signature_present(&r));
}

/* The parameters of a claim as text, one replaced. */
static struct request with_parameter(const char *name, const char *text)
{
	static const char *const ALL[][2] = { { "X-Amz-Algorithm", "AWS4-HMAC-SHA256" },
		{ "X-Amz-Credential", "AKID/20261122/us-east-1/s3/aws4_request" }, { "X-Amz-Date", DATE }, { "X-Amz-Expires", "300" },
		{ "X-Amz-SignedHeaders", "host" }, { "X-Amz-Signature", "ab" } };
	struct str target = STR("/b/k?a=b");
	for (size_t i = 0; i < COUNT_OF(ALL); i++) {
		bool replaced = strcmp(ALL[i][0], name) == 0;
		if (replaced && text == NULL)
			continue;
		target = str_printf(&arena, "%.*s&%s=%s", STRF(target), ALL[i][0], replaced ? text : ALL[i][1]);
	}
	struct request r = client_request(str_cstr(&arena, target));
	return r;
}

static void test_signature_when_well_formed_then_read(void **state)
{
	struct request r = with_parameter("", NULL);
	struct parsed_signature c;
	assert_int_equal(signature_parse(&r, &c, NULL), OK);
	assert_str(c.access_key, STR("AKID"));
	assert_str(c.scope.day, STR("20261122"));
	assert_str(c.scope.region, STR("us-east-1"));
	assert_str(c.scope.service, STR("s3"));
	assert_str(c.amz_date, STR(DATE));
	assert_true(c.date_ms == CLIENT_MS);
	assert_int_equal(c.expires_s, 300);
	assert_str(c.signed_headers, STR("host"));
	assert_str(c.signature, STR("ab"));
	assert_str(c.payload_hash, STR("UNSIGNED-PAYLOAD"));
}

static void test_parameter_when_missing_or_empty_then_s3s_message(void **state)
{
	static const char *const NAMES[] = { "X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Date", "X-Amz-Expires", "X-Amz-SignedHeaders",
		"X-Amz-Signature" };
	for (size_t i = 0; i < COUNT_OF(NAMES); i++) {
		struct request r = with_parameter(NAMES[i], NULL);
		assert_refused(&r, &CTX, F_AUTH_MALFORMED,
			"Query-string authentication version 4 requires the X-Amz-Algorithm, X-Amz-Credential, X-Amz-Signature, X-Amz-Date, X-Amz-SignedHeaders, and X-Amz-Expires parameters.");
		r = with_parameter(NAMES[i], "");
		assert_refused(&r, &CTX, F_AUTH_MALFORMED, "requires");
	}
}

static void test_parameter_when_malformed_then_s3s_message(void **state)
{
	static const struct {
		const char *name, *text, *words;
	} BAD[] = {
		{ "X-Amz-Algorithm", "AWS4-HMAC-SHA1", "X-Amz-Algorithm only supports" },
		{ "X-Amz-Credential", "AKID", "the Credential is mal-formed; expecting \"<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request\"" },
		{ "X-Amz-Credential", "AKID/20261122/us-east-1/s3", "mal-formed" },
		{ "X-Amz-Credential", "AKID/20261122/us-east-1/s3/aws4_request/x", "mal-formed" },
		{ "X-Amz-Credential", "/20261122/us-east-1/s3/aws4_request", "mal-formed" },
		{ "X-Amz-Credential", "AKID/2026112/us-east-1/s3/aws4_request", "incorrect date format \"2026112\"" },
		{ "X-Amz-Credential", "AKID/2026112x/us-east-1/s3/aws4_request", "incorrect date format" },
		{ "X-Amz-Credential", "AKID/20261122/us-east-1/s3/aws4_reques",
			"incorrect terminal \"aws4_reques\". This endpoint uses \"aws4_request\"" },
		{ "X-Amz-Credential", "AKID/20261123/us-east-1/s3/aws4_request",
			"Invalid credential date \"20261123\". This date is not the same as X-Amz-Date: \"20261122\"" },
		{ "X-Amz-Credential", "AKID/20261122/eu-west-1/s3/aws4_request", "the region 'eu-west-1' is wrong; expecting 'us-east-1'" },
		{ "X-Amz-Credential", "AKID/20261122//s3/aws4_request", "the region '' is wrong; expecting 'us-east-1'" },
		{ "X-Amz-Credential", "AKID/20261122/us-east-1/sqs/aws4_request", "incorrect service \"sqs\". This endpoint belongs to \"s3\"" },
		{ "X-Amz-Date", "20261122", "must be in the ISO8601 Long Format" },
		{ "X-Amz-Date", "2026-11-22T07:39:26Z", "must be in the ISO8601 Long Format" },
		{ "X-Amz-Date", "20261131T073926Z", "must be in the ISO8601 Long Format" },
		{ "X-Amz-Expires", "5m", "X-Amz-Expires must be a number" },
		{ "X-Amz-Expires", "%2B5", "X-Amz-Expires must be a number" },
		{ "X-Amz-Expires", "+5", "X-Amz-Expires must be a number" },
		{ "X-Amz-Expires", "1.5", "X-Amz-Expires must be a number" },
		{ "X-Amz-Expires", "-", "X-Amz-Expires must be a number" },
		{ "X-Amz-Expires", "-1", "X-Amz-Expires must be non-negative" },
		{ "X-Amz-Expires", "604801", "the given X-Amz-Expires must be less than 604800 seconds" },
		{ "X-Amz-Expires", "99999999999999999999999", "must be less than a week (in seconds)" },
	};
	for (size_t i = 0; i < COUNT_OF(BAD); i++) {
		struct request r = with_parameter(BAD[i].name, BAD[i].text);
		assert_refused(&r, &CTX, F_AUTH_MALFORMED, BAD[i].words);
	}
	struct request none = with_parameter("X-Amz-Expires", "0");
	assert_refused(&none, &CTX, F_SIGNATURE_EXPIRED, "Request has expired");
	struct request r = with_parameter("X-Amz-Expires", "604800");
	assert_refused(&r, &CTX, F_SIGNATURE_WRONG, "");
}

static void test_parameter_when_repeated_then_malformed(void **state)
{
	static const char *const MORE[] = { "X-Amz-Algorithm=AWS4-HMAC-SHA256", "X-Amz-Expires=300", "X-Amz-Expires=301", "X-Amz-Signature=00",
		"X-Amz-SignedHeaders=host", "x-amz-date=" DATE, "X-Amz-Credential=AKID", "X-Amz-Content-Sha256=UNSIGNED-PAYLOAD",
		"x-amz-checksum-crc32=AAAAAA%3D%3D", "X-Amz-Expires" };
	for (size_t i = 0; i < COUNT_OF(MORE); i++) {
		struct request r = client_request(str_cstr(&arena, str_printf(&arena, "%s&%s", SDK_PUT, MORE[i])));
		assert_refused(&r, &CTX, F_AUTH_MALFORMED, "must not be repeated");
	}
}

static void test_list_when_too_long_then_malformed(void **state)
{
	char list[300];
	memset(list, ';', sizeof list - 1);
	list[sizeof list - 1] = '\0';
	struct request r = with_parameter("X-Amz-SignedHeaders", list);
	assert_refused(&r, &CTX, F_AUTH_MALFORMED, "more than 256 headers are signed");
}

static void test_time_when_before_or_after_then_skew_forward_and_none_after(void **state)
{
	static const struct {
		int64_t offset_ms;
		enum fault_code code;
		const char *words;
	} TIMES[] = { { 0, F_NONE, "" }, { 300 * 1000, F_NONE, "" }, { 300 * 1000 + 1, F_SIGNATURE_EXPIRED, "Request has expired" },
		{ -SIGV4_SKEW_MS, F_NONE, "" }, { -SIGV4_SKEW_MS - 1, F_SIGNATURE_EXPIRED, "Request is not valid yet" } };
	struct request r = client_request(SDK_PUT);
	for (size_t i = 0; i < COUNT_OF(TIMES); i++) {
		struct verify_context ctx = CTX;
		ctx.now_ms += TIMES[i].offset_ms;
		if (TIMES[i].code == F_NONE)
			assert_int_equal(verify_with(&r, &ctx, NULL), OK);
		else
			assert_refused(&r, &ctx, TIMES[i].code, TIMES[i].words);
	}
}

static void test_lifetime_when_zero_then_expired_at_once(void **state)
{
	struct request r = with_parameter("X-Amz-Expires", "0");
	struct verify_context ctx = CTX;
	ctx.now_ms++;
	assert_refused(&r, &ctx, F_SIGNATURE_EXPIRED, "Request has expired");
}

static void assert_header_refused(const char *name, const char *value)
{
	struct header headers[3] = { CLIENT_HEADERS[0], CLIENT_HEADERS[1], { str_of(name), str_of(value) } };
	struct request r = client_request(SDK_PUT);
	r.headers = headers;
	r.n_headers = 3;
	assert_refused(&r, &CTX, F_HEADER_UNSIGNED, "There were headers present in the request which were not signed: ");
	struct fault why;
	assert_int_equal(verify(&r, &why), DENIED);
	assert_non_null(strstr(why.text, name));
}

static void test_header_when_x_amz_and_unsigned_then_refused_by_name(void **state)
{
	assert_header_refused("x-amz-acl", "public-read");
	assert_header_refused("X-Amz-Copy-Source", "/other/key");
	assert_header_refused("x-amz-meta-a", "c");
	assert_header_refused("x-amz-", "");
	assert_header_refused("x-amz-content-sha256", "UNSIGNED-PAYLOAD");
	assert_header_refused("x-amz-checksum-crc32", "AAAAAA==");
}

static void test_header_when_host_is_not_signed_then_refused(void **state)
{
	struct request r = with_parameter("X-Amz-SignedHeaders", "content-type");
	assert_refused(&r, &CTX, F_HEADER_UNSIGNED, "not signed: host");
}

static void test_header_when_signed_but_not_sent_then_signature_wrong(void **state)
{
	struct request r = with_parameter("X-Amz-SignedHeaders", "content-type;host");
	assert_refused(&r, &CTX, F_SIGNATURE_WRONG,
		"The request signature we calculated does not match the signature you provided. Check your key and signing method.");
	r = with_parameter("X-Amz-SignedHeaders", "host;");
	assert_refused(&r, &CTX, F_SIGNATURE_WRONG, "");
	r = with_parameter("X-Amz-SignedHeaders", "host%0Ax-amz-acl:private");
	assert_refused(&r, &CTX, F_HEADER_UNSIGNED, "");
}

static void test_header_when_others_are_unsigned_then_accepted(void **state)
{
	const struct header headers[] = { CLIENT_HEADERS[0], { STR("Content-Type"), STR("text/plain;charset=UTF-8") },
		{ STR("Accept"), STR("*/*") }, { STR("amz-sdk-request"), STR("attempt=1") } };
	struct request r = client_request(SDK_PUT);
	r.headers = headers;
	r.n_headers = COUNT_OF(headers);
	assert_int_equal(verify(&r, NULL), OK);
}

static void test_payload_hash_when_a_header_then_in_force_and_checked(void **state)
{
	static const char HASH[] = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
	struct header headers[2] = { CLIENT_HEADERS[0], { STR("X-Amz-Content-Sha256"), str_of(HASH) } };
	struct request r = with_parameter("X-Amz-SignedHeaders", "host;x-amz-content-sha256");
	struct parsed_signature c;
	r.headers = headers;
	r.n_headers = 2;
	assert_int_equal(signature_parse(&r, &c, NULL), OK);
	assert_str(c.payload_hash, str_of(HASH));
	headers[1].value = STR("STREAMING-AWS4-HMAC-SHA256-PAYLOAD");
	assert_refused(&r, &CTX, F_AUTH_MALFORMED, "x-amz-content-sha256 must be UNSIGNED-PAYLOAD or a valid sha256 value.");
	headers[1].value = STR("e3b0");
	assert_refused(&r, &CTX, F_AUTH_MALFORMED, "valid sha256");
}

static void test_payload_hash_when_a_parameter_then_not_required(void **state)
{
	struct request r =
		with_parameter("X-Amz-Signature", "ab&X-Amz-Content-Sha256=e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
	struct parsed_signature c;
	assert_int_equal(signature_parse(&r, &c, NULL), OK);
	assert_str(c.payload_hash, STR("UNSIGNED-PAYLOAD"));
}

static void test_arena_when_full_then_limit(void **state)
{
	struct request r = client_request(SDK_PUT);
	struct parsed_signature c;
	size_t limited = 0;
	assert_int_equal(signature_parse(&r, &c, NULL), OK);
	for (size_t cap = 0; cap < 8000; cap += 50) {
		struct arena small CLEANUP(arena_deinit) = { 0 };
		struct fault why = { .code = F_NONE };
		arena_init(&small, cap);
		r.arena = &small;
		enum status s = signature_verify(&r, &c, &CTX, &why);
		assert_true(s == OK || (s == LIMIT && why.code == F_TOO_MUCH));
		limited += s == LIMIT;
	}
	assert_in_range(limited, 1, 159);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_case_when_verified_then_accepted_and_refused_when_altered, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_client_urls_when_verified_then_accepted, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_target_when_any_byte_is_changed_then_refused, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_method_when_another_then_refused, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_parameter_when_added_or_removed_then_refused, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_secret_when_another_then_refused, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_request_when_without_parameters_then_not_signed, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_signature_when_well_formed_then_read, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_parameter_when_missing_or_empty_then_s3s_message, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_parameter_when_malformed_then_s3s_message, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_parameter_when_repeated_then_malformed, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_list_when_too_long_then_malformed, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_time_when_before_or_after_then_skew_forward_and_none_after, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_lifetime_when_zero_then_expired_at_once, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_header_when_x_amz_and_unsigned_then_refused_by_name, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_header_when_host_is_not_signed_then_refused, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_header_when_signed_but_not_sent_then_signature_wrong, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_header_when_others_are_unsigned_then_accepted, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_payload_hash_when_a_header_then_in_force_and_checked, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_payload_hash_when_a_parameter_then_not_required, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_arena_when_full_then_limit, set_up, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
