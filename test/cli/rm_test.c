/* rm: each on its own, and a token in place of a key. */
#include "cli/run.h"
#include "fake/fake_api.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define ID "00000000-0000-4000-8000-00000000000"

static struct fake_api api;

static int set_up(void **state)
{
	fake_api_start(&api);
	setenv("TINTYPE_ENDPOINT", api.http.url, 1);
	for (int i = 0; i < 3; i++)
		fake_api_add(&api, "a.png", STR("abc"));
	return 0;
}

static int tear_down(void **state)
{
	fake_api_stop(&api);
	return 0;
}

static void test_rm_when_all_exist_then_deleted(void **state)
{
	struct run *r = RUN("rm", ID "0", ID "2");
	assert_int_equal(r->code, 0);
	assert_string_equal(r->out, ID "0  deleted\n" ID "2  deleted\n");
	assert_int_equal(api.images[0].id[0], 'x');
	assert_int_equal(api.images[1].id[0], '0');
	assert_int_equal(api.images[2].id[0], 'x');
	mem_free(r);
}

static void test_rm_when_one_does_not_exist_then_1_and_the_others_deleted(void **state)
{
	struct run *r = RUN("rm", "no/such\x1b", ID "1", "--json");
	assert_int_equal(r->code, 1);
	assert_string_equal(r->err, "no/such\\x1b: no image with this id (404)\n");
	assert_string_equal(r->out,
		"{\"imageId\":\"no/such\\u001B\",\"deleted\":false,\"error\":\"no image with this id (404)\"}\n"
		"{\"imageId\":\"" ID "1\",\"deleted\":true}\n");
	assert_non_null(strstr(api.requests.p, "DELETE /prod/images/no%2Fsuch%1B "));
	assert_int_equal(api.images[1].id[0], 'x');
	mem_free(r);
}

static void test_rm_when_token_then_sent(void **state)
{
	struct run *r = RUN("rm", ID "0", "--token", "abc");
	assert_int_equal(r->code, 0);
	assert_non_null(strstr(api.requests.p, "X-Delete-Token: abc\r\n"));
	mem_free(r);
}

static void test_rm_when_token_could_inject_then_refused(void **state)
{
	struct run *r = RUN("rm", ID "0", "--token", "abc\r\nX-Evil: 1");
	assert_int_equal(r->code, 1);
	assert_int_equal(api.requests.n, 0);
	mem_free(r);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_rm_when_all_exist_then_deleted),
		TEST(test_rm_when_one_does_not_exist_then_1_and_the_others_deleted),
		TEST(test_rm_when_token_then_sent),
		TEST(test_rm_when_token_could_inject_then_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
