/* Connections over socket pairs, on a reactor of their own, with a toy handler: requests in pieces of any size, pipelining,
 * bodies that stop, refusals that are followed by reading and dropping, deadlines, and the end. */
#include "unit.h"

#include "base/clock.h"
#include "fake/toy_handler.h"
#include "http/server/server_request.h"

#include <fcntl.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

struct fixture {
	struct conn_timeouts timeouts;
	struct reactor reactor;
	struct traffic traffic;
	struct proxy_list proxies;
	struct handler handler;
	struct listener listener;
};

static void set_up(struct fixture *f, int64_t timeout_ms)
{
	struct fault why;
	*f = (struct fixture){ .timeouts = { timeout_ms, timeout_ms, timeout_ms, timeout_ms, timeout_ms, 1 << 20 },
		.handler = { .ops = &toy_handler_ops, .arena_bytes = 1 << 20, .body_max = 16384 } };
	f->traffic.idle_fd = eventfd(0, EFD_CLOEXEC);
	pthread_mutex_init(&f->traffic.started_lock, NULL);
	pthread_cond_init(&f->traffic.none_started, NULL);
	assert_int_equal(request_metrics_new(&f->traffic.metrics, &why), OK);
	assert_int_equal(workers_new(2, 64, &f->traffic.workers, &why), OK);
	f->listener = (struct listener){
		.name = "api", .connections = M_CONNECTIONS_API, .traffic = &f->traffic, .handler = &f->handler, .most = 100, .proxies = &f->proxies
	};
	assert_int_equal(listen_open("api", "127.0.0.1:0", &f->listener.socket, &why), OK);
	host_names_init(&f->listener.hosts);
	assert_int_equal(reactor_init(&f->reactor, &f->timeouts, &why), OK);
	assert_int_equal(acceptor_start_all(&f->listener, &f->reactor, 1, 10, &why), OK);
	assert_int_equal(reactor_start(&f->reactor, &why), OK);
}

static void tear_down(struct fixture *f)
{
	listener_shut(&f->listener);
	workers_stop(f->traffic.workers);
	server_request_end_starts(&f->traffic);
	reactor_order(&f->reactor, ORDER_END);
	reactor_join(&f->reactor);
	assert_int_equal(atomic_load(&f->traffic.in_flight), 0);
	assert_int_equal(atomic_load(&f->listener.open), 0);
	reactor_deinit(&f->reactor);
	listener_close(&f->listener);
	workers_free(&f->traffic.workers);
	request_metrics_free(&f->traffic.metrics);
	close(f->traffic.idle_fd);
	pthread_cond_destroy(&f->traffic.none_started);
	pthread_mutex_destroy(&f->traffic.started_lock);
}

/* The client's end of a new connection.
 * copy  written: another descriptor of the server's end; NULL: none */
static int connect_copied(struct fixture *f, int *copy)
{
	int fds[2];
	struct client_addr peer = { { 0 } };
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
	assert_int_equal(fcntl(fds[1], F_SETFL, O_NONBLOCK), 0);
	if (copy != NULL)
		*copy = dup(fds[1]);
	atomic_fetch_add(&f->listener.open, 1);
	assert_true(connection_start(&f->listener.acceptors[0], fds[1], &peer, false));
	return fds[0];
}

static int connect_pair(struct fixture *f)
{
	return connect_copied(f, NULL);
}

static void send_text(int fd, struct str s)
{
	assert_int_equal(send(fd, s.p, s.n, MSG_NOSIGNAL), (ssize_t)s.n);
}

/* Everything received until the peer has closed. */
static struct str receive_all(int fd, char *out, size_t cap)
{
	size_t n = 0;
	ssize_t got;
	while (n < cap && (got = recv(fd, out + n, cap - n, 0)) > 0)
		n += (size_t)got;
	return (struct str){ out, n };
}

static size_t count_text(struct str in, struct str what)
{
	size_t n = 0;
	for (size_t at = str_find(in, what); at < in.n; at = str_find(in, what)) {
		in = str_slice(in, at + what.n, in.n);
		n++;
	}
	return n;
}

static void test_requests_when_in_pieces_of_any_size_then_all_are_answered(void **state)
{
	static char out[1 << 16];
	struct fixture f;
	struct str in = STR(
		"\r\nGET /fast HTTP/1.1\r\nHost: localhost\r\n\r\nPOST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\nhello"
		"POST /echo HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n3;a=b\r\nabc\r\n0\r\nT: x\r\n\r\nGET /fast HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
	set_up(&f, 60000);
	for (size_t step = 1; step < 400; step = step * 3 / 2 + 1) {
		int fd = connect_pair(&f);
		for (size_t at = 0; at < in.n; at += step)
			send_text(fd, str_slice(in, at, at + step));
		struct str all = receive_all(fd, out, sizeof out);
		assert_int_equal(count_text(all, STR("HTTP/1.1 200 OK\r\n")), 4);
		assert_int_equal(count_text(all, STR("got 5 of /echo\n")), 1);
		assert_int_equal(count_text(all, STR("got 3 of /echo\n")), 1);
		close(fd);
	}
	tear_down(&f);
}

/* As in a process that is being started: until it executes its program it has all descriptors of this one. */
static void test_closed_connection_when_its_descriptor_was_copied_then_no_more_events(void **state)
{
	static char out[4096];
	struct str request = STR("GET /fast HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
	struct fixture f;
	int copy;
	set_up(&f, 60000);
	int fd = connect_copied(&f, &copy);
	send_text(fd, request);
	shutdown(fd, SHUT_WR);
	wait_until(atomic_load(&f.reactor.open) == 0);
	close(fd); /* an event, of what is closed and freed */
	fd = connect_pair(&f);
	send_text(fd, request);
	assert_int_equal(count_text(receive_all(fd, out, sizeof out), STR("HTTP/1.1 200 OK\r\n")), 1);
	close(fd);
	close(copy);
	tear_down(&f);
}

static void test_body_when_cut_by_a_half_close_then_refused(void **state)
{
	static char out[4096];
	struct fixture f;
	set_up(&f, 60000);
	int fd = connect_pair(&f);
	send_text(fd, STR("POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\nhel"));
	shutdown(fd, SHUT_WR);
	struct str all = receive_all(fd, out, sizeof out);
	assert_true(str_starts_with(all, STR("HTTP/1.1 400 ")));
	assert_int_equal(count_text(all, STR("body_cut")), 1);
	close(fd);
	tear_down(&f);
}

static void test_head_when_cut_by_a_half_close_then_refused(void **state)
{
	static const struct {
		const char *sent;
		bool is_answered;
	} rows[] = { { "", false }, { "\r\n", false }, { "G", true }, { "GET /fast HTTP/1.1\r\nHo", true },
		{ "GET /fast HTTP/1.1\r\n", true } };
	static char out[4096];
	struct fixture f;
	set_up(&f, 60000);
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		int fd = connect_pair(&f);
		send_text(fd, str_of(rows[i].sent));
		shutdown(fd, SHUT_WR);
		struct str all = receive_all(fd, out, sizeof out);
		assert_int_equal(str_starts_with(all, STR("HTTP/1.1 400 ")), rows[i].is_answered);
		assert_int_equal(count_text(all, STR("bad_framing")), rows[i].is_answered);
		assert_int_equal(all.n > 0, rows[i].is_answered);
		close(fd);
	}
	tear_down(&f);
}

static void test_refusal_when_the_client_keeps_sending_then_its_bytes_are_dropped(void **state)
{
	static char out[4096], junk[1 << 16];
	struct fixture f;
	set_up(&f, 60000);
	int fd = connect_pair(&f);
	send_text(fd, STR("POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\nContent-Length: 4\r\n\r\n"));
	for (int i = 0; i < 100; i++)
		send_text(fd, (struct str){ junk, sizeof junk });
	struct str all = receive_all(fd, out, sizeof out);
	assert_true(str_starts_with(all, STR("HTTP/1.1 400 ")));
	close(fd);
	tear_down(&f);
}

static void test_connection_when_slow_then_ended(void **state)
{
	static const char *const starts[] = { "", "GET /fast HT", "POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\nhel" };
	static char out[4096];
	struct fixture f;
	set_up(&f, 300);
	for (size_t i = 0; i < COUNT_OF(starts); i++) {
		int fd = connect_pair(&f);
		send_text(fd, str_of(starts[i]));
		struct str all = receive_all(fd, out, sizeof out);
		assert_int_equal(count_text(all, STR("body_slow")), i == 2);
		close(fd);
	}
	tear_down(&f);
}

static void test_refusal_when_the_rest_of_the_body_does_not_arrive_then_still_sent(void **state)
{
	static char out[4096];
	struct fixture f;
	set_up(&f, 300);
	int fd = connect_pair(&f);
	send_text(fd, STR("POST /refuse HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\nhel"));
	struct str all = receive_all(fd, out, sizeof out);
	assert_true(str_starts_with(all, STR("HTTP/1.1 403 ")));
	assert_int_equal(count_text(all, STR("refused: not for you")), 1);
	close(fd);
	tear_down(&f);
}

static void test_connections_when_the_reactor_stops_then_closed(void **state)
{
	char out[64];
	struct fixture f;
	int fds[20];
	set_up(&f, 60000);
	for (size_t i = 0; i < COUNT_OF(fds); i++) {
		fds[i] = connect_pair(&f);
		send_text(fds[i], i % 2 ? STR("GET /fa") : STR("POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\n"));
	}
	tear_down(&f);
	for (size_t i = 0; i < COUNT_OF(fds); i++) {
		assert_int_equal(receive_all(fds[i], out, sizeof out).n, 0);
		close(fds[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_requests_when_in_pieces_of_any_size_then_all_are_answered),
		cmocka_unit_test(test_closed_connection_when_its_descriptor_was_copied_then_no_more_events),
		cmocka_unit_test(test_body_when_cut_by_a_half_close_then_refused),
		cmocka_unit_test(test_head_when_cut_by_a_half_close_then_refused),
		cmocka_unit_test(test_refusal_when_the_client_keeps_sending_then_its_bytes_are_dropped),
		cmocka_unit_test(test_connection_when_slow_then_ended),
		cmocka_unit_test(test_refusal_when_the_rest_of_the_body_does_not_arrive_then_still_sent),
		cmocka_unit_test(test_connections_when_the_reactor_stops_then_closed),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
