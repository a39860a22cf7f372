#include "api/route.h"

#include "api/fixture.h"

static struct route_match match;
static struct fault why;

static enum status find(const char *method, const char *path)
{
	return router_find(&api_routes, str_of(method), str_of(path), &match, &why);
}

static const char *found_name(void)
{
	return ((const struct api_route *)match.row)->name;
}

/* The row's own method and path, with an image id in the braces. */
static bool write_request(const char *name, char method[16], char path[128])
{
	const char *braces = strchr(name, '{'), *blank = strchr(name, ' ');
	snprintf(method, 16, "%.*s", (int)(blank - name), name);
	if (braces == NULL)
		snprintf(path, 128, "/prod%s", blank + 1);
	else
		snprintf(path, 128, "/prod%.*s%s%s", (int)(braces - blank - 1), blank + 1, SOME_ID, strchr(braces, '}') + 1);
	return braces != NULL;
}

static void test_route_when_each_row_is_requested_then_found_with_its_id(void **state)
{
	const char *name;
	char method[16], path[128];
	size_t n = 0;

	for (; (name = router_name(&api_routes, n)) != NULL; n++) {
		bool has_id = write_request(name, method, path);
		assert_int_equal(find(method, path), OK);
		assert_string_equal(found_name(), name);
		assert_str(match.segment, has_id ? SOME_ID : "");
	}
	assert_int_equal(n, 38);
}

static void test_route_when_every_path_is_checked_then_it_accepts_options(void **state)
{
	const char *name;
	char method[16], path[128];

	for (size_t i = 0; (name = router_name(&api_routes, i)) != NULL; i++) {
		write_request(name, method, path);
		assert_int_equal(find("OPTIONS", path), OK);
	}
}

static void test_route_that_has_get_has_head(void **state)
{
	(void)state;
	assert_int_equal(find("HEAD", "/prod/images"), OK);
	assert_string_equal(found_name(), "GET /images");
	assert_int_equal(find("HEAD", "/prod/upload"), INVALID);
	assert_int_equal(why.code, F_BAD_METHOD);
}

static void test_route_when_the_path_is_not_exact_then_there_is_none(void **state)
{
	static const char *const paths[] = { "", "/", "/prod", "/prod/", "/prod/upload/", "/prod/images/", "/prod//images",
		"/prod/images//file", "/prod/images/a/b", "/prod/images/a/file/", "/prod/images/a/thumbnails", "/prod/images/a/b/file", "/upload",
		"/Prod/upload", "/prod/Upload", "/prod/uploads", "/prod/%75pload", "/prod/images/a/complete/x", "/prod/limits/x",
		"/prod/../prod/upload", "/dev/upload", "http://x/prod/upload", "*" };

	(void)state;
	for (size_t i = 0; i < COUNT_OF(paths); i++) {
		if (find("GET", paths[i]) != NOT_FOUND)
			fail_msg("found: %s", paths[i]);
		assert_int_equal(why.code, F_NO_SUCH_ROUTE);
	}
}

static void test_route_when_the_method_is_lower_case_then_bad_method(void **state)
{
	(void)state;
	assert_int_equal(find("post", "/prod/upload"), INVALID);
	assert_int_equal(why.code, F_BAD_METHOD);
	assert_str(match.path_template, "/upload");
	assert_null(match.row);
}

static void test_methods_when_listed_then_head_is_with_get(void **state)
{
	struct arena a;

	(void)state;
	arena_init(&a, 4096);
	assert_str(router_methods(&api_routes, STR("/images/{imageId}"), &a), "GET, HEAD, PATCH, DELETE, OPTIONS");
	assert_str(router_methods(&api_routes, STR("/upload"), &a), "POST, OPTIONS");
	arena_deinit(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_route_when_each_row_is_requested_then_found_with_its_id),
		cmocka_unit_test(test_route_when_every_path_is_checked_then_it_accepts_options),
		cmocka_unit_test(test_route_that_has_get_has_head),
		cmocka_unit_test(test_route_when_the_path_is_not_exact_then_there_is_none),
		cmocka_unit_test(test_route_when_the_method_is_lower_case_then_bad_method),
		cmocka_unit_test(test_methods_when_listed_then_head_is_with_get),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
