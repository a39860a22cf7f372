/* The request's head: URLs split, and everything refused that could smuggle a line. */
#include "http/client/request.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static enum status write_head(const struct http_request *r, struct connection_target *to, struct buf *head)
{
	buf_init(head, 4096);
	return request_write_head(r, to, head, NULL);
}

static void test_head_when_url_is_right_then_target_and_host(void **state)
{
	static const struct {
		const char *url, *host, *port, *start;
		bool tls;
	} rows[] = {
		{ "http://a.example", "a.example", "80", "GET / HTTP/1.1\r\nHost: a.example\r\n\r\n", false },
		{ "HTTP://a:80/x?y=%2F", "a", "80", "GET /x?y=%2F HTTP/1.1\r\nHost: a\r\n\r\n", false },
		{ "http://127.0.0.1:9000/b/k", "127.0.0.1", "9000", "GET /b/k HTTP/1.1\r\nHost: 127.0.0.1:9000\r\n\r\n", false },
		{ "https://a?q", "a", "443", "GET /?q HTTP/1.1\r\nHost: a\r\n\r\n", true },
		{ "https://a:443/", "a", "443", "GET / HTTP/1.1\r\nHost: a\r\n\r\n", true },
		{ "https://a:80/", "a", "80", "GET / HTTP/1.1\r\nHost: a:80\r\n\r\n", true },
		{ "http://[::1]:8080/", "::1", "8080", "GET / HTTP/1.1\r\nHost: [::1]:8080\r\n\r\n", false },
		{ "http://[::1]", "::1", "80", "GET / HTTP/1.1\r\nHost: [::1]\r\n\r\n", false },
	};
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct connection_target to;
		struct buf head;
		struct http_request r = { .method = STR("GET"), .url = str_of(rows[i].url) };
		assert_int_equal(write_head(&r, &to, &head), OK);
		assert_string_equal(to.host, rows[i].host);
		assert_string_equal(to.port, rows[i].port);
		assert_int_equal(to.tls, rows[i].tls);
		assert_string_equal(head.p, rows[i].start);
		buf_deinit(&head);
	}
}

static void test_head_when_url_is_wrong_then_refused(void **state)
{
	static const char *const rows[] = { "", "a", "ftp://a/", "http:/a", "http://", "http:///x", "http://:80/", "http://a:0/",
		"http://a:65536/", "http://a:x/", "http://u@a/", "http://u:p@a/", "http://[::1/", "http://[::1]x/", "http://[]/", "http://a/ b",
		"http://a/\r\nX: y", "http://a\t/", "http://a/#f", "http://a/\xc3\xa9", "http://a/\x7f" };
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct connection_target to;
		struct buf head;
		struct http_request r = { .method = STR("GET"), .url = str_of(rows[i]) };
		if (write_head(&r, &to, &head) != INVALID)
			fail_msg("accepted %s", rows[i]);
		buf_deinit(&head);
	}
}

static void test_head_when_host_is_too_long_then_refused(void **state)
{
	for (unsigned n = 255; n <= 256; n++) {
		struct connection_target to;
		struct buf url, head;
		buf_init(&url, 1000);
		buf_put(&url, STR("http://"));
		for (unsigned i = 0; i < n; i++)
			buf_put_char(&url, 'a');
		struct http_request r = { .method = STR("GET"), .url = buf_str(&url) };
		assert_int_equal(write_head(&r, &to, &head), n == 255 ? OK : INVALID);
		buf_deinit(&url);
		buf_deinit(&head);
	}
}

static void test_head_when_header_could_inject_then_refused(void **state)
{
	const struct header rows[] = { { STR("A"), STR("b\r\nC: d") }, { STR("A"), STR("b\n") }, { STR("A"), STR("b\r") },
		{ STR("A"), STR("b\0c") }, { STR("A\r\nB"), STR("c") }, { STR("A:"), STR("c") }, { STR("A b"), STR("c") }, { STR(""), STR("c") },
		{ STR("A\0"), STR("c") }, { STR("\xc3\xa9"), STR("c") }, { STR("HOST"), STR("c") }, { STR("content-length"), STR("1") },
		{ STR("Transfer-Encoding"), STR("chunked") }, { STR("Connection"), STR("x") } };
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct connection_target to;
		struct buf head;
		struct http_request r = { .method = STR("GET"), .url = STR("http://a/"), .headers = &rows[i], .n_headers = 1 };
		if (write_head(&r, &to, &head) != INVALID)
			fail_msg("accepted header %zu", i);
		buf_deinit(&head);
	}
}

static void test_head_when_method_is_not_a_token_then_refused(void **state)
{
	static const char *const rows[] = { "", "GET ", "GET /x HTTP/1.1\r\nA: b\r\n\r\nGET", "G\tT" };
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct connection_target to;
		struct buf head;
		struct http_request r = { .method = str_of(rows[i]), .url = STR("http://a/") };
		assert_int_equal(write_head(&r, &to, &head), INVALID);
		buf_deinit(&head);
	}
}

static void test_head_when_body_then_length(void **state)
{
	static const struct {
		const char *method, *body, *head;
	} rows[] = {
		{ "POST", "", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\nX: y\r\n\r\n" },
		{ "PUT", "abc", "PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nX: y\r\n\r\n" },
		{ "DELETE", "", "DELETE / HTTP/1.1\r\nHost: a\r\nX: y\r\n\r\n" },
	};
	const struct header header = { STR("X"), STR("y") };
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct connection_target to;
		struct buf head;
		struct http_request r = {
			.method = str_of(rows[i].method), .url = STR("http://a/"), .headers = &header, .n_headers = 1, .body = str_of(rows[i].body)
		};
		assert_int_equal(write_head(&r, &to, &head), OK);
		assert_string_equal(head.p, rows[i].head);
		buf_deinit(&head);
	}
}

static void test_head_when_over_its_maximum_then_limit(void **state)
{
	struct connection_target to;
	struct buf head;
	char path[5000] = "http://a/";
	for (size_t i = 9; i < sizeof path - 1; i++)
		path[i] = 'x';
	struct http_request r = { .method = STR("GET"), .url = { path, sizeof path - 1 } };
	assert_int_equal(write_head(&r, &to, &head), LIMIT);
	buf_deinit(&head);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_head_when_url_is_right_then_target_and_host),
		cmocka_unit_test(test_head_when_url_is_wrong_then_refused),
		cmocka_unit_test(test_head_when_host_is_too_long_then_refused),
		cmocka_unit_test(test_head_when_header_could_inject_then_refused),
		cmocka_unit_test(test_head_when_method_is_not_a_token_then_refused),
		cmocka_unit_test(test_head_when_body_then_length),
		cmocka_unit_test(test_head_when_over_its_maximum_then_limit),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
