/* The table under load while PostgreSQL is killed or is replaced by its standby, and when it is away: each call is completed once, and each
 * acknowledged change is in the database once: in the rows, the counts and the owner's usage. */
#include "postgres/fixture.h"
#include "postgres/recorded.h"
#include "unit.h"

#include <assert.h>
#include <libpq-fe.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

/* load from several threads */

#define CALLERS 8
#define ROWS_EACH 60

struct load {
	struct image_table *table;
	struct image_table *second; /* of another process, used by every second caller; NULL: none */
	atomic_uint done;           /* calls */
	atomic_uint doubled, refused;
};

struct caller {
	struct load *load;
	struct image_table *table;
	unsigned from;
	pthread_t thread;
};

/* Repeat a call that was refused because the database could not be reached. After such a refusal the change may already have been made. */
static void insert_until_there(const struct caller *c, const struct image_row *row)
{
	struct fault why = { 0 };
	bool refused = false;
	for (;;) {
		enum status got = table_insert(c->table, row, &why);
		if (got == EXISTS && !refused)
			atomic_fetch_add(&c->load->doubled, 1);
		if (got == OK || got == EXISTS)
			return;
		assert(why.code == F_STORAGE_FAILED || why.code == F_DEADLINE);
		refused = true;
		atomic_fetch_add(&c->load->refused, 1);
	}
}

static void resolve_until_done(const struct caller *c, const struct resolution *s, struct arena *a)
{
	struct fault why = { 0 };
	struct image_row now;
	bool refused = false;
	for (;;) {
		enum status got = table_resolve(c->table, s, a, &now, &why);
		if (got == CONFLICT && !refused)
			atomic_fetch_add(&c->load->doubled, 1);
		if (got == OK || got == CONFLICT)
			return;
		assert(why.code == F_STORAGE_FAILED || why.code == F_DEADLINE);
		refused = true;
		atomic_fetch_add(&c->load->refused, 1);
	}
}

/* Every second row is uploaded. */
static void *run_caller(void *arg)
{
	struct caller *c = arg;
	for (unsigned i = 0; i < ROWS_EACH; i++) {
		struct arena a CLEANUP(arena_deinit);
		arena_init(&a, 1 << 20);
		struct image_row row = recorded_row(&a, c->from + i);
		insert_until_there(c, &row);
		atomic_fetch_add(&c->load->done, 1);
		if (i % 2 == 0)
			continue;
		struct resolution s = row_verdict(&a, c->from + i, 5000, STR(""));
		s.file_size = RECORDED_BYTES;
		resolve_until_done(c, &s, &a);
	}
	return NULL;
}

static void start_load(struct load *l, struct caller callers[CALLERS])
{
	for (unsigned i = 0; i < CALLERS; i++) {
		callers[i] =
			(struct caller){ .load = l, .table = i % 2 == 1 && l->second != NULL ? l->second : l->table, .from = 1 + i * ROWS_EACH };
		int failed = pthread_create(&callers[i].thread, NULL, run_caller, &callers[i]);
		assert(failed == 0);
	}
}

static void wait_done(struct load *l, unsigned n)
{
	while (atomic_load(&l->done) < n)
		(void)usleep(200);
}

static void end_load(struct load *l, struct caller callers[CALLERS])
{
	for (unsigned i = 0; i < CALLERS; i++)
		pthread_join(callers[i].thread, NULL);
	assert_int_equal(atomic_load(&l->done), CALLERS * ROWS_EACH);
	assert_int_equal(atomic_load(&l->doubled), 0);
}

static void test_server_killed_under_load_then_every_answer_once(void **state)
{
	struct contract_fixture w;
	struct caller callers[CALLERS];
	(void)state;
	pg_fixture_make(&w, 0);
	struct load load = { .table = w.table };
	start_load(&load, callers);
	for (unsigned kills = 1; kills <= 3; kills++) {
		wait_done(&load, kills * CALLERS * ROWS_EACH / 5);
		postgres_server_kill(&pg_server);
		postgres_server_restart(&pg_server);
	}
	end_load(&load, callers);
	recorded_check(((struct pg_fixture *)w.own)->url, CALLERS * ROWS_EACH, CALLERS * ROWS_EACH / 2);
	pg_fixture_unmake(&w);
}

static void test_role_with_limits_of_its_own_then_they_do_not_apply(void **state)
{
	struct contract_fixture w;
	struct postgres_report report;
	struct caller callers[CALLERS];
	struct postgres *second = NULL;
	struct fault why = { 0 };
	char url[2 * POSTGRES_URL_MAX], sql[64];
	(void)state;
	pg_fixture_make(&w, 0);
	struct pg_fixture *p = w.own;
	postgres_free(&p->postgres);
	snprintf(sql, sizeof sql, "DROP SCHEMA s%u CASCADE", pg_fixture_schemas);
	pg_fixture_query(&w, sql);
	snprintf(sql, sizeof sql, "CREATE SCHEMA s%u", pg_fixture_schemas);
	pg_fixture_query(&w, sql);
	snprintf(url, sizeof url, "%s%%20-cstatement_timeout%%3D1%%20-clock_timeout%%3D1%%20-cdefault_transaction_isolation%%3Dserializable",
		p->url);
	p->options.url = str_of(url);
	assert_int_equal(postgres_create(&p->options, &why), OK);
	assert_int_equal(postgres_inspect(&p->options, &report, &why), OK);
	pg_fixture_reopen(&w);
	assert_int_equal(postgres_new(&p->options, &second, &why), OK);
	struct load load = { .table = w.table, .second = postgres_table(second) };
	start_load(&load, callers);
	end_load(&load, callers);
	assert_int_equal(atomic_load(&load.refused), 0);
	recorded_check(p->url, CALLERS * ROWS_EACH, CALLERS * ROWS_EACH / 2);
	postgres_free(&second);
	pg_fixture_unmake(&w);
}

static void test_standby_promoted_under_load_then_every_answer_once(void **state)
{
	struct contract_fixture w;
	struct postgres_server primary, standby, first = pg_server;
	struct caller callers[CALLERS];
	char url[2 * POSTGRES_URL_MAX];
	(void)state;
	postgres_server_start(&primary, NULL);
	pg_server = primary;
	pg_fixture_make(&w, 0);
	struct pg_fixture *p = w.own;
	primary = pg_server;
	pg_server = first;
	postgres_server_start_standby(&standby, &primary);
	/* From when the standby has connected, acknowledged changes are on it too. */
	PGconn *pg = PQconnectdb(p->url);
	PQclear(PQexec(pg, "SET synchronous_commit=local"));
	PQclear(PQexec(pg, "ALTER SYSTEM SET synchronous_standby_names='*'"));
	PQclear(PQexec(pg, "SELECT pg_reload_conf()"));
	PQfinish(pg);
	while (recorded_number(p->url, "SELECT count(*) FROM pg_stat_replication WHERE sync_state='sync'") != 1)
		(void)usleep(10000);
	postgres_free(&p->postgres);
	snprintf(url, sizeof url, "postgres://postgres@/test%u?host=%s,%s&port=%u,%u&options=-csearch_path%%3Ds%u", primary.databases,
		primary.dir, standby.dir, primary.port, standby.port, pg_fixture_schemas);
	p->options.url = str_of(url);
	pg_fixture_reopen(&w);

	struct load load = { .table = w.table };
	start_load(&load, callers);
	wait_done(&load, CALLERS * ROWS_EACH / 3);
	postgres_server_kill(&primary);
	postgres_server_promote(&standby);
	end_load(&load, callers);
	snprintf(p->url, sizeof p->url, "postgres://postgres@/test%u?host=%s&port=%u&options=-csearch_path%%3Ds%u", primary.databases,
		standby.dir, standby.port, pg_fixture_schemas);
	recorded_check(p->url, CALLERS * ROWS_EACH, CALLERS * ROWS_EACH / 2);
	pg_fixture_unmake(&w);
	postgres_server_stop(&standby);
	postgres_server_stop(&primary);
}

static void test_server_away_then_refused_with_the_time_to_try_again_and_served_when_it_is_back(void **state)
{
	struct contract_fixture w;
	struct arena a CLEANUP(arena_deinit);
	struct fault why = { 0 };
	struct image_row got;
	(void)state;
	arena_init(&a, 1 << 20);
	pg_fixture_make(&w, 0);
	struct pg_fixture *p = w.own;
	struct image_row row = recorded_row(&a, 1);
	assert_int_equal(table_insert(w.table, &row, &why), OK);
	p->options.timeout_ms = 300;
	pg_fixture_reopen(&w);
	wait_until(table_get(w.table, row.image_id, &a, &got, &why) == OK); /* it has connected, which may take longer */
	postgres_server_kill(&pg_server);
	struct image_row other = recorded_row(&a, 2);
	assert_int_equal(table_insert(w.table, &other, &why), IO);
	assert_int_equal(why.code, F_STORAGE_FAILED);
	assert_true(why.retry_after_s > 0);
	assert_int_equal(table_get(w.table, row.image_id, &a, &got, &why), IO);
	assert_int_equal(why.code, F_STORAGE_FAILED);
	postgres_server_restart(&pg_server);
	p->options.timeout_ms = 0;
	pg_fixture_reopen(&w);
	assert_int_equal(table_get(w.table, row.image_id, &a, &got, &why), OK);
	assert_int_equal(table_insert(w.table, &other, &why), OK);
	recorded_check(p->url, 2, 0);
	pg_fixture_unmake(&w);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_server_killed_under_load_then_every_answer_once),
		cmocka_unit_test(test_role_with_limits_of_its_own_then_they_do_not_apply),
		cmocka_unit_test(test_standby_promoted_under_load_then_every_answer_once),
		cmocka_unit_test(test_server_away_then_refused_with_the_time_to_try_again_and_served_when_it_is_back),
	};
	postgres_server_start(&pg_server, NULL);
	int failed = cmocka_run_group_tests_name("PostgreSQL's faults", tests, NULL, NULL);
	postgres_server_stop(&pg_server);
	return failed;
}
