/* The client against a server that responds by script: rightly, cut off, malformed, late, early. */
#include "fixture.h"

#include "base/clock.h"
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

static void test_response_when_framed_each_way_then_body(void **state)
{
	static const struct {
		const char *method, *answer, *body;
		int status;
		unsigned connections; /* for two requests */
	} rows[] = {
		{ "GET", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", "hello", 200, 1 },
		{ "GET", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "", 200, 1 },
		{ "GET", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n", "hello", 200, 1 },
		{ "GET", "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 404 No\r\nContent-Length: 2\r\n\r\nno",
			"no", 404, 1 },
		{ "GET", "HTTP/1.1 204 No Content\r\n\r\n", "", 204, 1 },
		{ "GET", "HTTP/1.1 304 Not Modified\r\nContent-Length: 99\r\n\r\n", "", 304, 1 },
		{ "HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n", "", 200, 1 },
		{ "GET", "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n", "", 302, 1 },
		{ "GET", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello", "hello", 200, 2 },
		{ "GET", "HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello", "hello", 200, 2 },
		{ "GET", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhelloHTTP/1.1 200 smuggled\r\n\r\n", "hello", 200, 2 },
	};
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct fixture f;
		start(&f, str_of(rows[i].answer));
		for (int twice = 0; twice < 2; twice++) {
			struct http_response r;
			assert_int_equal(send_to(&f, rows[i].method, &r), OK);
			assert_int_equal(r.status, rows[i].status);
			assert_true(str_equal(r.body, str_of(rows[i].body)));
		}
		assert_int_equal(atomic_load(&f.server.n), rows[i].connections);
		stop(&f);
	}
}

static void test_response_when_close_delimited_then_body_to_the_end(void **state)
{
	struct fixture f;
	start(&f, STR("HTTP/1.1 200 OK\r\n\r\nall of it"));
	f.script.requests_per_connection = 1;
	for (int twice = 0; twice < 2; twice++) {
		struct http_response r;
		assert_int_equal(send_to(&f, "GET", &r), OK);
		assert_true(str_equal(r.body, STR("all of it")));
	}
	assert_int_equal(atomic_load(&f.server.n), 2);
	stop(&f);
}

static void test_response_when_cut_at_every_byte_then_upstream(void **state)
{
	static const char *const answers[] = {
		"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
		"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2\r\nlo\r\n0\r\nA: b\r\n\r\n",
	};
	for (size_t i = 0; i < COUNT_OF(answers); i++) {
		struct str whole = str_of(answers[i]);
		for (size_t n = 0; n <= whole.n; n++) {
			struct fixture f;
			struct http_response r = { .status = -1 };
			start(&f, str_slice(whole, 0, n));
			f.script.requests_per_connection = 1;
			assert_int_equal(send_to(&f, "GET", &r), n == whole.n ? OK : UPSTREAM);
			assert_int_equal(r.status, n == whole.n ? 200 : -1);
			stop(&f);
		}
	}
}

static void test_response_when_garbage_then_upstream(void **state)
{
	static const char *const answers[] = { "garbage\r\n\r\n", "HTTP/1.1 200 OK\r\nA b\r\n\r\n", "HTTP/1.1 101 Switching Protocols\r\n\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n", "\x16\x03\x01\x02\r\n\r\n" };
	for (size_t i = 0; i < COUNT_OF(answers); i++) {
		struct fixture f;
		struct http_response r;
		start(&f, str_of(answers[i]));
		assert_int_equal(send_to(&f, "GET", &r), UPSTREAM);
		stop(&f);
	}
}

static void test_response_when_head_never_ends_then_limit(void **state)
{
	static char head[RESPONSE_HEAD_MAX + 100] = "HTTP/1.1 200 OK\r\nA: ";
	memset(head + 20, 'x', sizeof head - 20);
	struct fixture f;
	struct http_response r;
	start(&f, (struct str){ head, sizeof head });
	assert_int_equal(send_to(&f, "GET", &r), LIMIT);
	stop(&f);
}

static void test_response_when_body_over_maximum_then_limit(void **state)
{
	static const char *const answers[] = {
		"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nhello!",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n6\r\nhello!\r\n0\r\n\r\n",
		"HTTP/1.1 200 OK\r\n\r\nhello!",
	};
	for (size_t i = 0; i < COUNT_OF(answers); i++)
		for (uint64_t max = 5; max <= 6; max++) {
			struct fixture f;
			struct http_response r;
			start(&f, str_of(answers[i]));
			f.script.requests_per_connection = 1;
			struct http_request q = { .method = STR("GET"), .url = str_of(f.server.url), .max_response_bytes = max };
			assert_int_equal(http_send(f.client, &q, &f.arena, &r, &f.why), max == 5 ? LIMIT : OK);
			stop(&f);
		}
}

static void test_response_when_over_maximum_by_its_length_then_nothing_of_it_is_read(void **state)
{
	struct fixture f;
	struct http_response r;
	start(&f, STR("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n"));
	struct http_request q = { .method = STR("GET"), .url = str_of(f.server.url), .max_response_bytes = 5, .idle_timeout_ms = 20000 };
	assert_int_equal(http_send(f.client, &q, &f.arena, &r, &f.why), LIMIT);
	stop(&f);
}

/* An object of the largest size is read into an arena that has room for it, and little more. */
static void test_response_when_its_length_is_known_then_it_takes_no_more_memory_than_that(void **state)
{
	enum { SIZE = 3000000, NEXT_TO_IT = 65536 };
	struct fixture f;
	struct http_response r;
	struct arena small;
	struct buf answer;
	buf_init(&answer, SIZE + 100);
	buf_printf(&answer, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", SIZE);
	for (int i = 0; i < SIZE; i++)
		buf_put_char(&answer, 'x');
	start(&f, buf_str(&answer));
	arena_init(&small, SIZE + NEXT_TO_IT);
	struct http_request q = { .method = STR("GET"), .url = str_of(f.server.url), .max_response_bytes = SIZE };
	assert_int_equal(http_send(f.client, &q, &small, &r, &f.why), OK);
	assert_int_equal(r.body.n, SIZE);
	arena_deinit(&small);
	stop(&f);
	buf_deinit(&answer);
}

static void test_response_when_an_error_then_its_body_may_be_over_a_small_maximum(void **state)
{
	struct fixture f;
	struct http_response r;
	start(&f, STR("HTTP/1.1 404 Not Found\r\nContent-Length: 6\r\n\r\nhello!"));
	struct http_request q = { .method = STR("GET"), .url = str_of(f.server.url), .max_response_bytes = 5 };
	assert_int_equal(http_send(f.client, &q, &f.arena, &r, &f.why), OK);
	assert_int_equal(r.body.n, 6);
	stop(&f);
}

static void test_connect_when_called_by_itself_then_nothing_is_sent_and_the_request_uses_the_connection(void **state)
{
	struct fixture f;
	struct http_response r;
	start(&f, STR("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"));
	struct http_request q = { .method = STR("GET"), .url = str_of(f.server.url) };
	for (int i = 0; i < 2; i++)
		assert_int_equal(http_connect(f.client, &q, &f.arena, &f.why), OK);
	assert_false(http_client_sent(f.client));
	assert_int_equal(http_send(f.client, &q, &f.arena, &r, &f.why), OK);
	assert_true(http_client_sent(f.client));
	assert_int_equal(atomic_load(&f.server.n), 1);
	assert_int_equal(atomic_load(&f.script.requests), 1);
	stop(&f);
}

static void test_kept_connection_when_server_closed_it_then_new_one(void **state)
{
	struct fixture f;
	struct http_response r;
	start(&f, STR("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"));
	f.script.requests_per_connection = 1;
	for (unsigned i = 1; i <= 3; i++) {
		assert_int_equal(send_to(&f, "POST", &r), OK);
		wait_until(atomic_load(&f.script.closed) >= i);
	}
	assert_int_equal(atomic_load(&f.server.n), 3);
	stop(&f);
}

static void test_kept_connection_when_closed_upon_a_request_then_repeatable_ones_are_retried(void **state)
{
	static const struct {
		const char *method;
		enum status st;
	} rows[] = { { "GET", OK }, { "PUT", OK }, { "DELETE", OK }, { "POST", UPSTREAM } };
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct script s = { .answer = STR("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n") };
		struct fixture f;
		struct http_response r;
		start(&f, s.answer);
		fake_http_stop(&f.server);
		fake_http_start(&f.server, serve_stale, &s);
		assert_int_equal(send_to(&f, "GET", &r), OK);
		assert_int_equal(send_to(&f, rows[i].method, &r), rows[i].st);
		assert_int_equal(atomic_load(&s.requests), rows[i].st == OK ? 3 : 2);
		stop(&f);
	}
}

static void test_kept_connection_when_closed_upon_a_non_repeatable_request_then_not_retried(void **state)
{
	struct script s = { .answer = STR("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n") };
	struct fixture f;
	struct http_response r;
	start(&f, s.answer);
	fake_http_stop(&f.server);
	fake_http_start(&f.server, serve_stale, &s);
	struct http_request q = { .method = STR("PUT"), .url = str_of(f.server.url), .once = true };
	assert_int_equal(http_send(f.client, &q, &f.arena, &r, &f.why), OK);
	assert_int_equal(http_send(f.client, &q, &f.arena, &r, &f.why), UPSTREAM);
	assert_true(http_client_sent(f.client));
	assert_int_equal(atomic_load(&s.requests), 2);
	stop(&f);
}

static void test_fresh_connection_when_closed_without_a_response_then_not_repeated(void **state)
{
	struct fixture f;
	struct http_response r;
	start(&f, STR(""));
	f.script.requests_per_connection = 1;
	assert_int_equal(send_to(&f, "GET", &r), UPSTREAM);
	assert_int_equal(atomic_load(&f.server.n), 1);
	stop(&f);
}

static void test_server_when_silent_then_idle_deadline(void **state)
{
	struct fixture f;
	struct http_response r;
	start(&f, STR(""));
	f.script.mute = true;
	struct http_request q = { .method = STR("GET"), .url = str_of(f.server.url), .idle_timeout_ms = 30 };
	assert_int_equal(http_send(f.client, &q, &f.arena, &r, &f.why), TIMEOUT);
	assert_int_equal(f.why.code, F_DEADLINE);
	stop(&f);
}

/* One byte now and then, for ever: never idle, never done. */
static void serve_drops(int fd, unsigned nth, void *arg)
{
	fake_http_write(fd, STR("HTTP/1.1 200 OK\r\n\r\n"));
	while (send(fd, "x", 1, MSG_NOSIGNAL) == 1)
		usleep(1000);
}

static void test_server_when_it_drips_then_total_deadline(void **state)
{
	struct fixture f;
	struct http_response r;
	start(&f, STR(""));
	fake_http_stop(&f.server);
	fake_http_start(&f.server, serve_drops, NULL);
	struct http_request q = { .method = STR("GET"), .url = str_of(f.server.url), .total_timeout_ms = 100 };
	assert_int_equal(http_send(f.client, &q, &f.arena, &r, &f.why), TIMEOUT);
	stop(&f);
}

static void test_connect_when_no_one_accepts_then_deadline(void **state)
{
	struct fixture f;
	struct http_response r;
	start(&f, STR(""));
	int fd = socket(AF_INET, SOCK_STREAM, 0), fill[8];
	struct sockaddr_storage at;
	socklen_t n = sizeof at;
	struct sockaddr_storage any = { .ss_family = AF_INET };
	assert_int_equal(bind(fd, (struct sockaddr *)&any, sizeof any), 0);
	assert_int_equal(listen(fd, 0), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &n), 0);
	for (size_t i = 0; i < COUNT_OF(fill); i++) {
		fill[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
		(void)connect(fill[i], (struct sockaddr *)&at, n);
	}
	char url[64];
	unsigned char port[2];
	memcpy(port, (char *)&at + 2, 2);
	(void)snprintf(url, sizeof url, "http://127.0.0.1:%u/", port[0] * 256u + port[1]);
	struct http_request q = { .method = STR("GET"), .url = str_of(url), .connect_timeout_ms = 100 };
	assert_int_equal(http_send(f.client, &q, &f.arena, &r, &f.why), TIMEOUT);
	for (size_t i = 0; i < COUNT_OF(fill); i++)
		close(fill[i]);
	close(fd);
	stop(&f);
}

static void test_connect_when_refused_then_the_message_names_the_host(void **state)
{
	struct fixture f;
	struct http_response r;
	start(&f, STR(""));
	fake_http_stop(&f.server);
	assert_int_equal(send_to(&f, "GET", &r), UPSTREAM);
	assert_non_null(strstr(f.why.text, "cannot connect to 127.0.0.1 port "));
	assert_non_null(strstr(f.why.text, "refused"));
	fake_http_start(&f.server, serve_script, &f.script);
	stop(&f);
}

static void test_name_when_it_does_not_exist_then_refused_within_the_deadline(void **state)
{
	struct fixture f;
	struct http_response r;
	start(&f, STR(""));
	struct http_request q = { .method = STR("GET"), .url = STR("http://no-such-host.invalid/"), .connect_timeout_ms = 300 };
	enum status st = http_send(f.client, &q, &f.arena, &r, &f.why);
	assert_true(st == UPSTREAM || st == TIMEOUT);
	stop(&f);
}

static void test_localhost_when_only_ipv4_listens_then_reached(void **state)
{
	struct fixture f;
	struct http_response r;
	char url[64];
	start(&f, STR("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"));
	(void)snprintf(url, sizeof url, "http://localhost:%u/", f.server.port);
	struct http_request q = { .method = STR("GET"), .url = str_of(url) };
	assert_int_equal(http_send(f.client, &q, &f.arena, &r, &f.why), OK);
	stop(&f);
}

/* Reads the head alone, refuses and closes on a client that is still sending. */
static void serve_early(int fd, unsigned nth, void *arg)
{
	char piece[2000];
	if (recv(fd, piece, sizeof piece, 0) > 0)
		fake_http_answer(fd, "413 Too Large", "Connection: close\r\n", STR("too large"));
}

/* Answers whether the first read gives all of the request. */
static void serve_first_piece(int fd, unsigned nth, void *arg)
{
	char piece[8192], text[32];
	ssize_t n = recv(fd, piece, sizeof piece, 0);
	int length = snprintf(text, sizeof text, "%d", n > 6 && memcmp(piece + n - 6, "\r\nbody", 6) == 0);
	fake_http_answer(fd, "200 OK", "Connection: close\r\n", (struct str){ text, (size_t)length });
}

static void test_body_when_small_then_in_one_piece_with_the_head(void **state)
{
	struct fixture f;
	start(&f, STR(""));
	fake_http_stop(&f.server);
	fake_http_start(&f.server, serve_first_piece, NULL);
	for (int i = 0; i < 20; i++) {
		struct http_response r;
		struct http_request q = { .method = STR("POST"), .url = str_of(f.server.url), .body = STR("body") };
		assert_int_equal(http_send(f.client, &q, &f.arena, &r, &f.why), OK);
		assert_true(str_equal(r.body, STR("1")));
	}
	stop(&f);
}

static void test_body_when_refused_early_then_response_is_read(void **state)
{
	static char body[8u << 20];
	struct fixture f;
	start(&f, STR(""));
	fake_http_stop(&f.server);
	fake_http_start(&f.server, serve_early, NULL);
	for (int i = 0; i < 50; i++) {
		struct http_response r;
		struct http_request q = { .method = STR("PUT"), .url = str_of(f.server.url), .body = { body, sizeof body } };
		assert_int_equal(http_send(f.client, &q, &f.arena, &r, &f.why), OK);
		assert_int_equal(r.status, 413);
		assert_true(str_equal(r.body, STR("too large")));
	}
	stop(&f);
}

static void note_progress(void *arg, uint64_t sent)
{
	uint64_t *last = arg;
	assert_true(sent > *last);
	*last = sent;
}

static int memory_file(struct str content)
{
	int fd = memfd_create("test", MFD_CLOEXEC);
	assert_int_equal(write(fd, content.p, content.n), content.n);
	return fd;
}

static void test_body_when_from_file_then_sent_whole_with_progress(void **state)
{
	static char body[300000];
	for (size_t i = 0; i < sizeof body; i++)
		body[i] = (char)(i * 7);
	struct fixture f;
	struct http_response r;
	uint64_t last = 0;
	start(&f, STR("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"));
	int fd = memory_file((struct str){ body, sizeof body });
	struct http_request q = { .method = STR("PUT"),
		.url = str_of(f.server.url),
		.body_file = true,
		.body_fd = fd,
		.body_length = sizeof body,
		.progress = note_progress,
		.progress_arg = &last };
	assert_int_equal(http_send(f.client, &q, &f.arena, &r, &f.why), OK);
	assert_int_equal(last, sizeof body);
	assert_true(str_ends_with(buf_str(&f.script.last), (struct str){ body, sizeof body }));
	close(fd);
	stop(&f);
}

static void test_body_when_file_is_shorter_than_given_then_failed(void **state)
{
	struct fixture f;
	struct http_response r;
	start(&f, STR("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"));
	int fd = memory_file(STR("abc"));
	struct http_request q = { .method = STR("PUT"), .url = str_of(f.server.url), .body_file = true, .body_fd = fd, .body_length = 4 };
	assert_int_equal(http_send(f.client, &q, &f.arena, &r, &f.why), IO);
	assert_int_equal(f.why.code, F_STORAGE_FAILED);
	close(fd);
	stop(&f);
}

static void test_sink_when_2xx_then_file_else_memory(void **state)
{
	static const struct {
		const char *answer, *file, *memory;
	} rows[] = {
		{ "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", "hello", "" },
		{ "HTTP/1.1 404 No\r\nContent-Length: 4\r\n\r\nnone", "", "none" },
	};
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct fixture f;
		struct http_response r;
		char got[16] = "";
		start(&f, str_of(rows[i].answer));
		int fd = memory_file(STR(""));
		struct http_request q = { .method = STR("GET"), .url = str_of(f.server.url), .sink_file = true, .sink_fd = fd };
		assert_int_equal(http_send(f.client, &q, &f.arena, &r, &f.why), OK);
		assert_true(pread(fd, got, sizeof got - 1, 0) >= 0);
		assert_string_equal(got, rows[i].file);
		assert_true(str_equal(r.body, str_of(rows[i].memory)));
		close(fd);
		stop(&f);
	}
}

static void test_sink_when_it_cannot_be_written_then_failed(void **state)
{
	struct fixture f;
	struct http_response r;
	start(&f, STR("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"));
	int fd = open("/dev/full", O_WRONLY | O_CLOEXEC);
	struct http_request q = { .method = STR("GET"), .url = str_of(f.server.url), .sink_file = true, .sink_fd = fd };
	assert_int_equal(http_send(f.client, &q, &f.arena, &r, &f.why), IO);
	close(fd);
	stop(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_response_when_framed_each_way_then_body),
		cmocka_unit_test(test_response_when_close_delimited_then_body_to_the_end),
		cmocka_unit_test(test_response_when_cut_at_every_byte_then_upstream),
		cmocka_unit_test(test_response_when_garbage_then_upstream),
		cmocka_unit_test(test_response_when_head_never_ends_then_limit),
		cmocka_unit_test(test_response_when_body_over_maximum_then_limit),
		cmocka_unit_test(test_response_when_over_maximum_by_its_length_then_nothing_of_it_is_read),
		cmocka_unit_test(test_response_when_its_length_is_known_then_it_takes_no_more_memory_than_that),
		cmocka_unit_test(test_response_when_an_error_then_its_body_may_be_over_a_small_maximum),
		cmocka_unit_test(test_connect_when_called_by_itself_then_nothing_is_sent_and_the_request_uses_the_connection),
		cmocka_unit_test(test_kept_connection_when_closed_upon_a_non_repeatable_request_then_not_retried),
		cmocka_unit_test(test_kept_connection_when_server_closed_it_then_new_one),
		cmocka_unit_test(test_kept_connection_when_closed_upon_a_request_then_repeatable_ones_are_retried),
		cmocka_unit_test(test_fresh_connection_when_closed_without_a_response_then_not_repeated),
		cmocka_unit_test(test_server_when_silent_then_idle_deadline),
		cmocka_unit_test(test_server_when_it_drips_then_total_deadline),
		cmocka_unit_test(test_connect_when_no_one_accepts_then_deadline),
		cmocka_unit_test(test_connect_when_refused_then_the_message_names_the_host),
		cmocka_unit_test(test_name_when_it_does_not_exist_then_refused_within_the_deadline),
		cmocka_unit_test(test_localhost_when_only_ipv4_listens_then_reached),
		cmocka_unit_test(test_body_when_small_then_in_one_piece_with_the_head),
		cmocka_unit_test(test_body_when_refused_early_then_response_is_read),
		cmocka_unit_test(test_body_when_from_file_then_sent_whole_with_progress),
		cmocka_unit_test(test_body_when_file_is_shorter_than_given_then_failed),
		cmocka_unit_test(test_sink_when_2xx_then_file_else_memory),
		cmocka_unit_test(test_sink_when_it_cannot_be_written_then_failed),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
