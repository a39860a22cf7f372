/* The bench that the contract suites work on. See bench.h. */
#include "fake/bench.h"

#include "base/mem.h"
#include "fake/rows.h"
#include <stdio.h>

#define ARENA_MAX_BYTES ((size_t)64 << 20)

int bench_little, bench_exact;

static const struct contract_maker *current;

int bench_set_up(void **state)
{
	static struct bench b;
	uint64_t max_pending = *state == &bench_little ? BENCH_LITTLE : CONTRACT_MAX_PENDING;
	b = (struct bench){ 0 };
	arena_init(&b.a, ARENA_MAX_BYTES);
	current->make(&b.w, max_pending);
	*state = &b;
	return 0;
}

int bench_tear_down(void **state)
{
	struct bench *b = *state;
	current->unmake(&b->w);
	arena_deinit(&b->a);
	return 0;
}

static bool is_for(const struct contract_maker *maker, const struct CMUnitTest *test)
{
	return !(maker->no_limit && test->initial_state == &bench_little) && !(maker->counts_lag && test->initial_state == &bench_exact);
}

int bench_run(const struct contract_maker *maker, const char *suite, const struct CMUnitTest *tests, size_t n)
{
	char name[64];
	struct CMUnitTest *ours = mem_new(n, sizeof(*ours));
	size_t n_ours = 0;
	assert_non_null(ours);
	current = maker;
	for (size_t i = 0; i < n; i++)
		if (is_for(maker, &tests[i]))
			ours[n_ours++] = tests[i];
	snprintf(name, sizeof(name), "contract of %s on %s", suite, maker->name);
	int failed = _cmocka_run_group_tests(name, ours, n_ours, NULL, NULL);
	mem_free(ours);
	return failed;
}

void bench_reopen(struct bench *b)
{
	current->reopen(&b->w);
}

void assert_fails(struct bench *b, enum status got, enum fault_code code)
{
	assert_int_not_equal(got, OK);
	assert_string_equal(fault_name(b->why.code), fault_name(code));
	assert_int_equal(got, fault_status(code));
	assert_true(b->why.text[0] != '\0');
}

void assert_str(struct str got, struct str want)
{
	assert_int_equal(got.n, want.n);
	if (want.n > 0)
		assert_memory_equal(got.p, want.p, want.n);
}

void bench_insert(struct bench *b, unsigned n)
{
	struct image_row row = row_pending(&b->a, n);
	assert_int_equal(table_insert(b->w.table, &row, &b->why), OK);
}

struct image_row bench_row(struct bench *b, unsigned n)
{
	struct image_row row = { 0 };
	assert_int_equal(table_get(b->w.table, row_id(&b->a, n), &b->a, &row, &b->why), OK);
	return row;
}

void bench_resolve(struct bench *b, unsigned n, int64_t uploaded_ms, struct str reason)
{
	struct image_row now;
	struct resolution s = row_verdict(&b->a, n, uploaded_ms, reason);
	assert_int_equal(table_resolve(b->w.table, &s, &b->a, &now, &b->why), OK);
}

struct str bench_key(struct bench *b, unsigned n)
{
	return row_pending(&b->a, n).key;
}

struct image_counts bench_counts(struct bench *b)
{
	struct image_counts c;
	assert_int_equal(table_counts(b->w.table, &c, &b->why), OK);
	return c;
}

size_t bench_ending(struct bench *b)
{
	struct image_page page;
	assert_int_equal(table_due(b->w.table, INT64_MAX, TABLE_LIST_MAX, &b->a, &page, &b->why), OK);
	return page.n;
}

size_t bench_listed(struct bench *b)
{
	struct image_page page;
	assert_int_equal(table_list(b->w.table, &(struct image_query){ .limit = TABLE_LIST_MAX }, &b->a, &page, &b->why), OK);
	return page.n;
}
