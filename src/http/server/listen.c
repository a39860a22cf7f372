/* Listen addresses: HOST:PORT text into a listening socket of our own, so that port 0, IPv6 and a
 * taken port are known before anything else starts. Runs at start, on the main thread.
 *
 * The socket listens at once: two that are only bound with SO_REUSEADDR would not collide. Until
 * a reactor accepts, the kernel lets clients wait in the backlog. */
#include "http/server/listen.h"

#include "config/settings.h"
#include "http/client_addr.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define BACKLOG 4096

enum status listen_cut(const char *setting, struct str text, struct str *host, uint16_t *port, struct fault *why)
{
	bool literal = str_starts_with(text, STR("["));
	size_t from = literal ? 1 : 0, end = str_find_char(text, literal ? ']' : ':');
	struct str name = str_slice(text, from, end), rest = str_slice(text, end + (literal ? 1 : 0), text.n);
	uint64_t number = 0;
	bool ok = name.n > 0 && name.n < 64 && rest.n > 1 && rest.p[0] == ':';
	if (!ok || !str_to_u64(str_slice(rest, 1, rest.n), &number) || number > UINT16_MAX)
		return fault_set(why, BAD_SETTING, "--%s must be HOST:PORT, such as 127.0.0.1:8080 or [::1]:0, not \"%.*s\"", setting, STRF(text));
	*host = name;
	*port = (uint16_t)number;
	return OK;
}

static enum status resolve_address(const char *setting, struct str host, uint16_t port, struct addrinfo **out, struct fault *why)
{
	char name[64], service[8];
	snprintf(name, sizeof name, "%.*s", STRF(host));
	snprintf(service, sizeof service, "%u", (unsigned)port);
	struct addrinfo hints = { .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICSERV };
	int rc = getaddrinfo(name, service, &hints, out);
	if (rc != 0)
		return fault_set(why, BAD_SETTING, "--%s: no such address as %s (%s)", setting, name, gai_strerror(rc));
	return OK;
}

/* Say what the system refused, in words that name the address and the setting. */
static enum status explain_errno(const char *setting, const char *text, int error, struct fault *why)
{
	switch (error) {
	case EADDRINUSE:
		return fault_set(why, ADDRESS_TAKEN,
			"%s is taken by another program; choose another port with --%s HOST:PORT or %s=HOST:PORT (port 0 takes a free one)", text,
			setting, settings_env_of(setting));
	case EACCES:
		return fault_set(why, BAD_SETTING, "not allowed to listen on %s: ports below 1024 need privileges; choose another with --%s or %s",
			text, setting, settings_env_of(setting));
	case EADDRNOTAVAIL:
		return fault_set(why, BAD_SETTING, "%s is not an address of this machine; choose another with --%s or %s", text, setting,
			settings_env_of(setting));
	default:
		return fault_set(why, BAD_SETTING, "cannot listen on %s (--%s): %s", text, setting, strerror(error));
	}
}

/* A listening socket; -1 and errno when refused. */
static int open_socket(const struct addrinfo *at)
{
	int fd = socket(at->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &(int){ 1 }, sizeof(int));
	if (at->ai_family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &(int){ 0 }, sizeof(int));
	if (bind(fd, at->ai_addr, at->ai_addrlen) == 0 && listen(fd, BACKLOG) == 0)
		return fd;
	int error = errno;
	close(fd);
	errno = error;
	return -1;
}

/* Fill in host, url and kind from what the socket is really bound to. */
static void describe_address(struct listen_socket *s)
{
	assert(s->fd >= 0);
	union {
		struct sockaddr any;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
	} at = { 0 };
	socklen_t n = sizeof at;
	char text[INET6_ADDRSTRLEN];
	getsockname(s->fd, &at.any, &n);
	bool v6 = at.any.sa_family == AF_INET6;
	struct client_addr address = client_addr_of(&at.any);
	inet_ntop(at.any.sa_family, v6 ? (void *)&at.v6.sin6_addr : (void *)&at.v4.sin_addr, text, sizeof text);
	snprintf(s->host, sizeof s->host, v6 ? "[%s]" : "%s", text);
	snprintf(s->url, sizeof s->url, "http://%s:%u", s->host, (unsigned)ntohs(v6 ? at.v6.sin6_port : at.v4.sin_port));
	s->is_loopback = client_addr_is_loopback(&address);
	s->is_wildcard = strcmp(text, v6 ? "::" : "0.0.0.0") == 0;
}

enum status listen_open(const char *setting, const char *text, struct listen_socket *out, struct fault *why)
{
	assert(setting != NULL && text != NULL);
	struct str host;
	uint16_t port;
	struct addrinfo *found;
	TRY(listen_cut(setting, str_of(text), &host, &port, why));
	TRY(resolve_address(setting, host, port, &found, why));
	const struct addrinfo *at = found; /* of a name with addresses of both kinds, as localhost is, the one that every client tries */
	while (at != NULL && at->ai_family != AF_INET)
		at = at->ai_next;
	struct listen_socket s = { .fd = open_socket(at != NULL ? at : found) };
	int error = errno;
	freeaddrinfo(found);
	if (s.fd < 0)
		return explain_errno(setting, text, error, why);
	describe_address(&s);
	*out = s;
	return OK;
}

void listen_set_tls(struct listen_socket *s)
{
	assert(!s->tls);
	struct str url = str_of(s->url), rest = str_slice(url, strlen("http"), url.n);
	char text[sizeof s->url];
	snprintf(text, sizeof text, "https%.*s", STRF(rest));
	memcpy(s->url, text, sizeof text);
	s->tls = true;
}

void listen_close(struct listen_socket *s)
{
	if (s->fd >= 0)
		close(s->fd);
	s->fd = -1;
}
