/* Presigned URLs and POST forms: their contents, that verification accepts them, and S3's example. */
#include "sigv4/cases.h"

#include "base/codec.h"
#include "sigv4/policy.h"
#include "sigv4/presign.h"
#include "sigv4/verify.h"

#define NOW_MS 1369353600000 /* 20130524T000000Z */

static const struct sigv4_key KEY = { .access_key = { "AKIAIOSFODNN7EXAMPLE", 20 },
	.secret = { "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", 40 },
	.region = { "us-east-1", 9 },
	.service = { "s3", 2 } };
static struct arena arena;

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

static struct presign_input input(const char *method, const char *path)
{
	return (struct presign_input){
		.method = str_of(method),
		.base_url = STR("http://127.0.0.1:9000"),
		.path = str_of(path),
		.now_ms = NOW_MS,
		.expires_s = 300,
	};
}

static struct str url_of(const struct sigv4_key *key, const struct presign_input *in)
{
	struct str url;
	assert_int_equal(presign_url(key, in, &arena, &url, NULL), OK);
	return url;
}

/* The request that a client makes of a URL: host, and the headers of the input. */
static struct request request_of(struct str url, const struct presign_input *in, const char *host)
{
	struct header *headers = arena_array(&arena, in->n_headers + 1, sizeof *headers);
	headers[0] = (struct header){ STR("Host"), str_of(host) };
	for (size_t i = 0; i < in->n_headers; i++)
		headers[i + 1] = in->headers[i];
	struct str rest = str_slice(url, in->base_url.n, url.n);
	struct request r = { .arena = &arena, .method = in->method, .target = rest, .headers = headers, .n_headers = in->n_headers + 1 };
	r.path = str_cut(&rest, '?');
	assert_int_equal(query_parse(&arena, rest, &r.query, NULL), OK);
	return r;
}

static enum status verify(const struct request *r, int64_t now_ms, struct fault *why)
{
	struct parsed_signature auth;
	struct verify_context ctx = { .region = KEY.region, .service = KEY.service, .now_ms = now_ms, .secret = KEY.secret };
	enum status parsed = signature_parse(r, &auth, why);
	return parsed != OK ? parsed : signature_verify(r, &auth, &ctx, why);
}

static void check_taken(const struct presign_input *in, const char *host)
{
	struct fault why;
	struct request r = request_of(url_of(&KEY, in), in, host);
	if (verify(&r, in->now_ms, &why) != OK)
		fail_msg("%.*s: %s", STRF(in->path), why.text);
}

static void test_url_when_s3_example_then_its_signature(void **state)
{
	struct presign_input in = input("GET", "/test.txt");
	in.base_url = STR("https://examplebucket.s3.amazonaws.com");
	in.expires_s = 86400;
	assert_str(url_of(&KEY, &in),
		STR("https://examplebucket.s3.amazonaws.com/test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256"
			"&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400"
			"&X-Amz-SignedHeaders=host&X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404"));
}

static void test_url_when_made_then_verified(void **state)
{
	static const char *const PATHS[] = { "/b/k", "/b/images/a b+c%d~e.jpg", "/b/\xE1\x88\xB4/\xF0\x9F\x98\x80", "/b//x/../y/./",
		"/b/%2F%00&?#=;'\"<>" };
	for (size_t i = 0; i < COUNT_OF(PATHS); i++) {
		struct presign_input in = input("PUT", PATHS[i]);
		check_taken(&in, "127.0.0.1:9000");
	}
}

static void test_url_when_headers_and_query_given_then_signed(void **state)
{
	const struct header headers[] = { { STR("Content-Type"), STR("image/jpeg") }, { STR("content-length"), STR("12") },
		{ STR("x-amz-acl"), STR("private") } };
	const struct header query[] = { { STR("response-content-disposition"), STR("attachment; filename*=UTF-8''%E2%82%AC + \"x\"") } };
	struct presign_input in = input("PUT", "/b/k");
	in.headers = headers;
	in.n_headers = COUNT_OF(headers);
	in.query = query;
	in.n_query = COUNT_OF(query);
	check_taken(&in, "127.0.0.1:9000");
	struct str url = url_of(&KEY, &in);
	assert_true(str_find(url, STR("&X-Amz-SignedHeaders=content-length%3Bcontent-type%3Bhost%3Bx-amz-acl&")) < url.n);
	in.n_headers--;
	struct request r = request_of(url, &in, "127.0.0.1:9000");
	assert_int_equal(verify(&r, NOW_MS, NULL), DENIED);
}

static void test_url_when_payload_hash_is_a_header_then_in_force(void **state)
{
	struct header headers[] = { { STR("x-amz-content-sha256"), STR("44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072") } };
	struct presign_input in = input("PUT", "/b/k");
	in.headers = headers;
	in.n_headers = 1;
	check_taken(&in, "127.0.0.1:9000");
	struct str url = url_of(&KEY, &in);
	headers[0].value = SIGV4_UNSIGNED_PAYLOAD;
	struct request r = request_of(url, &in, "127.0.0.1:9000");
	assert_int_equal(verify(&r, NOW_MS, NULL), DENIED);
}

static void test_url_when_port_is_the_schemes_own_then_host_is_signed_without(void **state)
{
	struct presign_input in = input("GET", "/b/k");
	in.base_url = STR("http://store.example:80");
	check_taken(&in, "store.example");
	in.base_url = STR("https://store.example:443");
	check_taken(&in, "store.example");
	in.base_url = STR("https://store.example:80");
	check_taken(&in, "store.example:80");
	in.base_url = STR("http://[::1]:9000");
	check_taken(&in, "[::1]:9000");
}

static void test_url_when_session_token_then_in_the_query_and_signed(void **state)
{
	struct sigv4_key key = KEY;
	key.session_token = STR("to/k+en==");
	struct presign_input in = input("GET", "/b/k");
	struct str url = url_of(&key, &in);
	assert_true(str_find(url, STR("&X-Amz-Security-Token=to%2Fk%2Ben%3D%3D&")) < url.n);
	struct request r = request_of(url, &in, "127.0.0.1:9000");
	assert_int_equal(verify(&r, NOW_MS, NULL), OK);
}

static void test_url_when_base_url_is_bad_then_invalid(void **state)
{
	static const char *const BASES[] = { "", "ftp://h", "http://", "http://h/", "http://h/p", "http://u@h", "http://h?q", "http://h#f",
		"http://h h", "https://:443", "127.0.0.1:9000", "http://h\x01" };
	for (size_t i = 0; i < COUNT_OF(BASES); i++) {
		struct presign_input in = input("GET", "/b/k");
		struct fault why;
		struct str url;
		in.base_url = str_of(BASES[i]);
		assert_int_equal(presign_url(&KEY, &in, &arena, &url, &why), INVALID);
		assert_int_equal(why.code, F_INVALID_INPUT);
	}
}

static void test_url_when_lifetime_is_out_of_range_then_invalid(void **state)
{
	struct presign_input in = input("GET", "/b/k");
	struct str url;
	in.expires_s = 0;
	assert_int_equal(presign_url(&KEY, &in, &arena, &url, NULL), INVALID);
	in.expires_s = 604801;
	assert_int_equal(presign_url(&KEY, &in, &arena, &url, NULL), INVALID);
	in.expires_s = 604800;
	assert_int_equal(presign_url(&KEY, &in, &arena, &url, NULL), OK);
}

static void test_url_when_arena_is_full_then_limit(void **state)
{
	for (size_t cap = 0; cap < 4000; cap += 50) {
		struct arena small CLEANUP(arena_deinit) = { 0 };
		struct presign_input in = input("GET", "/b/k k");
		struct str url = { NULL, 0 };
		arena_init(&small, cap);
		enum status s = presign_url(&KEY, &in, &small, &url, NULL);
		assert_true(s == LIMIT || (s == OK && arena_ok(&small)));
	}
}

static struct post_policy_input form_input(void)
{
	return (struct post_policy_input){ .bucket = STR("bucket"),
		.key = STR("images/a\"b.jpg"),
		.content_type = STR("image/jpeg"),
		.min_size = 1,
		.max_size = 5242880,
		.now_ms = NOW_MS,
		.expires_s = 300 };
}

static void test_post_when_made_then_fields_in_order_and_policy_exact(void **state)
{
	static const char *const NAMES[] = { "key", "Content-Type", "x-amz-algorithm", "x-amz-credential", "x-amz-date", "policy",
		"x-amz-signature" };
	struct post_policy_input in = form_input();
	struct header fields[POST_FIELDS];
	size_t n;
	assert_int_equal(presign_post(&KEY, &in, &arena, fields, &n, NULL), OK);
	assert_int_equal(n, COUNT_OF(NAMES));
	for (size_t i = 0; i < n; i++)
		assert_str(fields[i].name, str_of(NAMES[i]));
	struct str document;
	assert_true(base64_decode(&arena, fields[5].value, &document));
	assert_str(document,
		STR("{\"expiration\":\"2013-05-24T00:05:00.000Z\",\"conditions\":[[\"content-length-range\",1,5242880],"
			"{\"bucket\":\"bucket\"},{\"key\":\"images/a\\\"b.jpg\"},{\"Content-Type\":\"image/jpeg\"},{\"x-amz-algorithm\":\"AWS4-HMAC-SHA256\"},"
			"{\"x-amz-credential\":\"AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request\"},{\"x-amz-date\":\"20130524T000000Z\"}]}"));
}

static void check_form(const struct sigv4_key *key, size_t expected_fields)
{
	struct post_policy_input in = form_input();
	struct header fields[POST_FIELDS];
	struct parsed_signature auth;
	struct post_policy policy;
	struct str document = { NULL, 0 };
	size_t n;
	assert_int_equal(presign_post(key, &in, &arena, fields, &n, NULL), OK);
	assert_int_equal(n, expected_fields);
	struct verify_context ctx = { .region = KEY.region, .service = KEY.service, .now_ms = NOW_MS, .secret = KEY.secret };
	assert_int_equal(policy_signature(&arena, fields, n, &auth, NULL), OK);
	assert_int_equal(policy_verify(fields, n, &auth, &ctx, NULL), OK);
	assert_true(base64_decode(&arena, fields[n - 2].value, &document));
	assert_int_equal(policy_parse(&arena, document, &policy, NULL), OK);
	assert_int_equal(policy_check(&policy, fields, n, STR("bucket"), NOW_MS + 299999, NULL), OK);
	assert_int_equal(policy.min_size, 1);
	assert_int_equal(policy.max_size, 5242880);
}

static void test_post_when_made_then_passes_verification(void **state)
{
	check_form(&KEY, 7);
}

static void test_post_when_session_token_then_a_field_in_the_policy(void **state)
{
	struct sigv4_key key = KEY;
	key.session_token = STR("token");
	check_form(&key, 8);
}

static void test_post_when_arena_is_full_then_limit(void **state)
{
	for (size_t cap = 0; cap < 6000; cap += 50) {
		struct arena small CLEANUP(arena_deinit) = { 0 };
		struct post_policy_input in = form_input();
		struct header fields[POST_FIELDS];
		size_t n;
		arena_init(&small, cap);
		enum status s = presign_post(&KEY, &in, &small, fields, &n, NULL);
		assert_true(s == LIMIT || (s == OK && arena_ok(&small)));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_url_when_s3_example_then_its_signature, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_url_when_made_then_verified, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_url_when_headers_and_query_given_then_signed, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_url_when_payload_hash_is_a_header_then_in_force, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_url_when_port_is_the_schemes_own_then_host_is_signed_without, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_url_when_session_token_then_in_the_query_and_signed, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_url_when_base_url_is_bad_then_invalid, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_url_when_lifetime_is_out_of_range_then_invalid, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_url_when_arena_is_full_then_limit, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_post_when_made_then_fields_in_order_and_policy_exact, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_post_when_made_then_passes_verification, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_post_when_session_token_then_a_field_in_the_policy, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_post_when_arena_is_full_then_limit, set_up, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
