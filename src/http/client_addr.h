/* Client addresses: for the log, for limits per client, and for trusted proxies that forward them. Pure. */
#ifndef HTTP_CLIENT_ADDR_H
#define HTTP_CLIENT_ADDR_H

#include "base/fault.h"
#include "base/str.h"

struct request;
struct sockaddr;

#define CLIENT_ADDR_CHARS 46 /* INET6_ADDRSTRLEN */
#define PROXIES_MAX 64

/* IPv4 as ::ffff:a.b.c.d; all zero: unknown. */
struct client_addr {
	unsigned char bytes[16];
};

struct client_addr client_addr_of(const struct sockaddr *at);
/* "192.0.2.1", "2001:db8::1"; without brackets or a port.  false: neither */
bool client_addr_parse(struct str text, struct client_addr *out) MUST_CHECK;
/* The text of it; out has room for CLIENT_ADDR_CHARS. "" of an unknown one. */
struct str client_addr_text(const struct client_addr *a, char *out);
bool client_addr_is_loopback(const struct client_addr *a);
/* Whether the first `bits` of the 128 are those of `net`; an IPv4 network has 96 more than its notation says. */
bool client_addr_within(const struct client_addr *a, const struct client_addr *net, unsigned bits);
/* What a limit per client counts: the address, but of an IPv6 address its /64, for who has one address has those. */
struct client_addr client_addr_key(const struct client_addr *a);

/* The proxies whose X-Forwarded-For is trusted. */
struct proxy_list {
	struct {
		struct client_addr net;
		unsigned bits;
	} nets[PROXIES_MAX];
	size_t n;
};

/* Read addresses and CIDR blocks with commas between them; "" is none.
 * Errors  BAD_SETTING */
enum status proxy_list_parse(struct proxy_list *p, struct str text, struct fault *why) MUST_CHECK;
bool proxy_list_has(const struct proxy_list *p, const struct client_addr *a);
/* The client of a request from the proxy `peer`: the last address of X-Forwarded-For that is not a trusted proxy's
 * itself. What precedes it was written by the client and is not trusted. */
struct client_addr proxy_list_client(const struct proxy_list *p, const struct request *r, struct client_addr peer);

#endif
