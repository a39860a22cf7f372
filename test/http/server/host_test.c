/* The Host check: which names are ours, and that nothing else slips through its parser. */
#include "unit.h"

#include "http/server/host.h"

#include <string.h>

static struct host_names ours;

static int set_up(void **state)
{
	struct fault why;
	host_names_init(&ours);
	return host_names_add_list(&ours, STR(" Pictures.example:8443, ,shop.example"), &why) == OK ? 0 : -1;
}

static void test_host_when_known_then_ours_with_any_port(void **state)
{
	static const char *const names[] = { "localhost", "LocalHost:1", "127.0.0.1:65535", "[::1]", "[::1]:80", "pictures.EXAMPLE",
		"shop.example:", "localhost:0" };
	for (size_t i = 0; i < COUNT_OF(names); i++)
		assert_true(host_is_ours(&ours, str_of(names[i])));
}

static void test_host_when_foreign_or_malformed_then_not_ours(void **state)
{
	static const char *const names[] = { "", "evil.example", "localhost.evil.example", "evil.localhost", "localhost.", "localhost:65536",
		"localhost:x", "localhost:80:80", "localhost@evil.example", "user@localhost", "[::1", "::1", "[::1]x", "[]", "[::1]:-1",
		"127.0.0.1 ", " localhost", "local host", "localhost/", "10.0.0.1", "[::2]", ":80", "localhost,evil.example" };
	for (size_t i = 0; i < COUNT_OF(names); i++)
		assert_false(host_is_ours(&ours, str_of(names[i])));
	assert_false(host_is_ours(&ours, STR("localhost\0.evil")));
}

static void test_host_when_bound_to_a_wildcard_then_every_ip_literal_is_ours_but_no_name(void **state)
{
	struct host_names h = ours;
	h.any_address = true;
	assert_true(host_is_ours(&h, STR("10.0.0.1:8080")));
	assert_true(host_is_ours(&h, STR("[fe80::1]:8080")));
	assert_false(host_is_ours(&h, STR("evil.example")));
	assert_false(host_is_ours(&h, STR("1.2.3.4.evil")));
	assert_false(host_is_ours(&h, STR("0xa.0.0.1")));
}

static void test_names_when_bad_or_too_many_then_refused(void **state)
{
	struct host_names h;
	struct fault why;
	host_names_init(&h);
	static const char *const bad[] = { "good.example,bad/name", "two names", "a.example,two names", "http://a.example", "a.example:x",
		"a?b", "a.example;b.example" };
	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		assert_int_equal(host_names_add_list(&h, str_of(bad[i]), &why), INVALID);
		assert_int_equal(why.code, F_BAD_SETTING);
		assert_non_null(strstr(why.text, "--hosts"));
	}
	host_names_init(&h);
	while (h.n < HOST_NAMES_MAX)
		assert_int_equal(host_names_add(&h, STR("a.example"), &why), OK);
	assert_int_equal(host_names_add(&h, STR("a.example"), &why), INVALID);
}

static void test_url_gives_its_host_and_port(void **state)
{
	assert_str(host_of_url(STR("https://cdn.example:9443/x/y")), STR("cdn.example:9443"));
	assert_str(host_of_url(STR("HTTP://cdn.example")), STR("cdn.example"));
	assert_str(host_of_url(STR("")), STR(""));
	assert_str(host_of_url(STR("cdn.example")), STR(""));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_host_when_known_then_ours_with_any_port, set_up),
		cmocka_unit_test_setup(test_host_when_foreign_or_malformed_then_not_ours, set_up),
		cmocka_unit_test_setup(test_host_when_bound_to_a_wildcard_then_every_ip_literal_is_ours_but_no_name, set_up),
		cmocka_unit_test(test_names_when_bad_or_too_many_then_refused),
		cmocka_unit_test(test_url_gives_its_host_and_port),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
