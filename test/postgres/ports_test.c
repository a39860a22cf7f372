/* The contract tests of users, API keys and the outbox on PostgreSQL, each in a schema of its own; the lease. */
#include "fake/bench.h"
#include "fake/contract_api_keys.h"
#include "fake/contract_outbox.h"
#include "fake/contract_users.h"
#include "postgres/fixture.h"

static const struct contract_maker maker = { "postgres", pg_fixture_make, pg_fixture_reopen, pg_fixture_unmake };

static bool take_lease(struct postgres *p, int64_t ms)
{
	bool is_held = false;
	struct fault why;
	assert_int_equal(postgres_lease(p, STR("work"), ms, &is_held, &why), OK);
	return is_held;
}

static void test_lease_of_two_processes_then_one_has_it_until_it_gives_it_back_or_it_is_over(void **state)
{
	struct bench *b = *state;
	struct pg_fixture *own = b->w.own;
	struct postgres *other = NULL;
	assert_int_equal(postgres_new(&own->options, &other, &b->why), OK);
	for (int twice = 0; twice < 2; twice++) {
		assert_true(take_lease(own->postgres, 3600000));
		assert_false(take_lease(other, 3600000));
	}
	assert_true(take_lease(own->postgres, 0));
	assert_true(take_lease(other, 3600000));
	assert_false(take_lease(own->postgres, 3600000));
	pg_fixture_query(&b->w, "UPDATE leases SET until_ms = 1");
	assert_true(take_lease(own->postgres, 3600000));
	postgres_free(&other);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		BENCH_TEST(test_lease_of_two_processes_then_one_has_it_until_it_gives_it_back_or_it_is_over),
	};
	postgres_server_start(&pg_server, NULL);
	int failed =
		contract_users(&maker) + contract_api_keys(&maker) + contract_outbox(&maker) + bench_run(&maker, "lease", tests, COUNT_OF(tests));
	postgres_server_stop(&pg_server);
	return failed;
}
