/* The deadlines' rules, as pure data; that the sweeper applies them is seen in the black-box tests.
 * And the one hand-over that is easy to get wrong: who goes on when sweeper and reactor meet. */
#include "unit.h"

#include "base/clock.h"
#include "http/server/conn_timeouts.h"

#include <arpa/inet.h>
#include <assert.h>
#include <poll.h>
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

static const struct conn_timeouts rules = {
	.header_ms = 15000, .idle_ms = 75000, .body_ms = 10000, .drop_ms = 30000, .grace_ms = 10000, .min_rate = 8192 };

static const struct {
	struct conn_progress seen;
	bool past;
} table[] = {
	/* waiting for a head: idle until a byte comes, then 15 s */
	{ { CONN_HEAD, 75000, 0, 0, false }, false },
	{ { CONN_HEAD, 75001, 0, 0, false }, true },
	{ { CONN_HEAD, 20000, 15000, 0, false }, false },
	{ { CONN_HEAD, 20000, 15001, 0, false }, true },
	/* a body with a total time, whatever has come */
	{ { CONN_BODY, 10000, 0, 0, false }, false },
	{ { CONN_BODY, 10001, 0, 1 << 30, false }, true },
	/* a dropped body */
	{ { CONN_DROP, 30000, 0, 0, false }, false },
	{ { CONN_DROP, 30001, 0, 1 << 30, false }, true },
	/* a rate: nothing is asked during the grace, then 8 KiB for each second begun beyond it */
	{ { CONN_OBJECT, 10000, 0, 0, false }, false },
	{ { CONN_OBJECT, 10001, 0, 8191, false }, true },
	{ { CONN_OBJECT, 10001, 0, 8192, false }, false },
	{ { CONN_OBJECT, 11000, 0, 8192, false }, false },
	{ { CONN_OBJECT, 11001, 0, 8192, false }, true },
	{ { CONN_OBJECT, 3600000, 0, UINT64_MAX, false }, false },
	{ { CONN_RESPONSE, 10000, 0, 0, false }, false },
	{ { CONN_RESPONSE, 10001, 0, 0, false }, true },
	{ { CONN_RESPONSE, 20000, 0, 81920, false }, false },
	/* ourselves, and the end */
	{ { CONN_WORK, 3600000, 0, 0, false }, false },
	{ { CONN_CUT, 3600000, 0, 0, false }, false },
};

static void test_deadline_of_each_state(void **state)
{
	for (size_t i = 0; i < COUNT_OF(table); i++)
		if (conn_timeouts_expired(&rules, &table[i].seen) != table[i].past)
			fail_msg("row %zu", i);
}

struct pair {
	int ours, theirs;
};

static struct pair open_pair(void)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
	socklen_t n = sizeof at;
	int listener = socket(AF_INET, SOCK_STREAM, 0), theirs = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(bind(listener, (struct sockaddr *)&at, n), 0);
	assert_int_equal(listen(listener, 1), 0);
	assert_int_equal(getsockname(listener, (struct sockaddr *)&at, &n), 0);
	assert_int_equal(connect(theirs, (struct sockaddr *)&at, n), 0);
	int ours = accept(listener, NULL, NULL);
	assert_true(ours >= 0);
	close(listener);
	return (struct pair){ ours, theirs };
}

static void close_pair(struct pair p)
{
	close(p.ours);
	close(p.theirs);
}

static struct deadlines *start(const struct conn_timeouts *r, deadline_last_word_fn last_word)
{
	struct deadlines *d = NULL;
	struct fault why;
	assert_int_equal(deadlines_new(r, last_word, &d, &why), OK);
	return d;
}

/* Blocks until our end was shut down: theirs reads the end of the stream. */
static void await_end(int fd, const char *want)
{
	char got[64];
	size_t n = 0;
	ssize_t more;
	while ((more = recv(fd, got + n, sizeof got - n, 0)) > 0)
		n += (size_t)more;
	assert_str(((struct str){ got, n }), str_of(want));
}

static bool speak(struct conn *c)
{
	assert(send(c->fd, c->call, 4, MSG_NOSIGNAL) == 4);
	return true;
}

static bool leave_it(struct conn *c)
{
	return false;
}

static void test_sweeper_when_another_has_the_last_word_then_shut_down_though_it_is_not_said(void **state)
{
	struct conn_timeouts quick = rules;
	quick.body_ms = 1;
	struct deadlines *d = start(&quick, leave_it);
	struct pair p = open_pair();
	struct conn *c = deadlines_add(d, p.ours);
	assert_true(conn_move(d, c, CONN_BODY));
	await_end(p.theirs, "");
	assert_true(conn_is_cut(c));
	deadlines_remove(d, &c);
	deadlines_free(&d);
	close_pair(p);
}

static void test_sweeper_when_body_is_late_then_last_word_and_shut_down(void **state)
{
	struct conn_timeouts quick = rules;
	quick.body_ms = 1;
	struct deadlines *d = start(&quick, speak);
	struct pair p = open_pair();
	struct conn *c = deadlines_add(d, p.ours);
	c->call = "word";
	assert_true(conn_move(d, c, CONN_BODY));
	await_end(p.theirs, "word");
	assert_true(conn_is_cut(c));
	assert_false(conn_move(d, c, CONN_WORK));
	assert_true(conn_is_cut(c));
	deadlines_remove(d, &c);
	assert_null(c);
	deadlines_free(&d);
	close_pair(p);
}

static void test_sweeper_when_at_work_then_left_alone(void **state)
{
	struct conn_timeouts quick = { 1, 1, 1, 1, 1, UINT64_MAX };
	struct deadlines *d = start(&quick, NULL);
	struct pair idle = open_pair(), working = open_pair();
	struct conn *a = deadlines_add(d, idle.ours), *b = deadlines_add(d, working.ours);
	assert_true(conn_move(d, b, CONN_WORK));
	await_end(idle.theirs, "");   /* so the sweeper has been here */
	assert_true(conn_move(d, b, CONN_WORK));
	assert_int_equal(poll(&(struct pollfd){ .fd = working.theirs, .events = POLLIN }, 1, 0), 0);
	deadlines_remove(d, &a);
	deadlines_remove(d, &b);
	deadlines_free(&d);
	close_pair(idle);
	close_pair(working);
}

static void *busy_reactor(void *arg)
{
	struct deadlines *d = arg;
	struct pair p = open_pair();
	for (int i = 0; i < 2000; i++) {
		struct conn *c = deadlines_add(d, p.ours);
		bool on = c != NULL;
		for (int step = 0; on && step < 20; step++)
			on = conn_move(d, c, step % 2 ? CONN_WORK : CONN_OBJECT);
		deadlines_remove(d, &c);
	}
	close_pair(p);
	return NULL;
}

static void test_list_when_many_come_and_go_then_whole(void **state)
{
	struct conn_timeouts quick = { 1, 1, 1, 1, 1, UINT64_MAX };
	struct deadlines *d = start(&quick, NULL);
	pthread_t threads[4];
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, busy_reactor, d), 0);
	for (size_t i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	deadlines_free(&d);
	deadlines_free(&d);
}

static void test_cut_all_shuts_down_every_connection(void **state)
{
	struct deadlines *d = start(&rules, NULL);
	struct pair p[3] = { open_pair(), open_pair(), open_pair() };
	struct conn *c[3];
	for (size_t i = 0; i < 3; i++)
		c[i] = deadlines_add(d, p[i].ours);
	deadlines_cut_all(d);
	for (size_t i = 0; i < 3; i++) {
		await_end(p[i].theirs, "");
		deadlines_remove(d, &c[i]);
		close_pair(p[i]);
	}
	deadlines_free(&d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_deadline_of_each_state),
		cmocka_unit_test(test_sweeper_when_body_is_late_then_last_word_and_shut_down),
		cmocka_unit_test(test_sweeper_when_another_has_the_last_word_then_shut_down_though_it_is_not_said),
		cmocka_unit_test(test_sweeper_when_at_work_then_left_alone),
		cmocka_unit_test(test_list_when_many_come_and_go_then_whole),
		cmocka_unit_test(test_cut_all_shuts_down_every_connection),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
