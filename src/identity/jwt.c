/* The form and the header of a token, and the choice of its key. See jwt.h. */
#include "identity/jwt.h"

#include "base/arena.h"
#include "base/codec.h"
#include "identity/jwt_claims.h"
#include "identity/jwt_json.h"
#include "identity/jwt_signature.h"

/* A token in its parts, decoded. */
struct token_parts {
	struct str header, payload, signature;
	struct str text; /* what is signed: the first two, as they are in the token */
};

struct token_header {
	enum jwt_algorithm algorithm;
	struct str alg; /* its name */
	bool has_kid;
	struct str kid;
	bool is_access; /* typ says so */
};

const char *jwt_cause_text(enum jwt_cause cause)
{
	static const char *const texts[] = {
#define CAUSE(name, meaning) [JWT_##name] = meaning,
#include "identity/jwt_cause.def"
#undef CAUSE
	};
	assert(cause < JWT_CAUSES);
	return texts[cause];
}

bool jwt_algorithm_parse(struct str name, enum jwt_algorithm *out)
{
	assert(out != NULL);
	static const struct {
		struct str name;
		enum jwt_algorithm algorithm;
	} names[] = { { { "RS256", 5 }, JWT_RS256 }, { { "PS256", 5 }, JWT_PS256 }, { { "ES256", 5 }, JWT_ES256 },
		{ { "EdDSA", 5 }, JWT_EDDSA }, { { "Ed25519", 7 }, JWT_EDDSA }, { { "HS256", 5 }, JWT_HS256 } };
	for (size_t i = 0; i < COUNT_OF(names); i++)
		if (str_equal(name, names[i].name)) {
			*out = names[i].algorithm;
			return true;
		}
	return false;
}

static enum jwt_cause split_token(struct str token, struct arena *a, struct token_parts *out)
{
	if (token.n > JWT_MAX_BYTES)
		return JWT_TOO_LONG;
	struct str rest = token, header = str_cut(&rest, '.'), payload = str_cut(&rest, '.');
	if (rest.p == NULL || str_find_char(rest, '.') < rest.n)
		return JWT_PARTS;
	if (header.n > JWT_HEADER_MAX_BYTES)
		return JWT_TOO_LONG;
	out->text = str_slice(token, 0, header.n + 1 + payload.n);
	if (base64url_decode(a, header, &out->header) && base64url_decode(a, payload, &out->payload) &&
		base64url_decode(a, rest, &out->signature))
		return JWT_VALID;
	return arena_ok(a) ? JWT_BASE64URL : JWT_NO_MEMORY;
}

static bool has_any(const struct json_node *header, const char *const *names, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (node_member(header, str_of(names[i])) != NULL)
			return true;
	return false;
}

/* RFC 8725 3.11: tokens for something else are told apart by their type. */
static bool is_typ_allowed(const struct json_node *typ, bool *is_access)
{
	struct str text = node_text(typ);
	*is_access = str_equal_nocase(text, STR("at+jwt")) || str_equal_nocase(text, STR("application/at+jwt"));
	return typ == NULL || *is_access || str_equal_nocase(text, STR("JWT"));
}

static enum jwt_cause read_header(const struct json_node *json, const struct jwt_rules *rules, struct token_header *out)
{
	static const char *const keys[] = { "jwk", "jku", "x5u", "x5c" }, *const extensions[] = { "crit", "b64", "zip", "enc" };
	const struct json_node *kid = node_member(json, STR("kid"));
	out->alg = node_member_text(json, STR("alg"));
	out->kid = node_text(kid);
	out->has_kid = kid != NULL;
	if (has_any(json, keys, COUNT_OF(keys)))
		return JWT_HEADER_KEY;
	if (has_any(json, extensions, COUNT_OF(extensions)))
		return JWT_HEADER_EXTENSION;
	if (!is_typ_allowed(node_member(json, STR("typ")), &out->is_access))
		return JWT_TYP;
	if (out->alg.n == 0 || str_equal_nocase(out->alg, STR("none")))
		return JWT_ALG_NONE;
	if (!jwt_algorithm_parse(out->alg, &out->algorithm) || !rules->allows[out->algorithm])
		return JWT_ALG_NOT_ALLOWED;
	return out->has_kid && (out->kid.n < 1 || out->kid.n > JWK_KID_MAX_BYTES) ? JWT_KID_FORM : JWT_VALID;
}

static enum jwt_cause check_key(const struct jwk *key, const struct token_header *h)
{
	enum jwt_algorithm only;
	if (key->flaw != JWK_USABLE)
		return JWT_KEY_FLAWED;
	if (!jwt_signature_fits(h->algorithm, key->type))
		return JWT_KEY_TYPE;
	bool same = key->alg.n == 0 || (jwt_algorithm_parse(key->alg, &only) && only == h->algorithm);
	return same ? JWT_VALID : JWT_KEY_ALG;
}

/* The key of the token's kid that fits; a set may have one kid for keys of several types. */
static enum jwt_cause find_named(const struct jwk_set *keys, const struct token_header *h, const struct jwk **out)
{
	enum jwt_cause cause = JWT_KID_UNKNOWN;
	for (size_t i = 0; i < jwk_set_count(keys); i++) {
		const struct jwk *key = jwk_set_at(keys, i);
		if (!key->has_kid || !str_equal(key->kid, h->kid))
			continue;
		enum jwt_cause fits = check_key(key, h);
		if (fits == JWT_VALID) {
			*out = key;
			return JWT_VALID;
		}
		cause = fits;
	}
	return cause;
}

/* Without a kid, the only key that fits. */
static enum jwt_cause find_single(const struct jwk_set *keys, const struct token_header *h, const struct jwk **out)
{
	size_t fitting = 0;
	for (size_t i = 0; i < jwk_set_count(keys); i++)
		if (check_key(jwk_set_at(keys, i), h) == JWT_VALID) {
			*out = jwk_set_at(keys, i);
			fitting++;
		}
	return fitting == 1 ? JWT_VALID : JWT_KID_MISSING;
}

static enum jwt_cause check_signature(const struct token_parts *t, const struct jwk_set *keys, const struct token_header *h)
{
	const struct jwk *key = NULL;
	struct str secret = jwk_set_secret(keys);
	/* Whatever the rules allow: a key is never a secret, nor a secret a key (RFC 8725 2.1). */
	if (secret.n > 0)
		return h->algorithm == JWT_HS256 ? jwt_signature_check_secret(secret, t->text, t->signature) : JWT_KEY_TYPE;
	if (h->algorithm == JWT_HS256)
		return JWT_KEY_TYPE;
	enum jwt_cause cause = h->has_kid ? find_named(keys, h, &key) : find_single(keys, h, &key);
	return cause != JWT_VALID ? cause : jwt_signature_check(h->algorithm, key, t->text, t->signature);
}

enum jwt_cause jwt_verify(
	struct str token, const struct jwk_set *keys, const struct jwt_rules *rules, int64_t now_s, struct arena *a, struct jwt_claims *out)
{
	assert(keys != NULL && rules != NULL && a != NULL && out != NULL);
	assert(rules->audiences.n > 0 || rules->parties.n > 0);
	struct token_parts t = { 0 };
	struct token_header h = { 0 };
	const struct json_node *json = NULL;
	enum jwt_cause cause = split_token(token, a, &t);
	if (cause == JWT_VALID)
		cause = jwt_json_read(t.header, (struct jwt_json_causes){ JWT_HEADER_JSON, JWT_HEADER_TWICE }, a, &json);
	if (cause == JWT_VALID)
		cause = read_header(json, rules, &h);
	if (cause == JWT_VALID)
		cause = check_signature(&t, keys, &h);
	if (cause != JWT_VALID)
		return cause;
	return jwt_claims_read(t.payload, rules, now_s, h.is_access, a, out);
}
