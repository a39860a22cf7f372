/* Access control: which callers a route admits, what they may learn of an image, and in whose name they act.
 *
 * This file alone decides whose images a caller may access: api.c asks access_image before the handler of any route that names an image, and the
 * handlers of lists ask access_owner. To a caller who may not see an image it does not exist: 404, as of an id that nobody has. */
#include "api/access.h"

#include "api/cors.h"
#include "base/hash.h"
#include "http/bearer.h"
#include "identity/owner.h"

/* The host name of "https://a.example:3000/page"; "" when it is not a URL. */
static struct str host_of_url(struct str url)
{
	size_t from = str_find(url, STR("://")) + 3;
	struct str rest = str_slice(url, from < url.n ? from : url.n, url.n);

	rest = str_slice(rest, 0, str_find_char(rest, '/'));
	return str_slice(rest, 0, str_starts_with(rest, STR("[")) ? str_find_char(rest, ']') + 1 : str_find_char(rest, ':'));
}

/* Whether a browser sends this for a page of another site whose origin is not in the settings. A request
 * with none of the three headers does not come from a page: browsers send Sec-Fetch-Site to loopback
 * addresses. An <img> has no Origin, so its Referer replaces it.
 * Source: W3C, Fetch Metadata Request Headers; RFC 6454 7 */
static bool is_cross_site(const struct request *r, struct str listed)
{
	struct str site = request_header(r, STR("Sec-Fetch-Site")), origin = request_header(r, STR("Origin"));
	struct str host = request_header(r, STR("Host"));

	if (origin.n == 0)
		origin = cors_url_origin(request_header(r, STR("Referer")));
	/* Pages on this machine are the developer's own, whatever their port; so are those of the host that is requested. */
	struct str name = host_of_url(origin);
	bool own = str_equal_nocase(name, STR("localhost")) || str_equal(name, STR("127.0.0.1")) || str_equal(name, STR("[::1]")) ||
		(name.n > 0 && str_equal_nocase(name, str_slice(host, 0, str_find_char(host, ':'))));
	if (own || cors_lists_origin(listed, origin))
		return false;
	if (site.n > 0)
		return !str_equal(site, STR("same-origin")) && !str_equal(site, STR("same-site")) && !str_equal(site, STR("none"));
	return origin.n > 0;
}

static enum api_access who_changes(const struct api_options *o)
{
	return o->images == ACCESS_OPEN && o->delete_by_token ? ACCESS_USERS : o->images;
}

bool access_anybody_changes(const struct api_options *o)
{
	assert(o != NULL);
	return who_changes(o) == ACCESS_OPEN;
}

/* Which callers the settings admit to this route. */
static enum api_access admitted(const struct api_call *c)
{
	switch (c->route->rule) {
	case FOR_ANYBODY:
		return ACCESS_OPEN;
	case FOR_SLOTS:
		return c->api->options.slots;
	case FOR_IMAGES:
		return c->api->options.images;
	case FOR_CHANGES:
		return who_changes(&c->api->options);
	case FOR_DELETE:
		return c->caller.delete_token.n > 0 ? ACCESS_OPEN : who_changes(&c->api->options);
	case FOR_CALLERS:
	case FOR_ADMINS:
		return ACCESS_USERS;
	}
	assert(false);
	return ACCESS_KEYS;
}

static enum status refuse_anonymous(const struct api_call *c, struct fault *why)
{
	const char *or_token = c->api->options.identity != NULL && admitted(c) == ACCESS_USERS ? " or a token" : "";
	if (c->route->rule == FOR_DELETE)
		return fault_set(
			why, KEY_NEEDED, "Deleting requires an API key%s, or the image's delete token: send Authorization: Bearer …", or_token);
	return fault_set(why, KEY_NEEDED, "This call requires an API key%s: send Authorization: Bearer …", or_token);
}

static enum status require_scope(struct api_call *c, unsigned scope, struct fault *why)
{
	if (scope == 0 || (c->caller.scopes & (scope | SCOPE_ADMIN)) != 0)
		return OK;
	c->needed_scope = scope;
	return fault_set(why, SCOPE_MISSING, "This call requires the scope %s.", api_scope_name(scope));
}

static enum status admit(struct api_call *c, struct fault *why)
{
	enum api_access who = admitted(c);
	if (c->caller.kind == CALLER_ANONYMOUS)
		return who == ACCESS_OPEN ? OK : refuse_anonymous(c, why);
	if (c->route->rule == FOR_ADMINS)
		return require_scope(c, SCOPE_ADMIN, why);
	if (c->caller.kind == CALLER_USER && who == ACCESS_KEYS)
		return require_scope(c, SCOPE_ADMIN, why);
	return require_scope(c, c->route->scope, why);
}

enum status access_act_as(struct api_call *c, struct str subject, struct fault *why)
{
	assert(c != NULL && c->route != NULL);
	struct caller *caller = &c->caller;
	char owner[OWNER_CHARS + 1];
	if (c->acts_as.n > 0)
		return str_equal(c->acts_as, subject) ? OK : fault_set(why, BAD_FIELD, "onBehalfOf is given twice, with different texts");
	if (caller->kind == CALLER_ANONYMOUS)
		return fault_set(why, KEY_NEEDED, "onBehalfOf requires an API key: send Authorization: Bearer …");
	TRY(require_scope(c, SCOPE_ACT_AS, why));
	if (!owner_of(STR(OWNER_APP_ISSUER), subject, owner))
		return fault_set(why, BAD_FIELD, "onBehalfOf must be 1 to %d bytes of UTF-8 without control characters", SUBJECT_MAX_BYTES);
	c->acts_as = caller->subject = str_dup(c->arena, subject);
	caller->issuer = STR(OWNER_APP_ISSUER);
	caller->owner = str_dup(c->arena, str_of(owner));
	caller->name = STR("");
	/* From here on the caller is that user, and has no more rights. */
	caller->scopes &= SCOPES_USER;
	caller->sees_all = false;
	caller_note(c);
	return fault_check_arena(c->arena, why);
}

enum status access_check(struct api_call *c, bool may_wait, struct fault *why)
{
	assert(c != NULL && c->x != NULL && c->arena != NULL);
	const struct api_options *o = &c->api->options;
	enum access_rule rule = c->route->rule;
	struct str subject;

	if (o->refuse_cross_site && (rule == FOR_IMAGES || rule == FOR_CHANGES || rule == FOR_DELETE) &&
		is_cross_site(&c->x->request, o->cors_origins))
		return fault_set(why, CROSS_SITE,
			"This server is open to this machine only: pages of other sites may not list, read or delete images. "
			"List the page's origin with --cors-origins, or set TINTYPE_API_KEY.");
	TRY(caller_read(c, may_wait, why));
	TRY(admit(c, why));
	if (c->caller.kind != CALLER_ANONYMOUS)
		TRY(call_check_parameters(c, why));
	TRY(call_parameter(&c->x->request.query, STR("onBehalfOf"), &subject, why));
	return query_find(&c->x->request.query, STR("onBehalfOf")) != NULL ? access_act_as(c, subject, why) : OK;
}

enum status access_visibility(const struct api_call *c, bool is_public, struct fault *why)
{
	assert(c != NULL);
	if (!is_public || c->caller.kind != CALLER_ANONYMOUS)
		return OK;
	return fault_set(why, PUBLIC_DENIED, "Only a caller with an API key or a token may make an image public: send Authorization: Bearer …");
}

bool access_identifies(const struct api_call *c)
{
	assert(c != NULL && !c->undecided);
	return c->caller.kind != CALLER_ANONYMOUS;
}

bool access_sees(const struct api_call *c, const struct image_row *row)
{
	assert(c != NULL && row != NULL);
	const struct caller *caller = &c->caller;
	char hex[2 * SHA256_BYTES + 1];
	if (caller->sees_all)
		return true;
	if (caller->delete_token.n == 0)
		return caller->owner.n > 0 && str_equal(caller->owner, row->owner);
	sha256_hex(caller->delete_token, hex);
	return secret_equal(row->delete_hash, str_of(hex));
}

void access_name_owner(const struct api_call *c, struct slot_request *slot)
{
	assert(c != NULL && !c->undecided && slot != NULL);
	slot->owner = c->caller.owner;
	slot->issuer = c->caller.issuer;
	slot->subject = c->caller.subject;
	slot->anonymous = c->caller.kind == CALLER_ANONYMOUS;
}

enum status access_image(struct api_call *c, struct fault *why)
{
	assert(c != NULL && !c->undecided);
	if (c->x->answer.image_id.n == 0 || c->caller.sees_all)
		return OK;
	enum status status = table_get(c->api->product->table, c->at.segment, c->arena, &c->row, why);
	if (status == OK && access_sees(c, &c->row))
		return OK;
	c->row = (struct image_row){ 0 };
	if (status != OK && status != NOT_FOUND)
		return status;
	status = fault_set(why, NO_SUCH_IMAGE, "There is no image with this id.");
	return c->caller.delete_token.n > 0 ? bearer_count(c->api->options.wrong_keys, &c->x->request, status, why) : status;
}

enum status access_owner(struct api_call *c, struct str *owner, struct fault *why)
{
	assert(c != NULL && owner != NULL);
	struct str asked;
	TRY(call_parameter(&c->x->request.query, STR("owner"), &asked, why));
	*owner = c->caller.sees_all ? STR("") : c->caller.owner;
	if (query_find(&c->x->request.query, STR("owner")) == NULL)
		return OK;
	if (c->caller.kind == CALLER_ANONYMOUS)
		return fault_set(why, KEY_NEEDED, "The images of an owner are listed for administrators only: send Authorization: Bearer …");
	if (!owner_valid(asked))
		return fault_set(why, BAD_FIELD, "owner must be %d hexadecimal digits in lower case, as records have it", OWNER_CHARS);
	if (!c->caller.sees_all && !str_equal(asked, *owner))
		return require_scope(c, SCOPE_ADMIN, why);
	*owner = asked;
	return OK;
}
