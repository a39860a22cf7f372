/* Access to the admin listener. See admin_auth.h. */
#include "admin/admin_auth.h"

#include "base/hash.h"

static bool is_own_origin(struct str origin, struct str host)
{
	size_t scheme = str_starts_with(origin, STR("http://")) ? 7 : str_starts_with(origin, STR("https://")) ? 8 : 0;

	return scheme > 0 && str_equal_nocase(str_slice(origin, scheme, origin.n), host);
}

enum status admin_auth_check_site(const struct request *r, struct fault *why)
{
	assert(r != NULL);
	struct str site = request_header(r, STR("Sec-Fetch-Site")), origin = request_header(r, STR("Origin"));
	bool foreign = site.n > 0 && !str_equal(site, STR("same-origin")) && !str_equal(site, STR("none"));

	if (foreign || (origin.p != NULL && !is_own_origin(origin, request_header(r, STR("Host")))))
		return fault_set(why, CROSS_SITE, "Pages of other sites may not read this; to open it, type its address.");
	return OK;
}

enum status admin_auth_check_token(const struct admin_auth *g, const struct request *r, struct fault *why)
{
	assert(g != NULL && r != NULL);
	struct str sent = bearer_secret(r);

	if (sent.n == 0)
		return fault_set(why, KEY_NEEDED, "Send Authorization: Bearer with the token that was printed at start");
	if (g->token.n > 0 && secret_equal(sent, g->token))
		return OK;
	return bearer_refuse(g->wrong, r, "Wrong token: use the one printed when the server started", why);
}
