/* CORS headers on every response, and the response to preflights.
 *
 * Credentials are never allowed: the API has no cookies, keys go in Authorization, which a page
 * must set itself. With a list of origins the
 * response depends on Origin, so Vary says so, also on responses to other origins. */
#include "api/cors.h"

#include "api/call.h"

bool cors_lists_origin(struct str allowed, struct str origin)
{
	for (struct str rest = allowed; rest.p != NULL;) {
		struct str one = str_trim(str_cut(&rest, ','));
		if (one.n > 0 && str_equal_nocase(one, origin))
			return true;
	}
	return false;
}

struct str cors_origin(struct str allowed, struct str origin)
{
	if (cors_lists_origin(allowed, STR("*")))
		return STR("*");
	return cors_lists_origin(allowed, origin) ? origin : (struct str){ 0 };
}

struct str cors_url_origin(struct str url)
{
	size_t host = str_find(url, STR("://")) + 3;

	return str_slice(url, 0, host < url.n ? host + str_find_char(str_slice(url, host, url.n), '/') : 0);
}

bool cors_is_foreign(const struct request *r, struct str listed)
{
	assert(r != NULL);
	struct str origin = request_header(r, STR("Origin")), host = request_header(r, STR("Host")),
			   site = request_header(r, STR("Sec-Fetch-Site"));
	size_t at = str_find(origin, STR("://")) + 3;

	if (origin.n == 0)
		return str_equal(site, STR("cross-site"));
	bool own = at < origin.n && host.n > 0 && str_equal_nocase(str_slice(origin, at, origin.n), host);
	return !own && !cors_lists_origin(listed, origin);
}

void cors_headers(struct request_context *x, struct str allowed)
{
	assert(x != NULL);
	struct str origin = cors_origin(allowed, request_header(&x->request, STR("Origin")));

	if (origin.n > 0)
		answer_header(&x->answer, STR("Access-Control-Allow-Origin"), origin);
	if (!str_equal(origin, STR("*")))
		answer_header(&x->answer, STR("Vary"), STR("Origin"));
	answer_header(
		&x->answer, STR("Access-Control-Expose-Headers"), STR("x-amzn-RequestId, Retry-After, ETag, Location, Allow, WWW-Authenticate"));
}

enum status cors_preflight(struct api_call *c, struct fault *why)
{
	assert(c != NULL && c->x != NULL && c->arena != NULL);
	struct answer *ans = &c->x->answer;
	struct str methods = router_methods(&api_routes, c->at.path_template, c->arena);

	ans->status = 204;
	answer_header(ans, STR("Allow"), methods);
	answer_header(ans, STR("Access-Control-Allow-Methods"), methods);
	/* X-Api-Key is for API Gateway, which checks it before Lambda is called and has this response to preflights. */
	answer_header(
		ans, STR("Access-Control-Allow-Headers"), STR("Authorization, Content-Type, Idempotency-Key, If-Match, X-Api-Key, X-Delete-Token"));
	answer_header(ans, STR("Access-Control-Max-Age"), STR("7200"));
	return OK;
}

struct str cors_policy_source(struct str url)
{
	struct str origin = cors_url_origin(url);

	return str_consists_of(origin, STR(":/.-_[]")) ? origin : STR("");
}
