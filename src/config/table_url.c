/* See table_url.h. As in libpq, the user's part ends at the first '@' before a '/', and the password begins after its first ':'. A further '@'
 * may belong to a password whose characters should have been percent-encoded: then nothing of the URL is shown. */
#include "config/table_url.h"

struct url_parts {
	struct str scheme, user, password; /* the password without its ':' */
	struct str place, parameters;      /* hosts and database; from the '?' on */
};

bool table_url_is(struct str table)
{
	return str_starts_with(table, STR("postgres://")) || str_starts_with(table, STR("postgresql://"));
}

static struct url_parts cut_url(struct str url)
{
	struct url_parts u = { 0 };
	size_t scheme = str_find(url, STR("://")) + 3;
	struct str rest = str_slice(url, scheme, url.n);
	size_t at = str_find_char(rest, '@');
	u.scheme = str_slice(url, 0, scheme);
	if (at < rest.n && at < str_find_char(rest, '/')) {
		u.password = str_slice(rest, 0, at);
		u.user = str_cut(&u.password, ':');
		rest = str_slice(rest, at + 1, rest.n);
	}
	size_t query = str_find_char(rest, '?');
	u.place = str_slice(rest, 0, query);
	u.parameters = str_slice(rest, query, rest.n);
	return u;
}

static bool has_char(struct str s, char c)
{
	return str_find_char(s, c) < s.n;
}

/* libpq decodes names of parameters too; none needs it, so that one with a '%' counts as a password. */
static bool has_secret(struct str parameters)
{
	while (parameters.n > 0) {
		struct str value = str_cut(&parameters, '&'), name = str_cut(&value, '=');
		if (has_char(name, '%') || str_ends_with(name, STR("password")) ||
			str_is_one_of(name, STR("oauth_client_secret|scram_client_key|scram_server_key"), '|'))
			return true;
	}
	return false;
}

bool table_url_has_password(struct str url)
{
	if (!table_url_is(url))
		return false;
	struct url_parts u = cut_url(url);
	return u.password.n > 0 || has_char(u.place, '@') || has_secret(str_slice(u.parameters, 1, u.parameters.n));
}

void table_url_put(struct buf *b, struct str table)
{
	assert(b != NULL);
	struct url_parts u = { .place = table };
	if (table_url_is(table))
		u = cut_url(table);
	buf_put(b, u.scheme);
	if (u.scheme.n > 0 && (has_char(u.place, '@') || has_char(u.parameters, '@')))
		return;
	buf_put(b, u.user);
	if (u.user.n > 0)
		buf_put_char(b, '@');
	buf_put(b, u.place);
}
