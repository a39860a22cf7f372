#include "api/route.h"

#include "api/world.h"

static struct route_match match;
static struct fault why;

static enum status find(const char *method, const char *path)
{
	return route_find(str_of(method), str_of(path), &match, &why);
}

static void test_route_when_each_row_is_asked_for_then_it_is_found_with_its_id(void **state)
{
	const struct route *row;
	size_t n = 0;

	(void)state;
	for (; (row = route_at(n)) != NULL; n++) {
		struct str hole = STR("{imageId}");
		size_t at = str_find(row->path, hole);
		bool has_id = at < row->path.n;
		struct str tail = has_id ? str_slice(row->path, at + hole.n, row->path.n) : (struct str){ "", 0 };
		char path[128];
		snprintf(path, sizeof(path), "%.*s%s%.*s", (int)at, row->path.p, has_id ? SOME_ID : "", STRF(tail));
		assert_int_equal(route_find(row->method, str_of(path), &match, &why), OK);
		assert_ptr_equal(match.route, row);
		assert_str(match.image_id, has_id ? SOME_ID : "");
	}
	assert_int_equal(n, 15);
}

static void test_route_when_every_path_is_looked_at_then_it_takes_options(void **state)
{
	const struct route *row;

	(void)state;
	for (size_t i = 0; (row = route_at(i)) != NULL; i++)
		assert_int_equal(route_find(STR("OPTIONS"), row->path, &match, &why), OK);
}

static void test_route_when_get_is_there_then_head_is(void **state)
{
	(void)state;
	assert_int_equal(find("HEAD", "/prod/images"), OK);
	assert_string_equal(match.route->name, "GET /images");
	assert_int_equal(find("HEAD", "/prod/upload"), INVALID);
	assert_int_equal(why.code, F_BAD_METHOD);
}

static void test_route_when_the_path_is_not_exact_then_there_is_none(void **state)
{
	static const char *const paths[] = {
		"", "/", "/prod", "/prod/", "/prod/upload/", "/prod/images/", "/prod//images", "/prod/images//file",
		"/prod/images/a/b", "/prod/images/a/file/", "/prod/images/a/thumbnail", "/prod/images/a/b/file", "/upload",
		"/Prod/upload", "/prod/Upload", "/prod/uploads", "/prod/%75pload", "/prod/images/a/complete/x", "/prod/limits/x",
		"/prod/../prod/upload", "/dev/upload", "http://x/prod/upload", "*",
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(paths); i++) {
		if (find("GET", paths[i]) != NOT_FOUND)
			fail_msg("found: %s", paths[i]);
		assert_int_equal(why.code, F_NO_SUCH_ROUTE);
	}
}

static void test_route_when_the_method_is_of_other_case_then_it_is_bad(void **state)
{
	(void)state;
	assert_int_equal(find("post", "/prod/upload"), INVALID);
	assert_int_equal(why.code, F_BAD_METHOD);
	assert_str(match.path_template, "/prod/upload");
	assert_null(match.route);
}

static void test_methods_when_listed_then_head_stands_with_get(void **state)
{
	struct arena a;

	(void)state;
	arena_init(&a, 4096);
	assert_str(route_methods(&a, STR("/prod/images/{imageId}")), "GET, HEAD, DELETE, OPTIONS");
	assert_str(route_methods(&a, STR("/prod/upload")), "POST, OPTIONS");
	arena_deinit(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_route_when_each_row_is_asked_for_then_it_is_found_with_its_id),
		cmocka_unit_test(test_route_when_every_path_is_looked_at_then_it_takes_options),
		cmocka_unit_test(test_route_when_get_is_there_then_head_is),
		cmocka_unit_test(test_route_when_the_path_is_not_exact_then_there_is_none),
		cmocka_unit_test(test_route_when_the_method_is_of_other_case_then_it_is_bad),
		cmocka_unit_test(test_methods_when_listed_then_head_stands_with_get),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
