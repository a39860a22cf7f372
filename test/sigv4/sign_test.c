/* String to sign, key and signature: the cases, S3's own examples, and the cache of keys. */
#include "sigv4/cases.h"

#include "sigv4/sign.c" /* to see the cache of the thread */

#include <pthread.h>

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

static struct str text_of(struct str date, const struct sigv4_scope *scope, struct str canonical)
{
	struct buf b;
	buf_init_arena(&b, &arena, 65536);
	string_to_sign(date, scope, canonical, &b);
	assert_true(buf_ok(&b));
	return buf_str(&b);
}

static struct str sign(struct str secret, const struct sigv4_scope *scope, struct str text)
{
	unsigned char key[SHA256_BYTES];
	char *signature = arena_alloc(&arena, SIGNATURE_CHARS + 1);
	signing_key(secret, scope, key);
	signature_of(key, text, signature);
	return str_of(signature);
}

/* Each step from the expected result of the one before, and all in one. */
static void check_case(const struct sigv4_case *c, enum case_mode mode)
{
	struct sigv4_scope scope = case_scope(c);
	struct str date = c->date;
	struct str text = case_expected(&arena, c, mode, "string to sign");
	struct str signature = case_expected(&arena, c, mode, "signature");
	assert_str(text_of(date, &scope, case_expected(&arena, c, mode, "canonical request")), text);
	assert_str(sign(c->secret, &scope, text), signature);
	struct canonical_input in = case_input(&arena, c, mode);
	struct buf canonical;
	buf_init_arena(&canonical, &arena, 65536);
	assert_int_equal(canonical_request(&arena, &in, &canonical, NULL), OK);
	assert_str(sign(c->secret, &scope, text_of(date, &scope, buf_str(&canonical))), signature);
}

static void test_case_when_signed_then_as_expected(void **state)
{
	char *names[CASES_MAX];
	size_t n = case_names(&arena, names);
	for (size_t i = 0; i < n; i++) {
		struct sigv4_case c;
		case_load(&arena, names[i], &c);
		for (enum case_mode mode = 0; mode < CASE_MODES; mode++) {
			if (case_has(&c, mode))
				check_case(&c, mode);
		}
	}
}

/* The examples of the S3 API reference. */
#define EMPTY "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define WELCOME "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072" /* sha256("Welcome to Amazon S3.") */

static const struct sigv4_scope S3_SCOPE = { { "20130524", 8 }, { "us-east-1", 9 }, { "s3", 2 } };

struct s3_example {
	const char *method, *path, *query;
	struct header more[3]; /* next to host, x-amz-content-sha256 and x-amz-date */
	const char *payload_hash, *signature;
};

static const struct s3_example EXAMPLES[] = {
	{ "GET", "/test.txt", "", { { { "Range", 5 }, { "bytes=0-9", 9 } } }, EMPTY,
		"f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41" },
	{ "PUT", "/test$file.text", "",
		{ { { "Date", 4 }, { "Fri, 24 May 2013 00:00:00 GMT", 29 } }, { { "x-amz-storage-class", 19 }, { "REDUCED_REDUNDANCY", 18 } } },
		WELCOME, "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd" },
	{ "GET", "/", "lifecycle", { { { NULL, 0 } } }, EMPTY, "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543" },
	{ "GET", "/", "max-keys=2&prefix=J", { { { NULL, 0 } } }, EMPTY, "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7" },
};

static void test_s3_examples_when_signed_then_as_in_the_reference(void **state)
{
	for (size_t i = 0; i < COUNT_OF(EXAMPLES); i++) {
		const struct s3_example *e = &EXAMPLES[i];
		struct header headers[6] = { { STR("Host"), STR("examplebucket.s3.amazonaws.com") },
			{ STR("x-amz-content-sha256"), str_of(e->payload_hash) }, { STR("x-amz-date"), STR("20130524T000000Z") } };
		size_t n = 3;
		for (size_t k = 0; k < COUNT_OF(e->more) && e->more[k].name.n > 0; k++)
			headers[n++] = e->more[k];
		struct query query;
		assert_int_equal(query_parse(&arena, str_of(e->query), &query, NULL), OK);
		struct canonical_input in = { .method = str_of(e->method),
			.path = str_of(e->path),
			.path_rule = PATH_AS_SENT,
			.query = &query,
			.headers = headers,
			.n_headers = n,
			.signed_headers = signed_header_names(&arena, headers, n),
			.payload_hash = str_of(e->payload_hash) };
		struct buf canonical;
		buf_init_arena(&canonical, &arena, 65536);
		assert_int_equal(canonical_request(&arena, &in, &canonical, NULL), OK);
		struct str text = text_of(STR("20130524T000000Z"), &S3_SCOPE, buf_str(&canonical));
		assert_str(sign(STR("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"), &S3_SCOPE, text), str_of(e->signature));
	}
}

static void test_names_when_mixed_then_lower_sorted_and_once(void **state)
{
	const struct header headers[] = { { STR("X-Amz-Date"), STR("") }, { STR("host"), STR("") }, { STR("Content-Type"), STR("") },
		{ STR("Host"), STR("") } };
	assert_str(signed_header_names(&arena, headers, COUNT_OF(headers)), STR("content-type;host;x-amz-date"));
	assert_int_equal(signed_header_names(&arena, headers, 0).n, 0);
}

static bool same_key(struct str secret, const struct sigv4_scope *scope, const unsigned char expected[SHA256_BYTES])
{
	unsigned char key[SHA256_BYTES];
	signing_key(secret, scope, key);
	return memcmp(key, expected, sizeof key) == 0;
}

static void signing_keys_wipe(void)
{
	wipe_cache(&cache);
}

static size_t signing_keys_held(void)
{
	size_t n = 0;
	for (size_t i = 0; i < CACHED_KEYS; i++)
		n += cache.keys[i].tag.n != 0;
	return n;
}

static void test_key_when_requested_again_then_the_same_and_cached_once(void **state)
{
	unsigned char first[SHA256_BYTES];
	signing_keys_wipe();
	signing_key(STR("secret"), &S3_SCOPE, first);
	assert_int_equal(signing_keys_held(), 1);
	assert_true(same_key(STR("secret"), &S3_SCOPE, first));
	assert_int_equal(signing_keys_held(), 1);
}

static void test_key_when_any_part_differs_then_another(void **state)
{
	unsigned char first[SHA256_BYTES];
	signing_key(STR("secret"), &S3_SCOPE, first);
	struct sigv4_scope day = S3_SCOPE, region = S3_SCOPE, service = S3_SCOPE;
	day.day = STR("20130525");
	region.region = STR("us-east-2");
	service.service = STR("s4");
	assert_false(same_key(STR("secreT"), &S3_SCOPE, first));
	assert_false(same_key(STR("secret"), &day, first));
	assert_false(same_key(STR("secret"), &region, first));
	assert_false(same_key(STR("secret"), &service, first));
	/* texts that are equal only when put together */
	region.region = STR("us-east-1s");
	region.service = STR("3");
	assert_false(same_key(STR("secret"), &region, first));
}

static void test_key_when_more_than_the_cache_holds_then_still_right(void **state)
{
	unsigned char keys[12][SHA256_BYTES];
	char secret[] = "secret-0";
	for (int round = 0; round < 2; round++) {
		for (size_t i = 0; i < COUNT_OF(keys); i++) {
			unsigned char key[SHA256_BYTES];
			secret[7] = (char)('a' + i);
			signing_key(str_of(secret), &S3_SCOPE, key);
			if (round == 0)
				memcpy(keys[i], key, sizeof key);
			assert_memory_equal(keys[i], key, sizeof key);
		}
	}
	assert_int_equal(signing_keys_held(), 4);
}

static void test_key_when_secret_is_long_then_hashed_as_hmac_requires_and_not_cached(void **state)
{
	char secret[300];
	memset(secret, 's', sizeof secret);
	signing_keys_wipe();
	for (size_t n = 0; n <= sizeof secret; n++) {
		unsigned char key[SHA256_BYTES], expected[SHA256_BYTES];
		const struct str steps[] = { S3_SCOPE.day, S3_SCOPE.region, S3_SCOPE.service, STR("aws4_request") };
		struct str k = str_printf(&arena, "AWS4%.*s", (int)n, secret);
		for (size_t i = 0; i < COUNT_OF(steps); i++) {
			hmac_sha256(k, steps[i], expected);
			k = str_dup(&arena, (struct str){ (const char *)expected, sizeof expected });
		}
		signing_key((struct str){ secret, n }, &S3_SCOPE, key);
		assert_memory_equal(key, expected, sizeof key);
	}
	signing_keys_wipe();
	unsigned char key[SHA256_BYTES];
	signing_key((struct str){ secret, sizeof secret }, &S3_SCOPE, key);
	assert_int_equal(signing_keys_held(), 0);
}

static pthread_key_t after_wipe;
static size_t held_before, held_after = SIZE_MAX;

/* glibc runs the destructors of a thread in the order in which their keys were made; ours was first. */
static void look_after_wipe(void *p)
{
	held_after = signing_keys_held();
}

static void *sign_and_end(void *p)
{
	unsigned char key[SHA256_BYTES];
	signing_key(STR("secret"), &S3_SCOPE, key);
	held_before = signing_keys_held();
	pthread_setspecific(after_wipe, &after_wipe);
	return NULL;
}

static void test_keys_when_thread_ends_then_wiped(void **state)
{
	pthread_t thread;
	unsigned char key[SHA256_BYTES];
	signing_keys_wipe();
	signing_key(STR("secret"), &S3_SCOPE, key);
	assert_int_equal(pthread_key_create(&after_wipe, look_after_wipe), 0);
	assert_int_equal(pthread_create(&thread, NULL, sign_and_end, NULL), 0);
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_int_equal(held_before, 1);
	assert_int_equal(held_after, 0);
	assert_int_equal(signing_keys_held(), 1);
	pthread_key_delete(after_wipe);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_case_when_signed_then_as_expected, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_s3_examples_when_signed_then_as_in_the_reference, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_names_when_mixed_then_lower_sorted_and_once, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_key_when_requested_again_then_the_same_and_cached_once, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_key_when_any_part_differs_then_another, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_key_when_more_than_the_cache_holds_then_still_right, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_key_when_secret_is_long_then_hashed_as_hmac_requires_and_not_cached, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_keys_when_thread_ends_then_wiped, set_up, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
