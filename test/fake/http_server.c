/* The scripted HTTP server. */
#include "fake/http_server.h"

#include "base/mem.h"
#include <arpa/inet.h>
#include <assert.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

static void *serve_connection(void *arg)
{
	struct fake_connection *c = arg;
	c->server->serve(c->fd, c->nth, c->server->arg);
	pthread_mutex_lock(&c->server->lock);
	close(c->fd);
	c->fd = -1;
	pthread_mutex_unlock(&c->server->lock);
	return NULL;
}

static void *accept_all(void *arg)
{
	struct fake_http *s = arg;
	for (;;) {
		int fd = accept4(s->fd, NULL, NULL, SOCK_CLOEXEC);
		if (fd < 0)
			return NULL;
		int on = 1;
		(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
		unsigned nth = atomic_load(&s->n);
		assert(nth < FAKE_CONNECTIONS_MAX);
		struct fake_connection *c = &s->connections[nth];
		*c = (struct fake_connection){ .server = s, .fd = fd, .nth = nth };
		/* Counted before it is served: a test that has its response sees the count. */
		atomic_store(&s->n, nth + 1);
		int error = pthread_create(&c->thread, NULL, serve_connection, c);
		assert(error == 0);
	}
}

void fake_http_start(struct fake_http *s, fake_serve_fn *serve, void *arg)
{
	*s = (struct fake_http){ .serve = serve, .arg = arg };
	s->connections = mem_new(FAKE_CONNECTIONS_MAX, sizeof *s->connections);
	assert(s->connections != NULL);
	pthread_mutex_init(&s->lock, NULL);
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t n = sizeof at;
	s->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int error = s->fd < 0 || bind(s->fd, (struct sockaddr *)&at, n) || listen(s->fd, 128) || getsockname(s->fd, (struct sockaddr *)&at, &n);
	assert(!error);
	s->port = ntohs(at.sin_port);
	(void)snprintf(s->url, sizeof s->url, "http://127.0.0.1:%u", s->port);
	error = pthread_create(&s->accepter, NULL, accept_all, s);
	assert(error == 0);
}

void fake_http_stop(struct fake_http *s)
{
	shutdown(s->fd, SHUT_RDWR);
	pthread_join(s->accepter, NULL);
	close(s->fd);
	for (unsigned i = 0; i < atomic_load(&s->n); i++) {
		pthread_mutex_lock(&s->lock);
		if (s->connections[i].fd >= 0)
			shutdown(s->connections[i].fd, SHUT_RDWR);
		pthread_mutex_unlock(&s->lock);
		pthread_join(s->connections[i].thread, NULL);
	}
	pthread_mutex_destroy(&s->lock);
	mem_free(s->connections);
	s->connections = NULL;
}

static size_t content_length(struct str head)
{
	struct str rest = head;
	while (rest.p != NULL) {
		struct str line = str_cut(&rest, '\n');
		uint64_t n = 0;
		if (str_starts_with_nocase(line, STR("content-length:")) && str_to_u64(str_trim(str_slice(line, 15, line.n - 1)), &n))
			return (size_t)n;
	}
	return 0;
}

/* Append the rest of the head, and leave what follows it in the socket: false at the end of the input. */
static bool read_head(int fd, struct buf *request)
{
	char piece[4096];
	ssize_t there = recv(fd, piece, sizeof piece, MSG_PEEK), n = 0;
	while (n < there && !str_ends_with(buf_str(request), STR("\r\n\r\n")))
		buf_put_char(request, piece[n++]);
	return n > 0 && recv(fd, piece, (size_t)n, 0) == n;
}

bool fake_http_read(int fd, struct buf *request)
{
	char piece[65536];
	buf_clear(request);
	for (;;) {
		struct str s = buf_str(request);
		size_t end = str_find(s, STR("\r\n\r\n"));
		if (end == s.n) {
			if (!read_head(fd, request))
				return false;
			continue;
		}
		size_t whole = end + 4 + content_length(str_slice(s, 0, end + 2));
		if (s.n >= whole)
			return true;
		ssize_t n = recv(fd, piece, whole - s.n < sizeof piece ? whole - s.n : sizeof piece, 0);
		if (n <= 0)
			return false;
		buf_put(request, (struct str){ piece, (size_t)n });
	}
}

void fake_http_write(int fd, struct str bytes)
{
	while (bytes.n > 0) {
		ssize_t n = send(fd, bytes.p, bytes.n, MSG_NOSIGNAL);
		if (n <= 0)
			return;
		bytes = str_slice(bytes, (size_t)n, bytes.n);
	}
}

void fake_http_answer(int fd, const char *status, const char *headers, struct str body)
{
	struct buf b;
	buf_init(&b, 64u << 20);
	buf_printf(&b, "HTTP/1.1 %s\r\n%sContent-Length: %zu\r\n\r\n", status, headers, body.n);
	buf_put(&b, body);
	assert(buf_ok(&b));
	fake_http_write(fd, buf_str(&b));
	buf_deinit(&b);
}
