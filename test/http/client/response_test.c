/* The response parser: heads taken and refused. */
#include "http/client/response.h"

#include "base/arena.h"
#include "base/buf.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static enum status parse(struct arena *a, const char *head, struct http_response *out)
{
	arena_init(a, 1 << 20);
	struct str s = str_of(head);
	assert_int_equal(response_head_size(s), s.n);
	return response_parse_head(a, s, out, NULL);
}

static void test_head_when_whole_then_status_and_headers(void **state)
{
	struct arena a;
	struct http_response r;
	assert_int_equal(parse(&a, "HTTP/1.1 206 Partial Content\r\nContent-Length: 12\r\nETag:\t \"x\" \r\nX-Empty:\r\n\r\n", &r), OK);
	assert_int_equal(r.status, 206);
	assert_int_equal(r.n_headers, 3);
	assert_true(r.has_length);
	assert_int_equal(r.length, 12);
	assert_false(r.chunked);
	assert_false(r.close);
	assert_true(str_equal(response_header(&r, STR("etag")), STR("\"x\"")));
	assert_int_equal(response_header(&r, STR("x-empty")).n, 0);
	assert_null(response_header(&r, STR("x-none")).p);
	arena_deinit(&a);
}

static void test_head_when_framing_given_then_flags(void **state)
{
	static const struct {
		const char *head;
		bool chunked, close;
	} rows[] = {
		{ "HTTP/1.1 200\r\n\r\n", false, false },
		{ "HTTP/1.1 200 \r\n\r\n", false, false },
		{ "HTTP/1.0 200 OK\r\n\r\n", false, true },
		{ "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n", false, true },
		{ "HTTP/1.1 200 OK\r\nConnection: x , Close\r\n\r\n", false, true },
		{ "HTTP/1.1 200 OK\r\nConnection: keep-alive\r\n\r\n", false, false },
		{ "HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n", true, false },
		{ "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\n", false, false },
	};
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct arena a;
		struct http_response r;
		assert_int_equal(parse(&a, rows[i].head, &r), OK);
		assert_int_equal(r.chunked, rows[i].chunked);
		assert_int_equal(r.close, rows[i].close);
		arena_deinit(&a);
	}
}

static void test_head_when_wrong_then_refused(void **state)
{
	static const char *const rows[] = {
		"HTTP/2 200 OK\r\n\r\n",
		"HTTP/1.2 200 OK\r\n\r\n",
		"HTTP/1.1 20 OK\r\n\r\n",
		"HTTP/1.1 2000 OK\r\n\r\n",
		"HTTP/1.1 099 OK\r\n\r\n",
		"HTTP/1.1 600 OK\r\n\r\n",
		"HTTP/1.1  200 OK\r\n\r\n",
		"HTTP/1.1 +20 OK\r\n\r\n",
		"HTTP/1.1 200 O\x1bK\r\n\r\n",
		"garbage\r\n\r\n",
		"\r\n\r\n",
		"HTTP/1.1 200 OK\r\nNo colon\r\n\r\n",
		"HTTP/1.1 200 OK\r\n: no name\r\n\r\n",
		"HTTP/1.1 200 OK\r\nName : blank\r\n\r\n",
		"HTTP/1.1 200 OK\r\nA: b\r\n folded\r\n\r\n",
		"HTTP/1.1 200 OK\r\nA: b\nB: c\r\n\r\n",
		"HTTP/1.1 200 OK\r\nA: b\rc\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: 5, 5\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length:\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: 18446744073709551616\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: identity\r\n\r\n",
	};
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct arena a;
		struct http_response r;
		arena_init(&a, 1 << 20);
		assert_int_equal(response_parse_head(&a, str_of(rows[i]), &r, NULL), UPSTREAM);
		arena_deinit(&a);
	}
}

static void test_head_when_over_128_headers_then_limit(void **state)
{
	for (unsigned n = RESPONSE_HEADERS_MAX; n <= RESPONSE_HEADERS_MAX + 1; n++) {
		struct arena a;
		struct buf b;
		struct http_response r;
		arena_init(&a, 1 << 20);
		buf_init_arena(&b, &a, 1 << 16);
		buf_put(&b, STR("HTTP/1.1 200 OK\r\n"));
		for (unsigned i = 0; i < n; i++)
			buf_put(&b, STR("A: b\r\n"));
		buf_put(&b, STR("\r\n"));
		assert_int_equal(response_parse_head(&a, buf_str(&b), &r, NULL), n == RESPONSE_HEADERS_MAX ? OK : LIMIT);
		arena_deinit(&a);
	}
}

static void test_head_when_cut_then_not_whole(void **state)
{
	struct str head = STR("HTTP/1.1 200 OK\r\nA: b\r\n\r\n");
	for (size_t i = 0; i < head.n; i++)
		assert_int_equal(response_head_size(str_slice(head, 0, i)), 0);
	assert_int_equal(response_head_size(STR("HTTP/1.1 200 OK\r\n\r\nbody\r\n\r\n")), 19);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_head_when_whole_then_status_and_headers),
		cmocka_unit_test(test_head_when_framing_given_then_flags),
		cmocka_unit_test(test_head_when_wrong_then_refused),
		cmocka_unit_test(test_head_when_over_128_headers_then_limit),
		cmocka_unit_test(test_head_when_cut_then_not_whole),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
