/* What one address may request: on the API itself, for the routes and callers that count, and as a rule of its own. */
#include "api/fixture.h"

#include "api/address_limit.h"

#define SLOT "{\"fileName\":\"a.png\",\"fileType\":\"image/png\"}"

static int set_up(void **state)
{
	fixture_open(&(struct api_options){ .cors_origins = STR("*"), .key = STR(KEY), .anonymous_slots_per_minute = 2 });
	return 0;
}

static int set_up_requests(void **state)
{
	fixture_open(&(struct api_options){ .cors_origins = STR("*"), .requests_per_second = 1 });
	return 0;
}

static struct client_addr address(const char *text)
{
	struct client_addr a;
	assert_true(client_addr_parse(str_of(text), &a));
	return a;
}

static void test_address_when_it_takes_too_many_then_refused_until_there_is_one_again(void **state)
{
	static const struct {
		const char *client;
		bool other;
	} rows[] = { { "192.0.2.1", false }, { "192.0.2.2", true }, { "2001:db8::1", true }, { "2001:db8::ffff", false },
		{ "2001:db8:0:1::1", true } };
	struct rate_limit *limit = rate_limit_new_bucket(1, 60000);
	struct fault why;

	assert_non_null(limit);
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct client_addr client = address(rows[i].client);
		enum status st = address_limit_take(limit, &client, "uploads", 1000, &why);
		assert_int_equal(st, rows[i].other || i == 0 ? OK : BUSY);
	}
	struct client_addr client = address("192.0.2.1");
	assert_int_equal(address_limit_take(limit, &client, "uploads", 2500, &why), BUSY);
	assert_int_equal(why.code, F_TOO_MANY);
	assert_int_equal(why.retry_after_s, 59);
	assert_non_null(strstr(why.text, "uploads from this address; try again in 59 seconds"));
	assert_int_equal(address_limit_take(limit, &client, "uploads", 61000, &why), OK);
	rate_limit_free(&limit);
}

static void test_address_when_on_loopback_or_without_a_limit_then_never_refused(void **state)
{
	static const char *const loopback[] = { "127.0.0.1", "127.1.2.3", "::1" };
	struct rate_limit *limit = rate_limit_new_bucket(1, 60000);
	struct client_addr client = address("192.0.2.1");
	struct fault why;

	for (size_t i = 0; i < 3 * COUNT_OF(loopback); i++) {
		struct client_addr local = address(loopback[i % 3]);
		assert_int_equal(address_limit_take(limit, &local, "uploads", 1000, &why), OK);
		assert_int_equal(address_limit_take(NULL, &client, "uploads", 1000, &why), OK);
	}
	rate_limit_free(&limit);
}

static uint64_t retry_after(void)
{
	uint64_t seconds = 0;
	assert_true(str_to_u64(header_of("Retry-After"), &seconds));
	return seconds;
}

static void test_slots_when_too_many_without_the_key_then_429_with_retry_after(void **state)
{
	for (unsigned i = 0; i < 2; i++) {
		ASK("POST", i == 0 ? "/prod/upload" : "/prod/uppy", SLOT);
		assert_int_equal(fixture.x.answer.status, 200);
	}
	ASK("POST", "/prod/upload", SLOT);
	assert_problem(429, "too_many");
	assert_in_range(retry_after(), 1, 30);
	ASK("POST", "/prod/upload", SLOT, .authorization = "Bearer " KEY);
	assert_int_equal(fixture.x.answer.status, 200);
	ASK("GET", "/prod/limits");
	assert_int_equal(answer_integer("anonymousSlotsPerMinute"), 2);
	assert_false(answer_has("requestsPerSecond"));
}

static void test_requests_when_too_many_then_429_but_for_preflights(void **state)
{
	unsigned answered = 0;

	for (unsigned i = 0; i < 200; i++) {
		ASK("GET", "/prod/limits");
		answered += fixture.x.answer.status == 200;
	}
	assert_in_range(answered, 10, 190);
	assert_problem(429, "too_many");
	ASK("OPTIONS", "/prod/limits");
	assert_int_equal(fixture.x.answer.status, 204);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_address_when_it_takes_too_many_then_refused_until_there_is_one_again),
		cmocka_unit_test(test_address_when_on_loopback_or_without_a_limit_then_never_refused),
		cmocka_unit_test_setup_teardown(test_slots_when_too_many_without_the_key_then_429_with_retry_after, set_up, fixture_teardown),
		cmocka_unit_test_setup_teardown(test_requests_when_too_many_then_429_but_for_preflights, set_up_requests, fixture_teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
