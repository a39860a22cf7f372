/* A DynamoDB that does nothing: responds to every request with 200 and {} at once.
 * One thread, epoll. The table of both sides in `make bench`; it costs them less than any real one would.
 *
 *   null_dynamodb PORT [CERTIFICATE KEY]     0 chooses a free port; the port is printed
 *   null_dynamodb PORT ROW
 *   null_dynamodb PORT IMAGE ROW DIR [CERTIFICATE KEY]
 *
 * With a certificate and its key, two PEM files, it uses TLS. A row is the answer of GetItem. With an image it is an S3 of that
 * one object too; what is put is written to DIR, under the last part of its key. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#define REQUEST_MAX 1048576
#define PATH_MOST 4096

struct connection {
	int fd;
	SSL *tls; /* NULL: plain */
	size_t n;
	char bytes[REQUEST_MAX + 1];
};

static struct {
	char *image, *row, *put; /* whole responses; NULL: there is only the table */
	size_t image_bytes, row_bytes, put_bytes;
	const char *dir;
} objects;

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

static bool give(struct connection *c, const char *bytes, size_t n)
{
	while (n > 0) {
		ssize_t sent = c->tls != NULL ? SSL_write(c->tls, bytes, (int)n) : send(c->fd, bytes, n, MSG_NOSIGNAL);
		bool full = c->tls != NULL ? sent <= 0 && SSL_get_error(c->tls, (int)sent) == SSL_ERROR_WANT_WRITE : sent < 0 && errno == EAGAIN;
		if (full && poll(&(struct pollfd){ .fd = c->fd, .events = POLLOUT }, 1, -1) == 1)
			continue;
		if (sent <= 0)
			return false;
		bytes += sent;
		n -= (size_t)sent;
	}
	return true;
}

/* The body of a PUT, to be looked at afterwards. */
static void keep(const struct connection *c, size_t whole)
{
	char path[PATH_MOST];
	const char *line_end = strchr(c->bytes + 4, ' '), *name = line_end, *body = strstr(c->bytes, "\r\n\r\n") + 4;
	const char *query = memchr(c->bytes, '?', (size_t)(line_end - c->bytes));
	line_end = query != NULL ? query : line_end;
	for (name = line_end; name[-1] != '/';)
		name--;
	snprintf(path, sizeof(path), "%s/%.*s", objects.dir, (int)(line_end - name), name);
	FILE *f = fopen(path, "we");
	if (f == NULL || fwrite(body, 1, (size_t)(c->bytes + whole - body), f) != (size_t)(c->bytes + whole - body) || fclose(f) != 0) {
		perror(path);
		exit(1);
	}
}

static bool respond(struct connection *c, size_t whole)
{
	const char *target = objects.row != NULL ? strcasestr(c->bytes, "x-amz-target: DynamoDB_20120810.GetItem") : NULL;
	if (objects.image != NULL && strncmp(c->bytes, "GET /", 5) == 0)
		return give(c, objects.image, objects.image_bytes);
	if (objects.image != NULL && strncmp(c->bytes, "PUT /", 5) == 0) {
		keep(c, whole);
		return give(c, objects.put, objects.put_bytes);
	}
	if (target != NULL && target < strstr(c->bytes, "\r\n\r\n"))
		return give(c, objects.row, objects.row_bytes);
	return give(c, answer, sizeof(answer) - 1);
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
			if (!respond(c, whole))
				return -1;
			memmove(c->bytes, c->bytes + whole, c->n - whole);
			c->n -= whole;
		}
	} while (got > 0 && c->tls != NULL);
	return 0;
}

/* A file as a response. */
static char *read_response(const char *path, const char *headers, size_t *n)
{
	char *bytes = NULL;
	FILE *f = path != NULL ? fopen(path, "re") : NULL;
	long size = f != NULL && fseek(f, 0, SEEK_END) == 0 ? ftell(f) : 0;
	int head = size >= 0 ? asprintf(&bytes, "HTTP/1.1 200 OK\r\n%sContent-Length: %ld\r\n\r\n", headers, size) : -1;
	bytes = head > 0 ? realloc(bytes, (size_t)head + (size_t)size + 1) : NULL;
	if (bytes != NULL && f != NULL)
		rewind(f);
	if (bytes == NULL || (path != NULL && (f == NULL || fread(bytes + head, 1, (size_t)size, f) != (size_t)size))) {
		perror(path);
		exit(1);
	}
	if (f != NULL)
		fclose(f);
	*n = (size_t)head + (size_t)size;
	return bytes;
}

static void read_row(const char *row)
{
	objects.row = read_response(row, "Content-Type: application/x-amz-json-1.0\r\n", &objects.row_bytes);
}

static void read_objects(const char *image, const char *dir)
{
	static const char dated[] = "ETag: \"bench\"\r\nLast-Modified: Wed, 01 Jan 2025 00:00:00 GMT\r\nContent-Type: image/jpeg\r\n";
	objects.image = read_response(image, dated, &objects.image_bytes);
	objects.put = read_response(NULL, "ETag: \"bench\"\r\n", &objects.put_bytes);
	objects.dir = dir;
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
	bool has_objects = argc > 4;
	char **certificate = argv + (has_objects ? 5 : 2);
	SSL_CTX *tls = argc > (has_objects ? 6 : 3) ? read_certificate(certificate[0], certificate[1]) : NULL;
	if (has_objects)
		read_objects(argv[2], argv[4]);
	if (has_objects || argc == 3)
		read_row(argv[has_objects ? 3 : 2]);
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
