/* See endpoint.h. */
#include "webhook/endpoint.h"

#include "base/arena.h"
#include "http/client/request.h"
#include "http/client_addr.h"
#include "webhook/address_guard.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <netinet/in.h>
#include <string.h>

#define URL_MAX 2048
#define HEAD_BYTES (4 * URL_MAX)

static enum status refuse_url(const char *what, struct fault *why)
{
	return fault_set(why, BAD_SETTING, "TINTYPE_WEBHOOK_URL (--webhook-url) must be %s", what);
}

/* "localhost", and addresses that need no name service. */
static bool leads_home(const char *host)
{
	struct sockaddr_in v4 = { .sin_family = AF_INET };
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6 };
	if (inet_pton(AF_INET, host, &v4.sin_addr) == 1)
		return address_guard_refuses((const struct sockaddr *)&v4) != NULL;
	if (inet_pton(AF_INET6, host, &v6.sin6_addr) == 1)
		return address_guard_refuses((const struct sockaddr *)&v6) != NULL;
	return str_equal_nocase(str_of(host), STR("localhost"));
}

enum status endpoint_check_url(const struct webhook_endpoint *e, struct str url, struct fault *why)
{
	assert(e != NULL);
	struct arena a CLEANUP(arena_deinit);
	struct buf head;
	struct connection_target to;
	struct http_request r = { .method = STR("POST"), .url = url };
	arena_init(&a, 4 * HEAD_BYTES);
	buf_init_arena(&head, &a, HEAD_BYTES);
	if (url.n > URL_MAX)
		return refuse_url("at most 2048 characters long", why);
	/* As the client will read it, when it is too late to say so. */
	if (request_write_head(&r, &to, &head, NULL) != OK)
		return refuse_url("https://HOST/PATH, without a user name and without a fragment (#)", why);
	if (e->is_private)
		return OK;
	if (!to.tls || strcmp(to.port, "443") != 0)
		return refuse_url("https:// on port 443; for a receiver in your own network set TINTYPE_WEBHOOK_PRIVATE=on", why);
	if (leads_home(to.host))
		return refuse_url("a host on the internet; for a receiver in your own network set TINTYPE_WEBHOOK_PRIVATE=on", why);
	return OK;
}

/* By the bytes of a client_addr, in which mapped IPv4 addresses are IPv4 addresses. */
static bool is_this_machine(const struct sockaddr *at)
{
	struct client_addr a = client_addr_of(at), any;
	bool unspecified = memcmp(&a, &(struct client_addr){ { 0 } }, sizeof a) == 0 ||
		(client_addr_parse(STR("0.0.0.0"), &any) && memcmp(&a, &any, sizeof a) == 0);
	struct ifaddrs *list = NULL;
	if (unspecified || client_addr_is_loopback(&a))
		return true;
	if (getifaddrs(&list) != 0)
		return false;
	bool found = false;
	for (const struct ifaddrs *i = list; i != NULL && !found; i = i->ifa_next) {
		if (i->ifa_addr == NULL || (i->ifa_addr->sa_family != AF_INET && i->ifa_addr->sa_family != AF_INET6))
			continue;
		struct client_addr own = client_addr_of(i->ifa_addr);
		found = memcmp(&a, &own, sizeof a) == 0;
	}
	freeifaddrs(list);
	return found;
}

static bool is_own_port(const struct webhook_endpoint *e, const struct sockaddr *at)
{
	uint16_t port = 0;
	if (at->sa_family == AF_INET)
		port = ntohs(((const struct sockaddr_in *)(const void *)at)->sin_port);
	else if (at->sa_family == AF_INET6)
		port = ntohs(((const struct sockaddr_in6 *)(const void *)at)->sin6_port);
	for (size_t i = 0; i < WEBHOOK_OWN_PORTS_MAX; i++)
		if (port != 0 && e->own_ports[i] == port)
			return true;
	return false;
}

enum status endpoint_check_address(void *endpoint, const struct sockaddr *at, struct fault *why)
{
	const struct webhook_endpoint *e = endpoint;
	assert(e != NULL && at != NULL);
	const char *range = e->is_private ? NULL : address_guard_refuses(at);
	char text[CLIENT_ADDR_CHARS];
	struct client_addr a = client_addr_of(at);
	if (range != NULL)
		return fault_set(why, ADDRESS_REFUSED,
			"its address %.*s is in %s, where webhooks are not sent unless TINTYPE_WEBHOOK_PRIVATE is on", STRF(client_addr_text(&a, text)),
			range);
	if (is_own_port(e, at) && is_this_machine(at))
		return fault_set(why, ADDRESS_REFUSED, "this is one of the server's own listeners");
	return OK;
}

enum status endpoint_parse_kinds(struct str names, unsigned *kinds, struct fault *why)
{
	unsigned found = 0;
	for (struct str rest = names; rest.p != NULL;) {
		struct str name = str_trim(str_cut(&rest, ','));
		unsigned kind = 0;
		while (kind < OUTBOX_KINDS && !str_equal(name, outbox_kind_name((enum outbox_kind)kind)))
			kind++;
		if (kind == OUTBOX_KINDS)
			return fault_set(why, BAD_SETTING,
				"TINTYPE_WEBHOOK_EVENTS (--webhook-events) must be some of image.uploaded, image.rejected, image.deleted and "
				"image.expired, with commas between them");
		found |= 1U << kind;
	}
	*kinds = found;
	return OK;
}
