/* See caller.h. Secrets are compared in constant time; of keys and delete tokens only the SHA-256 is stored. */
#include "api/caller.h"

#include "api/call.h"
#include "base/clock.h"
#include "base/hash.h"
#include "http/bearer.h"
#include "identity/api_key_text.h"
#include "image/slot.h"

static enum status refuse(const struct api_call *c, struct fault *why)
{
	return bearer_count(c->api->options.wrong_keys, &c->x->request, fault_set(why, TOKEN_INVALID, "The key or the token is not valid."), why);
}

/* Two dots and no more; what is between them is for the verifier. */
static bool has_two_dots(struct str s)
{
	size_t dots = 0;
	for (size_t i = 0; i < s.n; i++)
		dots += s.p[i] == '.';
	return dots == 2;
}

static enum status read_token(struct api_call *c, struct str given, bool may_wait, struct fault *why)
{
	const struct api_options *o = &c->api->options;
	struct identity_caller who;
	if (o->identity == NULL)
		return refuse(c, why);
	assert(o->verify != NULL);
	enum status status = o->verify(o->identity, given, clock_now_ms(), may_wait, c->arena, &who, why);
	if (status == DENIED && !identity_has_expired(why))
		return bearer_count(o->wrong_keys, &c->x->request, status, why);
	TRY(status);
	assert(who.owner.n > 0);
	c->caller = (struct caller){ .kind = CALLER_USER,
		.scopes = who.is_admin ? SCOPES_ALL : SCOPES_USER,
		.sees_all = who.is_admin,
		.owner = who.owner,
		.issuer = who.issuer,
		.subject = who.subject,
		.name = who.name };
	return OK;
}

enum status caller_read(struct api_call *c, bool may_wait, struct fault *why)
{
	assert(c != NULL && c->x != NULL && c->api != NULL);
	const struct api_options *o = &c->api->options;
	const struct request *r = &c->x->request;
	bool deletes = str_equal(r->method, STR("DELETE"));
	struct str given = bearer_secret(r), value = str_trim(request_header(r, STR("Authorization"))), id;
	struct str token = deletes ? str_trim(request_header(r, STR("X-Delete-Token"))) : STR("");

	c->caller = (struct caller){ .kind = CALLER_ANONYMOUS, .sees_all = token.n == 0, .delete_token = token };
	if (value.n == 0 || (given.n == 0 && token.n > 0))
		return OK;
	if (given.n == 0)
		return fault_set(why, TOKEN_INVALID, "Authorization must be Bearer, and a key or a token after it.");
	if (o->key.n > 0 && secret_equal(o->key, given)) {
		c->caller = (struct caller){ .kind = CALLER_ADMIN, .scopes = SCOPES_ALL, .sees_all = true };
		return OK;
	}
	if (api_key_text_parse(given, &id))
		return refuse(c, why);
	if (has_two_dots(given))
		return read_token(c, given, may_wait, why);
	if (!deletes || !delete_token_valid(given))
		return refuse(c, why);
	c->caller.delete_token = given;
	c->caller.sees_all = false;
	return OK;
}

const char *caller_kind_name(const struct caller *caller)
{
	assert(caller != NULL);
	switch (caller->kind) {
	case CALLER_ANONYMOUS:
		return caller->delete_token.n > 0 ? "deleteToken" : "anybody";
	case CALLER_USER:
		return "user";
	case CALLER_KEY:
	case CALLER_ADMIN:
		return "key";
	}
	assert(false);
	return "";
}
