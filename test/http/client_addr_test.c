/* Addresses of clients: texts, what a limit counts them by, trusted proxies, and whom X-Forwarded-For names. */
#include "unit.h"

#include "base/arena.h"
#include "http/client_addr.h"
#include "http/message.h"

#include <arpa/inet.h>

static struct client_addr addr(const char *text)
{
	struct client_addr a;
	assert_true(client_addr_parse(str_of(text), &a));
	return a;
}

static void assert_addr(struct client_addr a, const char *text)
{
	char out[CLIENT_ADDR_CHARS];
	assert_str(client_addr_text(&a, out), str_of(text));
}

static void test_addr_text_and_back(void **state)
{
	static const char *const texts[] = { "0.0.0.0", "127.0.0.1", "255.255.255.255", "10.20.30.4", "2001:db8::1", "::1", "fe80::a:b" };
	for (size_t i = 0; i < COUNT_OF(texts); i++)
		assert_addr(addr(texts[i]), texts[i]);
	assert_addr(addr("::ffff:1.2.3.4"), "1.2.3.4");
	assert_addr((struct client_addr){ { 0 } }, "");
}

static void test_addr_when_malformed_then_refused(void **state)
{
	static const struct str texts[] = { { "", 0 }, { "1.2.3", 5 }, { "1.2.3.256", 9 }, { "1.2.3.4:5", 9 }, { "[::1]", 5 },
		{ "1.2.3.4 ", 8 }, { "x", 1 }, { "1.2.3.4\0", 8 }, { "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", 58 } };
	struct client_addr a;
	for (size_t i = 0; i < COUNT_OF(texts); i++)
		assert_false(client_addr_parse(texts[i], &a));
}

static void test_key_then_the_network_of_a_host(void **state)
{
	static const char *const rows[][2] = { { "10.0.0.1", "10.0.0.1" }, { "2001:db8:0:1:ffff::2", "2001:db8:0:1::" }, { "::1", "" } };
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct client_addr a = addr(rows[i][0]);
		assert_addr(client_addr_key(&a), rows[i][1]);
	}
}

static void test_addr_of_a_socket(void **state)
{
	struct sockaddr_in v4 = { .sin_family = AF_INET, .sin_addr = { htonl(0x0a000001) } };
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT };
	assert_addr(client_addr_of((struct sockaddr *)&v4), "10.0.0.1");
	assert_addr(client_addr_of((struct sockaddr *)&v6), "::1");
	assert_addr(client_addr_of(&(struct sockaddr){ .sa_family = AF_UNIX }), "");
	struct client_addr loopback = addr("127.9.9.9"), six = addr("::1"), other = addr("128.0.0.1");
	assert_true(client_addr_is_loopback(&loopback) && client_addr_is_loopback(&six) && !client_addr_is_loopback(&other));
}

static void test_proxies_when_listed_then_trusted(void **state)
{
	struct proxy_list p;
	struct fault why;
	assert_int_equal(proxy_list_parse(&p, STR(" 10.0.0.5 ,192.168.0.0/16,,2001:db8::/33, 172.16.0.0/12"), &why), OK);
	static const struct {
		const char *text;
		bool trusted;
	} rows[] = { { "10.0.0.5", true }, { "10.0.0.6", false }, { "192.168.255.1", true }, { "192.169.0.1", false }, { "172.31.0.1", true },
		{ "172.32.0.1", false }, { "2001:db8:7fff::1", true }, { "2001:db8:8000::1", false }, { "::ffff:10.0.0.5", true } };
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct client_addr a = addr(rows[i].text);
		if (proxy_list_has(&p, &a) != rows[i].trusted)
			fail_msg("%s", rows[i].text);
	}
	assert_int_equal(proxy_list_parse(&p, STR("0.0.0.0/0"), &why), OK);
	struct client_addr any = addr("1.2.3.4"), six = addr("::1");
	assert_true(proxy_list_has(&p, &any) && !proxy_list_has(&p, &six));
	assert_int_equal(proxy_list_parse(&p, STR(""), &why), OK);
	assert_false(proxy_list_has(&p, &any));
}

static void test_proxies_when_malformed_then_refused_with_the_setting(void **state)
{
	static const char *const texts[] = { "proxy.example", "10.0.0.1/33", "10.0.0.1/", "10.0.0.1/-1", "::1/129", "10.0.0.1:80",
		"10.0.0.0/8/8", "[::1]" };
	struct proxy_list p;
	for (size_t i = 0; i < COUNT_OF(texts); i++) {
		struct fault why = { 0 };
		assert_int_equal(proxy_list_parse(&p, str_of(texts[i]), &why), INVALID);
		assert_true(str_find(str_of(why.text), STR("--trusted-proxies")) < sizeof why.text);
	}
}

static void test_forwarded_for_when_from_a_trusted_proxy_then_its_last_untrusted_address(void **state)
{
	struct proxy_list p;
	struct fault why;
	assert_int_equal(proxy_list_parse(&p, STR("10.0.0.0/8"), &why), OK);
	static const struct {
		const char *first, *second, *client;
	} rows[] = {
		{ "203.0.113.7", NULL, "203.0.113.7" },
		{ "1.1.1.1, 203.0.113.7", NULL, "203.0.113.7" },
		{ "203.0.113.7, 10.0.0.9", NULL, "203.0.113.7" },
		{ "1.1.1.1,203.0.113.7", "10.0.0.9,10.0.0.8", "203.0.113.7" },
		{ "203.0.113.7:1234", NULL, "203.0.113.7" },
		{ "[2001:db8::1]:443", NULL, "2001:db8::1" },
		{ "2001:db8::1", NULL, "2001:db8::1" },
		{ "10.0.0.9", NULL, "10.0.0.9" },
		{ "1.1.1.1, nonsense", NULL, "10.0.0.1" },
		{ "1.1.1.1, nonsense, 10.0.0.9", NULL, "10.0.0.9" },
		{ "", NULL, "10.0.0.1" },
		{ ",", NULL, "10.0.0.1" },
	};
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct header headers[] = { { STR("x-forwarded-FOR"), str_of(rows[i].first) }, { STR("A"), STR("b") },
			{ STR("X-Forwarded-For"), str_of(rows[i].second) } };
		struct request r = { .headers = headers, .n_headers = rows[i].second == NULL ? 2 : 3 };
		assert_addr(proxy_list_client(&p, &r, addr("10.0.0.1")), rows[i].client);
		assert_addr(proxy_list_client(&p, &r, addr("9.9.9.9")), "9.9.9.9");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_addr_text_and_back),
		cmocka_unit_test(test_addr_when_malformed_then_refused),
		cmocka_unit_test(test_key_then_the_network_of_a_host),
		cmocka_unit_test(test_addr_of_a_socket),
		cmocka_unit_test(test_proxies_when_listed_then_trusted),
		cmocka_unit_test(test_proxies_when_malformed_then_refused_with_the_setting),
		cmocka_unit_test(test_forwarded_for_when_from_a_trusted_proxy_then_its_last_untrusted_address),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
