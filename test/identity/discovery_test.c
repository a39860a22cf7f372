/* Discovery documents, where they are, which URLs are used, and how long keys are kept. */
#include "unit.h"

#include "base/arena.h"
#include "identity/discovery.h"

#include <string.h>

static struct arena arena;

static int set_up(void **state)
{
	arena_init(&arena, (size_t)4 << 20);
	return 0;
}

static int tear_down(void **state)
{
	arena_deinit(&arena);
	return 0;
}

static void test_discovery_url_valid_accepts_https_and_this_machine(void **state)
{
	const char *good[] = { "https://id.example", "https://id.example/", "https://id.example:8443/realms/r", "http://localhost",
		"http://localhost:9229/pool", "http://127.0.0.1:1", "http://[::1]:80/", "https://[2001:db8::1]/keys?x=1" };
	const char *bad[] = { "", "https://", "http://id.example", "http://localhost.evil.example/", "http://127.0.0.1.evil.example",
		"http://localhost@evil.example/", "https://user@id.example/", "ftp://id.example", "id.example", "https://id.example/#x",
		"https://id.example/a b", "https://id.example/\n", "https://id.exampl\xc3\xa9", "HTTPS://id.example", "https:///x", "http://[::1" };
	for (size_t i = 0; i < COUNT_OF(good); i++)
		if (!discovery_url_valid(str_of(good[i])))
			fail_msg("%s", good[i]);
	for (size_t i = 0; i < COUNT_OF(bad); i++)
		if (discovery_url_valid(str_of(bad[i])))
			fail_msg("%s", bad[i]);
}

static void test_discovery_url_is_below_the_issuer_without_its_slash(void **state)
{
	assert_str(discovery_url(STR("https://id.example"), &arena), STR("https://id.example/.well-known/openid-configuration"));
	assert_str(discovery_url(STR("https://id.example/"), &arena), STR("https://id.example/.well-known/openid-configuration"));
	assert_str(
		discovery_url(STR("https://id.example/realms/r"), &arena), STR("https://id.example/realms/r/.well-known/openid-configuration"));
}

#define ISSUER STR("https://id.example/")

static void test_discovery_read_gives_the_endpoints(void **state)
{
	struct discovery d;
	struct fault why;
	struct str text = STR(
		"{\"issuer\":\"https://id.example/\",\"jwks_uri\":\"https://keys.example/k\",\"authorization_endpoint\":\"https://id.example/a\","
		"\"token_endpoint\":\"http://id.example/t\",\"end_session_endpoint\":5,\"more\":[1,2]}");
	assert_int_equal(discovery_read(text, ISSUER, &arena, &d, &why), OK);
	assert_str(d.jwks_url, STR("https://keys.example/k"));
	assert_str(d.authorize_url, STR("https://id.example/a"));
	assert_str(d.token_url, STR(""));
	assert_str(d.logout_url, STR(""));
	assert_str(d.revoke_url, STR(""));
}

static void test_discovery_logout_url_of_cognito_is_next_to_its_sign_in(void **state)
{
	struct discovery d = { .authorize_url = STR("https://pool.auth.eu-west-1.amazoncognito.com/oauth2/authorize"), .logout_url = STR("") };
	bool is_cognito;
	assert_str(discovery_logout_url(&d, STR("https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_Ab12"), &arena, &is_cognito),
		STR("https://pool.auth.eu-west-1.amazoncognito.com/logout"));
	assert_true(is_cognito);
	assert_str(discovery_logout_url(&d, ISSUER, &arena, &is_cognito), STR(""));
	assert_false(is_cognito);
	d.logout_url = STR("https://id.example/end");
	assert_str(discovery_logout_url(&d, ISSUER, &arena, &is_cognito), STR("https://id.example/end"));
	assert_str(discovery_logout_url(&d, STR("https://cognito-idp.example.com/"), &arena, &is_cognito),
		STR("https://pool.auth.eu-west-1.amazoncognito.com/logout"));
	d.authorize_url = STR("");
	assert_str(discovery_logout_url(&d, STR("https://cognito-idp.example.com/"), &arena, &is_cognito), STR("https://id.example/end"));
}

static void test_discovery_read_when_it_is_of_another_issuer_or_malformed_refuses(void **state)
{
	const struct {
		const char *text, *says;
	} rows[] = { { "", "not an OpenID" }, { "<html>", "not an OpenID" }, { "[]", "not an OpenID" }, { "{}", "not an OpenID" },
		{ "{\"issuer\":5}", "not an OpenID" }, { "{\"issuer\":\"https://id.example\"}", "issuer is \"https://id.example\"" },
		{ "{\"issuer\":\"https://ID.example/\"}", "must be the same" }, { "{\"issuer\":\"\\u001b[2J\"}", "\\x1b[2J" },
		{ "{\"issuer\":\"https://id.example/\"}", "no jwks_uri" },
		{ "{\"issuer\":\"https://id.example/\",\"jwks_uri\":\"http://id.example/k\"}", "no jwks_uri" },
		{ "{\"issuer\":\"https://id.example/\",\"jwks_uri\":\"file:///etc/passwd\"}", "no jwks_uri" },
		{ "{\"issuer\":\"a\",\"issuer\":\"https://id.example/\",\"jwks_uri\":\"https://k\"}", "not an OpenID" } };
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct discovery d;
		struct fault why;
		assert_int_equal(discovery_read(str_of(rows[i].text), ISSUER, &arena, &d, &why), INVALID);
		if (strstr(why.text, rows[i].says) == NULL)
			fail_msg("\"%s\" is not in: %s", rows[i].says, why.text);
	}
}

static void test_discovery_age_is_max_age_within_bounds(void **state)
{
	const struct {
		const char *value;
		int64_t age_s;
	} rows[] = { { "", 600 }, { "public", 600 }, { "max-age=3600", 3600 }, { "public, max-age=3600, must-revalidate", 3600 },
		{ "Max-Age=\"900\"", 900 }, { "max-age=1", 300 }, { "max-age=0", 300 }, { "no-store", 600 },
		{ "max-age=99999999999999999999", 600 }, { "max-age=9999999999", 86400 }, { "max-age=-1", 600 }, { "s-maxage=9000", 600 } };
	assert_int_equal(discovery_age_ms((struct str){ NULL, 0 }), 600000);
	for (size_t i = 0; i < COUNT_OF(rows); i++)
		assert_int_equal(discovery_age_ms(str_of(rows[i].value)), rows[i].age_s * 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_discovery_url_valid_accepts_https_and_this_machine, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_discovery_url_is_below_the_issuer_without_its_slash, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_discovery_read_gives_the_endpoints, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_discovery_logout_url_of_cognito_is_next_to_its_sign_in, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_discovery_read_when_it_is_of_another_issuer_or_malformed_refuses, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_discovery_age_is_max_age_within_bounds, set_up, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
