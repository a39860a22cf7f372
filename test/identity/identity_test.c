/* Tokens verified end to end: settings that cannot work, whose token it is, keys that change, and the cache. */
#include "identity/jwt_fixture.h"
#include "identity/provider.h"
#include "temp.h"

#include "base/mem.h"
#include "identity/identity.h"

#define NOW_MS ((int64_t)NOW_S * 1000)
#define SECRET "0123456789abcdef0123456789abcdef"

static struct provider provider;
static struct fault why;

static struct identity_options options(void)
{
	return (struct identity_options){
		.issuer = provider.url, .audiences = STR("images"), .subject = "sub", .token = STR("access"), .skew_s = 60
	};
}

static int set_up(void **state)
{
	const enum token_key which[] = { TOKEN_RSA, TOKEN_P256, TOKEN_ED25519 };
	jwt_set_up(state);
	provider_start(&provider);
	provider_set_keys(&provider, token_set(&arena, &keys, which, COUNT_OF(which)));
	why = (struct fault){ 0 };
	return 0;
}

static int tear_down(void **state)
{
	provider_stop(&provider);
	return jwt_tear_down(state);
}

static struct identity *start(const struct identity_options *o)
{
	struct identity *i = NULL;
	if (identity_new(o, &i, &why) != OK)
		fail_msg("%s", why.text);
	return i;
}

/* A token of the provider with a change of its payload; "" and "": as it is. */
static struct str token_with(const char *from, const char *to)
{
	struct str payload = token_replace(&arena, PAYLOAD, "https://id.example/", provider.server.url);
	return sign(HEADER, token_replace(&arena, payload, from, to));
}

static enum status verify_at(struct identity *i, struct str token, int64_t now_ms, struct identity_caller *out)
{
	return identity_verify(i, token, now_ms, true, &arena, out, &why);
}

static void assert_refused(enum status status, const char *text, enum jwt_cause cause)
{
	assert_int_equal(status, DENIED);
	assert_int_equal(why.code, F_TOKEN_INVALID);
	assert_string_equal(why.text, text);
	assert_string_equal(why.cause, jwt_cause_text(cause));
}

static void test_identity_new_when_a_setting_cannot_work_refuses(void **state)
{
	const struct identity_options good = options();
	struct {
		struct identity_options o;
		const char *says;
	} rows[] = { { good, "https://…, or http:// on this machine" }, { good, "visible ASCII" }, { good, "visible ASCII" },
		{ good, "TINTYPE_OIDC_AUDIENCE" }, { good, "must be some of RS256" }, { good, "needs TINTYPE_OIDC_SECRET" },
		{ good, "at least 32 bytes" }, { good, "exclude each other" }, { good, "the only algorithm is HS256" }, { good, "JSON pointer" },
		{ good, "JSON pointer" }, { good, "cannot be read: No such file" }, { good, "cannot be used: it is not valid JSON" },
		{ good, "(TINTYPE_OIDC_JWKS): the JWK set cannot be used" } };
	size_t r = 0;
	rows[r++].o.issuer = STR("http://id.example");
	rows[r++].o.issuer = STR("");
	rows[r++].o.issuer = STR("https://id.example/\n");
	rows[r++].o.audiences = STR("");
	rows[r++].o.algorithms = STR("RS256,none");
	rows[r++].o.algorithms = STR("RS256, HS256");
	rows[r++].o.secret = STR("0123456789abcdef0123456789abcde");
	rows[r].o.secret = STR(SECRET);
	rows[r++].o.keys = STR("/dev/null");
	rows[r].o.secret = STR(SECRET);
	rows[r++].o.algorithms = STR("RS256");
	rows[r++].o.admin = STR("cognito:groups=admins");
	rows[r++].o.admin = STR("/groups=");
	rows[r++].o.keys = STR("/nonexistent/keys.json");
	rows[r++].o.keys = STR("/dev/null");
	rows[r++].o.keys = STR("{\"keys\":");
	assert_int_equal(r, COUNT_OF(rows));
	for (r = 0; r < COUNT_OF(rows); r++) {
		struct identity *i = NULL;
		assert_int_equal(identity_new(&rows[r].o, &i, &why), INVALID);
		assert_null(i);
		assert_int_equal(why.code, F_BAD_SETTING);
		if (strstr(why.text, rows[r].says) == NULL)
			fail_msg("\"%s\" is not in: %s", rows[r].says, why.text);
	}
}

static void test_identity_verify_tells_whose_token_it_is(void **state)
{
	struct identity_options o = options();
	struct identity_caller caller;
	char owner[OWNER_CHARS + 1];
	o.admin = STR("/groups=staff");
	struct identity *i = start(&o);
	assert_int_equal(verify_at(i, token_with("", ""), NOW_MS, &caller), OK);
	assert_true(owner_of(provider.url, STR("alice"), owner));
	assert_str(caller.owner, str_of(owner));
	assert_str(caller.issuer, provider.url);
	assert_str(caller.subject, STR("alice"));
	assert_str(caller.name, STR("Alice"));
	assert_str(caller.scopes, STR("read write"));
	assert_true(caller.is_admin);
	assert_int_equal(caller.expires_ms, NOW_MS + 300000);
	assert_int_equal(verify_at(i, token_with("\"staff\"", "\"staffs\""), NOW_MS, &caller), OK);
	assert_false(caller.is_admin);
	identity_free(&i);
	assert_null(i);
}

static void test_identity_verify_when_not_valid_says_expired_alone(void **state)
{
	struct identity_options o = options();
	struct identity_caller caller;
	struct identity *i = start(&o);
	char *longer = arena_alloc(&arena, JWT_MAX_BYTES + 1);
	assert_refused(verify_at(i, STR("a.b.c"), NOW_MS, &caller), "The token is not valid.", JWT_BASE64URL);
	assert_refused(verify_at(i, (struct str){ longer, JWT_MAX_BYTES + 1 }, NOW_MS, &caller), "The token is not valid.", JWT_TOO_LONG);
	assert_refused(verify_at(i, token_with("\"images\"", "\"videos\""), NOW_MS, &caller), "The token is not valid.", JWT_AUD);
	assert_refused(verify_at(i, token_with("", ""), NOW_MS + 360000, &caller), "The token has expired.", JWT_EXPIRED);
	assert_refused(verify_at(i, token_with("", ""), NOW_MS - 600000, &caller), "The token is not valid.", JWT_NOT_YET);
	identity_free(&i);
}

static void test_identity_verify_remembers_a_token_until_it_expires(void **state)
{
	struct identity_options o = options();
	struct identity_caller caller;
	struct identity *i = start(&o);
	struct str token = token_with("", "");
	for (int n = 0; n < 3; n++) {
		assert_int_equal(verify_at(i, token, NOW_MS, &caller), OK);
		assert_str(caller.subject, STR("alice"));
	}
	/* Within the allowance it is verified anew, and after that refused. */
	assert_int_equal(verify_at(i, token, NOW_MS + 359999, &caller), OK);
	assert_refused(verify_at(i, token, NOW_MS + 360000, &caller), "The token has expired.", JWT_EXPIRED);
	identity_free(&i);
}

static void test_identity_verify_when_the_issuer_cannot_be_reached_says_so(void **state)
{
	struct identity_options o = options();
	struct identity_caller caller;
	provider_set_status(&provider, "500 Internal Server Error");
	struct identity *i = start(&o);
	assert_int_equal(identity_verify(i, token_with("", ""), NOW_MS, false, &arena, &caller, &why), BUSY);
	assert_int_equal(why.code, F_IDENTITY_REFRESHING);
	assert_int_equal(verify_at(i, token_with("", ""), NOW_MS, &caller), BUSY);
	assert_int_equal(why.code, F_IDENTITY_UNREACHABLE);
	assert_string_equal(why.cause, "it answered 500");
	identity_free(&i);
}

static void test_identity_verify_when_the_kid_is_unknown_refuses_after_one_request(void **state)
{
	struct identity_options o = options();
	struct identity_caller caller;
	struct identity *i = start(&o);
	assert_int_equal(verify_at(i, token_with("", ""), NOW_MS, &caller), OK);
	for (int n = 0; n < 20; n++) {
		struct str kid = str_printf(&arena, "\"made-up-%d\"", n);
		assert_refused(verify_at(i, header_with("\"rsa\"", kid.p), NOW_MS, &caller), "The token is not valid.", JWT_KID_UNKNOWN);
	}
	assert_int_equal(atomic_load(&provider.requests), 1);
	identity_free(&i);
}

static void test_identity_verify_with_a_file_of_keys_needs_no_network(void **state)
{
	const enum token_key which = TOKEN_RSA;
	char dir[TEMP_PATH_MAX];
	struct identity_options o = options();
	struct identity_caller caller;
	temp_make(dir);
	const char *path = temp_path(dir, "keys.json");
	temp_write(path, token_set(&arena, &keys, &which, 1));
	o.keys = str_of(path);
	o.has_thread = true;
	struct identity *i = start(&o);
	assert_int_equal(identity_verify(i, token_with("", ""), NOW_MS, false, &arena, &caller, &why), OK);
	assert_refused(identity_verify(i, header_with("\"rsa\"", "\"other\""), NOW_MS, false, &arena, &caller, &why), "The token is not valid.",
		JWT_KID_UNKNOWN);
	assert_int_equal(atomic_load(&provider.requests), 0);
	identity_free(&i);
	temp_remove(dir);
}

static void test_identity_verify_with_keys_of_the_setting_needs_no_network(void **state)
{
	const enum token_key which = TOKEN_RSA;
	struct identity_options o = options();
	struct identity_caller caller;
	o.keys = token_set(&arena, &keys, &which, 1);
	struct identity *i = start(&o);
	assert_int_equal(identity_prefetch(i, &why), OK);
	assert_int_equal(identity_verify(i, token_with("", ""), NOW_MS, false, &arena, &caller, &why), OK);
	assert_int_equal(atomic_load(&provider.requests), 0);
	identity_free(&i);
}

static void test_identity_prefetch_when_done_then_a_caller_that_may_not_wait_is_known(void **state)
{
	struct identity_options o = options();
	struct identity_caller caller;
	struct identity *i = start(&o);
	assert_int_equal(identity_verify(i, token_with("", ""), NOW_MS, false, &arena, &caller, &why), BUSY);
	assert_int_equal(why.code, F_IDENTITY_REFRESHING);
	for (int n = 0; n < 2; n++)
		assert_int_equal(identity_prefetch(i, &why), OK);
	assert_int_equal(identity_verify(i, token_with("", ""), NOW_MS, false, &arena, &caller, &why), OK);
	assert_int_equal(atomic_load(&provider.key_requests), 1);
	identity_free(&i);
}

static void test_identity_prefetch_when_the_issuer_fails_says_so(void **state)
{
	struct identity_options o = options();
	provider_set_status(&provider, "500 Internal Server Error");
	struct identity *i = start(&o);
	assert_int_equal(identity_prefetch(i, &why), BUSY);
	assert_int_equal(why.code, F_IDENTITY_UNREACHABLE);
	identity_free(&i);
}

static void test_identity_verify_with_a_secret_accepts_hs256_alone(void **state)
{
	struct identity_options o = options();
	struct identity_caller caller;
	struct str header = STR("{\"alg\":\"HS256\"}"), payload = token_replace(&arena, PAYLOAD, "https://id.example/", "app");
	o.secret = STR(SECRET);
	o.issuer = STR("app"); /* nothing is fetched from it */
	struct identity *i = start(&o);
	assert_int_equal(identity_verify(i, token_sign_secret(&arena, STR(SECRET), header, payload), NOW_MS, false, &arena, &caller, &why), OK);
	assert_str(caller.issuer, STR("app"));
	assert_refused(verify_at(i, sign(HEADER, payload), NOW_MS, &caller), "The token is not valid.", JWT_ALG_NOT_ALLOWED);
	identity_free(&i);
}

static void test_identity_new_when_memory_fails_leaves_nothing(void **state)
{
	struct identity_options o = options();
	struct identity *i = NULL;
	enum status status = IO;
	o.secret = STR(SECRET);
	for (int nth = 1; status != OK; nth++) {
		mem_fail_nth(nth);
		status = identity_new(&o, &i, &why);
		mem_fail_nth(0);
		assert_true((status == OK) == (i != NULL));
	}
	identity_free(&i);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_identity_new_when_a_setting_cannot_work_refuses),
		CASE(test_identity_verify_tells_whose_token_it_is),
		CASE(test_identity_verify_when_not_valid_says_expired_alone),
		CASE(test_identity_verify_remembers_a_token_until_it_expires),
		CASE(test_identity_verify_when_the_issuer_cannot_be_reached_says_so),
		CASE(test_identity_verify_when_the_kid_is_unknown_refuses_after_one_request),
		CASE(test_identity_verify_with_a_file_of_keys_needs_no_network),
		CASE(test_identity_verify_with_keys_of_the_setting_needs_no_network),
		CASE(test_identity_prefetch_when_done_then_a_caller_that_may_not_wait_is_known),
		CASE(test_identity_prefetch_when_the_issuer_fails_says_so),
		CASE(test_identity_verify_with_a_secret_accepts_hs256_alone),
		CASE(test_identity_new_when_memory_fails_leaves_nothing),
	};
	return cmocka_run_group_tests(tests, jwt_group_set_up, jwt_group_tear_down);
}
