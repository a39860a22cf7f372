/* The table when its connection is lost around a COMMIT or is silent: a relay between it and PostgreSQL
 * loses what the test says. Each acknowledged change is in the database once: in the rows, the counts and the owner's usage. */
#include "postgres/fixture.h"
#include "postgres/recorded.h"

#include "base/clock.h"
#include "base/mem.h"

#include <arpa/inet.h>
#include <assert.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

/* a relay that loses the connection around a COMMIT */

enum relay_loss { RELAY_LOSES_NOTHING, RELAY_LOSES_COMMIT, RELAY_LOSES_ANSWER };

#define RELAY_URL "postgres://postgres:postgres-test-password@127.0.0.1:%u/test%u?sslmode=disable&options=-csearch_path%%3Ds%u"

struct relay {
	int listener;
	unsigned port, server_port;
	_Atomic int next; /* enum relay_loss: what happens to the next COMMIT */
	atomic_uint losses, accepted;
	atomic_bool silent; /* what clients send after they have logged in is dropped, and the connection stays */
	atomic_bool closed; /* new connections are closed */
	atomic_bool stopping;
	pthread_t thread;
};

static int dial(unsigned port)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool there = fd >= 0 && connect(fd, (struct sockaddr *)&at, sizeof at) == 0;
	assert(there);
	return fd;
}

struct link {
	struct relay *relay;
	int client, server;
};

static bool pass_on_response(struct link *l)
{
	char bytes[65536];
	ssize_t n = read(l->server, bytes, sizeof bytes);
	return n > 0 && write(l->client, bytes, (size_t)n) == n;
}

/* false: the connection ends. The response to a COMMIT is read before it is dropped, so that the transaction has been committed. */
static bool pass_on_request(struct link *l)
{
	char bytes[65536];
	ssize_t n = read(l->client, bytes, sizeof bytes);
	if (n <= 0)
		return false;
	if (bytes[0] == 'Q' && atomic_load(&l->relay->silent))
		return true;
	bool commits = memmem(bytes, (size_t)n, "COMMIT", sizeof "COMMIT") != NULL;
	int loss = commits ? atomic_exchange(&l->relay->next, RELAY_LOSES_NOTHING) : RELAY_LOSES_NOTHING;
	if (loss != RELAY_LOSES_NOTHING)
		atomic_fetch_add(&l->relay->losses, 1);
	if (loss == RELAY_LOSES_COMMIT)
		return false;
	bool sent = write(l->server, bytes, (size_t)n) == n;
	if (loss == RELAY_LOSES_ANSWER) {
		ssize_t got = read(l->server, bytes, sizeof bytes);
		while (got > 0 && memmem(bytes, (size_t)got, "COMMIT", sizeof "COMMIT") == NULL)
			got = read(l->server, bytes, sizeof bytes);
		return false;
	}
	return sent;
}

static void *serve_link(void *arg)
{
	struct link *l = arg;
	struct pollfd p[] = { { .fd = l->client, .events = POLLIN }, { .fd = l->server, .events = POLLIN } };
	bool open = true;
	while (open && poll(p, 2, -1) > 0) {
		if (p[0].revents != 0)
			open = pass_on_request(l);
		else if (p[1].revents != 0)
			open = pass_on_response(l);
	}
	close(l->client);
	close(l->server);
	mem_free(l);
	return NULL;
}

static void *serve_relay(void *arg)
{
	struct relay *r = arg;
	for (;;) {
		int client = accept4(r->listener, NULL, NULL, SOCK_CLOEXEC);
		if (client < 0 || atomic_load(&r->stopping)) {
			if (client >= 0)
				close(client);
			return NULL;
		}
		atomic_fetch_add(&r->accepted, 1);
		if (atomic_load(&r->closed)) {
			close(client);
			continue;
		}
		pthread_t thread;
		struct link *l = mem_new(1, sizeof *l);
		assert(l != NULL);
		*l = (struct link){ r, client, dial(r->server_port) };
		int failed = pthread_create(&thread, NULL, serve_link, l);
		assert(failed == 0);
		pthread_detach(thread);
	}
}

static void relay_start(struct relay *r, unsigned server_port)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t n = sizeof at;
	*r = (struct relay){ .listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), .server_port = server_port };
	int failed = bind(r->listener, (struct sockaddr *)&at, sizeof at) || listen(r->listener, 16) ||
		getsockname(r->listener, (struct sockaddr *)&at, &n) || pthread_create(&r->thread, NULL, serve_relay, r);
	assert(!failed);
	r->port = ntohs(at.sin_port);
}

static void relay_stop(struct relay *r)
{
	atomic_store(&r->stopping, true);
	close(dial(r->port));
	pthread_join(r->thread, NULL);
	close(r->listener);
}

static void lose_around_commit(enum relay_loss loss)
{
	struct contract_fixture w;
	struct relay relay;
	struct arena a CLEANUP(arena_deinit);
	struct fault why = { 0 };
	char url[POSTGRES_URL_MAX], through[POSTGRES_URL_MAX];
	struct image_row now;

	arena_init(&a, 1 << 20);
	pg_fixture_make(&w, 0);
	struct pg_fixture *p = w.own;
	snprintf(url, sizeof url, "%s", p->url);
	postgres_free(&p->postgres);
	relay_start(&relay, pg_server.port);
	snprintf(through, sizeof through, RELAY_URL, relay.port, pg_server.databases, pg_fixture_schemas);
	p->options.url = str_of(through);
	pg_fixture_reopen(&w);

	struct image_row row = recorded_row(&a, 1);
	atomic_store(&relay.next, (int)loss);
	assert_int_equal(table_insert(w.table, &row, &why), OK);
	assert_int_equal(atomic_load(&relay.losses), 1);
	recorded_check(url, 1, 0);

	struct resolution s = row_verdict(&a, 1, 5000, STR(""));
	s.file_size = RECORDED_BYTES;
	atomic_store(&relay.next, (int)loss);
	assert_int_equal(table_resolve(w.table, &s, &a, &now, &why), OK);
	assert_int_equal(now.version, 2);
	assert_int_equal(atomic_load(&relay.losses), 2);
	recorded_check(url, 1, 1);

	atomic_store(&relay.next, (int)loss);
	assert_int_equal(table_remove(w.table, row.image_id, 0, &why), OK);
	recorded_check(url, 0, 0);

	/* What depends on how many rows were affected. */
	const struct api_key_row key = { .id = STR("key"), .hash = str_printf(&a, "%064x", 1U), .scopes = SCOPE_UPLOAD };
	atomic_store(&relay.next, (int)loss);
	assert_int_equal(api_key_add(w.api_keys, &key, &why), OK);
	assert_int_equal(recorded_number(url, "SELECT count(*) FROM api_keys"), 1);
	atomic_store(&relay.next, (int)loss);
	assert_int_equal(api_key_remove(w.api_keys, key.id, &why), OK);
	assert_int_equal(recorded_number(url, "SELECT count(*) FROM api_keys"), 0);
	assert_int_equal(atomic_load(&relay.losses), 5);
	pg_fixture_unmake(&w);
	relay_stop(&relay);
}

/* What an application is told of, and when the sender of webhooks asks for it. */

static enum status write_event(
	void *arg, enum outbox_kind kind, const struct image_row *row, int64_t now_ms, struct buf *body, struct fault *why)
{
	(void)arg;
	(void)kind;
	(void)now_ms;
	(void)why;
	buf_put(body, row->image_id);
	return OK;
}

static void ignore_change(void *arg)
{
	(void)arg;
}

static const struct outbox_source event_source = { .kinds = OUTBOX_ALL_KINDS, .write = write_event, .changed = ignore_change };

/* Claim one event, in a loss that lasts until it is refused if `refused` is set, and assert that no claim returns it twice or leaves it out. */
static void lose_around_claim(enum relay_loss loss, bool refused)
{
	struct contract_fixture w;
	struct relay relay;
	struct arena a CLEANUP(arena_deinit);
	struct fault why = { 0 };
	char through[POSTGRES_URL_MAX];
	struct image_row now;
	struct outbox_page page;

	arena_init(&a, 1 << 20);
	pg_fixture_make(&w, 0);
	struct pg_fixture *p = w.own;
	relay_start(&relay, pg_server.port);
	snprintf(through, sizeof through, RELAY_URL, relay.port, pg_server.databases, pg_fixture_schemas);
	p->options.url = str_of(through);
	pg_fixture_reopen(&w);
	assert_int_equal(outbox_start(w.outbox, &event_source, &why), OK);
	struct image_row row = recorded_row(&a, 1);
	struct resolution s = row_verdict(&a, 1, 5000, STR(""));
	s.file_size = RECORDED_BYTES;
	assert_int_equal(table_insert(w.table, &row, &why), OK);
	assert_int_equal(table_resolve(w.table, &s, &a, &now, &why), OK);

	int64_t now_ms = clock_now_ms();
	atomic_store(&relay.closed, refused);
	atomic_store(&relay.next, (int)loss);
	enum status got = outbox_due(w.outbox, now_ms, 1, &a, &page, &why);
	assert_int_equal(got, refused ? IO : OK);
	atomic_store(&relay.closed, false);
	while (got != OK) {
		assert_int_equal(why.code, F_STORAGE_FAILED);
		(void)usleep(1000);
		got = outbox_due(w.outbox, now_ms, 1, &a, &page, &why);
	}
	assert_int_equal(atomic_load(&relay.losses), 1);
	assert_int_equal(page.n, 1);
	assert_true(str_equal(page.events[0].body, row.image_id));
	assert_int_equal(outbox_due(w.outbox, now_ms, 1, &a, &page, &why), OK);
	assert_int_equal(page.n, 0);
	assert_int_equal(outbox_start(w.outbox, NULL, &why), OK);
	pg_fixture_unmake(&w);
	relay_stop(&relay);
}

static void test_connection_lost_around_a_claim_of_events_then_it_returns_each_once(void **state)
{
	(void)state;
	lose_around_claim(RELAY_LOSES_ANSWER, false);
	lose_around_claim(RELAY_LOSES_COMMIT, false);
}

static void test_claim_of_events_refused_after_its_answer_was_lost_then_the_next_returns_each_once(void **state)
{
	(void)state;
	lose_around_claim(RELAY_LOSES_ANSWER, true);
	lose_around_claim(RELAY_LOSES_COMMIT, true);
}

static void test_connection_lost_after_a_commit_then_the_change_is_made_once_and_reported_as_made(void **state)
{
	(void)state;
	lose_around_commit(RELAY_LOSES_ANSWER);
}

static void test_connection_lost_before_a_commit_then_the_change_is_made_again_once(void **state)
{
	(void)state;
	lose_around_commit(RELAY_LOSES_COMMIT);
}

static void test_server_silent_while_a_connection_is_set_up_then_calls_end_in_time_and_the_next_are_served(void **state)
{
	struct contract_fixture w;
	struct postgres_report report;
	struct relay relay;
	struct image_counts counts;
	struct fault why = { 0 };
	char through[POSTGRES_URL_MAX];
	(void)state;
	pg_fixture_make(&w, 0);
	struct pg_fixture *p = w.own;
	relay_start(&relay, pg_server.port);
	atomic_store(&relay.silent, true);
	snprintf(through, sizeof through, RELAY_URL, relay.port, pg_server.databases, pg_fixture_schemas);
	p->options.url = str_of(through);
	p->options.timeout_ms = 300;
	pg_fixture_reopen(&w);
	assert_int_equal(table_counts(w.table, &counts, &why), IO);
	assert_int_equal(why.code, F_STORAGE_FAILED);
	assert_non_null(strstr(why.cause, "did not respond in time"));
	assert_int_equal(postgres_inspect(&p->options, &report, &why), IO);
	assert_non_null(strstr(why.cause, "did not respond in time"));
	atomic_store(&relay.silent, false);
	p->options.timeout_ms = 0;
	pg_fixture_reopen(&w);
	assert_int_equal(table_counts(w.table, &counts, &why), OK);
	pg_fixture_unmake(&w);
	relay_stop(&relay);
}

static void test_database_without_tables_then_a_call_is_refused_after_the_first_connect(void **state)
{
	struct contract_fixture w;
	struct relay relay;
	struct image_counts counts;
	struct fault why = { 0 };
	char through[POSTGRES_URL_MAX];
	(void)state;
	pg_fixture_make(&w, 0);
	struct pg_fixture *p = w.own;
	pg_fixture_query(&w, "DROP TABLE schema_version");
	relay_start(&relay, pg_server.port);
	snprintf(through, sizeof through, RELAY_URL, relay.port, pg_server.databases, pg_fixture_schemas);
	p->options.url = str_of(through);
	pg_fixture_reopen(&w);
	assert_int_equal(table_counts(w.table, &counts, &why), CORRUPT);
	assert_int_equal(why.code, F_SCHEMA_UNKNOWN);
	assert_non_null(strstr(why.text, "tintype table create"));
	assert_int_equal(atomic_load(&relay.accepted), 1);
	pg_fixture_unmake(&w);
	relay_stop(&relay);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_connection_lost_after_a_commit_then_the_change_is_made_once_and_reported_as_made),
		cmocka_unit_test(test_connection_lost_before_a_commit_then_the_change_is_made_again_once),
		cmocka_unit_test(test_connection_lost_around_a_claim_of_events_then_it_returns_each_once),
		cmocka_unit_test(test_claim_of_events_refused_after_its_answer_was_lost_then_the_next_returns_each_once),
		cmocka_unit_test(test_server_silent_while_a_connection_is_set_up_then_calls_end_in_time_and_the_next_are_served),
		cmocka_unit_test(test_database_without_tables_then_a_call_is_refused_after_the_first_connect),
	};
	postgres_server_start(&pg_server, NULL);
	int failed = cmocka_run_group_tests_name("lost connections", tests, NULL, NULL);
	postgres_server_stop(&pg_server);
	return failed;
}
