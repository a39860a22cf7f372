/* See jwt_claims.h. */
#include "identity/jwt_claims.h"

#include "base/arena.h"
#include "base/buf.h"
#include "identity/jwt_json.h"

#include <math.h>

#define EXACT_MAX ((int64_t)1 << 53) /* integers that a double has exactly */
#define POINTER_STEP_MAX 256

/* Whether text is in a list whose items are separated by commas, with or without blanks around them. An empty text never is. */
static bool is_listed(struct str list, struct str text)
{
	for (struct str rest = list; text.n > 0 && rest.p != NULL;)
		if (str_equal(str_trim(str_cut(&rest, ',')), text))
			return true;
	return false;
}

/* A NumericDate, whole or with a fraction, which is cut off. */
static bool read_time(const struct json_node *value, int64_t *out)
{
	if (value != NULL && value->kind == NODE_INTEGER && value->integer >= -EXACT_MAX && value->integer <= EXACT_MAX) {
		*out = value->integer;
		return true;
	}
	if (value == NULL || value->kind != NODE_REAL || fabs(value->real) > (double)EXACT_MAX)
		return false;
	*out = (int64_t)value->real;
	return true;
}

/* exp is required: no token is valid for ever. */
static enum jwt_cause check_times(const struct json_node *json, const struct jwt_rules *rules, int64_t now_s, int64_t *expires_s)
{
	const struct json_node *nbf = node_member(json, STR("nbf")), *iat = node_member(json, STR("iat"));
	int64_t not_before = now_s, issued = now_s;
	if (!read_time(node_member(json, STR("exp")), expires_s) || *expires_s < 0)
		return JWT_TIME_FORM;
	if ((nbf != NULL && !read_time(nbf, &not_before)) || (iat != NULL && !read_time(iat, &issued)))
		return JWT_TIME_FORM;
	if (*expires_s > now_s + JWT_AHEAD_MAX_S)
		return JWT_EXP_FAR;
	if (*expires_s <= now_s - rules->skew_s)
		return JWT_EXPIRED;
	return not_before > now_s + rules->skew_s || issued > now_s + rules->skew_s ? JWT_NOT_YET : JWT_VALID;
}

/* `aud` as text or array; where there is none, Cognito's `client_id` in its place. */
static enum jwt_cause check_audience(const struct json_node *json, const struct jwt_rules *rules, size_t *count)
{
	const struct json_node *aud = node_member(json, STR("aud")), *item, *client = node_member(json, STR("client_id"));
	const struct str list = rules->audiences;
	bool listed = list.n == 0 || is_listed(list, node_text(aud));
	*count = aud != NULL && aud->kind != NODE_ARRAY;
	if (aud == NULL) {
		if (list.n > 0 && client == NULL)
			return JWT_AUD_MISSING;
		return list.n == 0 || is_listed(list, node_text(client)) ? JWT_VALID : JWT_AUD;
	}
	for (item = node_items(aud); item != NULL; item = item->next) {
		if (item->kind != NODE_TEXT)
			return JWT_AUD_FORM;
		listed = listed || is_listed(list, item->text);
		++*count;
	}
	if (*count == 0 || !(aud->kind == NODE_TEXT || aud->kind == NODE_ARRAY))
		return JWT_AUD_FORM;
	return listed ? JWT_VALID : JWT_AUD;
}

/* The party that the token was issued to. For several audiences, or for none, it decides; an ID token names a client as its audience. */
static enum jwt_cause check_party(const struct json_node *json, const struct jwt_rules *rules, size_t audiences)
{
	const struct json_node *azp = node_member(json, STR("azp"));
	struct str allowed = rules->parties.n > 0 ? rules->parties : rules->kind == JWT_ID ? rules->audiences : STR("");
	bool needed = rules->parties.n > 0 && (rules->audiences.n == 0 || audiences > 1);
	if (azp == NULL)
		return needed ? JWT_AZP : JWT_VALID;
	bool checked = rules->parties.n > 0 || (rules->kind == JWT_ID && audiences > 1);
	return !checked || is_listed(allowed, node_text(azp)) ? JWT_VALID : JWT_AZP;
}

/* What providers say of a token's purpose: Cognito in token_use, Keycloak in typ; ID tokens have hashes of what was issued with them,
 * events are the mark of logout and security event tokens. */
static bool is_kind(const struct json_node *json, enum jwt_kind kind, bool is_access)
{
	const struct json_node *use = node_member(json, STR("token_use"));
	struct str word = node_text(use), typ = node_member_text(json, STR("typ"));
	bool is_id = str_equal(word, STR("id")) || str_equal(typ, STR("ID")) || node_member(json, STR("at_hash")) != NULL;
	is_access = is_access || str_equal(word, STR("access")) || str_equal(typ, STR("Bearer"));
	if (str_is_one_of(typ, STR("Refresh|Offline|Logout"), '|') || node_member(json, STR("events")) != NULL)
		return false;
	if (use != NULL && !str_is_one_of(word, STR("id|access"), '|'))
		return false;
	switch (kind) {
	case JWT_ACCESS:
		return !is_id;
	case JWT_ID:
		return !is_access;
	case JWT_ANY:
		return true;
	}
	assert(false);
	return false;
}

/* `scope`, or Entra's `scp`, as text or array. Of another type: no scopes. */
static struct str read_scopes(const struct json_node *json, struct arena *a)
{
	const struct json_node *scope = node_member(json, STR("scope")), *item;
	struct buf words;
	if (scope == NULL)
		scope = node_member(json, STR("scp"));
	if (scope != NULL && scope->kind == NODE_TEXT)
		return str_dup(a, scope->text);
	buf_init_arena(&words, a, JWT_MAX_BYTES);
	for (item = node_items(scope); item != NULL; item = item->next) {
		struct str word = node_text(item);
		if (word.n == 0 || str_find_char(word, ' ') < word.n)
			continue;
		BUF_PUT(&words, words.n > 0 ? STR(" ") : STR(""), word);
	}
	return buf_str(&words);
}

/* One step of a JSON pointer, with ~1 and ~0 undone (RFC 6901 4). false: too long */
static bool read_step(struct str step, struct buf *out)
{
	for (size_t i = 0; i < step.n; i++) {
		bool escaped = step.p[i] == '~' && i + 1 < step.n && (step.p[i + 1] == '0' || step.p[i + 1] == '1');
		buf_put_char(out, !escaped ? step.p[i] : step.p[i + 1] == '1' ? '/' : '~');
		i += escaped;
	}
	return buf_ok(out);
}

static const struct json_node *follow_pointer(const struct json_node *json, struct str pointer)
{
	char memory[POINTER_STEP_MAX + 1];
	struct str rest = str_slice(pointer, 1, pointer.n);
	while (rest.p != NULL && json != NULL) {
		struct buf step;
		buf_init_fixed(&step, memory, sizeof memory);
		json = read_step(str_cut(&rest, '/'), &step) ? node_member(json, buf_str(&step)) : NULL;
	}
	return json;
}

/* The value itself, a member of an array, a word of a text, or "true". Never a part of a word. */
static bool is_admin(const struct json_node *json, const struct jwt_rules *rules)
{
	if (rules->admin_pointer.n == 0)
		return false;
	const struct json_node *found = follow_pointer(json, rules->admin_pointer), *item;
	for (item = node_items(found); item != NULL; item = item->next)
		if (str_equal(node_text(item), rules->admin_value))
			return true;
	if (found == NULL || found->kind == NODE_TRUE)
		return found != NULL && str_equal(rules->admin_value, STR("true"));
	return found->kind == NODE_TEXT && (str_equal(found->text, rules->admin_value) || str_is_word_of(rules->admin_value, found->text));
}

static struct str read_name(const struct json_node *json)
{
	static const char *const claims[] = { "name", "preferred_username", "cognito:username", "username", "email" };
	for (size_t i = 0; i < COUNT_OF(claims); i++) {
		struct str name = node_member_text(json, str_of(claims[i]));
		if (subject_valid(name))
			return name;
	}
	return STR("");
}

static enum jwt_cause check_claims(
	const struct json_node *json, const struct jwt_rules *rules, int64_t now_s, bool is_access, struct arena *a, struct jwt_claims *out)
{
	size_t audiences;
	struct str subject = node_member_text(json, str_of(rules->subject_claim));
	struct jwt_claims claims = { 0 };
	if (!str_equal(node_member_text(json, STR("iss")), rules->issuer))
		return JWT_ISS;
	enum jwt_cause cause = check_audience(json, rules, &audiences);
	if (cause == JWT_VALID)
		cause = check_party(json, rules, audiences);
	if (cause == JWT_VALID)
		cause = check_times(json, rules, now_s, &claims.expires_s);
	if (cause != JWT_VALID)
		return cause;
	if (!is_kind(json, rules->kind, is_access))
		return JWT_TOKEN_KIND;
	if (node_member(json, STR("cnf")) != NULL)
		return JWT_CNF;
	if (!subject_valid(subject))
		return JWT_SUBJECT;
	claims.subject = str_dup(a, subject);
	claims.name = str_dup(a, read_name(json));
	claims.scopes = read_scopes(json, a);
	claims.is_admin = is_admin(json, rules);
	if (!arena_ok(a))
		return JWT_NO_MEMORY;
	*out = claims;
	return JWT_VALID;
}

enum jwt_cause jwt_claims_read(
	struct str payload, const struct jwt_rules *rules, int64_t now_s, bool is_access, struct arena *a, struct jwt_claims *out)
{
	assert(rules != NULL && a != NULL && out != NULL);
	assert(rules->issuer.n > 0 && rules->subject_claim != NULL);
	assert(rules->skew_s >= 0 && rules->skew_s <= 300);
	const struct json_node *json;
	enum jwt_cause cause = jwt_json_read(payload, (struct jwt_json_causes){ JWT_PAYLOAD_JSON, JWT_PAYLOAD_TWICE }, a, &json);
	return cause == JWT_VALID ? check_claims(json, rules, now_s, is_access, a, out) : cause;
}
