/* Rows that are kept in memory: what is given out, and that nothing is after a commit. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "store/fixture.h"

#include "base/mem.h"
#include "fake/rows.h"

static void test_find_then_the_row_that_was_offered(void **state)
{
	struct row_cache *c = mem_new(1, sizeof *c);
	struct image_row row, other, found;
	struct arena a;

	arena_init(&a, 1 << 20);
	row_cache_init(c);
	row = row_pending(&a, 1);
	other = row_pending(&a, 2);
	assert_false(row_cache_find(c, row.image_id, &a, &found));
	row_cache_offer(c, row_cache_generation(c), &row);
	assert_false(row_cache_find(c, other.image_id, &a, &found));
	assert_true(row_cache_find(c, row.image_id, &a, &found));
	assert_true(row_equal(&found, &row));
	assert_ptr_not_equal(found.key.p, row.key.p);
	row_cache_clear(c);
	assert_false(row_cache_find(c, row.image_id, &a, &found));
	row_cache_deinit(c);
	mem_free(c);
	arena_deinit(&a);
}

/* It was read before a commit that ended before it was offered. */
static void test_find_a_row_of_an_earlier_generation_then_nothing(void **state)
{
	struct row_cache *c = mem_new(1, sizeof *c);
	struct image_row row, found;
	struct arena a;

	arena_init(&a, 1 << 20);
	row_cache_init(c);
	row = row_pending(&a, 1);
	uint64_t generation = row_cache_generation(c);
	row_cache_clear(c);
	row_cache_offer(c, generation, &row);
	assert_false(row_cache_find(c, row.image_id, &a, &found));
	row_cache_deinit(c);
	mem_free(c);
	arena_deinit(&a);
}

static void test_get_after_each_change_then_the_row_as_it_is_now(void **state)
{
	struct fixture *p = *state;
	struct image_row row, now;
	struct fault why = { 0 };
	struct arena a;

	arena_init(&a, 1 << 20);
	fixture_open(p);
	struct image_table *table = &engine_ports(p->engine)->table;
	struct str id = row_id(&a, 1);
	assert_int_equal(fixture_insert(p, 1, &why), OK);
	for (int public = 0; public < 2; public ++) {
		assert_int_equal(
			table_change(table, &(struct image_change){ .image_id = id, .has_visibility = true, .is_public = public != 0 }, &a, &now, &why),
			OK);
		for (int again = 0; again < 2; again++) {
			assert_int_equal(table_get(table, id, &a, &row, &why), OK);
			assert_int_equal(row.is_public, public);
		}
	}
	assert_int_equal(fixture_remove(p, 1, &why), OK);
	assert_int_equal(table_get(table, id, &a, &row, &why), NOT_FOUND);
	arena_deinit(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_find_then_the_row_that_was_offered),
		cmocka_unit_test(test_find_a_row_of_an_earlier_generation_then_nothing),
		cmocka_unit_test_setup_teardown(test_get_after_each_change_then_the_row_as_it_is_now, fixture_set_up, fixture_tear_down),
	};

	return cmocka_run_group_tests_name("row_cache", tests, NULL, NULL);
}
