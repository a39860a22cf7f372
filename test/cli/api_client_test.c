/* The address of the API, and what is never sent over plain HTTP. */
#include "cli/api_client.h"

#include "base/arena.h"
#include "fake/fake_api.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void test_endpoint_when_given_then_base(void **state)
{
	static const struct {
		const char *endpoint, *base; /* NULL: refused */
	} rows[] = {
		{ "http://127.0.0.1:8080", "http://127.0.0.1:8080/prod" },
		{ "http://a/", "http://a/prod" },
		{ "https://a//", "https://a/prod" },
		{ "http://a/stage", "http://a/stage" },
		{ "http://a/stage/", "http://a/stage" },
		{ "HTTP://a", "HTTP://a/prod" },
		{ "http://[::1]:80", "http://[::1]:80/prod" },
		{ "localhost:8080", "http://localhost:8080/prod" },
		{ "127.0.0.1", "http://127.0.0.1/prod" },
		{ "[::1]:80/x", "http://[::1]:80/x" },
		{ "localhost.example:80", NULL },
		{ "192.0.2.1:80", NULL },
		{ "a", NULL },
		{ "", NULL }, /* most often of a variable that is not set: what is sent would go to another server */
		{ "ftp://a", NULL },
		{ "http://", NULL },
		{ "http:///", NULL },
		{ "http://a?b", NULL },
		{ "http://a/#b", NULL },
		{ "://", NULL },
	};
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct remote r;
		enum status st = remote_init(&r, rows[i].endpoint, NULL);
		assert_int_equal(st, rows[i].base != NULL ? OK : INVALID);
		if (st == OK)
			assert_string_equal(r.base.p, rows[i].base);
		remote_deinit(&r);
	}
}

static void test_endpoint_when_not_given_then_environment_then_default(void **state)
{
	struct remote r;
	setenv("TINTYPE_ENDPOINT", "http://env.example/x", 1);
	assert_int_equal(remote_init(&r, NULL, NULL), OK);
	assert_string_equal(r.base.p, "http://env.example/x");
	remote_deinit(&r);
	setenv("TINTYPE_ENDPOINT", "", 1);
	assert_int_equal(remote_init(&r, NULL, NULL), OK);
	assert_string_equal(r.base.p, "http://127.0.0.1:8080/prod");
	remote_deinit(&r);
}

static void test_endpoint_when_only_the_server_is_set_then_its_address(void **state)
{
	static const struct {
		const char *api, *cert, *base;
	} rows[] = {
		{ "127.0.0.1:8090", "", "http://127.0.0.1:8090/prod" },
		{ "localhost:1", "cert.pem", "https://localhost:1/prod" },
		{ "0.0.0.0:8090", "", "http://127.0.0.1:8090/prod" },
		{ "[::]:8090", "", "http://127.0.0.1:8090/prod" },
		{ "[::1]:8090", "", "http://[::1]:8090/prod" },
		{ ":8090", "", "http://127.0.0.1:8090/prod" },
		{ "127.0.0.1:0", "", "http://127.0.0.1:8080/prod" },
		{ "", "", "http://127.0.0.1:8080/prod" },
		{ "8090", "", "http://127.0.0.1:8080/prod" },
	};
	unsetenv("TINTYPE_ENDPOINT");
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct remote r;
		setenv("TINTYPE_API", rows[i].api, 1);
		setenv("TINTYPE_TLS_CERT", rows[i].cert, 1);
		assert_int_equal(remote_init(&r, NULL, NULL), OK);
		assert_string_equal(r.base.p, rows[i].base);
		remote_deinit(&r);
	}
	unsetenv("TINTYPE_API");
	unsetenv("TINTYPE_TLS_CERT");
}

static void test_store_when_api_is_https_and_url_is_not_then_nothing_is_sent(void **state)
{
	struct remote r;
	struct arena a;
	struct fault why = { 0 };
	struct http_response answer;
	arena_init(&a, 1 << 20);
	assert_int_equal(remote_init(&r, "https://127.0.0.1:1", NULL), OK);
	struct http_request q = { .method = STR("PUT"), .url = STR("http://127.0.0.1:1/x") };
	assert_int_equal(remote_store(&r, &q, &a, &answer, &why), INVALID);
	assert_non_null(strstr(why.text, "nothing was sent"));
	remote_deinit(&r);
	arena_deinit(&a);
}

static void count_change(void *arg, const struct fault *lost)
{
	unsigned *changes = arg;
	*changes += lost != NULL ? 1 : 100;
}

static void test_call_when_the_server_stays_away_then_waited_for_once(void **state)
{
	struct fake_api api;
	struct remote r;
	struct arena a;
	struct fault why = { 0 };
	unsigned changes = 0;
	struct remote_patience patience = { .most_ms = 400, .changed = count_change, .arg = &changes };
	const struct remote_call call = { .method = "GET", .path = STR("/images?limit=1") };
	json_t *page = NULL;
	arena_init(&a, 1 << 20);
	fake_api_start(&api);
	assert_int_equal(remote_init(&r, api.http.url, &why), OK);
	r.patience = &patience;
	assert_int_equal(remote_json(&r, &call, &a, &page, &why), OK);
	json_decref(page);
	fake_api_stop(&api);
	assert_int_equal(remote_json(&r, &call, &a, NULL, &why), UPSTREAM);
	assert_true(r.waited);
	assert_int_equal(remote_json(&r, &call, &a, NULL, &why), UPSTREAM);
	assert_false(r.waited);
	assert_int_equal(changes, 1);
	remote_deinit(&r);
	arena_deinit(&a);
}

static void test_call_when_the_server_was_never_there_then_not_waited_for(void **state)
{
	struct remote r;
	struct arena a;
	struct fault why = { 0 };
	struct remote_patience patience = { .most_ms = INT64_C(1) << 40 };
	const struct remote_call call = { .method = "GET", .path = STR("/limits") };
	arena_init(&a, 1 << 20);
	assert_int_equal(remote_init(&r, "http://127.0.0.1:1", &why), OK);
	r.patience = &patience;
	assert_int_equal(remote_json(&r, &call, &a, NULL, &why), UPSTREAM);
	assert_false(r.waited);
	remote_deinit(&r);
	arena_deinit(&a);
}

static void test_image_path_when_id_is_hostile_then_encoded(void **state)
{
	struct arena a;
	arena_init(&a, 1 << 20);
	assert_true(str_equal(remote_image_path(&a, STR("../x?y#z\r\n"), "/complete"), STR("/images/..%2Fx%3Fy%23z%0D%0A/complete")));
	arena_deinit(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_endpoint_when_given_then_base),
		cmocka_unit_test(test_endpoint_when_not_given_then_environment_then_default),
		cmocka_unit_test(test_endpoint_when_only_the_server_is_set_then_its_address),
		cmocka_unit_test(test_store_when_api_is_https_and_url_is_not_then_nothing_is_sent),
		cmocka_unit_test(test_call_when_the_server_stays_away_then_waited_for_once),
		cmocka_unit_test(test_call_when_the_server_was_never_there_then_not_waited_for),
		cmocka_unit_test(test_image_path_when_id_is_hostile_then_encoded),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
