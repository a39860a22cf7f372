/* Access to the admin listener. See admin_auth.h. */
#include "admin/admin_auth.h"

#include "base/hash.h"

void admin_auth_init(struct admin_auth *g, struct str token)
{
	assert(g != NULL);
	*g = (struct admin_auth){ .token = token };
	pthread_mutex_init(&g->lock, NULL);
	for (size_t i = 0; i < ADMIN_AUTH_WRONG_MAX; i++)
		g->wrong_ms[i] = -ADMIN_AUTH_WINDOW_MS;
}

void admin_auth_deinit(struct admin_auth *g)
{
	pthread_mutex_destroy(&g->lock);
}

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

/* A wrong token came. false: there were too many of them lately. */
static bool count_attempt(struct admin_auth *g, int64_t now_ms)
{
	pthread_mutex_lock(&g->lock);
	bool ok = now_ms - g->wrong_ms[g->next] >= ADMIN_AUTH_WINDOW_MS;
	if (ok) {
		g->wrong_ms[g->next] = now_ms;
		g->next = (g->next + 1) % ADMIN_AUTH_WRONG_MAX;
	}
	pthread_mutex_unlock(&g->lock);
	return ok;
}

enum status admin_auth_check_token(struct admin_auth *g, const struct request *r, int64_t now_ms, struct fault *why)
{
	assert(r != NULL);
	struct str sent = request_header(r, STR("Authorization"));

	if (!str_starts_with_nocase(sent, STR("Bearer ")))
		return fault_set(why, KEY_NEEDED, "Send Authorization: Bearer with the token that was printed at start");
	if (g != NULL && g->token.n > 0 && secret_equal(str_trim(str_slice(sent, 7, sent.n)), g->token))
		return OK;
	if (g != NULL && !count_attempt(g, now_ms))
		return fault_set(why, TOO_MANY_TRIES, "Too many wrong tokens; wait a minute, or send the right one");
	return fault_set(why, KEY_WRONG, "Wrong token: use the one printed when the server started");
}
