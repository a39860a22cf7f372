/* Any bytes as a token. Those with a line feed are a header and a payload, which are signed here, so that the rules for the payload are reached.
 * What must hold: what is valid has a subject and has not expired; a token that is valid is not valid with one character changed, nor after
 * its time, nor with another secret; without a signature made with the secret nothing is valid by it. */
#include "identity/jwt.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/codec.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define ARENA_BYTES ((size_t)4 << 20)
#define NOW_S 1700000000
#define SECRET STR("0123456789abcdef0123456789abcdef")
#define OTHER_SECRET STR("0123456789abcdef0123456789abcdeF")

/* Its private keys signed the corpus and are forgotten. */
static const char KEYS[] =
	"{\"keys\":[{\"kty\":\"RSA\",\"n\":\"rLivFh1zjUATqUlkzfSZJ7y3L_GdABSW3OH8Vn6IV3ZU3tVA3dc8eO5KlPsXFHdcPMPbyzo9BWh6aeoiKJO-JzrIExFyU"
	"kgmR11ZKLjemUUl0VUfu6hBnbakT_uWLtQAd5hyiiIhfHNXM_kqGxzsFX3LNyUDJigCXK-Wmw_6kzybUjRBjliBh-s0fSBHjsjrGdVCW7YemnMPIEmLbuUa_"
	"VwFpiTPsufzlR5dKLSpQfXl9l9LjGwPf6NoISP9fJ-QLRBBigOt8YQUWEuE324B8mbVW5i_8itBXhyHR8DIv2zaGI9-ug6zxJopwhbC6W7FJAqDkyAE6IQg5"
	"llajzie3w\",\"e\":\"AQAB\",\"kid\":\"rsa\"},{\"kty\":\"EC\",\"x\":\"1N14OAEqsUMbqzoHJP1UgyAJP7QDFzZXVa2rZBqlEpw\",\"y\":\"E0kqrf-alv-8wSfLRS"
	"GTQyi9--cLOBpKghun4ej-R8E\",\"crv\":\"P-256\",\"kid\":\"ec\"},{\"crv\":\"Ed25519\",\"x\":\"bLdygCDq2KUDBHoj2OrhGke3t0toBVDedu_Db3-Coe8\","
	"\"kty\":\"OKP\",\"kid\":\"ed25519\"}]}";

static const struct jwt_rules RULES = { .issuer = { "https://id.example", 18 },
	.audiences = { "images", 6 },
	.parties = { "app", 3 },
	.allows = { true, true, true, true, true },
	.kind = JWT_ACCESS,
	.skew_s = 60,
	.subject_claim = "sub",
	.admin_pointer = { "/realm_access/roles", 19 },
	.admin_value = { "admins", 6 } };

static struct str sign_text(struct arena *a, struct str header, struct str payload)
{
	unsigned char mac[SHA256_BYTES];
	struct buf b;
	buf_init_arena(&b, a, ARENA_BYTES / 8);
	base64url_encode(&b, header);
	buf_put_char(&b, '.');
	base64url_encode(&b, payload);
	hmac_sha256(SECRET, buf_str(&b), mac);
	buf_put_char(&b, '.');
	base64url_encode(&b, (struct str){ (const char *)mac, sizeof mac });
	return buf_ok(&b) ? buf_str(&b) : STR("");
}

static void check_valid(const struct jwt_claims *claims, int64_t now_s)
{
	assert(subject_valid(claims->subject));
	assert(claims->expires_s > now_s - RULES.skew_s && claims->expires_s <= now_s + JWT_AHEAD_MAX_S);
}

static void check_secret(struct str token, const struct jwk_set *secret, const struct jwk_set *other, struct arena *a, uint8_t seed)
{
	struct jwt_claims claims;
	char *changed = (char *)(uintptr_t)str_dup(a, token).p;
	if (token.n == 0 || jwt_verify(token, secret, &RULES, NOW_S, a, &claims) != JWT_VALID)
		return;
	check_valid(&claims, NOW_S);
	assert(jwt_verify(token, secret, &RULES, claims.expires_s + RULES.skew_s, a, &claims) == JWT_EXPIRED);
	assert(jwt_verify(token, other, &RULES, NOW_S, a, &claims) == JWT_SIGNATURE);
	changed[seed % token.n] = changed[seed % token.n] == 'A' ? 'B' : 'A';
	assert(jwt_verify((struct str){ changed, token.n }, secret, &RULES, NOW_S, a, &claims) != JWT_VALID);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct jwk_set *keys, *secret, *other;
	struct str text = { (const char *)data, size };
	struct jwt_claims claims;
	struct arena arena;
	if (keys == NULL) {
		assert(jwk_set_new(str_of(KEYS), &keys, NULL) == OK);
		secret = jwk_set_of_secret(SECRET);
		other = jwk_set_of_secret(OTHER_SECRET);
	}
	arena_init(&arena, ARENA_BYTES);
	if (jwt_verify(text, keys, &RULES, NOW_S, &arena, &claims) == JWT_VALID)
		check_valid(&claims, NOW_S);
	assert(jwt_verify(text, secret, &RULES, NOW_S, &arena, &claims) != JWT_VALID);
	size_t end = str_find_char(text, '\n');
	if (end < text.n)
		check_secret(sign_text(&arena, str_slice(text, 0, end), str_slice(text, end + 1, text.n)), secret, other, &arena, data[size / 2]);
	arena_deinit(&arena);
	return 0;
}
