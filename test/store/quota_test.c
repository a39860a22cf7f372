/* Quotas on the embedded engine, with more slots at once than any server is asked for, and ids that are kept for a while. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "store/fixture.h"

#include "base/mem.h"
#include "fake/rows.h"
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdio.h>

#define THREADS 8
#define SLOTS 10000
#define EACH (SLOTS / THREADS)
#define ALICE "a11ce000000000000000000000000000"

struct slot_request_at_once {
	struct write_completion wait;
	struct arena a;
	struct image_row row;
	struct crowd *crowd;
};

struct crowd {
	struct image_table *table;
	unsigned owners; /* the slots are of so many, in turn */
	atomic_uint accepted, full, other, next;
	sem_t ended;
};

static void note_end(struct write_completion *w, enum status status)
{
	struct slot_request_at_once *s = (struct slot_request_at_once *)w;
	struct crowd *c = s->crowd;

	atomic_fetch_add(status == OK ? &c->accepted : w->why.code == F_QUOTA_FULL ? &c->full : &c->other, 1);
	arena_deinit(&s->a);
	mem_free(s);
	sem_post(&c->ended);
}

static void *ask_many(void *arg)
{
	struct crowd *c = arg;

	for (unsigned i = 0; i < EACH; i++) {
		struct slot_request_at_once *s = mem_new(1, sizeof *s);
		assert_non_null(s);
		unsigned n = atomic_fetch_add(&c->next, 1);
		*s = (struct slot_request_at_once){ .wait = { .done = note_end }, .crowd = c };
		arena_init(&s->a, 16384);
		s->row = row_pending(&s->a, n);
		s->row.owner = str_printf(&s->a, ALICE "%u", n % c->owners);
		s->row.max_bytes = 10;
		table_start_insert(c->table, &s->row, &s->a, &s->wait);
	}
	return NULL;
}

/* 10,000 slots at once. */
static void crowd_in(struct fixture *p, struct crowd *c)
{
	pthread_t threads[THREADS];

	c->table = &engine_ports(p->engine)->table;
	sem_init(&c->ended, 0, 0);
	for (unsigned i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, ask_many, c), 0);
	for (unsigned i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	for (unsigned i = 0; i < SLOTS; i++)
		while (sem_wait(&c->ended) != 0)
			assert_int_equal(errno, EINTR);
	sem_destroy(&c->ended);
	assert_int_equal(c->other, 0);
	assert_int_equal(c->accepted + c->full, SLOTS);
}

static void test_10000_slots_of_one_owner_at_once_then_the_quota_is_exactly_full(void **state)
{
	struct fixture *p = *state;
	struct crowd c = { .owners = 1 };
	struct arena a;
	struct fault why;
	struct user_row user;

	p->options.quota = (struct owner_quota){ .bytes = 31239, .images = 5000 };
	fixture_open(p);
	crowd_in(p, &c);
	assert_int_equal(c.accepted, 3123);
	arena_init(&a, 1 << 16);
	assert_int_equal(user_get(&engine_ports(p->engine)->users, STR(ALICE "0"), &a, &user, &why), OK);
	assert_int_equal(user.usage.reserved_bytes, 31230);
	assert_int_equal(user.usage.pending, 3123);
	arena_deinit(&a);
	fixture_check(p);
}

/* More owners than are kept in memory. */
static void test_10000_slots_of_many_owners_at_once_then_each_quota_is_full(void **state)
{
	struct fixture *p = *state;
	struct crowd c = { .owners = 2000 };

	p->options.quota = (struct owner_quota){ .images = 4 };
	fixture_open(p);
	crowd_in(p, &c);
	assert_int_equal(c.accepted, 2000 * 4);
	assert_int_equal(fixture_ask(p, "SELECT count(*) FROM users WHERE pending=4 AND reserved_bytes=40"), 2000);
	fixture_check(p);
}

static void test_two_slots_for_the_last_byte_then_one_of_them(void **state)
{
	struct fixture *p = *state;
	struct crowd c = { .owners = 1 };

	p->options.quota = (struct owner_quota){ .bytes = 10 };
	fixture_open(p);
	crowd_in(p, &c);
	assert_int_equal(c.accepted, 1);
	fixture_check(p);
}

static void test_insert_of_an_id_that_is_there_then_nothing_is_reserved(void **state)
{
	struct fixture *p = *state;
	struct fault why;

	fixture_open(p);
	assert_int_equal(fixture_insert(p, 1, &why), OK);
	assert_int_equal(fixture_insert(p, 1, &why), EXISTS);
	fixture_check(p);
}

static void test_remove_due_after_a_day_then_a_kept_id_may_be_used_again(void **state)
{
	struct fixture *p = *state;
	struct arena a;
	struct fault why;
	struct image_counts removed;

	fixture_open(p);
	arena_init(&a, 1 << 16);
	struct image_table *table = &engine_ports(p->engine)->table;
	struct image_row row = row_pending(&a, 1);
	row.request_hash = str_printf(&a, "%064x", 1);
	assert_int_equal(table_insert(table, &row, &why), OK);
	assert_int_equal(table_remove(table, row.image_id, 0, &why), OK);
	assert_int_equal(fixture_ask(p, "SELECT count(*) FROM kept_ids"), 1);
	assert_int_equal(table_insert(table, &row, &why), EXISTS);
	int64_t later_ms = fixture_ask(p, "SELECT ends_ms FROM kept_ids");
	assert_int_equal(table_remove_due(table, later_ms - 1, &removed, &why), OK);
	assert_int_equal(fixture_ask(p, "SELECT count(*) FROM kept_ids"), 1);
	assert_int_equal(table_remove_due(table, later_ms, &removed, &why), OK);
	assert_int_equal(fixture_ask(p, "SELECT count(*) FROM kept_ids"), 0);
	assert_int_equal(table_insert(table, &row, &why), OK);
	arena_deinit(&a);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, fixture_set_up, fixture_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_10000_slots_of_one_owner_at_once_then_the_quota_is_exactly_full),
		TEST(test_10000_slots_of_many_owners_at_once_then_each_quota_is_full),
		TEST(test_two_slots_for_the_last_byte_then_one_of_them),
		TEST(test_insert_of_an_id_that_is_there_then_nothing_is_reserved),
		TEST(test_remove_due_after_a_day_then_a_kept_id_may_be_used_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
