/* Import of key sets: keys of each type, and the flaw of each key that is not used. */
#include "identity/tokens.h"
#include "unit.h"

#include "base/buf.h"
#include "base/mem.h"
#include "identity/jwk.h"

#include <string.h>

#define ARENA_BYTES ((size_t)8 << 20)

static struct token_keys keys;
static struct arena arena;

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

static int set_up(void **state)
{
	arena_init(&arena, ARENA_BYTES);
	return 0;
}

static int tear_down(void **state)
{
	arena_deinit(&arena);
	return 0;
}

static struct str set_of_one(struct str jwk)
{
	return STR_CONCAT(&arena, STR("{\"keys\":["), jwk, STR("]}"));
}

/* The flaw of the key, in a set with another one that is usable. */
static enum jwk_flaw flaw_of(struct str jwk)
{
	struct jwk_set *set = NULL;
	struct fault why;
	struct str good = token_jwk(&arena, &keys, TOKEN_P256, "");
	assert_int_equal(jwk_set_new(STR_CONCAT(&arena, STR("{\"keys\":["), good, STR(","), jwk, STR("]}")), &set, &why), OK);
	assert_int_equal(jwk_set_count(set), 2);
	assert_int_equal(jwk_set_at(set, 0)->flaw, JWK_USABLE);
	const struct jwk *key = jwk_set_at(set, 1);
	enum jwk_flaw flaw = key->flaw;
	if (flaw == JWK_USABLE)
		assert_non_null(key->key);
	jwk_set_free(&set);
	return flaw;
}

static struct str changed(enum token_key which, const char *from, const char *to)
{
	return token_replace(&arena, token_jwk(&arena, &keys, which, ""), from, to);
}

/* The key with this text in place of the value of a member. */
static struct str with_value(enum token_key which, const char *member, struct str value)
{
	struct str jwk = token_jwk(&arena, &keys, which, ""), before = str_printf(&arena, "\"%s\":\"", member);
	size_t at = str_find(jwk, before) + before.n;
	assert_true(at < jwk.n);
	struct str rest = str_slice(jwk, at, jwk.n);
	return STR_CONCAT(&arena, str_slice(jwk, 0, at), value, str_slice(rest, str_find_char(rest, '"'), rest.n));
}

static struct str repeated_byte(char c, size_t n)
{
	char *p = arena_alloc(&arena, n);
	memset(p, c, n);
	return token_base64url(&arena, (struct str){ p, n });
}

static void test_jwk_set_new_imports_every_type(void **state)
{
	const enum token_key which[] = { TOKEN_RSA, TOKEN_P256, TOKEN_ED25519 };
	const enum jwk_type types[] = { JWK_RSA, JWK_P256, JWK_ED25519 };
	struct jwk_set *set = NULL;
	struct fault why;
	assert_int_equal(jwk_set_new(token_set(&arena, &keys, which, COUNT_OF(which)), &set, &why), OK);
	assert_int_equal(jwk_set_count(set), COUNT_OF(which));
	for (size_t i = 0; i < COUNT_OF(which); i++) {
		const struct jwk *key = jwk_set_at(set, i);
		assert_int_equal(key->flaw, JWK_USABLE);
		assert_int_equal(key->type, types[i]);
		assert_str(key->kid, str_of(token_key_name(which[i])));
		assert_int_equal(EVP_PKEY_eq(key->key, keys.keys[which[i]]), 1);
	}
	assert_int_equal(jwk_set_secret(set).n, 0);
	struct jwk_set *same = jwk_set_hold(set);
	jwk_set_free(&set);
	assert_null(set);
	assert_int_equal(jwk_set_count(same), COUNT_OF(which));
	jwk_set_free(&same);
	jwk_set_free(&same);
}

static void test_jwk_set_new_when_rsa_is_too_short_or_long_skips_it(void **state)
{
	assert_int_equal(flaw_of(token_jwk(&arena, &keys, TOKEN_RSA, "")), JWK_USABLE);
	assert_int_equal(flaw_of(token_jwk(&arena, &keys, TOKEN_RSA_SHORT, "")), JWK_RSA_BITS);
	assert_int_equal(flaw_of(with_value(TOKEN_RSA, "n", STR("AQAB"))), JWK_RSA_BITS);                 /* 17 bits, which OpenSSL takes */
	assert_int_equal(flaw_of(with_value(TOKEN_RSA, "n", repeated_byte('\x7f', 256))), JWK_RSA_BITS);  /* 2047 */
	assert_int_equal(flaw_of(with_value(TOKEN_RSA, "n", repeated_byte('\xff', 256))), JWK_USABLE);    /* 2048 */
	assert_int_equal(flaw_of(with_value(TOKEN_RSA, "n", repeated_byte('\xff', 1024))), JWK_USABLE);   /* 8192 */
	assert_int_equal(flaw_of(with_value(TOKEN_RSA, "n", repeated_byte('\x01', 1025))), JWK_RSA_BITS); /* 8193 */
	assert_int_equal(flaw_of(with_value(TOKEN_RSA, "n", repeated_byte('\xfe', 256))), JWK_FORM);      /* even */
}

static void test_jwk_set_new_when_the_exponent_is_small_or_even_skips_it(void **state)
{
	assert_int_equal(flaw_of(with_value(TOKEN_RSA, "e", STR("AQ"))), JWK_RSA_EXPONENT);   /* 1: anyone signs */
	assert_int_equal(flaw_of(with_value(TOKEN_RSA, "e", STR("Aw"))), JWK_RSA_EXPONENT);   /* 3 */
	assert_int_equal(flaw_of(with_value(TOKEN_RSA, "e", STR("__8"))), JWK_RSA_EXPONENT);  /* 65535 */
	assert_int_equal(flaw_of(with_value(TOKEN_RSA, "e", STR("AQAB"))), JWK_USABLE);       /* 65537 */
	assert_int_equal(flaw_of(with_value(TOKEN_RSA, "e", STR("AQAC"))), JWK_RSA_EXPONENT); /* 65538 */
	assert_int_equal(flaw_of(with_value(TOKEN_RSA, "e", repeated_byte('\x01', 9))), JWK_RSA_EXPONENT);
	assert_int_equal(flaw_of(with_value(TOKEN_RSA, "e", STR(""))), JWK_FORM);
}

static void test_jwk_set_new_when_a_point_is_wrong_skips_it(void **state)
{
	assert_int_equal(flaw_of(with_value(TOKEN_P256, "x", repeated_byte('\0', 32))), JWK_POINT);
	assert_int_equal(flaw_of(with_value(TOKEN_P256, "y", repeated_byte('\1', 32))), JWK_POINT);
	assert_int_equal(flaw_of(with_value(TOKEN_P256, "x", repeated_byte('\1', 31))), JWK_POINT);
	assert_int_equal(flaw_of(with_value(TOKEN_P256, "y", repeated_byte('\1', 33))), JWK_POINT);
	assert_int_equal(flaw_of(with_value(TOKEN_ED25519, "x", repeated_byte('\1', 31))), JWK_POINT);
	assert_int_equal(flaw_of(with_value(TOKEN_ED25519, "x", STR("=="))), JWK_POINT);
}

static void test_jwk_set_new_when_a_key_is_not_for_this_skips_it(void **state)
{
	assert_int_equal(flaw_of(token_jwk(&arena, &keys, TOKEN_RSA, ",\"use\":\"sig\",\"alg\":\"RS256\"")), JWK_USABLE);
	assert_int_equal(flaw_of(token_jwk(&arena, &keys, TOKEN_RSA, ",\"key_ops\":[\"sign\",\"verify\"]")), JWK_USABLE);
	assert_int_equal(flaw_of(token_jwk(&arena, &keys, TOKEN_RSA, ",\"use\":\"enc\"")), JWK_USE);
	assert_int_equal(flaw_of(token_jwk(&arena, &keys, TOKEN_RSA, ",\"use\":1")), JWK_USE);
	assert_int_equal(flaw_of(token_jwk(&arena, &keys, TOKEN_RSA, ",\"key_ops\":[\"encrypt\"]")), JWK_USE);
	assert_int_equal(flaw_of(token_jwk(&arena, &keys, TOKEN_RSA, ",\"key_ops\":\"verify\"")), JWK_USE);
	assert_int_equal(flaw_of(token_jwk(&arena, &keys, TOKEN_RSA, ",\"d\":\"AQAB\"")), JWK_PRIVATE);
	assert_int_equal(flaw_of(token_jwk(&arena, &keys, TOKEN_P384, "")), JWK_TYPE);
	assert_int_equal(flaw_of(changed(TOKEN_ED25519, "Ed25519", "X25519")), JWK_TYPE);
	assert_int_equal(flaw_of(changed(TOKEN_RSA, "\"RSA\"", "\"rsa\"")), JWK_TYPE);
	assert_int_equal(flaw_of(STR("{\"kty\":\"oct\",\"kid\":\"s\",\"k\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"}")), JWK_SECRET);
}

static void test_jwk_set_new_when_a_member_is_malformed_skips_the_key(void **state)
{
	assert_int_equal(flaw_of(STR("1")), JWK_FORM);
	assert_int_equal(flaw_of(STR("{}")), JWK_FORM);
	assert_int_equal(flaw_of(changed(TOKEN_RSA, "\"RSA\"", "5")), JWK_FORM);
	assert_int_equal(flaw_of(changed(TOKEN_RSA, "\"rsa\"", "5")), JWK_KID);
	assert_int_equal(flaw_of(changed(TOKEN_RSA, "\"rsa\"", "\"\"")), JWK_KID);
	assert_int_equal(flaw_of(with_value(TOKEN_RSA, "kid", repeated_byte('k', 192))), JWK_USABLE); /* 256 in base64 */
	assert_int_equal(flaw_of(with_value(TOKEN_RSA, "kid", repeated_byte('k', 193))), JWK_KID);
	assert_int_equal(flaw_of(token_jwk(&arena, &keys, TOKEN_RSA, ",\"alg\":256")), JWK_FORM);
	assert_int_equal(flaw_of(with_value(TOKEN_RSA, "n", STR("+/+/"))), JWK_FORM);
	assert_int_equal(flaw_of(changed(TOKEN_ED25519, "\"ed\"", "\"p256\"")), JWK_USABLE); /* of another type: RFC 7517 4.5 */
	assert_int_equal(flaw_of(token_jwk(&arena, &keys, TOKEN_P256, "")), JWK_KID_TWICE);
}

static void refuse(struct str json, const char *text)
{
	struct jwk_set *set = NULL;
	struct fault why;
	assert_int_equal(jwk_set_new(json, &set, &why), INVALID);
	assert_null(set);
	assert_non_null(strstr(why.text, text));
}

static void test_jwk_set_new_when_it_is_no_set_refuses(void **state)
{
	struct str rsa = token_jwk(&arena, &keys, TOKEN_RSA, "");
	refuse(STR(""), "not valid JSON");
	refuse(STR("<html>"), "not valid JSON");
	refuse(STR("[]"), "not a JWK set");
	refuse(STR("{}"), "not a JWK set");
	refuse(STR("{\"keys\":{}}"), "not a JWK set");
	refuse(STR("{\"keys\":[]}"), "none of its 0 keys");
	refuse(STR("{\"keys\":[],\"keys\":[]}"), "not valid JSON");
	refuse(STR_CONCAT(&arena, set_of_one(rsa), STR(" 1")), "not valid JSON");
	refuse(set_of_one(token_jwk(&arena, &keys, TOKEN_RSA_SHORT, "")), "fewer than 2048");
	refuse(set_of_one(changed(TOKEN_RSA, "\"rsa\"", "\"a\\u0000b\"")), "not valid JSON");
	struct buf many;
	buf_init_arena(&many, &arena, 65536);
	buf_put(&many, STR("{\"keys\":[1"));
	for (int i = 0; i < JWK_SET_MAX_KEYS; i++)
		buf_put(&many, STR(",1"));
	buf_put(&many, STR("]}"));
	refuse(buf_str(&many), "it has 65 keys");
	char *large = arena_alloc(&arena, JWK_SET_MAX_BYTES + 1);
	memset(large, ' ', JWK_SET_MAX_BYTES + 1);
	refuse((struct str){ large, JWK_SET_MAX_BYTES + 1 }, "at most 262144");
}

static void test_jwk_set_new_when_memory_fails_gives_nothing(void **state)
{
	const enum token_key which[] = { TOKEN_RSA, TOKEN_P256, TOKEN_ED25519 };
	struct str json = token_set(&arena, &keys, which, COUNT_OF(which));
	struct jwk_set *set = NULL;
	struct fault why;
	enum status status = IO;
	for (int nth = 1; status != OK; nth++) {
		mem_fail_nth(nth);
		status = jwk_set_new(json, &set, &why);
		mem_fail_nth(0);
		assert_true(status == OK || (status == IO && why.code == F_OUT_OF_MEMORY));
		assert_true((status == OK) == (set != NULL));
	}
	jwk_set_free(&set);
}

static void test_jwk_set_of_secret_has_the_secret_and_no_keys(void **state)
{
	const struct str secret = STR("0123456789abcdef0123456789abcdef");
	struct jwk_set *set = jwk_set_of_secret(secret);
	assert_str(jwk_set_secret(set), secret);
	assert_int_equal(jwk_set_count(set), 0);
	jwk_set_free(&set);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_jwk_set_new_imports_every_type, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_jwk_set_new_when_rsa_is_too_short_or_long_skips_it, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_jwk_set_new_when_the_exponent_is_small_or_even_skips_it, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_jwk_set_new_when_a_point_is_wrong_skips_it, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_jwk_set_new_when_a_key_is_not_for_this_skips_it, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_jwk_set_new_when_a_member_is_malformed_skips_the_key, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_jwk_set_new_when_it_is_no_set_refuses, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_jwk_set_new_when_memory_fails_gives_nothing, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_jwk_set_of_secret_has_the_secret_and_no_keys, set_up, tear_down),
	};
	return cmocka_run_group_tests(tests, make_keys, free_keys);
}
