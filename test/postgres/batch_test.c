/* Batches and statements that fail, on a real PostgreSQL, with changes that the test defines. */
#include "fake/rows.h"
#include "postgres/fixture.h"

#include "base/hash.h"
#include "postgres/parts.h"

#include <limits.h>
#include <semaphore.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

struct test_change {
	struct pg_change change;
	struct fault why;
	sem_t done;
	/* used by some kinds of changes */
	sem_t *waits;
	unsigned sends;
	bool fills_memory;
	unsigned runs;
};

static void note_done(struct pg_call *call)
{
	sem_post(&((struct test_change *)call)->done);
}

static void start(struct contract_fixture *w, struct test_change *c)
{
	c->change.call.done = note_done;
	c->change.call.why = &c->why;
	sem_init(&c->done, 0, 0);
	pg_writer_start_change(&((struct pg_fixture *)w->own)->postgres->writer, &c->change);
}

static enum status wait_done(struct test_change *c)
{
	while (sem_wait(&c->done) != 0)
		continue;
	sem_destroy(&c->done);
	return c->change.call.status;
}

static enum status apply_nothing(struct pg_batch *b, struct pg_change *c)
{
	const struct test_change *t = (const struct test_change *)c;

	(void)b;
	while (t->waits != NULL && sem_wait(t->waits) != 0)
		continue;
	return OK;
}

static void want_image(struct pg_batch *b, struct pg_change *c, bool careful)
{
	static const unsigned char id[UUID_BYTES] = { 1 };

	(void)c;
	(void)careful;
	batch_want_image(b, id);
}

static void test_rows_locked_elsewhere_then_each_change_of_a_batch_ends_with_its_time(void **state)
{
	struct contract_fixture w;
	struct pg_fixture *p;
	sem_t open;
	(void)state;
	pg_fixture_make(&w, 0);
	p = w.own;
	p->options.timeout_ms = 1500;
	pg_fixture_reopen(&w);
	/* It connects, and prepares statements, before the tables are locked. */
	struct test_change first;
	do {
		first = (struct test_change){ .change.apply = apply_nothing };
		start(&w, &first);
	} while (wait_done(&first) != OK);
	PGconn *other = PQconnectdb(p->url);
	PQclear(PQexec(other, "BEGIN"));
	PQclear(PQexec(other, "LOCK TABLE images IN ACCESS EXCLUSIVE MODE"));
	sem_init(&open, 0, 0);
	struct test_change gate = { .change.apply = apply_nothing, .waits = &open }, late[3];
	start(&w, &gate);
	for (size_t i = 0; i < COUNT_OF(late); i++) {
		late[i] = (struct test_change){ .change = { .want = want_image, .apply = apply_nothing } };
		start(&w, &late[i]);
	}
	sem_post(&open);
	(void)wait_done(&gate);
	for (size_t i = 0; i < COUNT_OF(late); i++) {
		assert_int_equal(wait_done(&late[i]), TIMEOUT);
		assert_int_equal(late[i].why.code, F_DEADLINE);
	}
	PQfinish(other);
	sem_destroy(&open);
	pg_fixture_unmake(&w);
}

static enum status apply_sends(struct pg_batch *b, struct pg_change *c)
{
	const struct test_change *t = (const struct test_change *)c;

	for (unsigned i = 0; i < t->sends; i++) {
		unsigned char id[UUID_BYTES] = { 1, (unsigned char)t->sends, (unsigned char)i };
		BATCH_SEND(b, c, PQ_KEPT_ID_ADD, pg_uuid(id), pg_number(1));
	}
	if (!t->fills_memory)
		return OK;
	(void)arena_alloc(batch_arena(b), SIZE_MAX);
	return fault_too_much(c->call.why);
}

/* With 1 to 70 statements: some of these numbers fill the list of sent statements. */
static void test_memory_full_then_nothing_that_was_sent_is_committed_with_the_next_batch(void **state)
{
	struct contract_fixture w;
	(void)state;
	pg_fixture_make(&w, 0);
	for (unsigned n = 1; n <= 70; n++) {
		struct test_change refused = { .change.apply = apply_sends, .sends = n, .fills_memory = true };
		struct test_change good = { .change.apply = apply_sends, .sends = 1 };
		start(&w, &refused);
		assert_int_equal(wait_done(&refused), fault_status(F_TOO_MUCH));
		start(&w, &good);
		assert_int_equal(wait_done(&good), OK);
	}
	/* The division fails if there are other rows. */
	pg_fixture_query(&w, "SELECT 1 / (CASE WHEN count(*) = 1 THEN 1 ELSE 0 END) FROM kept_ids");
	pg_fixture_unmake(&w);
}

/* The first time with a second statement that is larger than libpq can queue: libpq refuses it before reading it. */
static enum status apply_too_large(struct pg_batch *b, struct pg_change *c)
{
	struct test_change *t = (struct test_change *)c;
	const unsigned char id[UUID_BYTES] = { 1 };
	const struct str id_of_key = { "key", t->runs++ == 0 ? INT_MAX : 3 };

	BATCH_SEND(b, c, PQ_KEPT_ID_ADD, pg_uuid(id), pg_number(1));
	BATCH_SEND(b, c, PQ_API_KEY_REMOVE, pg_text(id_of_key));
	return OK;
}

static void test_statement_that_cannot_be_queued_then_the_batch_is_not_committed_without_it(void **state)
{
	struct contract_fixture w;
	(void)state;
	pg_fixture_make(&w, 0);
	pg_fixture_query(&w, "INSERT INTO api_keys VALUES('key', '', '', 0, '', '', '', 0, 0, 0)");
	struct test_change c = { .change.apply = apply_too_large };
	start(&w, &c);
	assert_int_equal(wait_done(&c), OK);
	assert_int_equal(c.runs, 2);
	assert_int_equal(c.change.affected, 2);
	pg_fixture_query(&w, "SELECT 1 / (CASE WHEN count(*) = 0 THEN 1 ELSE 0 END) FROM api_keys");
	pg_fixture_unmake(&w);
}

static void test_text_that_no_column_can_have_then_refused_as_the_clients(void **state)
{
	static const struct str texts[] = { { "\xff", 1 }, { "a\0b", 3 } };
	struct contract_fixture w;
	struct arena a CLEANUP(arena_deinit);
	(void)state;
	arena_init(&a, 1 << 20);
	pg_fixture_make(&w, 0);
	for (size_t i = 0; i < COUNT_OF(texts); i++) {
		struct fault why = { 0 };
		struct image_page page;
		const struct image_query q = { .limit = 1, .filter.name = texts[i] };
		assert_int_equal(table_list(w.table, &q, &a, &page, &why), INVALID);
		assert_int_equal(why.code, F_INVALID_INPUT);
	}
	pg_fixture_unmake(&w);
}

static void test_version_of_the_tables_locked_while_it_connects_then_a_call_ends_all_the_same(void **state)
{
	struct contract_fixture w;
	struct image_counts counts;
	struct fault why = { 0 };
	(void)state;
	pg_fixture_make(&w, 0);
	struct pg_fixture *p = w.own;
	p->options.timeout_ms = 300;
	pg_fixture_reopen(&w);
	PGconn *other = PQconnectdb(p->url);
	PQclear(PQexec(other, "BEGIN"));
	PQclear(PQexec(other, "LOCK TABLE schema_version IN ACCESS EXCLUSIVE MODE"));
	assert_int_equal(table_counts(w.table, &counts, &why), IO);
	assert_int_equal(why.code, F_STORAGE_FAILED);
	PQfinish(other);
	pg_fixture_unmake(&w);
}

static void test_table_altered_under_prepared_statements_then_they_are_prepared_again(void **state)
{
	struct contract_fixture w;
	struct arena a CLEANUP(arena_deinit);
	struct fault why = { 0 };
	struct image_page page;
	const struct image_query q = { .limit = 1 };
	(void)state;
	arena_init(&a, 1 << 20);
	pg_fixture_make(&w, 0);
	assert_int_equal(table_list(w.table, &q, &a, &page, &why), OK);
	pg_fixture_query(&w, "ALTER TABLE images ALTER COLUMN frames TYPE integer");
	assert_int_equal(table_list(w.table, &q, &a, &page, &why), OK);
	pg_fixture_unmake(&w);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows_locked_elsewhere_then_each_change_of_a_batch_ends_with_its_time),
		cmocka_unit_test(test_memory_full_then_nothing_that_was_sent_is_committed_with_the_next_batch),
		cmocka_unit_test(test_statement_that_cannot_be_queued_then_the_batch_is_not_committed_without_it),
		cmocka_unit_test(test_text_that_no_column_can_have_then_refused_as_the_clients),
		cmocka_unit_test(test_version_of_the_tables_locked_while_it_connects_then_a_call_ends_all_the_same),
		cmocka_unit_test(test_table_altered_under_prepared_statements_then_they_are_prepared_again),
	};
	postgres_server_start(&pg_server, NULL);
	int failed = cmocka_run_group_tests_name("batches", tests, NULL, NULL);
	postgres_server_stop(&pg_server);
	return failed;
}
