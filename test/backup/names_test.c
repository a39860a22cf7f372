/* Lists of names: sorted, and searched by what they begin with. */
#include "backup/names.h"

#include "unit.h"

#include <stdio.h>

static void test_names_then_found_by_prefix(void **state)
{
	struct names x CLEANUP(names_deinit) = { 0 };
	struct fault why;
	(void)state;
	for (unsigned i = 0; i < 300; i++) { /* grows; in no order */
		char name[8];
		(void)snprintf(name, sizeof name, "b%03u", i * 7 % 300);
		assert_int_equal(names_add(&x, str_of(name), i, &why), OK);
	}
	names_sort(&x);
	assert_int_equal(x.n, 300);
	for (size_t i = 1; i < x.n; i++)
		assert_true(str_compare(names_text(x.all[i - 1]), names_text(x.all[i])) < 0);
	assert_str(names_text(names_find(&x, STR("b12"))), STR("b120"));
	assert_int_equal(names_find(&x, STR("b007"))->size, 1);
	assert_true(names_has(&x, STR("b299")));
	assert_false(names_has(&x, STR("b29")));
	assert_null(names_find(&x, STR("b3")));
	assert_null(names_find(&x, STR("a")));
}

static void test_no_names_then_nothing_found(void **state)
{
	struct names x CLEANUP(names_deinit) = { 0 };
	(void)state;
	names_sort(&x);
	assert_null(names_find(&x, STR("")));
	assert_false(names_has(&x, STR("a")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names_then_found_by_prefix),
		cmocka_unit_test(test_no_names_then_nothing_found),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
