/* Signing in the Authorization header against the examples of S3's own reference. */
#include "sigv4/cases.h"

#include "sigv4/sign_request.h"

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

static struct str header_of(const struct signed_request *r, struct str name)
{
	for (size_t i = 0; i < r->n_headers; i++)
		if (str_equal(r->headers[i].name, name))
			return r->headers[i].value;
	return (struct str){ NULL, 0 };
}

static struct sign_request_input input(const char *method, const char *path)
{
	return (struct sign_request_input){ .method = str_of(method),
		.path = str_of(path),
		.now_ms = NOW_MS,
		.send_hash = true,
		.base_url = STR("https://examplebucket.s3.amazonaws.com") };
}

static const struct header range = { { "Range", 5 }, { "bytes=0-9", 9 } };
static const struct header put_headers[] = { { { "Date", 4 }, { "Fri, 24 May 2013 00:00:00 GMT", 29 } },
	{ { "x-amz-storage-class", 19 }, { "REDUCED_REDUNDANCY", 18 } } };
static const struct header lifecycle = { { "lifecycle", 9 }, { "", 0 } };
static const struct header listed[] = { { { "prefix", 6 }, { "J", 1 } }, { { "max-keys", 8 }, { "2", 1 } } };

static void test_auth_header_when_s3_examples_then_their_signatures(void **state)
{
	struct sign_request_input rows[] = { input("GET", "/test.txt"), input("PUT", "/test$file.text"), input("GET", "/"), input("GET", "/") };
	static const char *const ends[][2] = {
		{ "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41", "/test.txt" },
		{ "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd", "/test%24file.text" },
		{ "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543", "/?lifecycle=" },
		{ "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7", "/?max-keys=2&prefix=J" },
	};
	rows[0].headers = &range;
	rows[0].n_headers = 1;
	rows[1].headers = put_headers;
	rows[1].n_headers = 2;
	rows[1].body = STR("Welcome to Amazon S3.");
	rows[2].query = &lifecycle;
	rows[2].n_query = 1;
	rows[3].query = listed;
	rows[3].n_query = 2;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct signed_request r;
		assert_int_equal(sign_request(&KEY, &rows[i], &arena, &r, NULL), OK);
		assert_true(str_ends_with(header_of(&r, STR("authorization")), str_of(ends[i][0])));
		assert_true(str_ends_with(r.url, str_of(ends[i][1])));
		assert_true(str_starts_with(r.url, rows[i].base_url));
	}
}

static void test_auth_header_when_session_token_then_sent_and_signed(void **state)
{
	struct sigv4_key key = KEY;
	struct sign_request_input in = input("GET", "/k");
	struct signed_request r;
	key.session_token = STR("the/token==");
	assert_int_equal(sign_request(&key, &in, &arena, &r, NULL), OK);
	assert_str(header_of(&r, STR("x-amz-security-token")), STR("the/token=="));
	struct str text = header_of(&r, STR("authorization"));
	assert_true(str_find(text, STR("SignedHeaders=host;x-amz-content-sha256;x-amz-date;x-amz-security-token,")) < text.n);
	assert_int_equal(header_of(&r, STR("host")).n, 0);
}

static void test_auth_header_when_hash_not_given_then_no_such_header(void **state)
{
	struct sign_request_input in = input("POST", "/");
	struct signed_request r;
	in.send_hash = false;
	assert_int_equal(sign_request(&KEY, &in, &arena, &r, NULL), OK);
	assert_int_equal(header_of(&r, STR("x-amz-content-sha256")).n, 0);
	assert_str(header_of(&r, STR("x-amz-date")), STR("20130524T000000Z"));
}

static void test_auth_header_when_base_url_bad_or_no_room_then_refused(void **state)
{
	struct sign_request_input in = input("GET", "/k");
	struct signed_request r;
	struct fault why;
	in.base_url = STR("https://host/path");
	assert_int_equal(sign_request(&KEY, &in, &arena, &r, &why), INVALID);
	struct arena small;
	arena_init(&small, 600);
	in.base_url = STR("https://host");
	assert_int_equal(sign_request(&KEY, &in, &small, &r, &why), LIMIT);
	arena_deinit(&small);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_auth_header_when_s3_examples_then_their_signatures, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_auth_header_when_session_token_then_sent_and_signed, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_auth_header_when_hash_not_given_then_no_such_header, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_auth_header_when_base_url_bad_or_no_room_then_refused, set_up, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
