/* The client and a server that is not trusted: where it may be, how much it may answer, and what may be sent to it again. */
#include "fixture.h"

#include <stdio.h>
#include <string.h>

static void test_response_when_over_maximum_and_it_may_be_cut_then_its_start_and_a_new_connection(void **state)
{
	static const struct {
		const char *answer, *body;
		unsigned connections; /* for two requests */
	} rows[] = {
		{ "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nhello!", "hello", 2 },
		{ "HTTP/1.1 200 OK\r\nContent-Length: 104857600\r\n\r\nhello, and so on", "hello", 2 },
		{ "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n3\r\nlo!\r\n5\r\nworld\r\n", "hello", 2 },
		{ "HTTP/1.1 500 No\r\nContent-Length: 6\r\n\r\nhello!", "hello", 2 },
		{ "HTTP/1.1 302 Found\r\nLocation: /\r\nContent-Length: 6\r\n\r\nhello!", "hello", 2 },
		{ "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", "hello", 1 },
		{ "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", "hello", 1 },
	};
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct fixture f;
		start(&f, str_of(rows[i].answer));
		struct http_request q = { .method = STR("POST"), .url = str_of(f.server.url), .max_response_bytes = 5, .cut_response = true };
		for (int twice = 0; twice < 2; twice++) {
			struct http_response r;
			assert_int_equal(http_send(f.client, &q, &f.arena, &r, &f.why), OK);
			assert_str(r.body, str_of(rows[i].body));
		}
		assert_int_equal(atomic_load(&f.server.n), rows[i].connections);
		stop(&f);
	}
}

static void test_response_when_cut_off_before_the_maximum_then_still_a_failure(void **state)
{
	struct fixture f;
	struct http_response r;
	start(&f, STR("HTTP/1.1 200 OK\r\nContent-Length: 600\r\n\r\nhel"));
	f.script.requests_per_connection = 1;
	struct http_request q = { .method = STR("POST"), .url = str_of(f.server.url), .max_response_bytes = 5, .cut_response = true };
	assert_int_equal(http_send(f.client, &q, &f.arena, &r, &f.why), UPSTREAM);
	stop(&f);
}

/* Counts the addresses that it is asked about, and refuses from the n-th on. */
struct filter {
	unsigned asked, refuse_from;
};

static enum status check_address(void *arg, const struct sockaddr *at, struct fault *why)
{
	struct filter *filter = arg;
	assert_true(at->sa_family == AF_INET || at->sa_family == AF_INET6);
	return ++filter->asked < filter->refuse_from ? OK : fault_set(why, ADDRESS_REFUSED, "number %u is refused", filter->asked);
}

static void test_address_when_refused_then_nothing_is_connected_to(void **state)
{
	struct fixture f;
	struct http_response r;
	struct filter filter = { .refuse_from = 1 };
	start(&f, STR("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"));
	struct http_request q = { .method = STR("GET"), .url = str_of(f.server.url), .check_address = check_address, .check_arg = &filter };
	assert_int_equal(http_send(f.client, &q, &f.arena, &r, &f.why), DENIED);
	assert_int_equal(f.why.code, F_ADDRESS_REFUSED);
	assert_non_null(strstr(f.why.text, "number 1 is refused"));
	assert_int_equal(atomic_load(&f.server.n), 0);
	filter = (struct filter){ .refuse_from = 9 };
	assert_int_equal(http_send(f.client, &q, &f.arena, &r, &f.why), OK);
	assert_int_equal(http_send(f.client, &q, &f.arena, &r, &f.why), OK);
	assert_int_equal(filter.asked, 1); /* the second request had the first one's connection */
	stop(&f);
}

/* localhost is 127.0.0.1 and ::1: the one that is refused spoils the other, whichever of them comes first. */
static void test_address_when_any_of_a_name_is_refused_then_none_is_connected_to(void **state)
{
	struct fixture f;
	struct http_response r;
	char url[64];
	start(&f, STR("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"));
	(void)snprintf(url, sizeof url, "http://localhost:%u/", f.server.port);
	struct filter filter = { .refuse_from = 2 };
	struct http_request q = { .method = STR("GET"), .url = str_of(url), .check_address = check_address, .check_arg = &filter };
	assert_int_equal(http_send(f.client, &q, &f.arena, &r, &f.why), DENIED);
	assert_int_equal(filter.asked, 2);
	assert_int_equal(atomic_load(&f.server.n), 0);
	stop(&f);
}

static void test_kept_connection_when_closed_upon_a_post_that_is_repeatable_then_retried(void **state)
{
	struct script s = { .answer = STR("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n") };
	struct fixture f;
	struct http_response r;
	start(&f, s.answer);
	fake_http_stop(&f.server);
	fake_http_start(&f.server, serve_stale, &s);
	struct http_request q = { .method = STR("POST"), .url = str_of(f.server.url), .body = STR("x"), .repeatable = true };
	assert_int_equal(http_send(f.client, &q, &f.arena, &r, &f.why), OK);
	assert_int_equal(http_send(f.client, &q, &f.arena, &r, &f.why), OK);
	assert_int_equal(atomic_load(&s.requests), 3);
	stop(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_response_when_over_maximum_and_it_may_be_cut_then_its_start_and_a_new_connection),
		cmocka_unit_test(test_response_when_cut_off_before_the_maximum_then_still_a_failure),
		cmocka_unit_test(test_address_when_refused_then_nothing_is_connected_to),
		cmocka_unit_test(test_address_when_any_of_a_name_is_refused_then_none_is_connected_to),
		cmocka_unit_test(test_kept_connection_when_closed_upon_a_post_that_is_repeatable_then_retried),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
