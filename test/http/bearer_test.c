/* Bearer secrets: which header has one, and how often a client may send a wrong one. */
#include "unit.h"

#include "http/bearer.h"

#include <string.h>

static struct rate_limit *wrong;

static int set_up(void **state)
{
	wrong = rate_limit_new(BEARER_WRONG_MAX, BEARER_WINDOW_MS);
	return wrong == NULL ? -1 : 0;
}

static int tear_down(void **state)
{
	rate_limit_free(&wrong);
	return 0;
}

static void test_secret_of_a_header_then_what_follows_the_scheme(void **state)
{
	static const struct {
		const char *header, *secret;
	} rows[] = { { "Bearer a", "a" }, { "bEARER \t a b ", "a b" }, { " Bearer a", "a" }, { "Bearer", "" }, { "Bearer ", "" },
		{ "Bearera", "" }, { "Basic a", "" }, { "a", "" }, { "", "" }, { NULL, "" } };
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		const struct header header = { STR("AUTHORIZATION"), str_of(rows[i].header) };
		const struct request r = { .headers = &header, .n_headers = rows[i].header != NULL };
		assert_str(bearer_secret(&r), str_of(rows[i].secret));
	}
}

/* How often a client of this address may send a wrong secret, of `times`. */
static unsigned refused_as_wrong(struct rate_limit *limit, const char *address, unsigned times)
{
	struct request r = { 0 };
	struct fault why;
	unsigned n = 0;
	assert_true(client_addr_parse(str_of(address), &r.client));
	for (unsigned i = 0; i < times; i++) {
		enum status status = bearer_refuse(limit, &r, "no", &why);
		assert_int_equal(status, fault_status(why.code));
		assert_true(why.code == F_TOO_MANY_TRIES || strcmp(why.text, "no") == 0);
		n += why.code == F_KEY_WRONG;
	}
	return n;
}

static void test_refuse_then_ten_times_for_each_client_on_loopback_too(void **state)
{
	assert_int_equal(refused_as_wrong(wrong, "127.0.0.1", 30), BEARER_WRONG_MAX);
	assert_int_equal(refused_as_wrong(wrong, "127.0.0.2", 30), BEARER_WRONG_MAX);
	assert_int_equal(refused_as_wrong(wrong, "192.0.2.1", 30), BEARER_WRONG_MAX);
	assert_int_equal(refused_as_wrong(wrong, "::ffff:192.0.2.1", 1), 0);
	assert_int_equal(refused_as_wrong(wrong, "::1", 30), BEARER_WRONG_MAX);
	assert_int_equal(refused_as_wrong(wrong, "127.0.0.1", 1), 0);
}

static void test_refuse_of_ipv6_then_counted_by_the_network(void **state)
{
	assert_int_equal(refused_as_wrong(wrong, "2001:db8:0:1::1", 6), 6);
	assert_int_equal(refused_as_wrong(wrong, "2001:db8:0:1:ffff::2", 6), 4);
	assert_int_equal(refused_as_wrong(wrong, "2001:db8:0:2::1", 6), 6);
}

static void test_refuse_of_too_many_then_it_says_when_the_window_ends(void **state)
{
	struct rate_limit *one = rate_limit_new(1, 5000);
	struct request r = { 0 };
	struct fault why;
	assert_non_null(one);
	assert_true(client_addr_parse(STR("192.0.2.1"), &r.client));
	assert_int_equal(bearer_refuse(one, &r, "no", &why), DENIED);
	assert_int_equal(why.retry_after_s, 0);
	assert_int_equal(bearer_refuse(one, &r, "no", &why), BUSY);
	assert_in_range(why.retry_after_s, 1, 5);
	rate_limit_free(&one);
}

static void test_refuse_without_a_limit_then_always_wrong(void **state)
{
	assert_int_equal(refused_as_wrong(NULL, "192.0.2.1", 30), 30);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_secret_of_a_header_then_what_follows_the_scheme),
		TEST(test_refuse_then_ten_times_for_each_client_on_loopback_too),
		TEST(test_refuse_of_ipv6_then_counted_by_the_network),
		TEST(test_refuse_of_too_many_then_it_says_when_the_window_ends),
		TEST(test_refuse_without_a_limit_then_always_wrong),
	};
	return cmocka_run_group_tests_name("bearer", tests, NULL, NULL);
}
