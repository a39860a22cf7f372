/* The whole server in this process, with toy handlers and real sockets: for the sanitizers, which see
 * all its threads here. What it answers is checked closely in the black-box tests. */
#include "unit.h"

#include "base/log/log.h"
#include "fake/toy_handler.h"
#include "admin/admin.h"
#include "http/server/serve.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define CLIENTS 8
#define ROUNDS 60

static struct handler api = { .ops = &toy_handler_ops, .arena_bytes = 1 << 20, .body_max = 16384 };
static struct handler storage = { .ops = &toy_handler_ops, .arena_bytes = 1 << 20, .body_max = 1 << 20, .slow_body_is_rate = true };

struct running {
	struct settings settings;
	struct server *server;
	struct serve_addresses at;
	pthread_t thread;
	enum status status;
	pthread_mutex_t lock;
	pthread_cond_t change;
	bool has_started;
};

static void note_started(void *arg)
{
	struct running *r = arg;
	pthread_mutex_lock(&r->lock);
	r->has_started = true;
	pthread_cond_signal(&r->change);
	pthread_mutex_unlock(&r->lock);
}

static void *run(void *arg)
{
	struct running *r = arg;
	struct admin admin;
	admin_init(&admin, &(struct admin_options){ .metrics = server_metrics(r->server), .needs_token = !r->at.admin_is_loopback });
	struct server_handlers handlers = {
		.api = &api, .admin = &admin.handler, .storage = r->at.storage[0] != '\0' ? &storage : NULL, .arg = r
	};
	struct fault why;
	r->status = server_run(r->server, &handlers, note_started, &why);
	return NULL;
}

static void start(struct running *r, int argc, char **argv)
{
	struct fault why;
	*r = (struct running){ .lock = PTHREAD_MUTEX_INITIALIZER, .change = PTHREAD_COND_INITIALIZER };
	assert_int_equal(settings_load(&r->settings, argc, argv, &why), OK);
	assert_int_equal(server_bind(&r->settings, &r->server, &r->at, &why), OK);
	assert_int_equal(pthread_create(&r->thread, NULL, run, r), 0);
	pthread_mutex_lock(&r->lock);
	while (!r->has_started)
		pthread_cond_wait(&r->change, &r->lock);
	pthread_mutex_unlock(&r->lock);
}

static void stop(struct running *r)
{
	assert_int_equal(kill(getpid(), SIGTERM), 0);
	pthread_join(r->thread, NULL);
	assert_int_equal(r->status, OK);
	server_free(&r->server);
	assert_null(r->server);
}

static char *flags[] = { "--api", "127.0.0.1:0", "--storage", "127.0.0.1:0", "--admin", "127.0.0.1:0", "--workers", "4", "--log-level",
	"error", "--header-timeout", "1", "--trusted-proxies", "127.0.0.1" };

static int connect_to(const char *url)
{
	unsigned port = 0;
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	if (sscanf(url, "http://127.0.0.1:%u", &port) != 1)
		return -1;
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr = { htonl(INADDR_LOOPBACK) } };
	return connect(fd, (struct sockaddr *)&at, sizeof at) == 0 ? fd : -1;
}

/* Send a request, read until `want` is received. */
static bool ask(int fd, const char *request, const char *want)
{
	char got[4096];
	size_t n = 0;
	if (send(fd, request, strlen(request), MSG_NOSIGNAL) < 0)
		return false;
	while (n < sizeof got - 1) {
		ssize_t more = recv(fd, got + n, sizeof got - 1 - n, 0);
		if (more <= 0)
			return false;
		n += (size_t)more;
		got[n] = '\0';
		if (strstr(got, want) != NULL)
			return true;
	}
	return false;
}

#define HEAD " HTTP/1.1\r\nHost: localhost\r\n"
static const struct {
	const char *request, *want;
} request_contexts[] = {
	{ "GET /fast" HEAD "\r\n", "fast\n" },
	{ "GET /client" HEAD "\r\n", "127.0.0.1\n" },
	{ "GET /client" HEAD "X-Forwarded-For: 127.0.0.1, 192.0.2.7\r\n\r\n", "192.0.2.7\n" },
	{ "GET /run" HEAD "\r\n", "ran\n" },
	{ "POST /echo" HEAD "Content-Length: 5\r\n\r\nhello", "got 5 of /echo\n" },
	{ "PUT /echo" HEAD "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n", "got 3 of /echo\n" },
	{ "PUT /refuse" HEAD "Content-Length: 5\r\n\r\nhello", "refused: not for you\n" },
	{ "GET /file?n=1000" HEAD "\r\n", "S" },
	{ "POST /start" HEAD "Content-Length: 5\r\n\r\nhello", "started\n" },
	{ "POST /later" HEAD "Content-Length: 5\r\n\r\nhello", "started\n" },
	{ "GET /later" HEAD "\r\n", "started\n" },
	{ "POST /checked" HEAD "Content-Length: 5\r\n\r\nhello", "got 5 of /checked\n" },
	{ "POST /denied" HEAD "Content-Length: 5\r\n\r\nhello", "refused: not for you\n" },
	{ "GET /checked" HEAD "\r\n", "got 0 of /checked\n" },
	{ "GET /fast?%zz" HEAD "\r\n", "invalid_input" },
};

/* One client: kept connections, and every now and then one that goes away in the middle. */
static void *be_client(void *arg)
{
	const struct running *r = arg;
	const char *url[] = { r->at.api, r->at.storage };
	for (size_t round = 0; round < ROUNDS; round++) {
		int fd = connect_to(url[round % 2]);
		for (size_t i = 0; i < COUNT_OF(request_contexts); i++)
			if (i != 5 && !ask(fd, request_contexts[i].request, request_contexts[i].want))
				return NULL;
		const char *half =
			round % 2 == 0 ? "PUT /echo" HEAD "Content-Length: 500\r\n\r\nhalf" : "PUT /checked" HEAD "Content-Length: 500\r\n\r\nhalf";
		if (round % 3 == 0)
			send(fd, half, strlen(half), MSG_NOSIGNAL);
		if (round % 3 == 1)
			send(fd, "GET /run" HEAD "\r\n", 38, MSG_NOSIGNAL);
		if (round % 3 == 2)
			send(fd, "GET /later" HEAD "\r\n", strlen("GET /later" HEAD "\r\n"), MSG_NOSIGNAL);
		close(fd);
	}
	return arg;
}

static void test_server_under_load_responds_to_all_and_ends_each_callback_once(void **state)
{
	struct running r;
	pthread_t clients[CLIENTS];
	struct toy_balance b;
	start(&r, COUNT_OF(flags), flags);
	assert_true(r.at.api_is_loopback && r.at.storage_is_loopback && r.at.admin_is_loopback && !r.at.storage_is_wildcard);
	for (size_t i = 0; i < CLIENTS; i++)
		assert_int_equal(pthread_create(&clients[i], NULL, be_client, &r), 0);
	for (size_t i = 0; i < CLIENTS; i++) {
		void *done;
		pthread_join(clients[i], &done);
		assert_non_null(done);
	}
	stop(&r);
	toy_balance(&b);
	assert_true(b.promised >= CLIENTS * ROUNDS * 3);
	assert_int_equal(b.promised, b.finished + b.cancelled);
}

static void test_server_when_stopped_under_load_then_ends_each_callback_once(void **state)
{
	struct running r;
	pthread_t clients[CLIENTS];
	struct toy_balance b;
	start(&r, COUNT_OF(flags), flags);
	for (size_t i = 0; i < CLIENTS; i++)
		assert_int_equal(pthread_create(&clients[i], NULL, be_client, &r), 0);
	int fd = connect_to(r.at.api);
	assert_true(ask(fd, request_contexts[1].request, request_contexts[1].want));
	stop(&r); /* the clients' next connections are refused, so they end */
	for (size_t i = 0; i < CLIENTS; i++)
		pthread_join(clients[i], NULL);
	close(fd);
	toy_balance(&b);
	assert_int_equal(b.promised, b.finished + b.cancelled);
}

#define PENDING "POST /pending" HEAD "Content-Length: 5\r\n\r\nhello"

static void send_text(int fd, const char *text)
{
	assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

/* A started request whose client has left, one whose client waits, and the signal: the server waits for
 * both, and the client that waits gets its response. */
static void test_drain_when_requests_are_async_then_waits_until_they_are_resumed(void **state)
{
	struct running r;
	char got[4096];
	start(&r, COUNT_OF(flags), flags);
	int waits = connect_to(r.at.api), leaves = connect_to(r.at.api), asks = connect_to(r.at.api);
	send_text(waits, PENDING);
	send_text(leaves, PENDING);
	assert_true(ask(asks, request_contexts[0].request, request_contexts[0].want));
	toy_await_pending(2);
	close(leaves);
	assert_int_equal(kill(getpid(), SIGTERM), 0);
	for (got[0] = '\0'; strstr(got, "Connection: close") == NULL;) { /* in every response while it drains */
		send_text(asks, request_contexts[0].request);
		ssize_t n = recv(asks, got, sizeof got - 1, 0);
		assert_true(n > 0);
		got[n] = '\0';
	}
	toy_finish_pending();
	assert_true(ask(waits, "", "started\n"));
	pthread_join(r.thread, NULL);
	assert_int_equal(r.status, OK);
	close(waits);
	close(asks);
	server_free(&r.server);
}

/* Its client is cut off at the end of the time to drain, but what was started is not torn away. */
static void test_drain_when_an_async_request_takes_too_long_then_the_shutdown_still_waits_for_it(void **state)
{
	char *short_flags[] = { "--api", "127.0.0.1:0", "--storage", "127.0.0.1:0", "--admin", "127.0.0.1:0", "--drain-timeout", "1" };
	struct running r;
	char got[64];
	start(&r, COUNT_OF(short_flags), short_flags);
	int waits = connect_to(r.at.api);
	send_text(waits, PENDING);
	toy_await_pending(1);
	assert_int_equal(kill(getpid(), SIGTERM), 0);
	assert_int_equal(recv(waits, got, sizeof got, 0), 0);
	toy_await_pending(1);
	toy_finish_pending();
	pthread_join(r.thread, NULL);
	assert_int_equal(r.status, OK);
	close(waits);
	server_free(&r.server);
}

static void test_bind_when_port_is_taken_then_reported_before_anything_runs(void **state)
{
	struct running r;
	struct settings again;
	struct server *second = NULL;
	struct serve_addresses at;
	struct fault why;
	start(&r, COUNT_OF(flags), flags);
	again = r.settings;
	again.storage_listen = r.at.api + strlen("http://");
	assert_int_equal(server_bind(&again, &second, &at, &why), BUSY);
	assert_int_equal(why.code, F_ADDRESS_TAKEN);
	assert_null(second);
	stop(&r);
}

static void test_bind_when_hosts_are_malformed_then_refused(void **state)
{
	struct settings s;
	struct server *server = NULL;
	struct serve_addresses at;
	struct fault why;
	assert_int_equal(settings_load(&s, COUNT_OF(flags), flags, &why), OK);
	s.hosts = "good.example,http://bad.example";
	assert_int_equal(server_bind(&s, &server, &at, &why), INVALID);
	assert_int_equal(why.code, F_BAD_SETTING);
	server_free(&server);
	server_free(NULL);
}

static void test_server_without_a_storage_listener_then_the_others_answer_and_it_ends(void **state)
{
	static char *alone[] = { "--api", "127.0.0.1:0", "--storage=", "--admin", "127.0.0.1:0", "--log-level", "error" };
	struct running r;
	start(&r, COUNT_OF(alone), alone);
	assert_string_equal(r.at.storage, "");
	assert_false(r.at.storage_is_wildcard);
	int fd = connect_to(r.at.api), admin = connect_to(r.at.admin);
	assert_true(fd >= 0 && admin >= 0);
	assert_true(ask(fd, "GET /fast HTTP/1.1\r\nHost: localhost\r\n\r\n", "fast\n"));
	assert_true(ask(admin, "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n", "ok\n"));
	close(fd);
	close(admin);
	stop(&r);
}

static int set_up_group(void **state)
{
	struct log_options quiet = { .level = LOG_ERROR, .queue_lines = 64 };
	struct fault why;
	return log_start(&quiet, &why) == OK ? 0 : -1;
}

static int tear_down_group(void **state)
{
	log_stop();
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_server_under_load_responds_to_all_and_ends_each_callback_once),
		cmocka_unit_test(test_server_when_stopped_under_load_then_ends_each_callback_once),
		cmocka_unit_test(test_drain_when_requests_are_async_then_waits_until_they_are_resumed),
		cmocka_unit_test(test_drain_when_an_async_request_takes_too_long_then_the_shutdown_still_waits_for_it),
		cmocka_unit_test(test_server_without_a_storage_listener_then_the_others_answer_and_it_ends),
		cmocka_unit_test(test_bind_when_port_is_taken_then_reported_before_anything_runs),
		cmocka_unit_test(test_bind_when_hosts_are_malformed_then_refused),
	};
	return cmocka_run_group_tests(tests, set_up_group, tear_down_group);
}
