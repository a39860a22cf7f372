/* See jwt_fixture.h. */
#include "identity/jwt_fixture.h"

struct token_keys keys;
struct jwk_set *set;
struct arena arena;
const struct jwt_rules RULES = { .issuer = { "https://id.example/", 19 },
	.audiences = { "other, images", 13 },
	.allows = { [JWT_RS256] = true, [JWT_PS256] = true, [JWT_ES256] = true, [JWT_EDDSA] = true },
	.kind = JWT_ACCESS,
	.skew_s = 60,
	.subject_claim = "sub" };

struct jwk_set *import_set(struct str json)
{
	struct jwk_set *made = NULL;
	struct fault why = { 0 };
	if (jwk_set_new(json, &made, &why) != OK)
		fail_msg("%s", why.text);
	return made;
}

int jwt_group_set_up(void **state)
{
	const enum token_key which[] = { TOKEN_RSA, TOKEN_RSA_OTHER, TOKEN_P256, TOKEN_ED25519, TOKEN_RSA_SHORT, TOKEN_P384 };
	token_keys_make(&keys);
	arena_init(&arena, JWT_FIXTURE_ARENA_BYTES);
	set = import_set(token_set(&arena, &keys, which, COUNT_OF(which)));
	arena_deinit(&arena);
	return 0;
}

int jwt_group_tear_down(void **state)
{
	jwk_set_free(&set);
	token_keys_free(&keys);
	return 0;
}

int jwt_set_up(void **state)
{
	arena_init(&arena, JWT_FIXTURE_ARENA_BYTES);
	return 0;
}

int jwt_tear_down(void **state)
{
	arena_deinit(&arena);
	return 0;
}

struct str sign(struct str header, struct str payload)
{
	return token_sign(&arena, keys.keys[TOKEN_RSA], "RS256", header, payload);
}

struct str header_with(const char *from, const char *to)
{
	return sign(token_replace(&arena, HEADER, from, to), PAYLOAD);
}

struct str payload_with(const char *from, const char *to)
{
	return sign(HEADER, token_replace(&arena, PAYLOAD, from, to));
}

enum jwt_cause verify_by(struct str token, const struct jwk_set *with, const struct jwt_rules *rules)
{
	struct jwt_claims claims;
	return jwt_verify(token, with, rules, NOW_S, &arena, &claims);
}

enum jwt_cause verify(struct str token)
{
	return verify_by(token, set, &RULES);
}
