/* Two tables: what is refused of IPv4, and what is refused of IPv6, where only 2000::/3 is assigned to the public internet at all. The
 * rows outside of that are there for their names. */
#include "webhook/address_guard.h"

#include "http/client_addr.h"

#include <sys/socket.h>

struct refused_range {
	const char *text, *net;
	unsigned bits; /* of the 32 or 128 */
};

static const struct refused_range v4_ranges[] = {
	{ "0.0.0.0/8", "0.0.0.0", 8 },             /* this network; 0.0.0.0 connects to this host */
	{ "10.0.0.0/8", "10.0.0.0", 8 },           /* private */
	{ "100.64.0.0/10", "100.64.0.0", 10 },     /* behind a provider's NAT; metadata service of some clouds */
	{ "127.0.0.0/8", "127.0.0.0", 8 },         /* loopback */
	{ "169.254.0.0/16", "169.254.0.0", 16 },   /* link-local; metadata services */
	{ "172.16.0.0/12", "172.16.0.0", 12 },     /* private */
	{ "192.0.0.0/24", "192.0.0.0", 24 },       /* protocol assignments */
	{ "192.0.2.0/24", "192.0.2.0", 24 },       /* documentation */
	{ "192.88.99.0/24", "192.88.99.0", 24 },   /* 6to4 relays */
	{ "192.168.0.0/16", "192.168.0.0", 16 },   /* private */
	{ "198.18.0.0/15", "198.18.0.0", 15 },     /* benchmarks */
	{ "198.51.100.0/24", "198.51.100.0", 24 }, /* documentation */
	{ "203.0.113.0/24", "203.0.113.0", 24 },   /* documentation */
	{ "224.0.0.0/4", "224.0.0.0", 4 },         /* multicast */
	{ "240.0.0.0/4", "240.0.0.0", 4 },         /* reserved; broadcast */
};

static const struct refused_range v6_ranges[] = {
	{ "::1/128", "::1", 128 },               /* loopback */
	{ "::/96", "::", 96 },                   /* unspecified; IPv4-compatible */
	{ "::ffff:0:0/96", "::ffff:0:0", 96 },   /* IPv4-mapped */
	{ "64:ff9b::/96", "64:ff9b::", 96 },     /* IPv4 by NAT64 */
	{ "64:ff9b:1::/48", "64:ff9b:1::", 48 }, /* local NAT64 */
	{ "fc00::/7", "fc00::", 7 },             /* unique local */
	{ "fe80::/10", "fe80::", 10 },           /* link-local */
	{ "fec0::/10", "fec0::", 10 },           /* site-local */
	{ "ff00::/8", "ff00::", 8 },             /* multicast */
	{ "2001::/23", "2001::", 23 },           /* protocol assignments; Teredo, which has an IPv4 address in it */
	{ "2001:db8::/32", "2001:db8::", 32 },   /* documentation */
	{ "2002::/16", "2002::", 16 },           /* 6to4, which has an IPv4 address in it */
	{ "3fff::/20", "3fff::", 20 },           /* documentation */
};

static bool is_within(const struct client_addr *a, const char *net, unsigned bits)
{
	struct client_addr n;
	bool read = client_addr_parse(str_of(net), &n);
	assert(read);
	return client_addr_within(a, &n, bits);
}

static const char *find_range(const struct client_addr *a, const struct refused_range *ranges, size_t n, unsigned more_bits)
{
	for (size_t i = 0; i < n; i++)
		if (is_within(a, ranges[i].net, ranges[i].bits + more_bits))
			return ranges[i].text;
	return NULL;
}

const char *address_guard_refuses(const struct sockaddr *at)
{
	assert(at != NULL);
	struct client_addr a = client_addr_of(at);
	if (at->sa_family == AF_INET)
		return find_range(&a, v4_ranges, COUNT_OF(v4_ranges), 96); /* a client_addr has it in its last four bytes */
	if (at->sa_family != AF_INET6)
		return "another family";
	const char *found = find_range(&a, v6_ranges, COUNT_OF(v6_ranges), 0);
	return found != NULL || is_within(&a, "2000::", 3) ? found : "what is not 2000::/3";
}
