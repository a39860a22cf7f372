/* Images by the start of their IDs. The fake's are 00000000-0000-4000-8000- and their number, newest first in its lists. */
#include "cli/image_id.h"
#include "cli/run.h"
#include "fake/fake_api.h"

#include "base/arena.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define START "00000000-0000-4000-8000-"

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

static void test_id_when_a_start_then_the_image_or_what_is_wrong(void **state)
{
	static const struct {
		const char *text, *id, *says;
	} rows[] = {
		{ START "00000000130", START "000000001300", NULL },
		{ START "000000001234", START "000000001234", NULL },
		{ START "000000009999", START "000000009999", NULL }, /* whole: the server judges */
		{ "no-hex", "no-hex", NULL },
		{ "", NULL, "at least the first 4 characters" },
		{ "000", NULL, "at least the first 4 characters" },
		{ "ffff", NULL, "no ID of the 1301 images begins with it" },
		{ START "0000000012", NULL, "100 images have an ID that begins with it" },
	};
	add_many(1301);
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct arena a CLEANUP(arena_deinit) = { 0 };
		struct remote r;
		struct fault why = { 0 };
		struct str id;
		arena_init(&a, 1 << 16);
		assert_int_equal(remote_init(&r, NULL, &why), OK);
		enum status st = image_id_find(&r, &a, rows[i].text, &id, &why);
		assert_int_equal(st == OK, rows[i].id != NULL);
		if (st == OK)
			assert_true(str_equal(id, str_of(rows[i].id)));
		else if (strstr(why.text, rows[i].says) == NULL)
			fail_msg("%s: %s", rows[i].text, why.text);
		remote_deinit(&r);
	}
}

static void test_get_and_rm_when_a_start_then_that_image(void **state)
{
	char scratch[64];
	add_many(20);
	enter_scratch(scratch);
	struct run *get = RUN("get", START "00000000001", "-o", "-"), *one = RUN("get", START "00000000000", "-o", "x");
	/* Ten images begin so: each is shown. */
	assert_int_equal(get->code, 1);
	assert_int_equal(count_lines(get->err), 11);
	assert_non_null(strstr(get->err, START "000000000019  2026-11-22T07:37:22.123Z  a.png\n"));
	assert_int_equal(one->code, 1);
	fake_api_add(&api, "b.png", STR("abcd"));
	struct run *got = RUN("get", START "00000000002", "-o", "x"), *rm = RUN("rm", START "00000000002", START "0000000000");
	assert_int_equal(got->code, 0);
	assert_int_equal(rm->code, 1);
	assert_string_equal(rm->out, START "000000000020  deleted\n");
	mem_free(get);
	mem_free(one);
	mem_free(got);
	mem_free(rm);
	leave_scratch(scratch);
}

static void test_id_when_the_list_is_locked_then_give_the_whole_id(void **state)
{
	add_many(1);
	FAKE_SET(&api, locked, true);
	struct run *rm = RUN("rm", "0000", "--token", "x");
	assert_int_equal(rm->code, 1);
	assert_non_null(strstr(rm->err, "give the whole ID"));
	mem_free(rm);
}

static void test_id_when_there_are_more_than_are_searched_then_a_longer_start(void **state)
{
	add_many(ID_SEARCHED_MAX + 1);
	memcpy(api.images[ID_SEARCHED_MAX].id, "ffff1111", 8);
	struct run *shorter = RUN("rm", "ffff111"), *longer = RUN("rm", "ffff1111"), *older = RUN("rm", START "000000000000x");
	assert_non_null(strstr(shorter->err, "there are more than 10000 images: give the first 8 characters"));
	assert_string_equal(longer->out, "ffff1111-0000-4000-8000-000000010000  deleted\n");
	assert_int_equal(older->code, 1);
	mem_free(shorter);
	mem_free(longer);
	mem_free(older);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_id_when_a_start_then_the_image_or_what_is_wrong),
		TEST(test_get_and_rm_when_a_start_then_that_image),
		TEST(test_id_when_the_list_is_locked_then_give_the_whole_id),
		TEST(test_id_when_there_are_more_than_are_searched_then_a_longer_start),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
