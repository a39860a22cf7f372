/* The search in a small table: exact paths, one segment, methods. The tables of the product have tests of their own. */
#include "unit.h"

#include "http/router.h"

struct row {
	const char *name;
	int number;
};
static const struct row rows[] = { { "GET /a", 1 }, { "PUT /a", 2 }, { "GET /a/{x}", 3 }, { "POST /a/{x}/b", 4 }, { "GET /{x}/c", 5 } };
static const struct router plain = ROUTER("", rows, "nothing here"), below = ROUTER("/p", rows, "nothing here");
static struct route_match at;
static struct fault why;

static int find(const struct router *r, const char *method, const char *path)
{
	enum status status = router_find(r, str_of(method), str_of(path), &at, &why);
	assert_int_equal(status == OK, at.row != NULL);
	return status == OK ? ((const struct row *)at.row)->number : 0;
}

static void test_rows_are_found_by_method_and_path_below_the_prefix(void **state)
{
	assert_int_equal(find(&plain, "GET", "/a"), 1);
	assert_int_equal(find(&plain, "PUT", "/a"), 2);
	assert_int_equal(find(&below, "PUT", "/p/a"), 2);
	assert_int_equal(find(&below, "PUT", "/a"), 0);
	assert_int_equal(find(&below, "PUT", "/p"), 0);
	assert_int_equal(find(&plain, "HEAD", "/a"), 1);
}

static void test_braces_are_for_one_segment_that_is_not_empty(void **state)
{
	assert_int_equal(find(&plain, "GET", "/a/1%2F2"), 3);
	assert_str(at.segment, STR("1%2F2"));
	assert_str(at.path_template, STR("/a/{x}"));
	assert_int_equal(find(&plain, "POST", "/a/1/b"), 4);
	assert_str(at.segment, STR("1"));
	assert_int_equal(find(&plain, "GET", "/1/c"), 5);
	static const char *const none[] = { "/a/", "/a//b", "/a/1/2/b", "/a/1/", "//c", "/c", "", "a" };
	for (size_t i = 0; i < COUNT_OF(none); i++) {
		assert_int_equal(find(&plain, "POST", none[i]), 0);
		assert_int_equal(why.code, F_NO_SUCH_ROUTE);
		assert_string_equal(why.text, "nothing here");
	}
}

static void test_a_known_path_with_another_method_is_distinguished_and_lists_its_methods(void **state)
{
	struct arena a;
	arena_init(&a, 4096);
	assert_int_equal(find(&plain, "DELETE", "/a"), 0);
	assert_int_equal(why.code, F_BAD_METHOD);
	assert_string_equal(why.text, "Use GET or PUT here.");
	assert_str(router_methods(&plain, at.path_template, &a), STR("GET, HEAD, PUT"));
	assert_int_equal(find(&plain, "get", "/a/1/b"), 0);
	assert_string_equal(why.text, "Use POST here.");
	assert_str(router_methods(&plain, at.path_template, &a), STR("POST"));
	arena_deinit(&a);
}

static void test_names_end_with_null(void **state)
{
	assert_string_equal(router_name(&plain, 4), "GET /{x}/c");
	assert_null(router_name(&plain, 5));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows_are_found_by_method_and_path_below_the_prefix),
		cmocka_unit_test(test_braces_are_for_one_segment_that_is_not_empty),
		cmocka_unit_test(test_a_known_path_with_another_method_is_distinguished_and_lists_its_methods),
		cmocka_unit_test(test_names_end_with_null),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
