/* One connection of the HTTP client: names resolved, sockets connected, TLS started, and bytes
 * moved without ever blocking past a deadline or raising SIGPIPE. Knows nothing of HTTP.
 *
 * The socket is non-blocking: a move that cannot continue says so and adds to `events` what
 * connection_wait shall wait for. One thread per connection. */
#ifndef HTTP_CLIENT_CONNECTION_H
#define HTTP_CLIENT_CONNECTION_H

#include "base/fault.h"
#include "base/str.h"
#include <openssl/ssl.h>
#include <sys/types.h>

struct sockaddr;

struct connection_target {
	char host[256]; /* a name, or a numeric address without brackets */
	char port[6];
	bool tls;
	enum status (*check_address)(void *arg, const struct sockaddr *at, struct fault *why); /* NULL: each will do */
	void *check_arg;
};

struct client_connection {
	int fd;        /* -1: closed */
	int cancel_fd; /* readable: nothing more is waited for; 0: none */
	SSL *ssl;      /* NULL: plain */
};

#define CONNECTION_WAIT (-1)
#define CONNECTION_FAILED (-2)

/* Resolve, check all addresses, connect and, for TLS, verify the server's certificate and name, all before deadline_ms of clock_mono_ms.
 * The addresses of a name share the time that is left.
 * c       closed
 * ctx     made by connection_tls; may be NULL where t->tls is false
 * Errors  UPSTREAM_FAILED with a sentence; DEADLINE; check_address's code */
enum status connection_open(
	struct client_connection *c, const struct connection_target *t, SSL_CTX *ctx, int64_t deadline_ms, struct fault *why) MUST_CHECK;
/* Safe on a closed one. */
void connection_close(struct client_connection *c);
/* Whether an idle connection may be used again: open, and no unsolicited bytes were received. */
bool connection_alive(struct client_connection *c);

/* Bytes moved (more than 0); 0: the peer closed cleanly (reads only); CONNECTION_WAIT; CONNECTION_FAILED. */
ssize_t connection_read(struct client_connection *c, void *p, size_t n, short *events) MUST_CHECK;
ssize_t connection_write(struct client_connection *c, const void *p, size_t n, short *events) MUST_CHECK;
/* Wait for POLLIN, POLLOUT or both. Errors: DEADLINE, cancelled too */
enum status connection_wait(const struct client_connection *c, short events, int64_t deadline_ms, struct fault *why) MUST_CHECK;

/* TLS 1.2 or newer, certificates verified against $AWS_CA_BUNDLE, else `authorities` (PEM) unless that is empty, else
 * $SSL_CERT_FILE, else the system's file. Shared by those that trust the same: the caller has a reference, and changes nothing of it.
 * NULL, with why filled in, when there is none of them, or no memory. */
SSL_CTX *connection_tls(struct str authorities, struct fault *why);

#endif
