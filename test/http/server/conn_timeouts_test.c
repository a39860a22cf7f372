/* When a connection has expired, state by state, and that the time left until then is the truth. */
#include "unit.h"

#include "http/server/conn_timeouts.h"

static const struct conn_timeouts rules = {
	.header_ms = 15000, .idle_ms = 75000, .body_ms = 10000, .drop_ms = 30000, .grace_ms = 10000, .min_rate = 8192
};

static const struct {
	struct conn_progress seen;
	bool past;
} table[] = {
	/* waiting for a head: idle until a byte comes, then 15 s */
	{ { CONN_HEAD, 75000, 0, 0 }, false },
	{ { CONN_HEAD, 75001, 0, 0 }, true },
	{ { CONN_HEAD, 20000, 15000, 0 }, false },
	{ { CONN_HEAD, 20000, 15001, 0 }, true },
	/* a body with a total time, whatever has come */
	{ { CONN_BODY, 10000, 0, 0 }, false },
	{ { CONN_BODY, 10001, 0, 1 << 30 }, true },
	/* a dropped body */
	{ { CONN_DROP, 30000, 0, 0 }, false },
	{ { CONN_DROP, 30001, 0, 1 << 30 }, true },
	/* a rate: nothing is asked during the grace, then 8 KiB for each second begun beyond it */
	{ { CONN_OBJECT, 10000, 0, 0 }, false },
	{ { CONN_OBJECT, 10001, 0, 8191 }, true },
	{ { CONN_OBJECT, 10001, 0, 8192 }, false },
	{ { CONN_OBJECT, 11000, 0, 8192 }, false },
	{ { CONN_OBJECT, 11001, 0, 8192 }, true },
	{ { CONN_OBJECT, 3600000, 0, UINT64_MAX }, false },
	{ { CONN_RESPONSE, 10000, 0, 0 }, false },
	{ { CONN_RESPONSE, 10001, 0, 0 }, true },
	{ { CONN_RESPONSE, 20000, 0, 81920 }, false },
	/* ourselves, and the end */
	{ { CONN_WORK, 3600000, 0, 0 }, false },
	{ { CONN_LINGER, 30000, 0, 0 }, false },
	{ { CONN_LINGER, 30001, 0, 0 }, true },
	{ { CONN_HANDSHAKE, 15000, 0, 0 }, false },
	{ { CONN_HANDSHAKE, 15001, 0, 0 }, true },
};

static void test_deadline_of_each_state(void **state)
{
	for (size_t i = 0; i < COUNT_OF(table); i++)
		if (conn_timeouts_expired(&rules, &table[i].seen) != table[i].past)
			fail_msg("row %zu", i);
}

/* A connection that does not move expires just after the time that was left. */
static void test_time_left_is_zero_when_expired(void **state)
{
	static const enum conn_state states[] = { CONN_HANDSHAKE, CONN_HEAD, CONN_BODY, CONN_OBJECT, CONN_DROP, CONN_RESPONSE, CONN_LINGER };
	for (size_t i = 0; i < COUNT_OF(states); i++)
		for (uint64_t bytes = 0; bytes < 100000; bytes += 4096) {
			struct conn_progress seen = { .state = states[i], .for_ms = 7, .bytes = bytes };
			seen.for_ms += conn_timeouts_left_ms(&rules, &seen);
			assert_false(conn_timeouts_expired(&rules, &seen));
			seen.for_ms++;
			assert_true(conn_timeouts_expired(&rules, &seen));
		}
	struct conn_progress head = { .state = CONN_HEAD, .for_ms = 60000, .head_ms = 1 };
	assert_int_equal(conn_timeouts_left_ms(&rules, &head), 14999);
	struct conn_progress work = { .state = CONN_WORK, .for_ms = INT64_MAX / 2 };
	assert_true(conn_timeouts_left_ms(&rules, &work) > 0);
	assert_false(conn_timeouts_expired(&rules, &work));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_deadline_of_each_state),
		cmocka_unit_test(test_time_left_is_zero_when_expired),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
