/* See access.h. */
#include "app/access.h"

#include "app/image_rules.h"

#include "identity/api_key_text.h"

#include <string.h>

static bool is_equal(const char *value, const char *word)
{
	return strcmp(value, word) == 0;
}

/* There are users. */
static bool has_issuer(const struct settings *s)
{
	return s->oidc_issuer[0] != '\0';
}

/* The operator has a key. */
static bool has_key(const struct settings *s)
{
	return s->api_key[0] != '\0' || s->api_key_parameter[0] != '\0';
}

/* Who may list, get and delete. Loopback alone is not a reason to ignore a key that is set: a reverse proxy on this machine makes
 * every request seem to come from there. */
static enum api_access who_reads(const struct settings *s, const struct access_place *at)
{
	if (!is_equal(s->access, "auto"))
		return is_equal(s->access, "open") ? ACCESS_OPEN : is_equal(s->access, "key") ? ACCESS_KEYS : ACCESS_USERS;
	if (has_issuer(s))
		return ACCESS_USERS;
	return !s->open && (has_key(s) || (at->address != NULL && !at->is_loopback)) ? ACCESS_KEYS : ACCESS_OPEN;
}

static enum api_access who_uploads(const struct settings *s)
{
	if (is_equal(s->upload, "auto"))
		return has_issuer(s) ? ACCESS_USERS : ACCESS_OPEN;
	return is_equal(s->upload, "open") ? ACCESS_OPEN : is_equal(s->upload, "key") ? ACCESS_KEYS : ACCESS_USERS;
}

/* With users, everybody has images of its own: they cannot be open to all. */
static enum status check_users(const struct settings *s, enum api_access images, struct fault *why)
{
	if (has_issuer(s) && (images == ACCESS_OPEN || s->open))
		return fault_set(why, BAD_SETTING,
			"%s and TINTYPE_OIDC_ISSUER exclude each other: users see their own images only. Leave --access at auto.",
			s->open ? "--open" : "--access open");
	if (!has_issuer(s) && (is_equal(s->access, "user") || is_equal(s->upload, "user")))
		return fault_set(
			why, BAD_SETTING, "%s needs users: set TINTYPE_OIDC_ISSUER.", is_equal(s->access, "user") ? "--access user" : "--upload user");
	return OK;
}

static enum status check_scopes(struct str pattern, struct fault *why)
{
	size_t stars = 0, others = 0;
	for (size_t i = 0; i < pattern.n; i++) {
		stars += pattern.p[i] == '*';
		others += pattern.p[i] <= ' ' || pattern.p[i] > '~';
	}
	if (pattern.n == 0 || (stars == 1 && others == 0))
		return OK;
	return fault_set(why, BAD_SETTING,
		"--oidc-scopes (TINTYPE_OIDC_SCOPES) must be one scope with one * for upload, read or delete, such as tintype/*, without blanks");
}

enum status access_check_key(struct str key, struct fault *why)
{
	struct str id;
	size_t dots = 0;
	for (size_t i = 0; i < key.n; i++)
		dots += key.p[i] == '.';
	if (dots != 2 && !api_key_text_parse(key, &id))
		return OK;
	return fault_set(why, BAD_SETTING,
		"TINTYPE_API_KEY looks like %s: set it to another text, for example to what `openssl rand -hex 24` prints.",
		dots == 2 ? "a token, which has two dots" : "a key of `tintype apikeys`");
}

enum status access_options(const struct settings *s, const struct access_place *at, struct api_options *out, struct fault *why)
{
	assert(s != NULL && at != NULL && out != NULL);
	out->images = who_reads(s, at);
	out->slots = who_uploads(s);
	out->delete_by_token = is_equal(s->delete_by, "token");
	out->keyed_gateway = at->address == NULL;
	out->key = str_of(s->api_key);
	out->token_scopes = str_of(s->oidc_scopes);
	out->cors_origins = str_of(s->cors_origins);
	out->quota = quota_of(s);
	/* Open only because it listens on loopback: then the pages of a browser on this machine must not get in. */
	out->refuse_cross_site = at->address != NULL && out->images == ACCESS_OPEN && !s->open;
	TRY(check_users(s, out->images, why));
	TRY(check_scopes(out->token_scopes, why));
	TRY(access_check_key(out->key, why));
	if (s->cdn_secret[0] != '\0' && at->address != NULL)
		return fault_set(
			why, BAD_SETTING, "TINTYPE_CDN_SECRET is for Lambda functions: remove it, and name the proxies in front by --trusted-proxies.");
	if (s->api_key_parameter[0] != '\0' && (at->address != NULL || s->api_key[0] != '\0'))
		return fault_set(why, BAD_SETTING, "TINTYPE_API_KEY_PARAMETER is for Lambda functions, in place of TINTYPE_API_KEY: remove one.");
	if (at->address != NULL && is_equal(s->access, "open") && !at->is_loopback && !s->open)
		return fault_set(why, BAD_SETTING,
			"The API at %s is open to anyone who can reach it; set TINTYPE_API_KEY "
			"and --access key, or pass --open if that is what you want.",
			at->address);
	if (has_key(s) || (out->images != ACCESS_KEYS && out->slots != ACCESS_KEYS))
		return OK;
	bool auto_key = out->images == ACCESS_KEYS && !is_equal(s->access, "key");
	return fault_set(why, BAD_SETTING, "%s needs an API key: set TINTYPE_API_KEY, for example to what `openssl rand -hex 24` prints%s.",
		out->slots == ACCESS_KEYS ? "--upload key"
			: auto_key            ? "An API that is not on loopback"
								  : "--access key",
		auto_key ? ", or pass --open to let anyone list, get and delete" : "");
}

const char *access_word(enum api_access who)
{
	switch (who) {
	case ACCESS_OPEN:
		return "open";
	case ACCESS_KEYS:
		return "key";
	case ACCESS_USERS:
		return "user";
	}
	assert(false);
	return "";
}
