/* Repeated headers: lists are joined, single values are refused, others are left alone. */
#include "unit.h"

#include "s3/wire/request_headers.h"

static enum status combine(struct arena *a, const struct header *headers, size_t n, struct request *r, struct fault *why)
{
	*r = (struct request){ .headers = headers, .n_headers = n };
	return request_headers_combine(a, r, why);
}

static void test_request_headers_combine_when_a_list_is_repeated_then_joined(void **state)
{
	static const char *const names[] = { "x-amz-meta-a", "Cache-Control", "content-encoding", "Content-Language", "If-Match",
		"if-none-match", "x-amz-copy-source-if-match", "x-amz-copy-source-if-none-match", "x-amz-object-attributes",
		"x-amz-optional-object-attributes", "Access-Control-Request-Headers" };
	for (size_t i = 0; i < COUNT_OF(names); i++) {
		struct arena a;
		struct request r;
		struct fault why;
		arena_init(&a, 4096);
		const struct header given[] = { { STR("Host"), STR("h") }, { str_of(names[i]), STR("a") }, { STR("Accept"), STR("x") },
			{ str_of(names[i]), STR("b, c") }, { STR("accept"), STR("y") }, { str_of(names[i]), STR("") } };
		assert_int_equal(combine(&a, given, COUNT_OF(given), &r, &why), OK);
		assert_int_equal(r.n_headers, 4);
		assert_str(request_header(&r, str_of(names[i])), STR("a,b, c,"));
		assert_str(request_header(&r, STR("host")), STR("h"));
		assert_str(request_header(&r, STR("accept")), STR("x"));
		arena_deinit(&a);
	}
}

static void test_request_headers_combine_when_a_single_value_is_repeated_then_refused(void **state)
{
	static const char *const names[] = { "x-amz-copy-source", "X-Amz-Copy-Source-Range", "x-amz-acl", "x-amz-date", "x-amz-content-sha256",
		"x-amz-checksum-crc32", "x-amz-storage-class", "Access-Control-Request-Method", "Authorization", "Content-Disposition",
		"Content-MD5", "Content-Type", "Date", "Expires", "If-Modified-Since", "If-Range", "If-Unmodified-Since", "Origin", "Range" };
	for (size_t i = 0; i < COUNT_OF(names); i++) {
		struct arena a;
		struct request r;
		struct fault why;
		arena_init(&a, 4096);
		const struct header given[] = { { str_of(names[i]), STR("a") }, { STR("Host"), STR("h") },
			{ str_lower(&a, str_of(names[i])), STR("a") } };
		assert_int_equal(combine(&a, given, 2, &r, &why), OK);
		assert_int_equal(r.n_headers, 2);
		assert_int_equal(combine(&a, given, 3, &r, &why), INVALID);
		assert_int_equal(why.code, F_REQUEST_INVALID);
		assert_int_equal(r.n_headers, 3);
		arena_deinit(&a);
	}
}

static void test_request_headers_combine_when_there_are_too_many_then_limit(void **state)
{
	static struct header given[513];
	struct arena a;
	struct request r;
	struct fault why;
	arena_init(&a, 256 * 1024);
	for (size_t i = 0; i < COUNT_OF(given); i++)
		given[i] = (struct header){ str_printf(&a, "x-amz-meta-%zu", i), STR("v") };
	assert_int_equal(combine(&a, given, 512, &r, &why), OK);
	assert_int_equal(r.n_headers, 512);
	assert_int_equal(combine(&a, given, 513, &r, &why), LIMIT);
	arena_deinit(&a);
	arena_init(&a, 8);
	assert_int_equal(combine(&a, given, 3, &r, &why), LIMIT);
	assert_int_equal(r.n_headers, 3);
	arena_deinit(&a);
	arena_init(&a, 4096);
	assert_int_equal(combine(&a, NULL, 0, &r, &why), OK);
	arena_deinit(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_request_headers_combine_when_a_list_is_repeated_then_joined),
		cmocka_unit_test(test_request_headers_combine_when_a_single_value_is_repeated_then_refused),
		cmocka_unit_test(test_request_headers_combine_when_there_are_too_many_then_limit),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
