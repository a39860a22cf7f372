/* See identity.h. The settings are checked here, once, and become the rules of jwt.h. */
#include "identity/identity.h"

#include "base/arena.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/metrics.h"
#include "http/text.h"
#include "identity/discovery.h"
#include "identity/issuer.h"
#include "identity/jwt.h"
#include "identity/owner.h"
#include "identity/token_cache.h"

#include <string.h>

#define CACHE_ENTRIES 4096
#define ISSUER_MAX_BYTES 255
#define SKEW_MAX_S 300

struct identity {
	struct jwt_rules rules;
	struct jwk_set *fixed; /* a secret, or the keys of a file; NULL: those of the issuer */
	struct issuer *issuer; /* NULL where they are fixed */
	struct str client_id, scope;
	struct token_cache *cache;
};

static enum status check_issuer(const struct identity_options *o, struct fault *why)
{
	bool is_fetched = o->secret.n == 0 && o->keys.n == 0;
	if (o->issuer.n > ISSUER_MAX_BYTES || !http_is_visible(o->issuer))
		return fault_set(
			why, BAD_SETTING, "--oidc-issuer (TINTYPE_OIDC_ISSUER) must be 1 to %d visible ASCII characters", ISSUER_MAX_BYTES);
	if (is_fetched && !discovery_url_valid(o->issuer))
		return fault_set(why, BAD_SETTING,
			"--oidc-issuer (TINTYPE_OIDC_ISSUER) must be https://…, or http:// on this machine, since its keys are fetched from there; "
			"--oidc-jwks names a file of keys instead");
	return OK;
}

/* Without any, each algorithm that keys have, or the secret's. */
static enum status read_algorithms(const struct identity_options *o, struct jwt_rules *rules, struct fault *why)
{
	struct str list = o->algorithms.n > 0 ? o->algorithms : o->secret.n > 0 ? STR("HS256") : STR("RS256,ES256,EdDSA");
	for (struct str rest = list; rest.p != NULL;) {
		enum jwt_algorithm algorithm;
		struct str name = str_trim(str_cut(&rest, ','));
		if (!jwt_algorithm_parse(name, &algorithm))
			return fault_set(why, BAD_SETTING,
				"--oidc-algorithms (TINTYPE_OIDC_ALGORITHMS) must be some of RS256, PS256, ES256, EdDSA and HS256, separated by commas");
		if ((algorithm == JWT_HS256) != (o->secret.n > 0))
			return fault_set(why, BAD_SETTING,
				o->secret.n > 0 ? "With TINTYPE_OIDC_SECRET the only algorithm is HS256; remove the others from --oidc-algorithms"
								: "--oidc-algorithms has HS256, which needs TINTYPE_OIDC_SECRET and excludes the other algorithms");
		rules->allows[algorithm] = true;
	}
	return OK;
}

static enum status read_admin(struct str rule, struct jwt_rules *rules, struct fault *why)
{
	size_t at = str_find_char(rule, '=');
	if (rule.n == 0)
		return OK;
	if (rule.p[0] != '/' || at + 1 >= rule.n)
		return fault_set(why, BAD_SETTING,
			"--oidc-admin (TINTYPE_OIDC_ADMIN) must be a JSON pointer, '=' and a value, such as /cognito:groups=admins or /scope=admin");
	rules->admin_pointer = str_slice(rule, 0, at);
	rules->admin_value = str_slice(rule, at + 1, rule.n);
	return OK;
}

static enum status read_rules(const struct identity_options *o, struct jwt_rules *rules, struct fault *why)
{
	*rules = (struct jwt_rules){ .issuer = o->issuer,
		.audiences = o->audiences,
		.parties = o->parties,
		.kind = str_equal(o->token, STR("id")) ? JWT_ID
			: str_equal(o->token, STR("any"))  ? JWT_ANY
											   : JWT_ACCESS,
		.skew_s = (int64_t)o->skew_s,
		.subject_claim = o->subject };
	assert(o->skew_s <= SKEW_MAX_S && o->subject != NULL);
	TRY(check_issuer(o, why));
	if (o->audiences.n == 0 && o->parties.n == 0)
		return fault_set(why, BAD_SETTING,
			"TINTYPE_OIDC_ISSUER needs TINTYPE_OIDC_AUDIENCE, what tokens for this server have as aud (or client_id), or "
			"TINTYPE_OIDC_PARTIES, what they have as azp: else tokens for other applications would be accepted");
	if (o->secret.n > 0 && o->keys.n > 0)
		return fault_set(why, BAD_SETTING, "TINTYPE_OIDC_SECRET and --oidc-jwks (TINTYPE_OIDC_JWKS) exclude each other: remove one");
	if (o->secret.n > 0 && o->secret.n < JWK_SECRET_MIN_BYTES)
		return fault_set(why, BAD_SETTING, "TINTYPE_OIDC_SECRET must have at least %d bytes", JWK_SECRET_MIN_BYTES);
	if (o->client_id.n > 0 && (o->secret.n > 0 || o->keys.n > 0))
		return fault_set(why, BAD_SETTING,
			"--oidc-client-id (TINTYPE_OIDC_CLIENT_ID) lets the page sign in where the issuer's document says, which is not fetched with "
			"--oidc-jwks or TINTYPE_OIDC_SECRET: remove one");
	TRY(read_algorithms(o, rules, why));
	return read_admin(o->admin, rules, why);
}

/* The sets that do not change. */
static enum status read_keys(struct str json, const char *from, struct jwk_set **out, struct fault *why)
{
	struct fault flaw = { 0 };
	enum status status = jwk_set_new(json, out, &flaw);
	if (status == INVALID)
		return fault_set(why, BAD_SETTING, "--oidc-jwks (TINTYPE_OIDC_JWKS): %s cannot be used: %s", from, flaw.text);
	return status == OK ? OK : fault_no_memory(why);
}

static enum status read_keys_file(struct str path, struct jwk_set **out, struct fault *why)
{
	struct buf text CLEANUP(buf_deinit);
	buf_init(&text, JWK_SET_MAX_BYTES);
	int error = file_read(path.p, &text);
	if (error != 0)
		return fault_set(why, BAD_SETTING, "--oidc-jwks (TINTYPE_OIDC_JWKS): %s cannot be read: %s", path.p, strerrordesc_np(error));
	return read_keys(buf_str(&text), path.p, out, why);
}

static enum status find_keys(struct identity *i, const struct identity_options *o, struct fault *why)
{
	if (str_starts_with(o->keys, STR("{")))
		return read_keys(o->keys, "the JWK set", &i->fixed, why);
	if (o->keys.n > 0)
		return read_keys_file(o->keys, &i->fixed, why);
	if (o->secret.n > 0)
		i->fixed = jwk_set_of_secret(o->secret);
	else
		i->issuer = issuer_new(&(struct issuer_options){ .url = o->issuer, .authorities = o->authorities, .has_thread = o->has_thread });
	return i->fixed != NULL || i->issuer != NULL ? OK : fault_no_memory(why);
}

enum status identity_new(const struct identity_options *o, struct identity **out, struct fault *why)
{
	assert(o != NULL && out != NULL);
	struct jwt_rules rules;
	TRY(read_rules(o, &rules, why));
	struct identity *i = mem_new(1, sizeof *i);
	if (i == NULL)
		return fault_no_memory(why);
	i->rules = rules;
	i->client_id = o->client_id;
	i->scope = o->scope;
	i->cache = token_cache_new(CACHE_ENTRIES);
	enum status status = i->cache != NULL ? find_keys(i, o, why) : fault_no_memory(why);
	if (status != OK)
		identity_free(&i);
	else
		*out = i;
	return status;
}

void identity_free(struct identity **at)
{
	assert(at != NULL);
	struct identity *i = *at;
	if (i == NULL)
		return;
	issuer_free(&i->issuer);
	jwk_set_free(&i->fixed);
	token_cache_free(&i->cache);
	mem_free(i);
	*at = NULL;
}

enum status identity_prefetch(struct identity *i, struct fault *why)
{
	assert(i != NULL);
	struct jwk_set *keys = NULL;
	if (i->issuer != NULL)
		TRY(issuer_keys(i->issuer, true, &keys, why));
	jwk_set_free(&keys);
	return OK;
}

#define EXPIRED_TEXT "The token has expired."

bool identity_has_expired(const struct fault *why)
{
	assert(why != NULL);
	return why->code == F_TOKEN_INVALID && str_equal(str_of(why->text), STR(EXPIRED_TEXT));
}

static enum status refuse_token(enum jwt_cause cause, const struct arena *a, struct fault *why)
{
	if (cause == JWT_NO_MEMORY) {
		TRY(fault_check_arena(a, why));
		return fault_no_memory(why);
	}
	metric_add(M_TOKENS_REFUSED, 1);
	enum status status = fault_set(why, TOKEN_INVALID, cause == JWT_EXPIRED ? EXPIRED_TEXT : "The token is not valid.");
	fault_cause(why, "%s", jwt_cause_text(cause));
	return status;
}

static enum jwt_cause verify_with(
	struct identity *i, struct str token, int64_t now_ms, const struct jwk_set *keys, struct arena *a, struct jwt_claims *out)
{
	unsigned char digest[SHA256_BYTES];
	if (token.n > JWT_MAX_BYTES) /* before any work */
		return JWT_TOO_LONG;
	sha256(token, digest);
	if (token_cache_get(i->cache, digest, keys, now_ms, a, out))
		return JWT_VALID;
	enum jwt_cause cause = jwt_verify(token, keys, &i->rules, now_ms / 1000, a, out);
	if (cause == JWT_VALID)
		token_cache_put(i->cache, digest, keys, out);
	return cause;
}

static enum status fill_caller(
	const struct identity *i, const struct jwt_claims *claims, struct arena *a, struct identity_caller *out, struct fault *why)
{
	char owner[OWNER_CHARS + 1];
	bool valid = owner_of(i->rules.issuer, claims->subject, owner);
	assert(valid);
	*out = (struct identity_caller){ .issuer = i->rules.issuer,
		.subject = claims->subject,
		.owner = str_dup(a, str_of(owner)),
		.name = claims->name,
		.scopes = claims->scopes,
		.is_admin = claims->is_admin,
		.expires_ms = claims->expires_s * 1000 };
	return fault_check_arena(a, why);
}

enum status identity_verify(
	struct identity *i, struct str token, int64_t now_ms, bool may_wait, struct arena *a, struct identity_caller *out, struct fault *why)
{
	assert(i != NULL && a != NULL && out != NULL);
	assert(now_ms >= 0);
	struct jwk_set *keys = i->fixed != NULL ? jwk_set_hold(i->fixed) : NULL;
	struct jwt_claims claims;
	bool newer = false;
	enum status status = keys == NULL ? issuer_keys(i->issuer, may_wait, &keys, why) : OK;
	enum jwt_cause cause = status == OK ? verify_with(i, token, now_ms, keys, a, &claims) : JWT_VALID;
	if (jwt_needs_newer_keys(cause) && i->issuer != NULL)
		status = issuer_newer_keys(i->issuer, may_wait, &keys, &newer, why);
	if (newer)
		cause = verify_with(i, token, now_ms, keys, a, &claims);
	jwk_set_free(&keys);
	if (status != OK)
		return status;
	return cause == JWT_VALID ? fill_caller(i, &claims, a, out, why) : refuse_token(cause, a, why);
}

bool identity_sign_in(struct identity *i, struct arena *a, struct identity_sign_in *out)
{
	assert(i != NULL && a != NULL && out != NULL);
	struct discovery d;
	if (i->client_id.n == 0 || i->issuer == NULL || !issuer_document(i->issuer, a, &d))
		return false;
	struct str rest = i->rules.audiences, audience = str_trim(str_cut(&rest, ','));
	struct identity_sign_in s = { .issuer = i->rules.issuer,
		.client_id = i->client_id,
		.scope = i->scope,
		.audience = str_equal(audience, i->client_id) ? STR("") : audience,
		.authorize_url = d.authorize_url,
		.token_url = d.token_url,
		.revoke_url = d.revoke_url,
		.sends_id_token = i->rules.kind == JWT_ID };
	s.logout_url = discovery_logout_url(&d, i->rules.issuer, a, &s.is_cognito);
	if (s.authorize_url.n == 0 || s.token_url.n == 0 || !arena_ok(a))
		return false;
	*out = s;
	return true;
}
