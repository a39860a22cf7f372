/* A plain connection by itself: moves, waits, the end, and whether it may be used again. */
#include "fake/http_server.h"
#include "http/client/connection.h"

#include "base/clock.h"
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

/* Says hello, waits for a byte, says what arg says, ends. */
static void serve(int fd, unsigned nth, void *arg)
{
	char byte;
	fake_http_write(fd, STR("hello"));
	if (recv(fd, &byte, 1, 0) == 1)
		fake_http_write(fd, str_of(arg));
}

struct fixture {
	struct fake_http server;
	struct client_connection c;
};

static void start(struct fixture *f, const char *last_words)
{
	struct connection_target to = { .host = "127.0.0.1" };
	static char words[16];
	(void)snprintf(words, sizeof words, "%s", last_words);
	f->c = (struct client_connection){ .fd = -1 };
	fake_http_start(&f->server, serve, words);
	(void)snprintf(to.port, sizeof to.port, "%u", f->server.port);
	assert_int_equal(connection_open(&f->c, &to, NULL, clock_mono_ms() + 10000, NULL), OK);
}

static void stop(struct fixture *f)
{
	connection_close(&f->c);
	connection_close(&f->c);
	assert_int_equal(f->c.fd, -1);
	fake_http_stop(&f->server);
}

static ssize_t read_some(struct client_connection *c, char *p, size_t n)
{
	for (;;) {
		short events = 0;
		ssize_t got = connection_read(c, p, n, &events);
		if (got != CONNECTION_WAIT)
			return got;
		assert_int_equal(events, POLLIN);
		assert_int_equal(connection_wait(c, events, clock_mono_ms() + 10000, NULL), OK);
	}
}

static void read_hello(struct client_connection *c)
{
	char got[5];
	for (size_t n = 0; n < sizeof got;) {
		ssize_t more = read_some(c, got + n, sizeof got - n);
		assert_true(more > 0);
		n += (size_t)more;
	}
}

static void test_connection_when_idle_then_usable_until_closed_or_written_to(void **state)
{
	static const char *const last_words[] = { "", "unasked" };
	for (size_t i = 0; i < COUNT_OF(last_words); i++) {
		struct fixture f;
		short events = 0;
		start(&f, last_words[i]);
		read_hello(&f.c);
		assert_true(connection_alive(&f.c));
		assert_int_equal(connection_write(&f.c, "x", 1, &events), 1);
		assert_int_equal(connection_wait(&f.c, POLLIN, clock_mono_ms() + 10000, NULL), OK);
		assert_false(connection_alive(&f.c));
		stop(&f);
		assert_false(connection_alive(&f.c));
	}
}

static void test_read_when_server_ends_then_0(void **state)
{
	struct fixture f;
	char byte;
	short events = 0;
	start(&f, "");
	read_hello(&f.c);
	assert_int_equal(connection_write(&f.c, "x", 1, &events), 1);
	assert_int_equal(read_some(&f.c, &byte, 1), 0);
	stop(&f);
}

static void test_write_when_the_server_has_closed_then_failed_and_no_signal(void **state)
{
	struct fixture f;
	char byte;
	short events = 0;
	start(&f, "");
	read_hello(&f.c);
	ssize_t n = connection_write(&f.c, "x", 1, &events);
	assert_int_equal(n, 1);
	assert_int_equal(read_some(&f.c, &byte, 1), 0);
	while (n > 0 || n == CONNECTION_WAIT)
		n = connection_write(&f.c, "y", 1, &events);
	assert_int_equal(n, CONNECTION_FAILED);
	stop(&f);
}

static void test_wait_when_no_bytes_arrive_then_deadline(void **state)
{
	struct fixture f;
	struct fault why;
	start(&f, "");
	read_hello(&f.c);
	assert_int_equal(connection_wait(&f.c, POLLIN, clock_mono_ms() + 20, &why), TIMEOUT);
	assert_int_equal(connection_wait(&f.c, POLLIN, clock_mono_ms() - 1, &why), TIMEOUT);
	assert_int_equal(connection_wait(&f.c, POLLOUT, clock_mono_ms() + 10000, &why), OK);
	stop(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_connection_when_idle_then_usable_until_closed_or_written_to),
		cmocka_unit_test(test_read_when_server_ends_then_0),
		cmocka_unit_test(test_write_when_the_server_has_closed_then_failed_and_no_signal),
		cmocka_unit_test(test_wait_when_no_bytes_arrive_then_deadline),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
