/* Listening on IPv6's loopback address, which this machine must have. */
#include "unit.h"

#include "http/server/listen.h"

#include <string.h>

static void test_open_when_ipv6_then_in_brackets(void **state)
{
	struct listen_socket s;
	struct fault why;
	assert_int_equal(listen_open("api", "[::1]:0", &s, &why), OK);
	assert_true(s.is_loopback && !s.is_wildcard);
	assert_string_equal(s.host, "[::1]");
	assert_int_equal(strncmp(s.url, "http://[::1]:", 13), 0);
	listen_close(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_open_when_ipv6_then_in_brackets) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
