/* See client_addr.h. */
#include "http/client_addr.h"
#include "http/message.h"

#include <arpa/inet.h>
#include <string.h>

static const unsigned char v4_prefix[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };

static struct client_addr of_v4(const void *bytes)
{
	struct client_addr a;
	memcpy(a.bytes, v4_prefix, sizeof v4_prefix);
	memcpy(a.bytes + sizeof v4_prefix, bytes, 4);
	return a;
}

static bool is_v4(const struct client_addr *a)
{
	return memcmp(a->bytes, v4_prefix, sizeof v4_prefix) == 0;
}

struct client_addr client_addr_of(const struct sockaddr *at)
{
	assert(at != NULL);
	struct client_addr a = { { 0 } };
	if (at->sa_family == AF_INET)
		return of_v4(&((const struct sockaddr_in *)(const void *)at)->sin_addr);
	if (at->sa_family == AF_INET6)
		memcpy(a.bytes, &((const struct sockaddr_in6 *)(const void *)at)->sin6_addr, sizeof a.bytes);
	return a;
}

bool client_addr_parse(struct str text, struct client_addr *out)
{
	assert(out != NULL);
	char copy[CLIENT_ADDR_CHARS];
	unsigned char v4[4];
	if (text.n == 0 || text.n >= sizeof copy || memchr(text.p, '\0', text.n) != NULL)
		return false;
	memcpy(copy, text.p, text.n);
	copy[text.n] = '\0';
	if (inet_pton(AF_INET, copy, v4) != 1)
		return inet_pton(AF_INET6, copy, out->bytes) == 1;
	*out = of_v4(v4);
	return true;
}

struct str client_addr_text(const struct client_addr *a, char *out)
{
	assert(a != NULL && out != NULL);
	static const struct client_addr unknown;
	size_t n = 0;
	if (is_v4(a)) { /* one for each line of the log: by hand */
		for (size_t i = sizeof v4_prefix; i < sizeof a->bytes; i++) {
			char memory[DECIMAL_CHARS];
			struct str number = str_of_number(a->bytes[i], memory);
			memcpy(out + n, number.p, number.n);
			n += number.n;
			out[n++] = '.';
		}
		return (struct str){ out, n - 1 };
	}
	if (memcmp(a, &unknown, sizeof unknown) == 0)
		return STR("");
	return str_of(inet_ntop(AF_INET6, a->bytes, out, CLIENT_ADDR_CHARS));
}

bool client_addr_is_loopback(const struct client_addr *a)
{
	/* by bytes: an address may lie anywhere in a header, and struct in6_addr is aligned */
	return is_v4(a) ? a->bytes[12] == 127 : memcmp(a->bytes, &in6addr_loopback, sizeof a->bytes) == 0;
}

bool client_addr_within(const struct client_addr *a, const struct client_addr *net, unsigned bits)
{
	assert(bits <= 8 * sizeof a->bytes);
	unsigned whole = bits / 8, rest = bits % 8;
	return memcmp(a->bytes, net->bytes, whole) == 0 && (rest == 0 || (a->bytes[whole] ^ net->bytes[whole]) >> (8 - rest) == 0);
}

struct client_addr client_addr_key(const struct client_addr *a)
{
	struct client_addr key = *a;
	if (!is_v4(a))
		memset(key.bytes + 8, 0, 8);
	return key;
}

/* proxies */

static enum status parse_net(struct proxy_list *p, struct str text, struct fault *why)
{
	struct str rest = text, address = str_cut(&rest, '/');
	uint64_t bits = 128, most;
	bool ok = p->n < PROXIES_MAX && client_addr_parse(address, &p->nets[p->n].net);
	if (ok && rest.p != NULL) {
		bool v4 = str_find_char(address, ':') == address.n;
		most = v4 ? 32 : 128;
		ok = str_to_u64(rest, &bits) && bits <= most;
		bits += v4 ? 96 : 0;
	}
	if (!ok)
		return fault_set(why, BAD_SETTING,
			"--trusted-proxies (TINTYPE_TRUSTED_PROXIES) must be at most %d IP addresses or CIDR blocks separated by commas, "
			"such as 10.0.0.5,192.168.0.0/16; not \"%.*s\"",
			PROXIES_MAX, STRF(str_slice(text, 0, 60)));
	p->nets[p->n++].bits = (unsigned)bits;
	return OK;
}

enum status proxy_list_parse(struct proxy_list *p, struct str text, struct fault *why)
{
	p->n = 0;
	while (text.p != NULL) {
		struct str piece = str_trim(str_cut(&text, ','));
		if (piece.n > 0)
			TRY(parse_net(p, piece, why));
	}
	return OK;
}

bool proxy_list_has(const struct proxy_list *p, const struct client_addr *a)
{
	assert(p->n <= PROXIES_MAX);
	for (size_t i = 0; i < p->n; i++)
		if (client_addr_within(a, &p->nets[i].net, p->nets[i].bits))
			return true;
	return false;
}

/* An element of X-Forwarded-For: an address, with a port perhaps, and then in brackets if it is IPv6. */
static bool parse_forwarded(struct str text, struct client_addr *out)
{
	if (client_addr_parse(text, out))
		return true;
	bool literal = str_starts_with(text, STR("["));
	return client_addr_parse(str_slice(text, literal ? 1 : 0, str_find_char(text, literal ? ']' : ':')), out);
}

/* The last element of a list; *list loses it. */
static struct str take_last(struct str *list)
{
	size_t at = list->n;
	while (at > 0 && list->p[at - 1] != ',')
		at--;
	struct str last = str_trim(str_slice(*list, at, list->n));
	*list = str_slice(*list, 0, at > 0 ? at - 1 : 0);
	return last;
}

struct client_addr proxy_list_client(const struct proxy_list *p, const struct request *r, struct client_addr peer)
{
	assert(r != NULL);
	struct client_addr client = peer;
	for (size_t i = r->n_headers; i-- > 0;) {
		struct str list = r->headers[i].value;
		if (!str_equal_nocase(r->headers[i].name, STR("X-Forwarded-For")))
			continue;
		while (list.n > 0) {
			struct client_addr next;
			if (!proxy_list_has(p, &client) || !parse_forwarded(take_last(&list), &next))
				return client;
			client = next;
		}
	}
	return client;
}
