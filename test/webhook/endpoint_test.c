/* Which URLs and addresses of a receiver are accepted, and the names of events. */
#include "unit.h"

#include "webhook/endpoint.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

static void assert_url(bool is_private, const char *url, const char *says)
{
	struct webhook_endpoint e = { .is_private = is_private };
	struct fault why = { 0 };
	enum status st = endpoint_check_url(&e, str_of(url), &why);
	if (st != (says == NULL ? OK : INVALID) || (says != NULL && (why.code != F_BAD_SETTING || strstr(why.text, says) == NULL)))
		fail_msg("%s: %s", url, why.text);
	if (says != NULL)
		assert_non_null(strstr(why.text, "TINTYPE_WEBHOOK_URL"));
}

static void test_url_when_on_the_internet_then_https_on_its_port(void **state)
{
	static const char *const good[] = { "https://app.example.com/hooks", "https://app.example.com", "https://app.example.com:443/a?b=c",
		"https://8.8.8.8/", "https://[2606:4700::1111]/x", "HTTPS://APP.EXAMPLE.COM/" };
	static const char *const rows[][2] = {
		{ "http://app.example.com/", "on port 443" },
		{ "https://app.example.com:8443/", "on port 443" },
		{ "https://localhost/", "a host on the internet" },
		{ "https://LocalHost/", "a host on the internet" },
		{ "https://127.0.0.1/", "a host on the internet" },
		{ "https://10.1.2.3/", "a host on the internet" },
		{ "https://169.254.169.254/latest/", "a host on the internet" },
		{ "https://[::1]/", "a host on the internet" },
		{ "https://[::ffff:8.8.8.8]/", "a host on the internet" },
		{ "https://[fd00::1]/", "a host on the internet" },
	};
	for (size_t i = 0; i < COUNT_OF(good); i++)
		assert_url(false, good[i], NULL);
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		assert_url(false, rows[i][0], rows[i][1]);
		assert_url(true, rows[i][0], NULL);
	}
}

static void test_url_when_malformed_then_refused_in_any_case(void **state)
{
	static const char *const urls[] = { "app.example.com", "ftp://app.example.com/", "https:///x", "https://user:pass@app.example.com/",
		"https://user@app.example.com/", "https://app.example.com/#part", "https://app.example.com/a b", "https://app.example.com:0/",
		"https://app.example.com:65536/", "https://[::1/", "https://app.example.com/\r\nX: y", "https://app.ex\xc3\xa4mple/" };
	for (size_t i = 0; i < COUNT_OF(urls); i++) {
		assert_url(false, urls[i], "https://HOST/PATH");
		assert_url(true, urls[i], "https://HOST/PATH");
	}
	char text[2100] = "https://app.example.com/";
	memset(text + strlen(text), 'x', 2049 - strlen(text));
	assert_url(false, text, "at most 2048");
}

static enum status check(const struct webhook_endpoint *e, const char *address, uint16_t port, struct fault *why)
{
	struct sockaddr_in v4 = { .sin_family = AF_INET, .sin_port = htons(port) };
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6, .sin6_port = htons(port) };
	struct webhook_endpoint copy = *e;
	if (inet_pton(AF_INET, address, &v4.sin_addr) == 1)
		return endpoint_check_address(&copy, (struct sockaddr *)&v4, why);
	assert_int_equal(inet_pton(AF_INET6, address, &v6.sin6_addr), 1);
	return endpoint_check_address(&copy, (struct sockaddr *)&v6, why);
}

static void test_address_when_not_of_the_internet_then_refused_unless_private(void **state)
{
	static const char *const texts[] = { "127.0.0.1", "10.0.0.1", "169.254.169.254", "::1", "fd00::1", "::ffff:10.0.0.1" };
	struct webhook_endpoint open = { 0 }, private = { .is_private = true };
	struct fault why;
	for (size_t i = 0; i < COUNT_OF(texts); i++) {
		assert_int_equal(check(&open, texts[i], 443, &why), DENIED);
		assert_int_equal(why.code, F_ADDRESS_REFUSED);
		assert_non_null(strstr(why.text, "TINTYPE_WEBHOOK_PRIVATE"));
		assert_int_equal(check(&private, texts[i], 443, &why), OK);
	}
	assert_int_equal(check(&open, "8.8.8.8", 443, &why), OK);
}

static void test_address_when_one_of_the_servers_own_listeners_then_refused_even_if_private(void **state)
{
	static const char *const own[] = { "127.0.0.1", "127.9.9.9", "0.0.0.0", "::1", "::", "::ffff:127.0.0.1", "::ffff:0.0.0.0" };
	struct webhook_endpoint e = { .is_private = true, .own_ports = { 8080, 9000, 0 } };
	struct fault why;
	for (size_t i = 0; i < COUNT_OF(own); i++) {
		assert_int_equal(check(&e, own[i], 9000, &why), DENIED);
		assert_non_null(strstr(why.text, "own listeners"));
		assert_int_equal(check(&e, own[i], 9001, &why), OK);
	}
	assert_int_equal(check(&e, "192.0.2.77", 9000, &why), OK);
}

static void test_kinds_then_a_set(void **state)
{
	unsigned kinds = 0;
	assert_int_equal(endpoint_parse_kinds(STR("image.uploaded,image.rejected,image.deleted,image.expired"), &kinds, NULL), OK);
	assert_int_equal(kinds, 15);
	assert_int_equal(endpoint_parse_kinds(STR(" image.deleted , image.deleted"), &kinds, NULL), OK);
	assert_int_equal(kinds, 1U << OUTBOX_DELETED);
	static const char *const wrong[] = { "", ",", "image.uploaded,", "image.Uploaded", "uploaded", "*", "image.uploaded;image.deleted" };
	for (size_t i = 0; i < COUNT_OF(wrong); i++) {
		struct fault why = { 0 };
		assert_int_equal(endpoint_parse_kinds(str_of(wrong[i]), &kinds, &why), INVALID);
		assert_non_null(strstr(why.text, "TINTYPE_WEBHOOK_EVENTS"));
		assert_int_equal(kinds, 1U << OUTBOX_DELETED);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_url_when_on_the_internet_then_https_on_its_port),
		cmocka_unit_test(test_url_when_malformed_then_refused_in_any_case),
		cmocka_unit_test(test_address_when_not_of_the_internet_then_refused_unless_private),
		cmocka_unit_test(test_address_when_one_of_the_servers_own_listeners_then_refused_even_if_private),
		cmocka_unit_test(test_kinds_then_a_set),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
