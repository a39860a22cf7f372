/* The keys of an issuer over a real connection: fetched at the start, fetched again, kept when that fails, and one request for many
 * callers. */
#include "identity/provider.h"
#include "identity/tokens.h"
#include "unit.h"

#include "base/thread.h"
#include "identity/issuer.h"

#include <string.h>

#define CALLERS 16
#define LONG_COOLDOWN_MS 3600000

static struct token_keys keys;
static struct arena arena;
static struct provider provider;
static struct fault why;

static int make_keys(void **state)
{
	token_keys_make(&keys);
	return 0;
}

static int free_keys(void **state)
{
	token_keys_free(&keys);
	return 0;
}

static struct str set_of(enum token_key which)
{
	return token_set(&arena, &keys, &which, 1);
}

static int set_up(void **state)
{
	arena_init(&arena, (size_t)8 << 20);
	provider_start(&provider);
	provider_set_keys(&provider, set_of(TOKEN_P256));
	return 0;
}

static int tear_down(void **state)
{
	provider_stop(&provider);
	arena_deinit(&arena);
	return 0;
}

static struct issuer *start(bool has_thread, int64_t cooldown_ms)
{
	struct issuer *i = issuer_new(&(struct issuer_options){ .url = provider.url, .has_thread = has_thread, .cooldown_ms = cooldown_ms });
	assert_non_null(i);
	return i;
}

/* Ask until there are keys. */
static struct jwk_set *wait_keys(struct issuer *i)
{
	struct jwk_set *got = NULL;
	wait_until(issuer_keys(i, true, &got, &why) == OK);
	return got;
}

static void assert_kid(const struct jwk_set *got, const char *kid)
{
	assert_int_equal(jwk_set_count(got), 1);
	assert_str(jwk_set_at(got, 0)->kid, str_of(kid));
}

static void test_issuer_keys_are_fetched_at_the_start(void **state)
{
	struct issuer *i = start(true, LONG_COOLDOWN_MS);
	struct jwk_set *got = NULL, *again = NULL;
	assert_int_equal(issuer_keys(i, true, &got, &why), OK);
	assert_kid(got, "p256");
	assert_int_equal(issuer_keys(i, false, &again, &why), OK);
	assert_ptr_equal(got, again);
	jwk_set_free(&again);
	issuer_free(&i);
	assert_null(i);
	assert_kid(got, "p256"); /* the hold is the caller's */
	jwk_set_free(&got);
	assert_int_equal(atomic_load(&provider.requests), 1);
	assert_int_equal(atomic_load(&provider.key_requests), 1);
}

static void test_issuer_keys_when_not_there_yet_never_block_who_may_not_wait(void **state)
{
	provider_hold(&provider, true);
	struct issuer *i = start(true, LONG_COOLDOWN_MS);
	struct jwk_set *got = NULL;
	assert_int_equal(issuer_keys(i, false, &got, &why), BUSY);
	assert_int_equal(why.code, F_IDENTITY_REFRESHING);
	assert_null(got);
	provider_hold(&provider, false);
	got = wait_keys(i);
	jwk_set_free(&got);
	issuer_free(&i);
}

static void test_issuer_keys_without_a_thread_are_fetched_by_who_may_wait(void **state)
{
	struct issuer *i = start(false, LONG_COOLDOWN_MS);
	struct jwk_set *got = NULL;
	assert_int_equal(issuer_keys(i, false, &got, &why), BUSY);
	assert_int_equal(why.code, F_IDENTITY_REFRESHING);
	assert_int_equal(atomic_load(&provider.requests), 0);
	assert_int_equal(issuer_keys(i, true, &got, &why), OK);
	jwk_set_free(&got);
	assert_int_equal(issuer_keys(i, false, &got, &why), OK);
	assert_kid(got, "p256");
	jwk_set_free(&got);
	issuer_free(&i);
}

static void test_issuer_keys_when_unreachable_are_fetched_once_it_is_there(void **state)
{
	provider_set_status(&provider, "503 Service Unavailable");
	struct issuer *i = start(true, 5);
	struct jwk_set *got = NULL;
	wait_until(atomic_load(&provider.requests) > 1);
	while (issuer_keys(i, true, &got, &why) == BUSY && strcmp(why.cause, "it answered 503") != 0)
		continue; /* before the first answer there is no cause */
	assert_int_equal(why.code, F_IDENTITY_UNREACHABLE);
	assert_null(got);
	provider_set_status(&provider, "200 OK");
	got = wait_keys(i);
	jwk_set_free(&got);
	issuer_free(&i);
}

static void test_issuer_keys_when_the_answer_is_of_no_use_are_refused(void **state)
{
	struct buf large;
	buf_init(&large, (size_t)1 << 20);
	buf_put(&large, STR("{\"keys\":["));
	while (large.n < 300 << 10)
		buf_put(&large, STR("                                                                                                   "));
	BUF_PUT(&large, token_jwk(&arena, &keys, TOKEN_P256, ""), STR("]}"));
	const struct {
		const char *status, *document;
		struct str keys;
		const char *says;
	} rows[] = { { "302 Found", "", set_of(TOKEN_P256), "answered 302" }, { "404 Not Found", "", set_of(TOKEN_P256), "answered 404" },
		{ "200 OK", "<html>", set_of(TOKEN_P256), "not an OpenID" },
		{ "200 OK", "{\"issuer\":\"http://127.0.0.1:1\"}", set_of(TOKEN_P256), "must be the same" },
		{ "200 OK", "", STR("{\"keys\":[]}"), "none of its 0 keys" }, { "200 OK", "", STR("\0\1\2"), "not valid JSON" },
		{ "200 OK", "", set_of(TOKEN_RSA_SHORT), "fewer than 2048" }, { "200 OK", "", buf_str(&large), "" } };
	for (size_t r = 0; r < COUNT_OF(rows); r++) {
		struct issuer *i = start(false, LONG_COOLDOWN_MS);
		struct jwk_set *got = NULL;
		provider_set_status(&provider, rows[r].status);
		provider_set_document(&provider, str_of(rows[r].document));
		provider_set_keys(&provider, rows[r].keys);
		assert_int_equal(issuer_keys(i, true, &got, &why), BUSY);
		assert_int_equal(why.code, F_IDENTITY_UNREACHABLE);
		assert_true(why.cause[0] != '\0');
		if (strstr(why.cause, rows[r].says) == NULL)
			fail_msg("\"%s\" is not in: %s", rows[r].says, why.cause);
		issuer_free(&i);
	}
	buf_deinit(&large);
}

static void test_issuer_newer_keys_are_the_rotated_ones(void **state)
{
	struct issuer *i = start(true, 1);
	struct jwk_set *got = wait_keys(i);
	const struct jwk_set *first = got;
	bool newer = true;
	/* Fetched again and found to be the same, they are the same set. */
	unsigned before = atomic_load(&provider.key_requests);
	wait_until(issuer_newer_keys(i, true, &got, &newer, &why) == OK && atomic_load(&provider.key_requests) > before);
	assert_false(newer);
	assert_ptr_equal(got, first);
	provider_set_keys(&provider, set_of(TOKEN_RSA));
	wait_until(issuer_newer_keys(i, true, &got, &newer, &why) == OK && newer);
	assert_kid(got, "rsa");
	jwk_set_free(&got);
	issuer_free(&i);
}

static void test_issuer_newer_keys_within_the_cooldown_are_not_asked_for(void **state)
{
	struct issuer *i = start(true, LONG_COOLDOWN_MS);
	struct jwk_set *got = wait_keys(i);
	bool newer = true;
	provider_set_keys(&provider, set_of(TOKEN_RSA));
	for (int n = 0; n < 100; n++) {
		assert_int_equal(issuer_newer_keys(i, n % 2 == 0, &got, &newer, &why), OK);
		assert_false(newer);
	}
	assert_int_equal(atomic_load(&provider.requests), 1);
	jwk_set_free(&got);
	issuer_free(&i);
}

static void test_issuer_newer_keys_when_it_fails_leave_the_old_ones(void **state)
{
	struct issuer *i = start(true, 1);
	struct jwk_set *got = wait_keys(i), *kept = NULL;
	bool newer;
	provider_set_status(&provider, "500 Internal Server Error");
	wait_until(issuer_newer_keys(i, true, &got, &newer, &why) == BUSY);
	assert_int_equal(why.code, F_IDENTITY_UNREACHABLE);
	assert_string_equal(why.cause, "it answered 500");
	assert_kid(got, "p256");
	assert_int_equal(issuer_keys(i, false, &kept, &why), OK);
	assert_ptr_equal(kept, got);
	jwk_set_free(&got);
	jwk_set_free(&kept);
	issuer_free(&i);
}

struct caller {
	struct issuer *issuer;
	enum status status;
	struct jwk_set *got;
	bool newer;
	pthread_t thread;
};

static void *call_newer(void *arg)
{
	struct caller *c = arg;
	c->status = issuer_newer_keys(c->issuer, true, &c->got, &c->newer, NULL);
	return NULL;
}

static void test_issuer_newer_keys_of_many_callers_are_one_request(void **state)
{
	struct issuer *i = start(true, 1);
	struct jwk_set *first = wait_keys(i);
	struct caller callers[CALLERS];
	unsigned before = atomic_load(&provider.requests), served = 0;
	provider_hold(&provider, true);
	provider_set_keys(&provider, set_of(TOKEN_RSA));
	for (size_t n = 0; n < CALLERS; n++) {
		callers[n] = (struct caller){ .issuer = i, .got = jwk_set_hold(first) };
		if (n < ISSUER_WAITERS_MAX)
			assert_true(thread_start(&callers[n].thread, call_newer, &callers[n]));
	}
	wait_until(atomic_load(&provider.requests) == before + 1);
	/* The last of many do not wait; whoever came within the cooldown got its answer. */
	for (size_t n = ISSUER_WAITERS_MAX; n < CALLERS; n++)
		assert_true(thread_start(&callers[n].thread, call_newer, &callers[n]));
	provider_hold(&provider, false);
	for (size_t n = 0; n < CALLERS; n++) {
		pthread_join(callers[n].thread, NULL);
		assert_true(callers[n].status == OK || callers[n].status == BUSY);
		assert_kid(callers[n].got, callers[n].newer ? "rsa" : "p256");
		served += callers[n].newer;
		jwk_set_free(&callers[n].got);
	}
	assert_true(served > 0);
	assert_int_equal(atomic_load(&provider.key_requests), before + 1);
	jwk_set_free(&first);
	issuer_free(&i);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_issuer_keys_are_fetched_at_the_start, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_issuer_keys_when_not_there_yet_never_block_who_may_not_wait, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_issuer_keys_without_a_thread_are_fetched_by_who_may_wait, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_issuer_keys_when_unreachable_are_fetched_once_it_is_there, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_issuer_keys_when_the_answer_is_of_no_use_are_refused, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_issuer_newer_keys_are_the_rotated_ones, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_issuer_newer_keys_within_the_cooldown_are_not_asked_for, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_issuer_newer_keys_when_it_fails_leave_the_old_ones, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_issuer_newer_keys_of_many_callers_are_one_request, set_up, tear_down),
	};
	return cmocka_run_group_tests(tests, make_keys, free_keys);
}
