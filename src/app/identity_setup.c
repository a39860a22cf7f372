/* See identity_setup.h. What a setting must be is checked in src/identity/; here, what it needs beside it. */
#include "app/identity_setup.h"

/* Without an issuer these settings have no effect, and the operator who has set one expects that it does. */
static enum status check_alone(const struct settings *s, struct fault *why)
{
	const struct {
		const char *value, *name;
	} rows[] = { { s->oidc_audience, "TINTYPE_OIDC_AUDIENCE" }, { s->oidc_parties, "TINTYPE_OIDC_PARTIES" },
		{ s->oidc_algorithms, "TINTYPE_OIDC_ALGORITHMS" }, { s->oidc_jwks, "TINTYPE_OIDC_JWKS" }, { s->oidc_secret, "TINTYPE_OIDC_SECRET" },
		{ s->oidc_admin, "TINTYPE_OIDC_ADMIN" }, { s->oidc_scopes, "TINTYPE_OIDC_SCOPES" },
		{ s->oidc_client_id, "TINTYPE_OIDC_CLIENT_ID" } };
	for (size_t i = 0; i < COUNT_OF(rows); i++)
		if (rows[i].value[0] != '\0')
			return fault_set(why, BAD_SETTING, "%s is set, but not TINTYPE_OIDC_ISSUER, which it belongs to", rows[i].name);
	return OK;
}

/* Issuers of Cognito: a function starts faster with a few certificates than with the system's. */
static bool is_amazon(struct str issuer)
{
	struct str host = str_slice(issuer, 0, 8 + str_find_char(str_slice(issuer, 8, issuer.n), '/'));
	return str_starts_with(issuer, STR("https://")) && str_ends_with(host, STR(".amazonaws.com"));
}

enum status identity_setup(const struct settings *s, const struct identity_place *at, struct identity **out, struct fault *why)
{
	assert(s != NULL && at != NULL && out != NULL);
	struct str issuer = str_of(s->oidc_issuer);
	const struct identity_options o = { .issuer = issuer,
		.audiences = str_of(s->oidc_audience),
		.parties = str_of(s->oidc_parties),
		.algorithms = str_of(s->oidc_algorithms),
		.secret = str_of(s->oidc_secret),
		.keys = str_of(s->oidc_jwks),
		.subject = s->oidc_subject,
		.admin = str_of(s->oidc_admin),
		.token = str_of(s->oidc_token),
		.skew_s = s->oidc_skew_s,
		.client_id = str_of(s->oidc_client_id),
		.scope = str_of(s->oidc_scope),
		.authorities = is_amazon(issuer) ? at->authorities : STR(""),
		.has_thread = at->has_thread };
	*out = NULL;
	if (issuer.n == 0)
		return check_alone(s, why);
	return identity_new(&o, out, why);
}
