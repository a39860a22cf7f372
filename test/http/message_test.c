/* Requests and answers: headers, queries as they are sent and decoded, the file a response owns. */
#include "unit.h"

#include "http/message.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

static struct arena arena;

static int begin(void **state)
{
	arena_init(&arena, (size_t)1 << 20);
	return 0;
}

static int end(void **state)
{
	arena_deinit(&arena);
	return 0;
}

static void test_header_is_found_whatever_its_case(void **state)
{
	const struct header headers[] = { { STR("Host"), STR("a") }, { STR("X-A"), STR("1") }, { STR("x-a"), STR("2") } };
	const struct request r = { .headers = headers, .n_headers = 3 };
	assert_str(request_header(&r, STR("host")), STR("a"));
	assert_str(request_header(&r, STR("x-A")), STR("1"));
	assert_null(request_header(&r, STR("x")).p);
}

static void expect_found_by_index(const struct header *headers, size_t n, struct str name)
{
	struct header_index x;
	assert_int_equal(header_index_make(&arena, headers, n, &x, NULL), OK);
	struct str found = header_index_find(&x, name), want = header_find(headers, n, name);
	assert_ptr_equal(found.p, want.p);
	assert_int_equal(found.n, want.n);
}

/* Names of one hash too: of the same length, first and last letter. */
static void test_header_index_finds_what_a_search_finds(void **state)
{
	static const char *const names[] = { "host", "HOST", "hxst", "h", "", "x-amz-date", "X-AMZ-DATE", "x-amz-dote", "absent" };
	const struct header headers[] = { { STR("Host"), STR("a") }, { STR("hxst"), STR("b") }, { STR("host"), STR("c") },
		{ STR(""), STR("d") }, { STR("x-Amz-Date"), STR("") }, { { NULL, 0 }, STR("e") }, { STR("H"), STR("f") } };
	for (size_t n = 0; n <= COUNT_OF(headers); n++)
		for (size_t i = 0; i < COUNT_OF(names); i++)
			expect_found_by_index(headers, n, str_of(names[i]));
	assert_null(header_index_find(&(struct header_index){ 0 }, STR("host")).p);
}

static void test_header_index_tells_that_names_may_repeat(void **state)
{
	static const struct header once[] = { { STR("a"), STR("") }, { STR("bc"), STR("") }, { STR("bd"), STR("") } };
	static const struct header twice[] = { { STR("aXa"), STR("") }, { STR("b"), STR("") }, { STR("AxA"), STR("") } };
	static struct header many[100];
	struct header_index x;
	assert_int_equal(header_index_make(&arena, once, 3, &x, NULL), OK);
	assert_false(x.may_repeat);
	assert_int_equal(header_index_make(&arena, twice, 3, &x, NULL), OK);
	assert_true(x.may_repeat);
	for (size_t i = 0; i < COUNT_OF(many); i++)
		many[i].name = str_printf(&arena, "x%03zux", i);
	assert_int_equal(header_index_make(&arena, many, COUNT_OF(many), &x, NULL), OK);
	assert_true(x.may_repeat);
}

static void test_request_header_after_its_headers_were_replaced_then_found_in_these(void **state)
{
	const struct header first[] = { { STR("Host"), STR("a") } }, second[] = { { STR("Origin"), STR("b") } };
	struct request r = { .headers = first, .n_headers = 1 };
	assert_int_equal(request_index(&arena, &r, NULL), OK);
	assert_str(request_header(&r, STR("HOST")), STR("a"));
	r.headers = second;
	assert_null(request_header(&r, STR("HOST")).p);
	assert_str(request_header(&r, STR("origin")), STR("b"));
	struct arena full;
	arena_init(&full, 0);
	assert_int_equal(request_index(&full, &r, NULL), LIMIT);
	assert_str(request_header(&r, STR("origin")), STR("b"));
}

static void test_query_keeps_order_repeats_and_raw_text(void **state)
{
	struct query q;
	assert_int_equal(query_parse(&arena, STR("a=1%202&b&a=&=x&c=d=e&%41=+"), &q, NULL), OK);
	assert_int_equal(q.n, 6);
	assert_str(q.pairs[0].value, STR("1 2"));
	assert_str(q.pairs[0].raw_value, STR("1%202"));
	assert_str(q.pairs[1].name, STR("b"));
	assert_int_equal(q.pairs[1].value.n, 0);
	assert_int_equal(q.pairs[2].value.n, 0);
	assert_int_equal(q.pairs[3].name.n, 0);
	assert_str(q.pairs[3].value, STR("x"));
	assert_str(q.pairs[4].value, STR("d=e"));
	assert_str(q.pairs[5].name, STR("A"));
	assert_str(q.pairs[5].raw_name, STR("%41"));
	assert_str(q.pairs[5].value, STR(" "));
}

static void test_query_find_gives_the_first_with_case(void **state)
{
	struct query q;
	assert_int_equal(query_parse(&arena, STR("a=1&a=2&%62=3"), &q, NULL), OK);
	assert_str(query_find(&q, STR("a"))->value, STR("1"));
	assert_str(query_find(&q, STR("b"))->value, STR("3"));
	assert_null(query_find(&q, STR("A")));
}

static void test_query_of_nothing_has_no_pairs(void **state)
{
	const struct str empty[] = { { NULL, 0 }, STR(""), STR("&"), STR("&&&") };
	for (size_t i = 0; i < COUNT_OF(empty); i++) {
		struct query q = { NULL, 7 };
		assert_int_equal(query_parse(&arena, empty[i], &q, NULL), OK);
		assert_int_equal(q.n, 0);
	}
}

static void test_query_with_a_bad_escape_is_invalid(void **state)
{
	const struct str bad[] = { STR("a=%"), STR("%zz=1"), STR("ok=1&b=%4") };
	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		struct query q;
		struct fault why;
		assert_int_equal(query_parse(&arena, bad[i], &q, &why), INVALID);
		assert_int_equal(why.code, F_INVALID_INPUT);
		assert_string_equal(why.text, "The query has a % that two hex digits do not follow");
	}
}

static void test_query_accepts_256_pairs_and_not_257(void **state)
{
	char text[2 * 257];
	struct query q;
	struct fault why;
	for (size_t i = 0; i < sizeof text; i++)
		text[i] = i % 2 == 0 ? 'a' : '&';
	assert_int_equal(query_parse(&arena, (struct str){ text, 2 * 256 }, &q, &why), OK);
	assert_int_equal(q.n, 256);
	assert_int_equal(query_parse(&arena, (struct str){ text, 2 * 257 }, &q, &why), LIMIT);
	assert_int_equal(why.code, F_TOO_MUCH);
}

static void test_query_when_the_arena_is_full_is_too_much(void **state)
{
	/* Room for nothing, for the array alone, for the array and the name. */
	const size_t rooms[] = { 16, sizeof(struct query_pair) + 15, sizeof(struct query_pair) + 31 };
	for (size_t i = 0; i < COUNT_OF(rooms); i++) {
		struct arena small;
		struct query q;
		struct fault why;
		arena_init(&small, rooms[i]);
		assert_int_equal(query_parse(&small, STR("%61=%62"), &q, &why), LIMIT);
		assert_int_equal(why.code, F_TOO_MUCH);
		arena_deinit(&small);
	}
}

static void test_response_begins_without_status_headers_and_file(void **state)
{
	struct answer ans;
	answer_init(&ans);
	assert_int_equal(ans.status, 0);
	assert_int_equal(ans.n_headers, 0);
	assert_int_equal(ans.fd, -1);
	assert_int_equal(ans.fault.code, F_NONE);
	answer_reset(&ans);
}

static void test_response_reset_closes_the_file(void **state)
{
	struct answer ans;
	answer_init(&ans);
	ans.fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	int fd = ans.fd;
	assert_true(fd >= 0);
	ans.status = 200;
	answer_header(&ans, STR("a"), STR("b"));
	answer_reset(&ans);
	assert_int_equal(fcntl(fd, F_GETFD), -1);
	assert_int_equal(ans.fd, -1);
	assert_int_equal(ans.status, 0);
	assert_int_equal(ans.n_headers, 0);
}

/* Whether a child that adds these headers dies of it. */
static bool dies_of_headers(size_t n, struct str value)
{
	pid_t child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		struct answer ans;
		if (freopen("/dev/null", "w", stderr) == NULL)
			_exit(1);
		answer_init(&ans);
		for (size_t i = 0; i < n; i++)
			answer_header(&ans, STR("name"), value);
		_exit(0);
	}
	int status = 0;
	assert_int_equal(waitpid(child, &status, 0), child);
	return !(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void test_response_header_that_splits_or_overflows_is_a_bug(void **state)
{
	assert_false(dies_of_headers(ANSWER_HEADERS_MAX, STR("fine")));
	assert_true(dies_of_headers(ANSWER_HEADERS_MAX + 1, STR("fine")));
	assert_true(dies_of_headers(1, STR("a\rb")));
	assert_true(dies_of_headers(1, STR("a\nb")));
	assert_true(dies_of_headers(1, STR("a\0b")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_header_is_found_whatever_its_case, begin, end),
		cmocka_unit_test_setup_teardown(test_header_index_finds_what_a_search_finds, begin, end),
		cmocka_unit_test_setup_teardown(test_header_index_tells_that_names_may_repeat, begin, end),
		cmocka_unit_test_setup_teardown(test_request_header_after_its_headers_were_replaced_then_found_in_these, begin, end),
		cmocka_unit_test_setup_teardown(test_query_keeps_order_repeats_and_raw_text, begin, end),
		cmocka_unit_test_setup_teardown(test_query_find_gives_the_first_with_case, begin, end),
		cmocka_unit_test_setup_teardown(test_query_of_nothing_has_no_pairs, begin, end),
		cmocka_unit_test_setup_teardown(test_query_with_a_bad_escape_is_invalid, begin, end),
		cmocka_unit_test_setup_teardown(test_query_accepts_256_pairs_and_not_257, begin, end),
		cmocka_unit_test_setup_teardown(test_query_when_the_arena_is_full_is_too_much, begin, end),
		cmocka_unit_test_setup_teardown(test_response_begins_without_status_headers_and_file, begin, end),
		cmocka_unit_test_setup_teardown(test_response_reset_closes_the_file, begin, end),
		cmocka_unit_test_setup_teardown(test_response_header_that_splits_or_overflows_is_a_bug, begin, end),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
