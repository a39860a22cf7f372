/* The gate: which sites, which tokens, and how often a wrong one. */
#include "unit.h"

#include "admin/admin_auth.h"

#define TOKEN "0123456789abcdef0123456789abcdef"

static enum status site(const char *host, const char *origin, const char *fetch_site)
{
	struct header headers[3] = { { STR("Host"), str_of(host) } };
	struct request r = { .headers = headers, .n_headers = 1 };
	struct fault why;
	if (origin != NULL)
		headers[r.n_headers++] = (struct header){ STR("Origin"), str_of(origin) };
	if (fetch_site != NULL)
		headers[r.n_headers++] = (struct header){ STR("Sec-Fetch-Site"), str_of(fetch_site) };
	enum status status = admin_auth_check_site(&r, &why);
	assert_true(status == OK || why.code == F_CROSS_SITE);
	return status;
}

static void test_site_when_same_origin_or_not_given_then_ok(void **state)
{
	assert_int_equal(site("a.example", NULL, NULL), OK);
	assert_int_equal(site("a.example", NULL, "same-origin"), OK);
	assert_int_equal(site("a.example", NULL, "none"), OK);
	assert_int_equal(site("127.0.0.1:8081", "http://127.0.0.1:8081", "same-origin"), OK);
	assert_int_equal(site("A.example", "https://a.EXAMPLE", NULL), OK);
}

static void test_site_when_cross_site_then_refused(void **state)
{
	static const char *const sites[] = { "cross-site", "same-site", "SAME-ORIGIN", "x" };
	static const char *const origins[] = { "http://evil.example", "http://127.0.0.1:8080", "null", "", "https://", "127.0.0.1:8081",
		"file://127.0.0.1:8081", "http://127.0.0.1:8081.evil.example", "http://127.0.0.1", "HTTP://127.0.0.1:8081" };
	for (size_t i = 0; i < COUNT_OF(sites); i++)
		assert_int_equal(site("127.0.0.1:8081", NULL, sites[i]), DENIED);
	for (size_t i = 0; i < COUNT_OF(origins); i++)
		assert_int_equal(site("127.0.0.1:8081", origins[i], "same-origin"), DENIED);
}

static enum fault_code try_token(const struct admin_auth *g, const char *authorization)
{
	struct header header = { STR("authorization"), str_of(authorization) };
	struct request r = { .headers = &header, .n_headers = authorization != NULL };
	struct fault why = { .code = F_NONE };
	enum status status = admin_auth_check_token(g, &r, &why);
	assert_int_equal(status == OK, why.code == F_NONE);
	return why.code;
}

static void test_token_when_right_then_ok_in_any_case_of_the_scheme(void **state)
{
	const struct admin_auth g = { STR(TOKEN) };
	assert_int_equal(try_token(&g, "Bearer " TOKEN), F_NONE);
	assert_int_equal(try_token(&g, "bEARER   " TOKEN " "), F_NONE);
}

static void test_token_when_missing_or_wrong_then_refused(void **state)
{
	static const char *const none[] = { NULL, "", "Bearer", "Bearer  ", "Basic " TOKEN, TOKEN };
	static const char *const wrong[] = { "Bearer 0123456789abcdef0123456789abcdeF", "Bearer 0123456789abcdef0123456789abcde",
		"Bearer " TOKEN "0", "Bearer " TOKEN " " TOKEN };
	const struct admin_auth g = { STR(TOKEN) };
	for (size_t i = 0; i < COUNT_OF(none); i++)
		assert_int_equal(try_token(&g, none[i]), F_KEY_NEEDED);
	for (size_t i = 0; i < COUNT_OF(wrong); i++)
		assert_int_equal(try_token(&g, wrong[i]), F_KEY_WRONG);
}

static void test_token_when_none_is_set_then_no_token_is_accepted(void **state)
{
	const struct admin_auth g = { STR("") };
	assert_int_equal(try_token(&g, "Bearer "), F_KEY_NEEDED);
	assert_int_equal(try_token(&g, "Bearer x"), F_KEY_WRONG);
}

/* The right one is accepted all the while, and missing ones do not count. */
static void test_token_when_wrong_too_often_then_throttled_but_the_right_one_is_accepted(void **state)
{
	struct admin_auth g = { STR(TOKEN), rate_limit_new(BEARER_WRONG_MAX, BEARER_WINDOW_MS) };
	for (int i = 0; i < 3 * BEARER_WRONG_MAX; i++)
		assert_int_equal(try_token(&g, NULL), F_KEY_NEEDED);
	for (int i = 0; i < BEARER_WRONG_MAX; i++)
		assert_int_equal(try_token(&g, "Bearer x"), F_KEY_WRONG);
	assert_int_equal(try_token(&g, "Bearer x"), F_TOO_MANY_TRIES);
	assert_int_equal(try_token(&g, "Bearer " TOKEN), F_NONE);
	assert_int_equal(try_token(&g, "Bearer x"), F_TOO_MANY_TRIES);
	rate_limit_free(&g.wrong);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_site_when_same_origin_or_not_given_then_ok),
		cmocka_unit_test(test_site_when_cross_site_then_refused),
		cmocka_unit_test(test_token_when_right_then_ok_in_any_case_of_the_scheme),
		cmocka_unit_test(test_token_when_missing_or_wrong_then_refused),
		cmocka_unit_test(test_token_when_none_is_set_then_no_token_is_accepted),
		cmocka_unit_test(test_token_when_wrong_too_often_then_throttled_but_the_right_one_is_accepted),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
