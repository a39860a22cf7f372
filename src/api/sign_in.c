/* The page is told all that it needs, so it fetches no document of the issuer's, which need not allow that to other origins. See
 * sign_in.h. */
#include "api/sign_in.h"

#include "api/cors.h"
#include "base/writer.h"
#include "identity/identity.h"

static bool find_sign_in(struct api_call *c, struct identity_sign_in *out)
{
	const struct api_options *o = &c->api->options;
	return o->identity != NULL && o->sign_in != NULL && o->sign_in(o->identity, c->arena, out);
}

static void write_present(struct buf *b, struct str name, struct str value)
{
	if (value.n > 0)
		writer_text(b, name, value);
}

void sign_in_write(struct buf *b, struct api_call *c)
{
	assert(b != NULL && c != NULL);
	struct identity_sign_in s;
	if (!find_sign_in(c, &s))
		return;
	writer_open(b, STR("signIn"), '{');
	writer_text(b, STR("issuer"), s.issuer);
	writer_text(b, STR("clientId"), s.client_id);
	writer_text(b, STR("scope"), s.scope);
	write_present(b, STR("audience"), s.audience);
	writer_text(b, STR("authorizeUrl"), s.authorize_url);
	writer_text(b, STR("tokenUrl"), s.token_url);
	write_present(b, STR("revokeUrl"), s.revoke_url);
	write_present(b, STR("logoutUrl"), s.logout_url);
	writer_text(b, STR("logout"), s.is_cognito ? STR("cognito") : STR("oidc"));
	writer_text(b, STR("token"), s.sends_id_token ? STR("id") : STR("access"));
	writer_close(b, '}');
}

struct str sign_in_sources(struct api_call *c)
{
	assert(c != NULL);
	struct identity_sign_in s;
	if (!find_sign_in(c, &s))
		return STR("");
	struct str token = cors_policy_source(s.token_url), revoke = cors_policy_source(s.revoke_url);
	bool another = revoke.n > 0 && !str_equal(token, revoke);
	return STR_CONCAT(c->arena, token.n > 0 ? STR(" ") : STR(""), token, another ? STR(" ") : STR(""), another ? revoke : STR(""));
}
