/* Verification of tokens: one valid token of each algorithm, and each refusal by a single change to its form, header, key or signature. */
#include "identity/jwt_fixture.h"

#include "base/mem.h"

#include <string.h>

#define SECRET "0123456789abcdef0123456789abcdef"

static void test_jwt_verify_accepts_each_algorithm(void **state)
{
	static const struct {
		enum token_key key;
		const char *alg, *sign_as;
	} rows[] = { { TOKEN_RSA, "RS256", "RS256" }, { TOKEN_RSA, "PS256", "PS256" }, { TOKEN_P256, "ES256", "ES256" },
		{ TOKEN_ED25519, "EdDSA", "EdDSA" }, { TOKEN_ED25519, "Ed25519", "EdDSA" } };
	for (size_t i = 0; i < COUNT_OF(rows); i++)
		for (int repeat = 0; repeat < 8; repeat++) { /* ECDSA's signatures are random: some begin with zeros */
			struct str header = str_printf(&arena, "{\"alg\":\"%s\",\"kid\":\"%s\"}", rows[i].alg, token_key_name(rows[i].key));
			struct str token = token_sign(&arena, keys.keys[rows[i].key], rows[i].sign_as, header, PAYLOAD);
			assert_cause(verify(token), JWT_VALID);
		}
}

static void test_jwt_verify_when_too_long_refuses(void **state)
{
	char *p = arena_alloc(&arena, JWT_MAX_BYTES + 1);
	memset(p, 'A', JWT_MAX_BYTES + 1);
	p[10] = p[21] = '.';
	assert_cause(verify((struct str){ p, JWT_MAX_BYTES + 1 }), JWT_TOO_LONG);
	assert_cause(verify((struct str){ p, JWT_MAX_BYTES }), JWT_HEADER_JSON); /* the next check */
	p[10] = p[21] = 'A';
	p[JWT_HEADER_MAX_BYTES] = p[JWT_HEADER_MAX_BYTES + 5] = '.';
	assert_cause(verify((struct str){ p, 8192 }), JWT_HEADER_JSON);
	p[JWT_HEADER_MAX_BYTES] = 'A';
	p[JWT_HEADER_MAX_BYTES + 1] = '.';
	assert_cause(verify((struct str){ p, 8192 }), JWT_TOO_LONG);
}

static void test_jwt_verify_when_not_three_parts_refuses(void **state)
{
	struct str token = sign(HEADER, PAYLOAD);
	assert_cause(verify(STR("")), JWT_PARTS);
	assert_cause(verify(STR("abc")), JWT_PARTS);
	assert_cause(verify(str_slice(token, 0, str_find_char(token, '.'))), JWT_PARTS);
	assert_cause(verify(STR_CONCAT(&arena, token, STR("."))), JWT_PARTS);
	assert_cause(verify(STR_CONCAT(&arena, token, STR(".AAAA.AAAA"))), JWT_PARTS); /* five: encrypted */
	assert_cause(verify(STR_CONCAT(&arena, token, STR(","), token)), JWT_PARTS);   /* two of them */
}

static void test_jwt_verify_when_not_canonical_base64url_refuses(void **state)
{
	struct str token = sign(HEADER, PAYLOAD);
	const char *more[] = { "=", "==", "+", "/", " ", "\n", "\t", "\r\n", "%3D", "\xc3\xa9" };
	for (size_t i = 0; i < COUNT_OF(more); i++) {
		assert_cause(verify(STR_CONCAT(&arena, token, str_of(more[i]))), JWT_BASE64URL);
		assert_cause(verify(token_replace(&arena, token, ".", str_printf(&arena, "%s.", more[i]).p)), JWT_BASE64URL);
	}
	assert_cause(verify(STR_CONCAT(&arena, STR(" "), token)), JWT_BASE64URL);
	assert_cause(verify(STR_CONCAT(&arena, token, STR("AAA"))), JWT_BASE64URL); /* 345 characters: one is left over */
	assert_cause(verify(token_replace(&arena, token, ".", "A.")), JWT_BASE64URL);
	/* Of the last of 342 characters two bits count: the others must be zero. */
	char *last = (char *)(uintptr_t)&str_dup(&arena, token).p[token.n - 1];
	const char *alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_", *at = strchr(alphabet, *last);
	assert_int_equal((at - alphabet) % 16, 0);
	*last = at[1];
	assert_cause(verify((struct str){ last + 1 - token.n, token.n }), JWT_BASE64URL);
}

static void test_jwt_verify_when_the_json_is_malformed_refuses(void **state)
{
	const char *bad[] = { "", "[1]", "1", "null", "{} {}", "{", "\xff", "{\"a\":\"\xff\"}", "{\"a\":\"\\ud800\"}", "{\"a\":\"\\u0000\"}",
		"{'a':1}", "{\"a\":1,}", "\xef\xbb\xbf{}", "{\"a\":99999999999999999999}", "{\"a\":[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]}" };
	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		assert_cause(verify(sign(str_of(bad[i]), PAYLOAD)), JWT_HEADER_JSON);
		assert_cause(verify(sign(HEADER, str_of(bad[i]))), JWT_PAYLOAD_JSON);
	}
	assert_cause(verify(sign(HEADER, STR_CONCAT(&arena, PAYLOAD, STR("x")))), JWT_PAYLOAD_JSON);
	assert_cause(
		verify(payload_with("\"name\"", "\"a\":[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]],\"[[[[[[\":\"\\\"[[[[[[[[[[[\",\"name\"")), JWT_VALID);
}

static void test_jwt_verify_when_a_member_appears_twice_refuses(void **state)
{
	assert_cause(verify(header_with("\"alg\"", "\"alg\":\"none\",\"alg\"")), JWT_HEADER_TWICE);
	assert_cause(verify(header_with("\"alg\"", "\"al\\u0067\":\"none\",\"alg\"")), JWT_HEADER_TWICE);
	assert_cause(verify(payload_with("\"sub\"", "\"sub\":\"root\",\"sub\"")), JWT_PAYLOAD_TWICE);
	assert_cause(verify(payload_with("\"sub\"", "\"s\\u0075b\":\"root\",\"sub\"")), JWT_PAYLOAD_TWICE);
	assert_cause(verify(payload_with("\"sub\"", "\"a\":{\"b\":1,\"b\":1},\"sub\"")), JWT_PAYLOAD_TWICE);
}

static void test_jwt_verify_when_alg_is_none_or_not_allowed_refuses(void **state)
{
	const char *none[] = { "\"none\"", "\"None\"", "\"nOnE\"", "\"NONE\"", "\"\"", "1", "null", "[\"RS256\"]" };
	const char *others[] = { "\"rs256\"", "\"RS512\"", "\"ES384\"", "\"HS256\"", "\"RS256 \"", "\"none \"", "\"dir\"" };
	struct jwt_rules rules = RULES;
	for (size_t i = 0; i < COUNT_OF(none); i++)
		assert_cause(verify(header_with("\"RS256\"", none[i])), JWT_ALG_NONE);
	assert_cause(verify(header_with("\"alg\"", "\"Alg\"")), JWT_ALG_NONE);
	for (size_t i = 0; i < COUNT_OF(others); i++)
		assert_cause(verify(header_with("\"RS256\"", others[i])), JWT_ALG_NOT_ALLOWED);
	rules.allows[JWT_RS256] = false;
	assert_cause(verify_by(sign(HEADER, PAYLOAD), set, &rules), JWT_ALG_NOT_ALLOWED);
	/* Without a signature, as such tokens are sent. */
	struct str unsigned_token = header_with("\"RS256\"", "\"none\"");
	while (unsigned_token.p[unsigned_token.n - 1] != '.')
		unsigned_token.n--;
	assert_cause(verify(unsigned_token), JWT_ALG_NONE);
}

static void test_jwt_verify_when_a_key_is_used_as_a_secret_refuses(void **state)
{
	struct str pem = token_pem(&arena, keys.keys[TOKEN_RSA]), header = token_replace(&arena, HEADER, "RS256", "HS256");
	struct str jwk = token_jwk(&arena, &keys, TOKEN_RSA, "");
	struct str modulus = str_slice(jwk, str_find(jwk, STR("\"n\":\"")) + 5, str_find(jwk, STR("\",\"e\"")));
	const struct str secrets[] = { pem, str_trim(pem), jwk, modulus, STR("") };
	struct jwt_rules rules = RULES;
	rules.allows[JWT_HS256] = true; /* what start refuses; the key's type does too */
	for (size_t i = 0; i < COUNT_OF(secrets); i++) {
		struct str token = token_sign_secret(&arena, secrets[i], header, PAYLOAD);
		assert_cause(verify(token), JWT_ALG_NOT_ALLOWED);
		assert_cause(verify_by(token, set, &rules), JWT_KEY_TYPE);
	}
}

static void test_jwt_verify_accepts_hs256_with_a_secret_alone(void **state)
{
	struct jwk_set *secret = jwk_set_of_secret(STR(SECRET));
	struct jwt_rules rules = RULES;
	struct str header = STR("{\"alg\":\"HS256\",\"kid\":\"any\"}");
	struct str token = token_sign_secret(&arena, STR(SECRET), header, PAYLOAD);
	rules.allows[JWT_HS256] = true;
	assert_cause(verify_by(token, secret, &rules), JWT_VALID);
	assert_cause(verify_by(token_sign_secret(&arena, STR(SECRET "x"), header, PAYLOAD), secret, &rules), JWT_SIGNATURE);
	assert_cause(verify_by(str_slice(token, 0, token.n - 4), secret, &rules), JWT_SIGNATURE_FORM);
	assert_cause(verify_by(sign(HEADER, PAYLOAD), secret, &rules), JWT_KEY_TYPE);
	jwk_set_free(&secret);
}

static void test_jwt_verify_when_the_key_does_not_fit_refuses(void **state)
{
	struct str wanted = token_jwk(&arena, &keys, TOKEN_RSA, ",\"alg\":\"PS256\"");
	struct str encrypts = token_jwk(&arena, &keys, TOKEN_RSA_OTHER, ",\"use\":\"enc\"");
	struct str edwards = token_jwk(&arena, &keys, TOKEN_ED25519, ",\"alg\":\"Ed25519\"");
	struct jwk_set *some = import_set(STR_CONCAT(&arena, STR("{\"keys\":["), wanted, STR(","), encrypts, STR(","), edwards, STR("]}")));
	struct str header = STR("{\"alg\":\"EdDSA\",\"kid\":\"ed\"}");
	assert_cause(verify(header_with("\"rsa\"", "\"p256\"")), JWT_KEY_TYPE);
	assert_cause(verify(header_with("RS256", "ES256")), JWT_KEY_TYPE);
	assert_cause(verify(header_with("RS256", "EdDSA")), JWT_KEY_TYPE);
	assert_cause(verify(sign(STR("{\"alg\":\"PS256\",\"kid\":\"p256\"}"), PAYLOAD)), JWT_KEY_TYPE);
	assert_cause(verify(sign(STR("{\"alg\":\"ES256\",\"kid\":\"p384\"}"), PAYLOAD)), JWT_KEY_FLAWED);
	assert_cause(verify(header_with("\"rsa\"", "\"short\"")), JWT_KEY_FLAWED);
	assert_cause(verify_by(header_with("\"rsa\"", "\"other\""), some, &RULES), JWT_KEY_FLAWED);
	assert_cause(verify_by(sign(HEADER, PAYLOAD), some, &RULES), JWT_KEY_ALG);
	assert_cause(verify_by(token_sign(&arena, keys.keys[TOKEN_ED25519], "EdDSA", header, PAYLOAD), some, &RULES), JWT_VALID);
	jwk_set_free(&some);
}

static void test_jwt_verify_when_kid_is_unknown_or_missing_refuses(void **state)
{
	const enum token_key one_rsa[] = { TOKEN_RSA, TOKEN_P256, TOKEN_ED25519, TOKEN_RSA_SHORT };
	struct jwk_set *single = import_set(token_set(&arena, &keys, one_rsa, COUNT_OF(one_rsa)));
	char *longest = arena_alloc(&arena, JWK_KID_MAX_BYTES + 4);
	assert_cause(verify(header_with("\"rsa\"", "\"RSA\"")), JWT_KID_UNKNOWN);
	assert_true(jwt_needs_newer_keys(JWT_KID_UNKNOWN));
	assert_cause(verify(header_with("\"rsa\"", "5")), JWT_KID_FORM);
	assert_cause(verify(header_with("\"rsa\"", "\"\"")), JWT_KID_FORM);
	assert_cause(verify(header_with("\"rsa\"", "\"rsa\\u0000\"")), JWT_HEADER_JSON);
	memset(longest, 'k', JWK_KID_MAX_BYTES + 3);
	longest[0] = longest[JWK_KID_MAX_BYTES + 1] = '"';
	longest[JWK_KID_MAX_BYTES + 2] = '\0';
	assert_cause(verify(header_with("\"rsa\"", longest)), JWT_KID_UNKNOWN);
	longest[JWK_KID_MAX_BYTES + 1] = 'k';
	longest[JWK_KID_MAX_BYTES + 2] = '"';
	assert_cause(verify(header_with("\"rsa\"", longest)), JWT_KID_FORM);
	struct str without = header_with(",\"kid\":\"rsa\"", "");
	assert_cause(verify(without), JWT_KID_MISSING);
	assert_cause(verify_by(without, single, &RULES), JWT_VALID);
	assert_cause(verify_by(sign(STR("{\"alg\":\"ES256\"}"), PAYLOAD), single, &RULES), JWT_SIGNATURE_FORM);
	jwk_set_free(&single);
}

static void test_jwt_verify_when_the_header_asks_for_more_refuses(void **state)
{
	const char *brings[] = { "\"jwk\":{}", "\"jku\":\"https://evil.example/keys\"", "\"x5u\":\"https://evil.example/\"", "\"x5c\":[]" };
	const char *asks[] = { "\"crit\":[\"x\"]", "\"crit\":[]", "\"b64\":false,\"crit\":[\"b64\"]", "\"b64\":true", "\"zip\":\"DEF\"",
		"\"enc\":\"A128GCM\"" };
	const char *typs[] = { "\"logout+jwt\"", "\"dpop+jwt\"", "\"secevent+jwt\"", "\"JWE\"", "\"\"", "1", "null", "\"JWT \"" };
	const char *good[] = { "\"jwt\"", "\"at+jwt\"", "\"AT+JWT\"", "\"application/at+jwt\"" };
	for (size_t i = 0; i < COUNT_OF(brings); i++)
		assert_cause(verify(header_with("\"kid\"", str_printf(&arena, "%s,\"kid\"", brings[i]).p)), JWT_HEADER_KEY);
	for (size_t i = 0; i < COUNT_OF(asks); i++)
		assert_cause(verify(header_with("\"kid\"", str_printf(&arena, "%s,\"kid\"", asks[i]).p)), JWT_HEADER_EXTENSION);
	for (size_t i = 0; i < COUNT_OF(typs); i++)
		assert_cause(verify(header_with("\"JWT\"", typs[i])), JWT_TYP);
	for (size_t i = 0; i < COUNT_OF(good); i++)
		assert_cause(verify(header_with("\"JWT\"", good[i])), JWT_VALID);
	assert_cause(verify(header_with("\"typ\":\"JWT\",", "")), JWT_VALID);
}

/* The token with other bytes in place of its signature. */
static struct str with_signature(struct str token, struct str bytes)
{
	while (token.p[token.n - 1] != '.')
		token.n--;
	return STR_CONCAT(&arena, token, token_base64url(&arena, bytes));
}

static void test_jwt_verify_when_the_signature_has_a_wrong_form_refuses(void **state)
{
	struct str header = STR("{\"alg\":\"ES256\",\"kid\":\"p256\"}");
	struct str rsa = sign(HEADER, PAYLOAD), ec = token_sign(&arena, keys.keys[TOKEN_P256], "ES256", header, PAYLOAD);
	char bytes[300] = { 0 };
	const size_t lengths[] = { 0, 1, 63, 65, 255, 257, 300 };
	for (size_t i = 0; i < COUNT_OF(lengths); i++) {
		assert_cause(verify(with_signature(rsa, (struct str){ bytes, lengths[i] })), JWT_SIGNATURE_FORM);
		assert_cause(verify(with_signature(ec, (struct str){ bytes, lengths[i] })), JWT_SIGNATURE_FORM);
	}
	assert_cause(verify(with_signature(ec, (struct str){ bytes, 64 })), JWT_SIGNATURE_FORM); /* r and s are zero */
	bytes[0] = 1;
	assert_cause(verify(with_signature(ec, (struct str){ bytes, 64 })), JWT_SIGNATURE_FORM); /* s is */
	bytes[0] = 0;
	bytes[63] = 1;
	assert_cause(verify(with_signature(ec, (struct str){ bytes, 64 })), JWT_SIGNATURE_FORM); /* r is */
	bytes[0] = 1;
	assert_cause(verify(with_signature(ec, (struct str){ bytes, 64 })), JWT_SIGNATURE);
	memset(bytes, 0xff, 64);
	assert_cause(verify(with_signature(ec, (struct str){ bytes, 64 })), JWT_SIGNATURE);
	/* In DER, as OpenSSL signs. */
	struct str der = token_sign(&arena, keys.keys[TOKEN_P256], "DER", header, PAYLOAD);
	assert_cause(verify(der), JWT_SIGNATURE_FORM);
}

static void test_jwt_verify_when_the_signature_is_of_other_bytes_refuses(void **state)
{
	struct str rsa = sign(HEADER, PAYLOAD), other = payload_with("alice", "bobby"), rest = rsa, rest_other = other;
	struct str header = str_cut(&rest, '.'), signature = rest;
	(void)str_cut(&signature, '.');
	(void)str_cut(&rest_other, '.');
	struct str payload = str_cut(&rest_other, '.');
	assert_cause(verify(STR_CONCAT(&arena, header, STR("."), payload, STR("."), signature)), JWT_SIGNATURE);
	/* The same JSON in other bytes. */
	struct str blank = token_base64url(&arena, STR_CONCAT(&arena, PAYLOAD, STR(" ")));
	assert_cause(verify(STR_CONCAT(&arena, header, STR("."), blank, STR("."), signature)), JWT_SIGNATURE);
	assert_cause(verify(token_sign(&arena, keys.keys[TOKEN_RSA_OTHER], "RS256", HEADER, PAYLOAD)), JWT_SIGNATURE);
	assert_cause(verify(token_sign(&arena, keys.keys[TOKEN_RSA], "PS256", HEADER, PAYLOAD)), JWT_SIGNATURE);
	assert_cause(verify(sign(STR("{\"alg\":\"PS256\",\"kid\":\"rsa\"}"), PAYLOAD)), JWT_SIGNATURE);
	/* Every bit counts. */
	struct str ec = token_sign(&arena, keys.keys[TOKEN_P256], "ES256", STR("{\"alg\":\"ES256\",\"kid\":\"p256\"}"), PAYLOAD);
	struct str ed = token_sign(&arena, keys.keys[TOKEN_ED25519], "EdDSA", STR("{\"alg\":\"EdDSA\",\"kid\":\"ed\"}"), PAYLOAD);
	for (size_t i = 3; i < rsa.n; i += 17) {
		char *p = (char *)(uintptr_t)str_dup(&arena, i % 2 == 0 ? ec : ed).p;
		size_t n = i % 2 == 0 ? ec.n : ed.n;
		if (i >= n || p[i] == '.')
			continue;
		p[i] = p[i] == 'A' ? 'B' : 'A';
		assert_true(verify((struct str){ p, n }) != JWT_VALID);
	}
}

static void test_jwt_verify_when_memory_fails_says_so(void **state)
{
	struct str token = sign(HEADER, PAYLOAD);
	struct jwt_claims claims;
	enum jwt_cause cause = JWT_NO_MEMORY;
	for (int nth = 1; cause != JWT_VALID; nth++) {
		struct arena small;
		arena_init(&small, JWT_FIXTURE_ARENA_BYTES);
		mem_fail_nth(nth);
		cause = jwt_verify(token, set, &RULES, NOW_S, &small, &claims);
		mem_fail_nth(0);
		arena_deinit(&small);
		if (cause != JWT_VALID)
			assert_cause(cause, JWT_NO_MEMORY);
	}
	struct arena full;
	arena_init(&full, 64);
	assert_cause(jwt_verify(token, set, &RULES, NOW_S, &full, &claims), JWT_NO_MEMORY);
	arena_deinit(&full);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		JWT_CASE(test_jwt_verify_accepts_each_algorithm),
		JWT_CASE(test_jwt_verify_when_too_long_refuses),
		JWT_CASE(test_jwt_verify_when_not_three_parts_refuses),
		JWT_CASE(test_jwt_verify_when_not_canonical_base64url_refuses),
		JWT_CASE(test_jwt_verify_when_the_json_is_malformed_refuses),
		JWT_CASE(test_jwt_verify_when_a_member_appears_twice_refuses),
		JWT_CASE(test_jwt_verify_when_alg_is_none_or_not_allowed_refuses),
		JWT_CASE(test_jwt_verify_when_a_key_is_used_as_a_secret_refuses),
		JWT_CASE(test_jwt_verify_accepts_hs256_with_a_secret_alone),
		JWT_CASE(test_jwt_verify_when_the_key_does_not_fit_refuses),
		JWT_CASE(test_jwt_verify_when_kid_is_unknown_or_missing_refuses),
		JWT_CASE(test_jwt_verify_when_the_header_asks_for_more_refuses),
		JWT_CASE(test_jwt_verify_when_the_signature_has_a_wrong_form_refuses),
		JWT_CASE(test_jwt_verify_when_the_signature_is_of_other_bytes_refuses),
		JWT_CASE(test_jwt_verify_when_memory_fails_says_so),
	};
	return cmocka_run_group_tests(tests, jwt_group_set_up, jwt_group_tear_down);
}
