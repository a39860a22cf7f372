/* The heap calls and the hook that makes them fail. */
#include "unit.h"

#include "base/mem.h"

static void test_new_memory_is_zeroed(void **state)
{
	unsigned char *p = mem_new(10, 10);
	assert_non_null(p);
	for (int i = 0; i < 100; i++)
		assert_int_equal(p[i], 0);
	mem_free(p);
	mem_free(NULL);
}

static void test_no_bytes_give_a_pointer(void **state)
{
	void *p = mem_new(0, 8);
	assert_non_null(p);
	void *q = mem_resize(p, 0, 8);
	assert_non_null(q);
	mem_free(q);
}

/* More than memory can be: the sizes are read at run time, or the compiler would warn of them. */
static void test_product_when_it_wraps_is_refused(void **state)
{
	volatile size_t half = SIZE_MAX / 2 + 1;
	char *p = mem_new(1, 4);
	p[0] = 'x';
	assert_null(mem_resize(p, half, 2));
	assert_int_equal(p[0], 'x');
	mem_free(p);
}

static void test_resize_keeps_content(void **state)
{
	char *p = mem_dup_cstr(STR("abc"));
	p = mem_resize(p, 1000, 1);
	assert_string_equal(p, "abc");
	mem_free(p);
}

static void test_dup_of_nothing_is_an_empty_string(void **state)
{
	char *p = mem_dup_cstr((struct str){ NULL, 0 });
	assert_string_equal(p, "");
	mem_free(p);
}

static void test_nth_allocation_fails_once_when_armed(void **state)
{
	mem_fail_nth(3);
	void *first = mem_new(1, 1), *second = mem_resize(NULL, 1, 1);
	assert_non_null(first);
	assert_non_null(second);
	assert_null(mem_dup_cstr(STR("x")));
	void *fourth = mem_new(1, 1);
	assert_non_null(fourth);
	mem_fail_nth(1);
	mem_fail_nth(0);
	void *fifth = mem_new(1, 1);
	assert_non_null(fifth);
	mem_free(first);
	mem_free(second);
	mem_free(fourth);
	mem_free(fifth);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_new_memory_is_zeroed),
		cmocka_unit_test(test_no_bytes_give_a_pointer),
		cmocka_unit_test(test_product_when_it_wraps_is_refused),
		cmocka_unit_test(test_resize_keeps_content),
		cmocka_unit_test(test_dup_of_nothing_is_an_empty_string),
		cmocka_unit_test(test_nth_allocation_fails_once_when_armed),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
