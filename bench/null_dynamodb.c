/* A DynamoDB that does nothing: responds to every request with 200 and {} at once.
 * One thread, epoll. The table of both sides in `make bench`; it costs them less than any real one would.
 *
 *   null_dynamodb PORT [CERTIFICATE KEY]     0 chooses a free port; the port is printed
 *
 * With a certificate and its key, two PEM files, it uses TLS. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#define REQUEST_MAX 65536

struct connection {
	int fd;
	SSL *tls; /* NULL: plain */
	size_t n;
	char bytes[REQUEST_MAX + 1];
};

static const char answer[] = "HTTP/1.1 200 OK\r\nContent-Type: application/x-amz-json-1.0\r\nx-amzn-RequestId: NULL\r\n"
							 "x-amz-crc32: 2745614147\r\nContent-Length: 2\r\n\r\n{}";

/* The length of the first whole request in the buffer, or 0. */
static size_t whole_request(struct connection *c)
{
	c->bytes[c->n] = '\0';
	char *end = strstr(c->bytes, "\r\n\r\n");
	if (end == NULL)
		return 0;
	char *length = strcasestr(c->bytes, "\r\ncontent-length:");
	size_t body = length != NULL && length < end ? strtoul(length + 17, NULL, 10) : 0;
	size_t whole = (size_t)(end + 4 - c->bytes) + body;
	return whole <= c->n ? whole : 0;
}

/* Read: bytes, 0 for nothing yet, -1 when the peer has closed. Also performs the handshake. */
static ssize_t take(struct connection *c)
{
	char *to = c->bytes + c->n;
	if (c->tls == NULL) {
		ssize_t got = recv(c->fd, to, REQUEST_MAX - c->n, 0);
		return got > 0 ? got : got < 0 && errno == EAGAIN ? 0 : -1;
	}
	ERR_clear_error();
	int got = SSL_read(c->tls, to, (int)(REQUEST_MAX - c->n));
	if (got > 0)
		return got;
	int wants = SSL_get_error(c->tls, got);
	return wants == SSL_ERROR_WANT_READ ? 0 : -1;
}

/* A response is far smaller than a socket's buffer. */
static bool give(struct connection *c)
{
	if (c->tls != NULL)
		return SSL_write(c->tls, answer, sizeof(answer) - 1) > 0;
	return send(c->fd, answer, sizeof(answer) - 1, MSG_NOSIGNAL) > 0;
}

/* Respond to whole requests; -1 when the peer has closed. TLS is read until it is empty: epoll does not see OpenSSL's buffer. */
static int serve(struct connection *c)
{
	ssize_t got;
	do {
		if ((got = take(c)) < 0)
			return -1;
		c->n += (size_t)got;
		for (size_t whole; (whole = whole_request(c)) > 0;) {
			if (!give(c))
				return -1;
			memmove(c->bytes, c->bytes + whole, c->n - whole);
			c->n -= whole;
		}
	} while (got > 0 && c->tls != NULL);
	return 0;
}

static void end(struct connection *c)
{
	SSL_free(c->tls);
	close(c->fd);
	free(c);
}

static void accept_one(int listener, int epoll, SSL_CTX *tls)
{
	struct connection *c = calloc(1, sizeof(*c));
	if (c == NULL || (c->fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK)) < 0) {
		free(c);
		return;
	}
	int on = 1;
	setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (tls != NULL) {
		c->tls = SSL_new(tls);
		SSL_set_fd(c->tls, c->fd);
		SSL_set_accept_state(c->tls);
	}
	epoll_ctl(epoll, EPOLL_CTL_ADD, c->fd, &(struct epoll_event){ .events = EPOLLIN, .data.ptr = c });
}

static SSL_CTX *read_certificate(const char *certificate, const char *key)
{
	SSL_CTX *tls = SSL_CTX_new(TLS_server_method());
	if (tls == NULL || SSL_CTX_use_certificate_chain_file(tls, certificate) != 1 ||
		SSL_CTX_use_PrivateKey_file(tls, key, SSL_FILETYPE_PEM) != 1) {
		ERR_print_errors_fp(stderr);
		exit(1);
	}
	return tls;
}

/* Listen on loopback and print the port. */
static int listen_on(uint16_t port)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = htons(port) };
	socklen_t size = sizeof(at);
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (bind(listener, (struct sockaddr *)&at, size) != 0 || listen(listener, 1024) != 0) {
		perror("null_dynamodb");
		exit(1);
	}
	getsockname(listener, (struct sockaddr *)&at, &size);
	printf("%d\n", ntohs(at.sin_port));
	fflush(stdout);
	return listener;
}

int main(int argc, char **argv)
{
	SSL_CTX *tls = argc > 3 ? read_certificate(argv[2], argv[3]) : NULL;
	int listener = listen_on((uint16_t)(argc > 1 ? strtoul(argv[1], NULL, 10) : 0)), epoll = epoll_create1(EPOLL_CLOEXEC);
	signal(SIGPIPE, SIG_IGN);
	epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &(struct epoll_event){ .events = EPOLLIN, .data.ptr = NULL });
	for (struct epoll_event events[64];;) {
		int n = epoll_wait(epoll, events, 64, -1);
		for (int i = 0; i < n; i++) {
			struct connection *c = events[i].data.ptr;
			if (c == NULL)
				accept_one(listener, epoll, tls);
			else if (serve(c) != 0)
				end(c);
		}
	}
}
