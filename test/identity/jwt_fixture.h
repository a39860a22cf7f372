/* A valid token, the keys and the rules that it is verified by, and changes to it: what the tests of jwt.c and jwt_claims.c start from. */
#ifndef TEST_IDENTITY_JWT_FIXTURE_H
#define TEST_IDENTITY_JWT_FIXTURE_H

#include "identity/tokens.h"
#include "unit.h"

#include "identity/jwt.h"

#define JWT_FIXTURE_ARENA_BYTES ((size_t)16 << 20)
#define NOW_S 1700000000
#define HEADER STR("{\"alg\":\"RS256\",\"typ\":\"JWT\",\"kid\":\"rsa\"}")
#define PAYLOAD \
	STR("{\"iss\":\"https://id.example/\",\"aud\":\"images\",\"sub\":\"alice\",\"iat\":1700000000,\"nbf\":1700000000,\"exp\":1700000300," \
		"\"scope\":\"read write\",\"name\":\"Alice\",\"groups\":[\"nonadmin\",\"staff\"]}")

extern struct token_keys keys;
extern struct jwk_set *set; /* all of them */
extern struct arena arena;  /* of each test */
extern const struct jwt_rules RULES;

/* Of the group, and of each test. */
int jwt_group_set_up(void **state);
int jwt_group_tear_down(void **state);
int jwt_set_up(void **state);
int jwt_tear_down(void **state);
#define JWT_CASE(name) cmocka_unit_test_setup_teardown(name, jwt_set_up, jwt_tear_down)

struct jwk_set *import_set(struct str json);
/* RS256 with the key of HEADER. */
struct str sign(struct str header, struct str payload);
/* The token with one change of its header, or of its payload. */
struct str header_with(const char *from, const char *to);
struct str payload_with(const char *from, const char *to);
enum jwt_cause verify_by(struct str token, const struct jwk_set *with, const struct jwt_rules *rules);
enum jwt_cause verify(struct str token);

#define assert_cause(got, want) assert_string_equal(jwt_cause_text(got), jwt_cause_text(want))

#endif
