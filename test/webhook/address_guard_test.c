/* Both ends of each range, and the addresses next to them. */
#include "unit.h"

#include "webhook/address_guard.h"

#include <arpa/inet.h>
#include <string.h>
#include <sys/un.h>

static const char *refusal(const char *text)
{
	struct sockaddr_in v4 = { .sin_family = AF_INET };
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6 };
	if (inet_pton(AF_INET, text, &v4.sin_addr) == 1)
		return address_guard_refuses((struct sockaddr *)&v4);
	assert_int_equal(inet_pton(AF_INET6, text, &v6.sin6_addr), 1);
	return address_guard_refuses((struct sockaddr *)&v6);
}

static void test_guard_when_in_a_range_then_refused_by_its_name(void **state)
{
	static const char *const rows[][2] = {
		{ "0.0.0.0", "0.0.0.0/8" },
		{ "0.255.255.255", "0.0.0.0/8" },
		{ "10.0.0.0", "10.0.0.0/8" },
		{ "10.255.255.255", "10.0.0.0/8" },
		{ "100.64.0.0", "100.64.0.0/10" },
		{ "100.127.255.255", "100.64.0.0/10" },
		{ "100.100.100.200", "100.64.0.0/10" },
		{ "127.0.0.1", "127.0.0.0/8" },
		{ "127.255.255.255", "127.0.0.0/8" },
		{ "169.254.0.0", "169.254.0.0/16" },
		{ "169.254.169.254", "169.254.0.0/16" },
		{ "169.254.170.2", "169.254.0.0/16" },
		{ "172.16.0.0", "172.16.0.0/12" },
		{ "172.31.255.255", "172.16.0.0/12" },
		{ "192.0.0.0", "192.0.0.0/24" },
		{ "192.0.0.255", "192.0.0.0/24" },
		{ "192.0.2.1", "192.0.2.0/24" },
		{ "192.88.99.1", "192.88.99.0/24" },
		{ "192.168.0.0", "192.168.0.0/16" },
		{ "192.168.255.255", "192.168.0.0/16" },
		{ "198.18.0.0", "198.18.0.0/15" },
		{ "198.19.255.255", "198.18.0.0/15" },
		{ "198.51.100.7", "198.51.100.0/24" },
		{ "203.0.113.7", "203.0.113.0/24" },
		{ "224.0.0.0", "224.0.0.0/4" },
		{ "239.255.255.255", "224.0.0.0/4" },
		{ "240.0.0.0", "240.0.0.0/4" },
		{ "255.255.255.255", "240.0.0.0/4" },
		{ "::", "::/96" },
		{ "::1", "::1/128" },
		{ "::127.0.0.1", "::/96" },
		{ "::8.8.8.8", "::/96" },
		{ "::ffff:8.8.8.8", "::ffff:0:0/96" },
		{ "::ffff:127.0.0.1", "::ffff:0:0/96" },
		{ "::ffff:0:0", "::ffff:0:0/96" },
		{ "64:ff9b::8.8.8.8", "64:ff9b::/96" },
		{ "64:ff9b::7f00:1", "64:ff9b::/96" },
		{ "64:ff9b:1::1", "64:ff9b:1::/48" },
		{ "fc00::", "fc00::/7" },
		{ "fd12:3456::1", "fc00::/7" },
		{ "fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "fc00::/7" },
		{ "fe80::1", "fe80::/10" },
		{ "febf::1", "fe80::/10" },
		{ "fec0::1", "fec0::/10" },
		{ "ff00::", "ff00::/8" },
		{ "ff02::1", "ff00::/8" },
		{ "2001::1", "2001::/23" },
		{ "2001:0:7f00:1::", "2001::/23" },
		{ "2001:db8::1", "2001:db8::/32" },
		{ "2002:7f00:1::", "2002::/16" },
		{ "2002::", "2002::/16" },
		{ "3fff::1", "3fff::/20" },
		{ "100::1", "what is not 2000::/3" },
		{ "4000::", "what is not 2000::/3" },
		{ "1fff:ffff::", "what is not 2000::/3" },
		{ "64:ff9a::1", "what is not 2000::/3" },
	};
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		const char *got = refusal(rows[i][0]);
		if (got == NULL || strcmp(got, rows[i][1]) != 0)
			fail_msg("%s: %s, not %s", rows[i][0], got != NULL ? got : "let through", rows[i][1]);
	}
}

static void test_guard_when_next_to_a_range_then_let_through(void **state)
{
	static const char *const texts[] = { "1.0.0.0", "8.8.8.8", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0",
		"126.255.255.255", "128.0.0.0", "169.253.255.255", "169.255.0.0", "172.15.255.255", "172.32.0.0", "191.255.255.255", "192.0.1.0",
		"192.0.3.0", "192.88.98.255", "192.88.100.0", "192.167.255.255", "192.169.0.0", "198.17.255.255", "198.20.0.0", "198.51.99.255",
		"198.51.101.0", "203.0.112.255", "203.0.114.0", "223.255.255.255", "2000::1", "2001:200::1", "2001:4860:4860::8888",
		"2001:db7:ffff::", "2001:db9::", "2003::1", "2606:4700::1111", "3ffe:ffff::1", "3fff:1000::1" };
	for (size_t i = 0; i < COUNT_OF(texts); i++)
		if (refusal(texts[i]) != NULL)
			fail_msg("%s: %s", texts[i], refusal(texts[i]));
}

static void test_guard_when_another_family_then_refused(void **state)
{
	struct sockaddr_un local = { .sun_family = AF_UNIX };
	assert_string_equal(address_guard_refuses((struct sockaddr *)&local), "another family");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_guard_when_in_a_range_then_refused_by_its_name),
		cmocka_unit_test(test_guard_when_next_to_a_range_then_let_through),
		cmocka_unit_test(test_guard_when_another_family_then_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
