/* The canonical request, by itself: the cases' expected texts, and the rules that S3 adds. */
#include "sigv4/cases.h"

#include "base/codec.h"

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

static struct str canonical(const struct canonical_input *in)
{
	struct buf b;
	buf_init_arena(&b, &arena, 65536);
	assert_int_equal(canonical_request(&arena, in, &b, NULL), OK);
	return buf_str(&b);
}

static void test_case_when_canonicalised_then_as_expected(void **state)
{
	char *names[CASES_MAX];
	size_t n = case_names(&arena, names);
	for (size_t i = 0; i < n; i++) {
		struct sigv4_case c;
		case_load(&arena, names[i], &c);
		for (enum case_mode mode = 0; mode < CASE_MODES; mode++) {
			if (!case_has(&c, mode))
				continue;
			struct canonical_input in = case_input(&arena, &c, mode);
			struct str expected = case_expected(&arena, &c, mode, "canonical request");
			assert_str(canonical(&in), expected);
			in.path_rule = PATH_DECODED;
			assert_true(uri_decode(&arena, c.request.path, false, &in.path));
			assert_str(canonical(&in), expected);
		}
	}
}

/* The line of this number of a canonical request for a path, a query and a header. */
static struct str line_of(struct canonical_input in, size_t line)
{
	struct str rest = canonical(&in);
	for (size_t i = 0; i < line; i++)
		(void)str_cut(&rest, '\n');
	return str_dup(&arena, str_cut(&rest, '\n'));
}

static struct str path_of(const char *path, enum path_rule rule)
{
	return line_of((struct canonical_input){ .method = STR("GET"), .path = str_of(path), .path_rule = rule }, 1);
}

static void test_path_when_as_sent_then_decoded_once_and_encoded_once(void **state)
{
	static const char *const PATHS[][2] = { { "/a%20b", "/a%20b" }, { "/a+b", "/a%2Bb" }, { "/a%2Bb", "/a%2Bb" }, { "/a%2fb", "/a/b" },
		{ "/%e1%88%b4", "/%E1%88%B4" }, { "/a%2520b", "/a%2520b" }, { "/a//b/../c/.", "/a//b/../c/." }, { "/~-._", "/~-._" },
		{ "/%7E", "/~" }, { "", "/" }, { "/$file.text", "/%24file.text" } };
	for (size_t i = 0; i < COUNT_OF(PATHS); i++)
		assert_str(path_of(PATHS[i][0], PATH_AS_SENT), str_of(PATHS[i][1]));
}

static void test_path_when_decoded_then_percent_is_encoded_too(void **state)
{
	assert_str(path_of("/a%20b c", PATH_DECODED), STR("/a%2520b%20c"));
}

static void test_path_when_percent_is_cut_then_invalid(void **state)
{
	struct canonical_input in = { .method = STR("GET"), .path = STR("/a%2"), .path_rule = PATH_AS_SENT };
	struct fault why;
	struct buf b;
	buf_init_arena(&b, &arena, 65536);
	assert_int_equal(canonical_request(&arena, &in, &b, &why), INVALID);
	assert_int_equal(why.code, F_INVALID_INPUT);
}

static struct str query_of(const char *text)
{
	struct query query;
	assert_int_equal(query_parse(&arena, str_of(text), &query, NULL), OK);
	return line_of((struct canonical_input){ .method = STR("GET"), .path = STR("/"), .query = &query }, 2);
}

static void test_query_when_canonicalised_then_sorted_and_encoded(void **state)
{
	static const char *const QUERIES[][2] = { { "", "" }, { "lifecycle", "lifecycle=" }, { "lifecycle=", "lifecycle=" },
		{ "b=1&a=2", "a=2&b=1" }, { "a=2&a=1", "a=1&a=2" }, { "a=b+c", "a=b%20c" }, { "a=b%2Bc", "a=b%2Bc" }, { "a=b%20c", "a=b%20c" },
		{ "a=/:", "a=%2F%3A" },
		/* sorted as encoded: '-' is before '=' only in the text, "a" comes before "a-b" */
		{ "a-b=1&a=1", "a=1&a-b=1" }, { "z=1&%E1%88%B4=1", "%E1%88%B4=1&z=1" }, { "X-Amz-Signature=abc&a=1", "a=1" }, { "a==b", "a=%3Db" },
		{ "%41=1", "A=1" } };
	for (size_t i = 0; i < COUNT_OF(QUERIES); i++)
		assert_str(query_of(QUERIES[i][0]), str_of(QUERIES[i][1]));
}

static void test_headers_when_repeated_or_folded_then_joined_and_collapsed(void **state)
{
	const struct header headers[] = { { STR("Host"), STR("h") }, { STR("X-A"), STR("  one \t two\r\n three  ") },
		{ STR("Unsigned"), STR("no") }, { STR("x-a"), STR("four") }, { STR("x-b"), STR("   ") } };
	struct canonical_input in = { .method = STR("GET"),
		.path = STR("/"),
		.headers = headers,
		.n_headers = COUNT_OF(headers),
		.signed_headers = STR("host;x-a;x-b"),
		.payload_hash = STR("hash") };
	assert_str(canonical(&in), STR("GET\n/\n\nhost:h\nx-a:one two three,four\nx-b:\n\nhost;x-a;x-b\nhash"));
}

static void test_headers_when_signed_one_is_missing_then_invalid_and_named(void **state)
{
	const struct header headers[] = { { STR("Host"), STR("h") } };
	struct canonical_input in = {
		.method = STR("GET"), .path = STR("/"), .headers = headers, .n_headers = 1, .signed_headers = STR("content-type;host")
	};
	struct fault why;
	struct buf b;
	buf_init_arena(&b, &arena, 65536);
	assert_int_equal(canonical_request(&arena, &in, &b, &why), INVALID);
	assert_non_null(strstr(why.text, "content-type"));
}

static void test_buffer_when_too_small_then_limit(void **state)
{
	struct canonical_input in = { .method = STR("GET"), .path = STR("/a/long/path") };
	struct fault why;
	struct buf b;
	buf_init_arena(&b, &arena, 8);
	assert_int_equal(canonical_request(&arena, &in, &b, &why), LIMIT);
	assert_int_equal(why.code, F_TOO_MUCH);
}

static void test_arena_when_full_then_limit(void **state)
{
	struct arena small CLEANUP(arena_deinit) = { 0 };
	struct query query;
	struct buf b;
	struct fault why;
	arena_init(&small, 64);
	buf_init_arena(&b, &arena, 65536);
	assert_int_equal(
		query_parse(&arena, STR("a=%20%20%20%20%20%20%20%20%20%20%20%20%20%20&b=%20%20%20%20&c=%20%20%20%20%20%20"), &query, NULL), OK);
	struct canonical_input in = { .method = STR("GET"), .path = STR("/a b"), .query = &query };
	assert_int_equal(canonical_request(&small, &in, &b, &why), LIMIT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_case_when_canonicalised_then_as_expected, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_path_when_as_sent_then_decoded_once_and_encoded_once, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_path_when_decoded_then_percent_is_encoded_too, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_path_when_percent_is_cut_then_invalid, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_query_when_canonicalised_then_sorted_and_encoded, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_headers_when_repeated_or_folded_then_joined_and_collapsed, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_headers_when_signed_one_is_missing_then_invalid_and_named, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_buffer_when_too_small_then_limit, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_arena_when_full_then_limit, set_up, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
