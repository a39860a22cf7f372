/* Addresses: parsing, error messages, and the attributes of the socket. */
#include "unit.h"

#include "http/server/listen.h"

#include <stdio.h>
#include <string.h>

static void test_address_when_well_formed_then_cut(void **state)
{
	struct str host;
	uint16_t port;
	struct fault why;
	assert_int_equal(listen_cut("api", STR("127.0.0.1:8080"), &host, &port, &why), OK);
	assert_str(host, STR("127.0.0.1"));
	assert_int_equal(port, 8080);
	assert_int_equal(listen_cut("api", STR("[::1]:0"), &host, &port, &why), OK);
	assert_str(host, STR("::1"));
	assert_int_equal(port, 0);
	assert_int_equal(listen_cut("api", STR("localhost:65535"), &host, &port, &why), OK);
}

static void test_address_when_malformed_then_the_setting_is_named(void **state)
{
	static const char *const texts[] = { "", ":", ":80", "127.0.0.1", "127.0.0.1:", "127.0.0.1:x", "127.0.0.1:65536", "::1:80", "[::1]",
		"[::1]80", "[::1:80", "[]:80", "8080" };
	struct str host;
	uint16_t port;
	struct fault why;
	for (size_t i = 0; i < COUNT_OF(texts); i++) {
		assert_int_equal(listen_cut("storage", str_of(texts[i]), &host, &port, &why), INVALID);
		assert_int_equal(why.code, F_BAD_SETTING);
		assert_non_null(strstr(why.text, "--storage"));
	}
}

static void test_open_when_port_is_0_then_the_url_has_the_real_one(void **state)
{
	struct listen_socket s, other;
	struct fault why;
	assert_int_equal(listen_open("api", "127.0.0.1:0", &s, &why), OK);
	assert_true(s.is_loopback);
	assert_false(s.is_wildcard);
	assert_string_equal(s.host, "127.0.0.1");
	unsigned port = 0;
	assert_int_equal(sscanf(s.url, "http://127.0.0.1:%u", &port), 1);
	assert_true(port > 0);
	/* taken: the sentence names address and setting */
	assert_int_equal(listen_open("admin", s.url + strlen("http://"), &other, &why), BUSY);
	assert_int_equal(why.code, F_ADDRESS_TAKEN);
	assert_non_null(strstr(why.text, s.url + strlen("http://")));
	assert_non_null(strstr(why.text, "--admin"));
	assert_non_null(strstr(why.text, "TINTYPE_ADMIN="));
	listen_close(&s);
	listen_close(&s);
}

static void test_open_when_wildcard_or_loopback_then_marked(void **state)
{
	struct listen_socket s;
	struct fault why;
	assert_int_equal(listen_open("api", "0.0.0.0:0", &s, &why), OK);
	assert_true(s.is_wildcard && !s.is_loopback);
	listen_close(&s);
	assert_int_equal(listen_open("api", "[::]:0", &s, &why), OK);
	assert_true(s.is_wildcard && !s.is_loopback);
	listen_close(&s);
	assert_int_equal(listen_open("api", "localhost:0", &s, &why), OK);
	assert_string_equal(s.host, "127.0.0.1");
	listen_close(&s);
	assert_int_equal(listen_open("api", "127.1.2.3:0", &s, &why), OK);
	assert_true(s.is_loopback);
	listen_close(&s);
}

static void test_open_when_no_such_address_then_an_error_message(void **state)
{
	struct listen_socket s;
	struct fault why;
	assert_int_equal(listen_open("api", "192.0.2.1:0", &s, &why), INVALID);
	assert_non_null(strstr(why.text, "not an address of this machine"));
	assert_int_equal(listen_open("api", "no-such-host.invalid:0", &s, &why), INVALID);
	assert_non_null(strstr(why.text, "no such address"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_address_when_well_formed_then_cut),
		cmocka_unit_test(test_address_when_malformed_then_the_setting_is_named),
		cmocka_unit_test(test_open_when_port_is_0_then_the_url_has_the_real_one),
		cmocka_unit_test(test_open_when_wildcard_or_loopback_then_marked),
		cmocka_unit_test(test_open_when_no_such_address_then_an_error_message),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
