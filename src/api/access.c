/* Access control.
 *
 * A key or a token comes as `Authorization: Bearer …`; a delete token may also come as
 * `X-Delete-Token: …`, for callers that use Authorization for something else. Secrets are compared in
 * constant time; of a token only its SHA-256 is stored. A missing key is 401 with WWW-Authenticate,
 * a wrong one 403. */
#include "api/access.h"

#include "api/cors.h"
#include "base/hash.h"
#include "http/bearer.h"
#include "identity/owner.h"

static bool asks_key(const struct api_options *o, enum access_rule rule)
{
	switch (rule) {
	case FOR_ANYBODY:
		return false;
	case FOR_SLOTS:
		return o->key_for_slots;
	case FOR_IMAGES:
	case FOR_DELETE:
		return o->key_for_images;
	}
	assert(false);
	return true;
}

static struct str delete_token(const struct request *r)
{
	struct str own = str_trim(request_header(r, STR("X-Delete-Token")));

	return own.n > 0 ? own : bearer_secret(r);
}

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

enum status access_check(struct api_call *c, struct fault *why)
{
	assert(c != NULL && c->x != NULL && c->arena != NULL);
	const struct api_options *o = &c->api->options;
	enum access_rule rule = c->route->rule;
	struct str given = bearer_secret(&c->x->request);

	if (o->refuse_cross_site && (rule == FOR_IMAGES || rule == FOR_DELETE) && is_cross_site(&c->x->request, o->cors_origins))
		return fault_set(why, CROSS_SITE,
			"This server is open to this machine only: pages of other sites may not list, read or delete images. "
			"List the page's origin with --cors-origins, or set TINTYPE_API_KEY.");
	c->sent_key = c->x->request.has_gateway_key || (o->key.n > 0 && given.n > 0 && secret_equal(o->key, given));
	c->has_key = !asks_key(o, rule) || c->sent_key;
	if (c->has_key)
		return OK;
	if (rule == FOR_DELETE && delete_token(&c->x->request).n > 0)
		return OK;
	if (given.n == 0)
		return fault_set(why, KEY_NEEDED, "%s: send Authorization: Bearer …",
			rule == FOR_DELETE ? "Deleting requires the API key or the image's delete token" : "This call requires the API key");
	return bearer_refuse(o->wrong_keys, &c->x->request, "Wrong API key.", why);
}

enum status access_visibility(const struct api_call *c, bool is_public, struct fault *why)
{
	assert(c != NULL);
	if (!is_public || c->sent_key)
		return OK;
	if (bearer_secret(&c->x->request).n > 0)
		return bearer_refuse(c->api->options.wrong_keys, &c->x->request, "Wrong API key.", why);
	return fault_set(why, PUBLIC_DENIED, "Only a caller with the API key may make an image public: send Authorization: Bearer …");
}

enum status access_owner(struct api_call *c, struct str *owner, struct fault *why)
{
	assert(c != NULL && owner != NULL);
	TRY(call_parameter(&c->x->request.query, STR("owner"), owner, why));
	if (query_find(&c->x->request.query, STR("owner")) == NULL)
		return OK;
	if (!c->sent_key)
		return fault_set(why, KEY_NEEDED, "The images of an owner are listed for administrators only: send Authorization: Bearer …");
	return owner_valid(*owner) ? OK : fault_set(why, BAD_FIELD, "owner must be %d hexadecimal digits in lower case, as records have it", OWNER_CHARS);
}

bool access_sees(const struct api_call *c, const struct image_row *row)
{
	assert(c != NULL && row != NULL);
	return c->has_key;
}

bool access_identifies(const struct api_call *c)
{
	assert(c != NULL);
	return c->sent_key;
}

const char *access_name(const struct api_call *c)
{
	assert(c != NULL);
	if (!asks_key(&c->api->options, c->route->rule))
		return "anybody";
	return c->has_key ? "key" : "deleteToken";
}

enum status access_token(const struct api_call *c, const struct image_row *row, struct fault *why)
{
	assert(c != NULL);
	assert(row != NULL);
	char hex[2 * SHA256_BYTES + 1];

	if (c->has_key)
		return OK;
	sha256_hex(delete_token(&c->x->request), hex);
	if (secret_equal(row->delete_hash, str_of(hex)))
		return OK;
	return bearer_refuse(c->api->options.wrong_keys, &c->x->request, "Wrong API key or delete token.", why);
}
