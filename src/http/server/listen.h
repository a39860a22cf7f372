/* Listen addresses and their sockets. */
#ifndef HTTP_SERVER_LISTEN_H
#define HTTP_SERVER_LISTEN_H

#include "base/fault.h"
#include "base/str.h"

struct listen_socket {
	int fd;
	char host[64]; /* as in a URL: "127.0.0.1", "[::1]" */
	char url[128]; /* "http://127.0.0.1:8080", with the actual port */
	bool is_loopback, is_wildcard;
	bool tls; /* url is https */
};

/* Cut HOST:PORT; HOST may be a name, an IPv4 address or an IPv6 address in brackets.
 * Errors  BAD_SETTING with the setting's name and the expected form */
enum status listen_cut(const char *setting, struct str text, struct str *host, uint16_t *port, struct fault *why) MUST_CHECK;
/* Bind and listen; connections wait in the backlog until they are accepted.
 * setting   the flag without dashes, for the sentence of a failure
 * Errors    ADDRESS_TAKEN; BAD_SETTING no such address, or not allowed to */
enum status listen_open(const char *setting, const char *text, struct listen_socket *out, struct fault *why) MUST_CHECK;
/* Accepted connections will use TLS. */
void listen_set_tls(struct listen_socket *s);
/* Safe when closed or zeroed with fd -1. */
void listen_close(struct listen_socket *s);

#endif
