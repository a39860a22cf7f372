/* list: pages followed, limits kept, names inert. */
#include "cli/run.h"
#include "fake/fake_api.h"

#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static struct fake_api api;

static int set_up(void **state)
{
	fake_api_start(&api);
	setenv("TINTYPE_ENDPOINT", api.http.url, 1);
	return 0;
}

static int tear_down(void **state)
{
	fake_api_stop(&api);
	return 0;
}

static void add_many(unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		fake_api_add(&api, "a.png", STR("abc"));
}

static void test_list_when_for_people_then_a_table_of_inert_text(void **state)
{
	fake_api_add(&api, "evil\\u001b[31m\\u202e.png", STR("12345"));
	struct run *r = RUN("list");
	assert_int_equal(r->code, 0);
	assert_non_null(strstr(r->out, "ID    "));
	assert_non_null(strstr(r->out,
		"00000000-0000-4000-8000-000000000000  2026-11-22T07:37:22.123Z  image/png         5 B  640x480      "
		"evil\\x1b[31m\\u{202e}.png\n"));
	assert_int_equal(count_lines(r->out), 2);
	mem_free(r);
}

static void test_list_when_limit_spans_pages_then_exactly_that_many(void **state)
{
	static const struct {
		const char *limit;
		size_t lines;
		const char *last; /* of the pages asked for */
	} rows[] = { { "1", 1, "limit=1 " }, { "1000", 1000, "limit=1000 " }, { "1001", 1001, "limit=1&cursor=1000 " },
		{ "2500", 2100, "limit=500&cursor=2000 " } };
	add_many(2100);
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct run *r = RUN("list", "--json", "--limit", rows[i].limit);
		assert_int_equal(r->code, 0);
		assert_int_equal(count_lines(r->out), rows[i].lines);
		assert_non_null(strstr(api.requests.p, rows[i].last));
		mem_free(r);
	}
}

static void test_list_when_all_then_all_and_50_without(void **state)
{
	add_many(1500);
	struct run *all = RUN("list", "--all"), *some = RUN("list");
	assert_int_equal(count_lines(all->out), 1501);
	assert_int_equal(count_lines(some->out), 51);
	assert_string_equal(all->err, "");
	assert_string_equal(some->err, "The newest 50 images. --all lists all of them, --limit N the newest N.\n");
	FAKE_SET(&api, counts, true);
	struct run *counted = RUN("list", "-n", "2"), *programs = RUN("list", "-n", "2", "--json");
	assert_string_equal(counted->err, "2 of 1500 images. --all lists all of them, --limit N the newest N.\n");
	assert_string_equal(programs->err, "");
	mem_free(programs);
	mem_free(counted);
	mem_free(all);
	mem_free(some);
}

static void test_list_when_json_then_the_records_themselves(void **state)
{
	fake_api_add(&api, "a\\u007f.png", STR("12345"));
	struct run *r = RUN("list", "--json");
	json_t *record = json_loads(r->out, 0, NULL);
	assert_int_equal(json_integer_value(json_object_get(record, "fileSize")), 5);
	assert_string_equal(json_string_value(json_object_get(record, "fileName")), "a\x7f.png");
	assert_non_null(json_object_get(record, "downloadUrl"));
	assert_null(strchr(r->out, 0x7f));
	json_decref(record);
	mem_free(r);
}

static void test_list_when_empty_then_0(void **state)
{
	struct run *r = RUN("list", "--json");
	assert_int_equal(r->code, 0);
	assert_string_equal(r->out, "");
	mem_free(r);
}

static void test_list_when_the_cursor_never_moves_then_failed(void **state)
{
	add_many(3);
	FAKE_SET(&api, repeats, true);
	struct run *r = RUN("list", "--all", "--json");
	assert_int_equal(r->code, 1);
	assert_non_null(strstr(r->err, "the same page again"));
	mem_free(r);
}

static void test_list_when_server_is_lost_or_another_then_failed(void **state)
{
	struct run *lost = RUN("list", "--endpoint", "http://127.0.0.1:1"), *other = RUN("list", "--endpoint", "http://127.0.0.1:1/x?y");
	assert_int_equal(lost->code, 1);
	assert_non_null(strstr(lost->err, "cannot connect"));
	assert_string_equal(lost->out, "");
	assert_int_equal(other->code, 2);
	mem_free(lost);
	mem_free(other);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_list_when_for_people_then_a_table_of_inert_text),
		TEST(test_list_when_limit_spans_pages_then_exactly_that_many),
		TEST(test_list_when_all_then_all_and_50_without),
		TEST(test_list_when_json_then_the_records_themselves),
		TEST(test_list_when_empty_then_0),
		TEST(test_list_when_the_cursor_never_moves_then_failed),
		TEST(test_list_when_server_is_lost_or_another_then_failed),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
