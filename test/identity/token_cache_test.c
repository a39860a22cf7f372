/* The cache of verified tokens: what is found, until when, for which keys, and that it is bounded. */
#include "unit.h"

#include "base/arena.h"
#include "base/mem.h"
#include "identity/token_cache.h"

#include <string.h>

#define ARENA_BYTES ((size_t)1 << 20)
#define EXPIRES_S 1000
#define SECRET "0123456789abcdef0123456789abcdef"

static struct arena arena;
static struct jwk_set *keys, *other_keys;
static const struct jwt_claims CLAIMS = { { "alice", 5 }, { "Alice", 5 }, { "read write", 10 }, true, EXPIRES_S };

static int set_up(void **state)
{
	arena_init(&arena, ARENA_BYTES);
	keys = jwk_set_of_secret(STR(SECRET));
	other_keys = jwk_set_of_secret(STR(SECRET "2"));
	return 0;
}

static int tear_down(void **state)
{
	jwk_set_free(&keys);
	jwk_set_free(&other_keys);
	arena_deinit(&arena);
	return 0;
}

static const unsigned char *digest_of(unsigned n)
{
	static unsigned char digest[SHA256_BYTES];
	sha256((struct str){ (const char *)&n, sizeof n }, digest);
	return digest;
}

static bool finds(struct token_cache *c, unsigned n, const struct jwk_set *with, int64_t now_ms)
{
	struct jwt_claims got;
	return token_cache_get(c, digest_of(n), with, now_ms, &arena, &got);
}

static void test_token_cache_get_gives_the_claims_until_they_expire(void **state)
{
	struct token_cache *c = token_cache_new(16);
	struct jwt_claims got;
	assert_false(finds(c, 1, keys, 0));
	token_cache_put(c, digest_of(1), keys, &CLAIMS);
	assert_true(token_cache_get(c, digest_of(1), keys, EXPIRES_S * 1000 - 1, &arena, &got));
	assert_str(got.subject, STR("alice"));
	assert_str(got.name, STR("Alice"));
	assert_str(got.scopes, STR("read write"));
	assert_true(got.is_admin);
	assert_int_equal(got.expires_s, EXPIRES_S);
	assert_false(finds(c, 1, keys, EXPIRES_S * 1000));
	assert_false(finds(c, 2, keys, 0));
	token_cache_free(&c);
	assert_null(c);
}

static void test_token_cache_get_when_the_keys_have_changed_finds_nothing(void **state)
{
	struct token_cache *c = token_cache_new(16);
	token_cache_put(c, digest_of(1), keys, &CLAIMS);
	assert_false(finds(c, 1, other_keys, 0));
	token_cache_put(c, digest_of(1), other_keys, &CLAIMS);
	assert_true(finds(c, 1, other_keys, 0));
	assert_false(finds(c, 1, keys, 0));
	token_cache_free(&c);
}

static void test_token_cache_put_when_full_replaces_the_oldest_of_a_set(void **state)
{
	struct token_cache *c = token_cache_new(4); /* one set */
	for (unsigned n = 0; n < 5; n++)
		token_cache_put(c, digest_of(n), keys, &CLAIMS);
	assert_false(finds(c, 0, keys, 0));
	for (unsigned n = 1; n < 5; n++)
		assert_true(finds(c, n, keys, 0));
	token_cache_put(c, digest_of(3), keys, &CLAIMS); /* again: in its own place */
	for (unsigned n = 1; n < 5; n++)
		assert_true(finds(c, n, keys, 0));
	token_cache_free(&c);
}

static void test_token_cache_put_when_the_texts_are_long_does_nothing(void **state)
{
	struct token_cache *c = token_cache_new(4);
	struct jwt_claims claims = CLAIMS;
	claims.scopes = (struct str){ arena_alloc(&arena, 4096), 4096 };
	token_cache_put(c, digest_of(1), keys, &claims);
	assert_false(finds(c, 1, keys, 0));
	claims.scopes.n = 2048 - 10;
	token_cache_put(c, digest_of(1), keys, &claims);
	assert_true(finds(c, 1, keys, 0));
	token_cache_free(&c);
}

static void test_token_cache_when_memory_fails_finds_nothing(void **state)
{
	struct jwt_claims got;
	struct arena full;
	mem_fail_nth(1);
	assert_null(token_cache_new(4));
	struct token_cache *c = token_cache_new(4);
	mem_fail_nth(1);
	token_cache_put(c, digest_of(1), keys, &CLAIMS);
	mem_fail_nth(0);
	assert_false(finds(c, 1, keys, 0));
	token_cache_put(c, digest_of(1), keys, &CLAIMS);
	arena_init(&full, 4);
	assert_false(token_cache_get(c, digest_of(1), keys, 0, &full, &got));
	arena_deinit(&full);
	token_cache_free(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_token_cache_get_gives_the_claims_until_they_expire, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_token_cache_get_when_the_keys_have_changed_finds_nothing, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_token_cache_put_when_full_replaces_the_oldest_of_a_set, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_token_cache_put_when_the_texts_are_long_does_nothing, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_token_cache_when_memory_fails_finds_nothing, set_up, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
