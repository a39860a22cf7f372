/* The rules for the payload of a token whose signature is valid: each refusal by a single change, and what is taken from it. */
#include "identity/jwt_fixture.h"

#include <string.h>

static void test_jwt_verify_gives_the_claims(void **state)
{
	struct jwt_rules rules = RULES;
	struct jwt_claims claims;
	assert_cause(jwt_verify(sign(HEADER, PAYLOAD), set, &rules, NOW_S, &arena, &claims), JWT_VALID);
	assert_str(claims.subject, STR("alice"));
	assert_str(claims.name, STR("Alice"));
	assert_str(claims.scopes, STR("read write"));
	assert_int_equal(claims.expires_s, NOW_S + 300);
	assert_false(claims.is_admin);
	rules.subject_claim = "oid";
	struct str token = payload_with("\"sub\"", "\"oid\":\"00000000-ab\",\"sub\"");
	assert_cause(jwt_verify(token, set, &rules, NOW_S, &arena, &claims), JWT_VALID);
	assert_str(claims.subject, STR("00000000-ab"));
	assert_cause(jwt_verify(payload_with("\"name\":\"Alice\"", "\"username\":\"al\""), set, &RULES, NOW_S, &arena, &claims), JWT_VALID);
	assert_str(claims.name, STR("al"));
	assert_cause(jwt_verify(payload_with("\"Alice\"", "\"A\\nB\""), set, &RULES, NOW_S, &arena, &claims), JWT_VALID);
	assert_str(claims.name, STR(""));
}

/* One change of the payload, and the cause. */
struct payload_row {
	const char *from, *to;
	enum jwt_cause cause;
};

static void check_rows(const struct payload_row *rows, size_t n, const struct jwt_rules *rules)
{
	for (size_t i = 0; i < n; i++) {
		enum jwt_cause cause = verify_by(payload_with(rows[i].from, rows[i].to), set, rules);
		if (cause != rows[i].cause)
			fail_msg("%s -> %s: %s", rows[i].from, rows[i].to, jwt_cause_text(cause));
	}
}

static void test_jwt_verify_when_the_issuer_differs_refuses(void **state)
{
	const struct payload_row rows[] = { { "\"iss\"", "\"Iss\"", JWT_ISS }, { "\"https://id.example/\"", "5", JWT_ISS },
		{ "\"https://id.example/\"", "[\"https://id.example/\"]", JWT_ISS }, { "id.example/", "id.example", JWT_ISS },
		{ "id.example/", "id.example//", JWT_ISS }, { "id.example/", "ID.example/", JWT_ISS }, { "https", "http", JWT_ISS },
		{ "id.example/", "id.example:443/", JWT_ISS } };
	check_rows(rows, COUNT_OF(rows), &RULES);
}

static void test_jwt_verify_when_the_audience_is_another_refuses(void **state)
{
	const struct payload_row rows[] = { { "\"aud\":\"images\",", "", JWT_AUD_MISSING }, { "\"images\"", "\"image\"", JWT_AUD },
		{ "\"images\"", "\"Images\"", JWT_AUD }, { "\"images\"", "\"\"", JWT_AUD }, { "\"images\"", "\"other, images\"", JWT_AUD },
		{ "\"images\"", "[]", JWT_AUD_FORM }, { "\"images\"", "5", JWT_AUD_FORM }, { "\"images\"", "{\"images\":1}", JWT_AUD_FORM },
		{ "\"images\"", "null", JWT_AUD_FORM }, { "\"images\"", "true", JWT_AUD_FORM }, { "\"images\"", "[\"images\",5]", JWT_AUD_FORM },
		{ "\"images\"", "[5,\"images\"]", JWT_AUD_FORM }, { "\"images\"", "[[\"images\"]]", JWT_AUD_FORM },
		{ "\"images\"", "[\"a\",\"b\"]", JWT_AUD }, { "\"images\"", "\"other\"", JWT_VALID },
		{ "\"images\"", "[\"a\",\"images\"]", JWT_VALID },
		/* Cognito's access tokens have client_id; where both are there aud counts. */
		{ "\"aud\"", "\"client_id\"", JWT_VALID }, { "\"aud\":\"images\"", "\"client_id\":\"another\"", JWT_AUD },
		{ "\"aud\":\"images\"", "\"client_id\":[\"images\"]", JWT_AUD },
		{ "\"aud\":\"images\"", "\"aud\":\"another\",\"client_id\":\"images\"", JWT_AUD } };
	check_rows(rows, COUNT_OF(rows), &RULES);
}

static void test_jwt_verify_when_the_party_is_another_refuses(void **state)
{
	struct jwt_rules both = RULES, parties = RULES, id = RULES;
	both.parties = parties.parties = STR("https://app.example");
	parties.audiences = STR("");
	id.kind = JWT_ID;
	const struct payload_row rows[] = { { "\"aud\"", "\"azp\":\"https://evil.example\",\"aud\"", JWT_AZP },
		{ "\"aud\"", "\"azp\":5,\"aud\"", JWT_AZP }, { "\"aud\"", "\"azp\":\"https://app.example\",\"aud\"", JWT_VALID } };
	const struct payload_row several[] = { { "\"images\"", "[\"images\",\"more\"]", JWT_AZP },
		{ "\"images\"", "[\"images\",\"more\"],\"azp\":\"https://evil.example\"", JWT_AZP },
		{ "\"images\"", "[\"images\",\"more\"],\"azp\":\"https://app.example\"", JWT_VALID } };
	const struct payload_row none[] = { { "\"name\"", "\"nick\"", JWT_AZP }, { "\"aud\":\"images\"", "\"azp\":\"app.example\"", JWT_AZP },
		{ "\"aud\":\"images\"", "\"azp\":\"https://app.example\"", JWT_VALID } };
	const struct payload_row client[] = { { "\"images\"", "[\"images\",\"more\"],\"azp\":\"foreign\"", JWT_AZP },
		{ "\"images\"", "[\"images\",\"more\"],\"azp\":\"images\"", JWT_VALID } };
	check_rows(rows, COUNT_OF(rows), &both);
	check_rows(rows, COUNT_OF(rows), &parties);
	check_rows(several, COUNT_OF(several), &both);
	check_rows(none, COUNT_OF(none), &parties);
	check_rows(client, COUNT_OF(client), &id);
}

static void test_jwt_verify_when_it_is_another_kind_of_token_refuses(void **state)
{
	struct jwt_rules id = RULES, any = RULES;
	id.kind = JWT_ID;
	any.kind = JWT_ANY;
	const struct {
		const char *claim;
		bool access, id, any;
	} rows[] = { { "\"token_use\":\"id\"", false, true, true }, { "\"token_use\":\"access\"", true, false, true },
		{ "\"token_use\":\"refresh\"", false, false, false }, { "\"token_use\":5", false, false, false },
		{ "\"typ\":\"ID\"", false, true, true }, { "\"typ\":\"Bearer\"", true, false, true },
		{ "\"typ\":\"Refresh\"", false, false, false }, { "\"typ\":\"Offline\"", false, false, false },
		{ "\"at_hash\":\"x\"", false, true, true },
		{ "\"events\":{\"http://schemas.openid.net/event/backchannel-logout\":{}}", false, false, false },
		{ "\"x\":1", true, true, true } };
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct str token = payload_with("\"sub\"", str_printf(&arena, "%s,\"sub\"", rows[i].claim).p);
		assert_cause(verify_by(token, set, &RULES), rows[i].access ? JWT_VALID : JWT_TOKEN_KIND);
		assert_cause(verify_by(token, set, &id), rows[i].id ? JWT_VALID : JWT_TOKEN_KIND);
		assert_cause(verify_by(token, set, &any), rows[i].any ? JWT_VALID : JWT_TOKEN_KIND);
	}
	assert_cause(verify_by(header_with("\"JWT\"", "\"at+jwt\""), set, &id), JWT_TOKEN_KIND);
}

static void test_jwt_verify_when_a_time_is_malformed_refuses(void **state)
{
	const char *bad[] = { "\"1700000300\"", "null", "true", "[1700000300]", "1e400", "1e300", "9007199254740993", "9223372036854775807" };
	const char *claims[] = { "\"exp\":1700000300", "\"nbf\":1700000000", "\"iat\":1700000000" };
	for (size_t c = 0; c < COUNT_OF(claims); c++)
		for (size_t i = 0; i < COUNT_OF(bad); i++) {
			struct str to = str_printf(&arena, "%.6s%s", claims[c], bad[i]);
			enum jwt_cause want = str_equal(str_of(bad[i]), STR("1e400")) ? JWT_PAYLOAD_JSON : JWT_TIME_FORM;
			assert_cause(verify(payload_with(claims[c], to.p)), want);
		}
	const struct payload_row rows[] = { { "\"exp\":1700000300,", "", JWT_TIME_FORM }, { "\"exp\":1700000300", "\"exp\":-1", JWT_TIME_FORM },
		{ "\"exp\":1700000300", "\"exp\":-0.5e15", JWT_TIME_FORM }, { "\"exp\":1700000300", "\"exp\":1.7000003e9", JWT_VALID },
		{ "\"exp\":1700000300", "\"exp\":1700000300.75", JWT_VALID }, { "\"iat\":1700000000,\"nbf\":1700000000,", "", JWT_VALID } };
	check_rows(rows, COUNT_OF(rows), &RULES);
}

static void test_jwt_verify_when_expired_or_early_refuses(void **state)
{
	struct jwt_rules exact = RULES;
	exact.skew_s = 0;
	const struct payload_row rows[] = { { "1700000300", "1699999941", JWT_VALID }, { "1700000300", "1699999940", JWT_EXPIRED },
		{ "1700000300", "0", JWT_EXPIRED }, { "1700000300", "1699999999.5", JWT_VALID }, { "1700000300", "1734560000", JWT_VALID },
		{ "1700000300", "1734560001", JWT_EXP_FAR }, { "1700000300", "9007199254740991", JWT_EXP_FAR },
		{ "\"nbf\":1700000000", "\"nbf\":1700000060", JWT_VALID }, { "\"nbf\":1700000000", "\"nbf\":1700000061", JWT_NOT_YET },
		{ "\"iat\":1700000000", "\"iat\":1700000060", JWT_VALID }, { "\"iat\":1700000000", "\"iat\":1700000600", JWT_NOT_YET } };
	const struct payload_row strict[] = { { "1700000300", "1700000001", JWT_VALID }, { "1700000300", "1700000000", JWT_EXPIRED },
		{ "\"nbf\":1700000000", "\"nbf\":1700000001", JWT_NOT_YET } };
	check_rows(rows, COUNT_OF(rows), &RULES);
	check_rows(strict, COUNT_OF(strict), &exact);
}

static void test_jwt_verify_when_the_subject_is_malformed_refuses(void **state)
{
	char longest[2 + SUBJECT_MAX_BYTES + 2];
	memset(longest, 'x', sizeof longest);
	longest[0] = longest[SUBJECT_MAX_BYTES + 1] = '"';
	longest[SUBJECT_MAX_BYTES + 2] = '\0';
	const struct payload_row rows[] = { { "\"sub\":\"alice\",", "", JWT_SUBJECT }, { "\"alice\"", "\"\"", JWT_SUBJECT },
		{ "\"alice\"", "5", JWT_SUBJECT }, { "\"alice\"", "[\"alice\"]", JWT_SUBJECT }, { "\"alice\"", "\"a\\nb\"", JWT_SUBJECT },
		{ "\"alice\"", "\"a\\u007f\"", JWT_SUBJECT }, { "\"alice\"", "\"a\\u0000b\"", JWT_PAYLOAD_JSON },
		{ "\"alice\"", longest, JWT_VALID } };
	check_rows(rows, COUNT_OF(rows), &RULES);
	longest[SUBJECT_MAX_BYTES + 1] = 'x';
	longest[SUBJECT_MAX_BYTES + 2] = '"';
	longest[SUBJECT_MAX_BYTES + 3] = '\0';
	assert_cause(verify(payload_with("\"alice\"", longest)), JWT_SUBJECT);
}

static void test_jwt_verify_when_bound_to_a_key_refuses(void **state)
{
	assert_cause(verify(payload_with("\"sub\"", "\"cnf\":{\"jkt\":\"x\"},\"sub\"")), JWT_CNF);
	assert_cause(verify(payload_with("\"sub\"", "\"cnf\":null,\"sub\"")), JWT_CNF);
}

static void test_jwt_verify_gives_scopes_of_text_and_arrays_alone(void **state)
{
	const struct {
		const char *from, *to, *scopes;
	} rows[] = { { "\"scope\"", "\"scp\"", "read write" }, { "\"read write\"", "[\"read\",\"write\"]", "read write" },
		{ "\"scope\":\"read write\"", "\"scp\":[\"a\"]", "a" }, { "\"read write\"", "5", "" }, { "\"read write\"", "{\"read\":1}", "" },
		{ "\"read write\"", "null", "" }, { "\"read write\"", "[\"read admin\",5,\"\",\"b\"]", "b" },
		{ "\"scope\":\"read write\",", "", "" } };
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct jwt_claims claims;
		assert_cause(jwt_verify(payload_with(rows[i].from, rows[i].to), set, &RULES, NOW_S, &arena, &claims), JWT_VALID);
		assert_str(claims.scopes, str_of(rows[i].scopes));
	}
}

static void test_jwt_verify_finds_administrators_by_whole_words(void **state)
{
	const struct {
		const char *pointer, *value, *claim;
		bool is_admin;
	} rows[] = { { "/groups", "staff", "", true }, { "/groups", "admin", "", false }, { "/groups", "nonadmin", "", true },
		{ "", "admin", "", false }, { "/scope", "write", "", true }, { "/scope", "writ", "", false }, { "/scope", "read write", "", true },
		{ "/scope/x", "write", "", false }, { "/missing", "admin", "", false },
		{ "/a/roles", "admin", "\"a\":{\"roles\":[\"admin\"]},", true }, { "/a/roles", "admin", "\"a\":{\"roles\":[\"admins\"]},", false },
		{ "/a/roles", "admin", "\"a\":{\"roles\":{\"admin\":1}},", false },
		{ "/https:~1~1app.example~1roles", "admin", "\"https://app.example/roles\":[5,\"admin\"],", true },
		{ "/x~0y", "cn=admins,ou=a", "\"x~y\":[\"cn=admins,ou=a\"],", true }, { "/admin", "true", "\"admin\":true,", true },
		{ "/admin", "true", "\"admin\":false,", false }, { "/admin", "true", "\"admin\":1,", false }, { "/", "x", "\"\":\"x\",", true },
		{ "/cognito:groups", "admins", "\"cognito:groups\":[\"x,admins\"],", false } };
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct jwt_rules rules = RULES;
		struct jwt_claims claims;
		rules.admin_pointer = str_of(rows[i].pointer);
		rules.admin_value = str_of(rows[i].value);
		struct str token = payload_with("\"sub\"", str_printf(&arena, "%s\"sub\"", rows[i].claim).p);
		assert_cause(jwt_verify(token, set, &rules, NOW_S, &arena, &claims), JWT_VALID);
		if (claims.is_admin != rows[i].is_admin)
			fail_msg("%s=%s of %s", rows[i].pointer, rows[i].value, rows[i].claim);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		JWT_CASE(test_jwt_verify_gives_the_claims),
		JWT_CASE(test_jwt_verify_when_the_issuer_differs_refuses),
		JWT_CASE(test_jwt_verify_when_the_audience_is_another_refuses),
		JWT_CASE(test_jwt_verify_when_the_party_is_another_refuses),
		JWT_CASE(test_jwt_verify_when_it_is_another_kind_of_token_refuses),
		JWT_CASE(test_jwt_verify_when_a_time_is_malformed_refuses),
		JWT_CASE(test_jwt_verify_when_expired_or_early_refuses),
		JWT_CASE(test_jwt_verify_when_the_subject_is_malformed_refuses),
		JWT_CASE(test_jwt_verify_when_bound_to_a_key_refuses),
		JWT_CASE(test_jwt_verify_gives_scopes_of_text_and_arrays_alone),
		JWT_CASE(test_jwt_verify_finds_administrators_by_whole_words),
	};
	return cmocka_run_group_tests(tests, jwt_group_set_up, jwt_group_tear_down);
}
