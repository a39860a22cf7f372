/* DNS rebinding: a page of evil.example lets its own name point to 127.0.0.1 and then sends requests as
 * its own origin. Its requests carry `Host: evil.example`, so a listener answers only to names it
 * knows: the listen address, localhost, 127.0.0.1, [::1], those of the settings, and for the store
 * the public URL's.
 *
 * The port is checked for its form and else ignored: rebinding changes the name, while ports
 * differ legitimately behind a proxy, a container or a tunnel (and the store's signatures cover the
 * whole Host anyway). On a wildcard address every IP literal is ours too: a literal was not looked
 * up, so it cannot be rebound. Pure; any thread. */
#include "http/server/host.h"
#include "base/codec.h"
#include "http/client_addr.h"

/* RFC 3986 3.2.2: reg-name, but not the empty one. */
static bool is_name(struct str s)
{
	unsigned char byte;
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] == '%' && !hex_decode(str_slice(s, i + 1, i + 3), &byte, 1))
			return false;
	return str_consists_of(s, STR("-._~!$&'()*+,;=%"));
}

/* An IPv6 address, the only kind that is in brackets. */
static bool is_literal(struct str inner)
{
	struct client_addr at;
	return str_find_char(inner, ':') < inner.n && client_addr_parse(inner, &at);
}

bool host_cut_name(struct str host, struct str *name)
{
	bool literal = str_starts_with(host, STR("["));
	size_t end = literal ? str_find_char(host, ']') + 1 : str_find_char(host, ':');
	if (end > host.n)
		return false;
	struct str found = str_slice(host, 0, end), rest = str_slice(host, end, host.n);
	uint64_t port = 0;
	bool has_port = rest.n > 1;
	if (rest.n > 0 &&
		(rest.p[0] != ':' || (has_port && (rest.n > 6 || !str_to_u64(str_slice(rest, 1, rest.n), &port) || port > UINT16_MAX))))
		return false;
	if (literal ? !is_literal(str_slice(found, 1, end - 1)) : !is_name(found))
		return false;
	*name = found;
	return true;
}

void host_names_init(struct host_names *h)
{
	*h = (struct host_names){ .names = { STR("localhost"), STR("127.0.0.1"), STR("[::1]") }, .n = 3 };
}

enum status host_names_add(struct host_names *h, struct str name, struct fault *why)
{
	assert(h->n >= 3);
	struct str found;
	if (!host_cut_name(name, &found) || !str_consists_of(found, STR("-._:[]"))) /* what has a ';' is more likely a mistake */
		return fault_set(why, BAD_SETTING,
			"\"%.*s\" is not a host name: --hosts (TINTYPE_HOSTS) must be names separated by commas, "
			"such as pictures.example.com, and --public-storage-url must have one after http:// or https://",
			STRF(str_slice(name, 0, 60)));
	if (h->n == HOST_NAMES_MAX)
		return fault_set(why, BAD_SETTING, "--hosts (TINTYPE_HOSTS) names more than %d hosts", HOST_NAMES_MAX);
	h->names[h->n++] = found;
	return OK;
}

enum status host_names_add_list(struct host_names *h, struct str list, struct fault *why)
{
	while (list.p != NULL) {
		struct str name = str_trim(str_cut(&list, ','));
		if (name.n > 0)
			TRY(host_names_add(h, name, why));
	}
	return OK;
}

/* A dotted quad or a bracketed address; other digits-and-dots are no name that DNS could hold. */
static bool is_address(struct str name)
{
	if (name.p[0] == '[')
		return true;
	for (size_t i = 0; i < name.n; i++)
		if (name.p[i] != '.' && (name.p[i] < '0' || name.p[i] > '9'))
			return false;
	return true;
}

bool host_is_ours(const struct host_names *h, struct str host)
{
	assert(h->n <= HOST_NAMES_MAX);
	struct str name;
	if (!host_cut_name(host, &name))
		return false;
	for (size_t i = 0; i < h->n; i++)
		if (str_equal_nocase(h->names[i], name))
			return true;
	return h->any_address && is_address(name);
}

struct str host_of_url(struct str url)
{
	size_t from = str_starts_with_nocase(url, STR("http://")) ? 7 : str_starts_with_nocase(url, STR("https://")) ? 8 : url.n;
	struct str rest = str_slice(url, from, url.n);
	return str_slice(rest, 0, str_find_char(rest, '/'));
}
