/* See discovery.h. */
#include "identity/discovery.h"

#include "base/arena.h"
#include "base/codec.h"
#include "base/json.h"
#include "http/text.h"

#define PATH "/.well-known/openid-configuration"
#define SHOWN_MAX 80

static bool is_loopback_name(struct str name)
{
	return str_equal(name, STR("localhost")) || str_equal(name, STR("127.0.0.1")) || str_equal(name, STR("[::1]"));
}

bool discovery_url_valid(struct str url)
{
	bool tls = str_starts_with(url, STR("https://"));
	if ((!tls && !str_starts_with(url, STR("http://"))) || !http_is_visible(url) || str_find_char(url, '#') < url.n)
		return false;
	struct str rest = str_slice(url, tls ? 8 : 7, url.n);
	struct str authority = str_slice(rest, 0, str_find_char(rest, '/'));
	authority = str_slice(authority, 0, str_find_char(authority, '?'));
	size_t end = str_starts_with(authority, STR("[")) ? str_find_char(authority, ']') + 1 : str_find_char(authority, ':');
	struct str name = str_slice(authority, 0, end);
	return name.n > 0 && str_find_char(authority, '@') == authority.n && (tls || is_loopback_name(name));
}

struct str discovery_url(struct str issuer, struct arena *a)
{
	assert(issuer.n > 0);
	if (str_ends_with(issuer, STR("/")))
		issuer.n--;
	return STR_CONCAT(a, issuer, STR(PATH));
}

/* The URL of a member; "": missing or not one that may be used. */
static struct str read_url(const json_t *json, const char *member, struct arena *a)
{
	struct str url = json_text(json_object_get(json, member));
	return discovery_url_valid(url) ? str_dup(a, url) : STR("");
}

/* The document's own issuer, short and harmless for the log. */
static enum status refuse_issuer(struct str got, struct fault *why)
{
	char memory[8 * SHOWN_MAX];
	struct buf shown;
	buf_init_fixed(&shown, memory, sizeof memory);
	terminal_escape(&shown, str_slice(got, 0, utf8_prefix(got, SHOWN_MAX)));
	return fault_set(why, INVALID_INPUT,
		"its document says that the issuer is \"%.*s\": TINTYPE_OIDC_ISSUER must be the same, a slash at the end included",
		STRF(buf_str(&shown)));
}

static enum status read_document(const json_t *json, struct str issuer, struct arena *a, struct discovery *out, struct fault *why)
{
	struct str said = json_text(json_object_get(json, "issuer"));
	if (said.n == 0)
		return fault_set(why, INVALID_INPUT, "its answer is not an OpenID Connect Discovery document");
	if (!str_equal(said, issuer))
		return refuse_issuer(said, why);
	*out = (struct discovery){ .jwks_url = read_url(json, "jwks_uri", a),
		.authorize_url = read_url(json, "authorization_endpoint", a),
		.token_url = read_url(json, "token_endpoint", a),
		.logout_url = read_url(json, "end_session_endpoint", a),
		.revoke_url = read_url(json, "revocation_endpoint", a) };
	TRY(fault_check_arena(a, why));
	if (out->jwks_url.n == 0)
		return fault_set(why, INVALID_INPUT, "its document has no jwks_uri that is https://, or http:// on this machine");
	return OK;
}

enum status discovery_read(struct str json, struct str issuer, struct arena *a, struct discovery *out, struct fault *why)
{
	assert(a != NULL && out != NULL);
	bool starved;
	struct discovery found;
	json_t *document = json.n <= DISCOVERY_MAX_BYTES ? json_read(json, JSON_REJECT_DUPLICATES, NULL, &starved) : NULL;
	if (document == NULL && json.n <= DISCOVERY_MAX_BYTES && starved)
		return fault_no_memory(why);
	enum status status = read_document(document, issuer, a, &found, why);
	json_decref(document);
	if (status == OK)
		*out = found;
	return status;
}

struct str discovery_logout_url(const struct discovery *d, struct str issuer, struct arena *a, bool *is_cognito)
{
	assert(d != NULL && a != NULL && is_cognito != NULL);
	struct str url = d->authorize_url;
	*is_cognito = str_starts_with(issuer, STR("https://cognito-idp."));
	if (!*is_cognito || url.n == 0)
		return d->logout_url;
	size_t host = str_find(url, STR("://")) + 3;
	return STR_CONCAT(a, str_slice(url, 0, host + str_find_char(str_slice(url, host, url.n), '/')), STR("/logout"));
}

int64_t discovery_age_ms(struct str cache_control)
{
	uint64_t seconds;
	for (struct str rest = cache_control; rest.p != NULL;) {
		struct str value = str_trim(str_cut(&rest, ',')), name = str_cut(&value, '=');
		if (!str_equal_nocase(name, STR("max-age")) || !str_to_u64(str_unquote(value), &seconds))
			continue;
		int64_t ms = seconds < DISCOVERY_AGE_MAX_MS / 1000 ? (int64_t)seconds * 1000 : DISCOVERY_AGE_MAX_MS;
		return ms > DISCOVERY_AGE_MIN_MS ? ms : DISCOVERY_AGE_MIN_MS;
	}
	return DISCOVERY_AGE_DEFAULT_MS;
}
