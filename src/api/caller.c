/* See caller.h. Secrets are compared in constant time; of keys and delete tokens only the SHA-256 is stored. */
#include "api/caller.h"

#include "api/call.h"
#include "base/clock.h"
#include "base/hash.h"
#include "base/log/log.h"
#include "http/bearer.h"
#include "identity/api_key_text.h"
#include "image/slot.h"

#define HOUR_MS ((int64_t)3600000)
#define OPERATOR_KEY_NAME "TINTYPE_API_KEY"

static enum status refuse(const struct api_call *c, struct fault *why)
{
	return bearer_count(
		c->api->options.wrong_keys, &c->x->request, fault_set(why, TOKEN_INVALID, "The key or the token is not valid."), why);
}

/* Two dots and no more; what is between them is for the verifier. */
static bool has_two_dots(struct str s)
{
	size_t dots = 0;
	for (size_t i = 0; i < s.n; i++)
		dots += s.p[i] == '.';
	return dots == 2;
}

/* The scopes of SCOPES_USER that a token has. The pattern gives their names in tokens; without one a token has all. */
static unsigned granted_scopes(const struct api_options *o, struct str scopes)
{
	static const unsigned all[] = { SCOPE_UPLOAD, SCOPE_READ, SCOPE_DELETE };
	unsigned granted = 0;
	char memory[512];
	if (o->token_scopes.n == 0)
		return SCOPES_USER;
	size_t star = str_find_char(o->token_scopes, '*');
	for (size_t i = 0; i < COUNT_OF(all); i++) {
		struct buf word;
		buf_init_fixed(&word, memory, sizeof memory);
		BUF_PUT(&word, str_slice(o->token_scopes, 0, star), str_of(api_scope_name(all[i])),
			str_slice(o->token_scopes, star + 1, o->token_scopes.n));
		granted |= buf_ok(&word) && str_is_word_of(buf_str(&word), scopes) ? all[i] : 0;
	}
	return granted;
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
	/* A token that lacks a scope gives no administrator's rights. */
	unsigned granted = granted_scopes(o, who.scopes);
	bool is_admin = who.is_admin && granted == SCOPES_USER;
	c->caller = (struct caller){ .kind = CALLER_USER,
		.scopes = is_admin ? SCOPES_ALL : granted,
		.sees_all = is_admin,
		.owner = who.owner,
		.issuer = who.issuer,
		.subject = who.subject,
		.name = who.name };
	return OK;
}

/* Look the key up, and note the hour of its use. Blocks. */
static enum status read_key(struct api_call *c, struct str id, struct str given, struct fault *why)
{
	struct api_key_table *keys = c->api->options.api_keys;
	struct api_key_row row;
	struct fault untouched;
	char hash[API_KEY_HASH_CHARS + 1];
	int64_t now_ms = clock_now_ms(), hour_ms = now_ms - now_ms % HOUR_MS;
	enum status status = api_key_get(keys, id, c->arena, &row, why);
	if (status == NOT_FOUND)
		return refuse(c, why);
	TRY(status);
	api_key_text_hash(given, hash);
	if (!secret_equal(row.hash, str_of(hash)))
		return refuse(c, why);
	if (row.expires_ms > 0 && row.expires_ms <= now_ms)
		return fault_set(why, TOKEN_INVALID, "The key has expired.");
	if (row.used_ms < hour_ms && api_key_touch(keys, row.id, hour_ms, &untouched) != OK)
		LOG(STORE_FAILED, c->x->request.id, LOG_C("cause", untouched.cause[0] != '\0' ? untouched.cause : untouched.text));
	bool is_admin = (row.scopes & SCOPE_ADMIN) != 0 && row.owner.n == 0;
	c->caller = (struct caller){ .kind = CALLER_KEY,
		.scopes = is_admin    ? SCOPES_ALL
			: row.owner.n > 0 ? row.scopes & SCOPES_USER
							  : row.scopes,
		.sees_all = row.owner.n == 0,
		.owner = row.owner,
		.issuer = row.issuer,
		.subject = row.subject,
		.name = row.name,
		.key_id = row.id };
	return OK;
}

void caller_note(const struct api_call *c)
{
	assert(c != NULL && c->x != NULL);
	c->x->key_id = c->caller.kind == CALLER_ADMIN && c->caller.key_id.n == 0 ? STR(OPERATOR_KEY_NAME) : c->caller.key_id;
	c->x->owner = c->caller.owner;
}

static bool is_operator_key(struct api_call *c, struct str key, struct str given)
{
	if (key.n == 0 || !secret_equal(key, given))
		return false;
	c->caller = (struct caller){ .kind = CALLER_ADMIN, .scopes = SCOPES_ALL, .sees_all = true };
	return true;
}

/* The operator's key where it is not a setting. */
static enum status read_operator_key(const struct api_call *c, bool may_wait, struct str *key, struct fault *why)
{
	const struct api_options *o = &c->api->options;
	*key = STR("");
	if (o->key.n > 0 || o->read_key == NULL)
		return OK;
	return may_wait ? o->read_key(o->read_key_arg, key, why) : fault_set(why, IDENTITY_REFRESHING, "The key is read by a worker.");
}

static enum status read_caller(struct api_call *c, bool may_wait, struct fault *why)
{
	const struct api_options *o = &c->api->options;
	const struct request *r = &c->x->request;
	bool deletes = str_equal(r->method, STR("DELETE"));
	struct str given = bearer_secret(r), value = str_trim(request_header(r, STR("Authorization"))), id, key;
	struct str token = deletes ? str_trim(request_header(r, STR("X-Delete-Token"))) : STR("");

	c->caller = (struct caller){ .kind = CALLER_ANONYMOUS, .sees_all = token.n == 0, .delete_token = token };
	if (value.n == 0)
		return OK;
	if (given.n == 0)
		return fault_set(why, TOKEN_INVALID, "Authorization must be Bearer, and a key or a token after it.");
	if (is_operator_key(c, o->key, given))
		return OK;
	if (api_key_text_parse(given, &id)) {
		if (o->api_keys == NULL)
			return refuse(c, why);
		return may_wait ? read_key(c, id, given, why) : fault_set(why, IDENTITY_REFRESHING, "The key is looked up by a worker.");
	}
	if (has_two_dots(given))
		return read_token(c, given, may_wait, why);
	TRY(read_operator_key(c, may_wait, &key, why));
	if (is_operator_key(c, key, given))
		return OK;
	if (o->keyed_gateway && secret_equal(str_trim(request_header(r, STR("X-Api-Key"))), given))
		return OK;
	if (!deletes || !delete_token_valid(given))
		return refuse(c, why);
	c->caller.delete_token = given;
	c->caller.sees_all = false;
	return OK;
}

enum status caller_read(struct api_call *c, bool may_wait, struct fault *why)
{
	assert(c != NULL && c->x != NULL && c->api != NULL);
	if (c->x->is_operator) /* the Authorization header is the console's own */
		c->caller = (struct caller){ .kind = CALLER_ADMIN, .scopes = SCOPES_ALL, .sees_all = true, .key_id = c->x->key_id };
	else
		TRY(read_caller(c, may_wait, why));
	caller_note(c);
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
		return "key";
	case CALLER_ADMIN:
		return caller->key_id.n > 0 ? "console" : "key";
	}
	assert(false);
	return "";
}
