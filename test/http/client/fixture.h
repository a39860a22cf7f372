/* A client and a server that responds by script, for the tests of the client. */
#ifndef TEST_HTTP_CLIENT_FIXTURE_H
#define TEST_HTTP_CLIENT_FIXTURE_H

#include "fake/http_server.h"
#include "http/client/client.h"

#include "base/arena.h"
#include "unit.h"

#include <sys/socket.h>

/* What a test's server does, and what it saw. */
struct script {
	struct str answer;                /* written for each request */
	unsigned requests_per_connection; /* then the connection is closed; 0: no end */
	unsigned cut_from;                /* from this connection on, requests are read and not answered */
	bool mute;                        /* never answer, never close */
	atomic_uint requests;
	atomic_uint closed;
	struct buf last;
};

static inline void serve_script(int fd, unsigned nth, void *arg)
{
	struct script *s = arg;
	struct buf request;
	buf_init(&request, 64u << 20);
	for (unsigned i = 0; s->requests_per_connection == 0 || i < s->requests_per_connection; i++) {
		if (!fake_http_read(fd, &request))
			break;
		atomic_fetch_add(&s->requests, 1);
		if (s->mute)
			continue;
		buf_clear(&s->last);
		buf_put(&s->last, buf_str(&request));
		fake_http_write(fd, s->answer);
	}
	buf_deinit(&request);
	shutdown(fd, SHUT_RDWR);
	atomic_fetch_add(&s->closed, 1);
}

struct fixture {
	struct fake_http server;
	struct script script;
	struct http_client *client;
	struct arena arena;
	struct fault why;
};

static inline void start(struct fixture *f, struct str answer)
{
	*f = (struct fixture){ .script = { .answer = answer } };
	buf_init(&f->script.last, 64u << 20);
	fake_http_start(&f->server, serve_script, &f->script);
	f->client = http_client_new();
	arena_init(&f->arena, 256u << 20);
}

static inline void stop(struct fixture *f)
{
	http_client_free(&f->client);
	assert_null(f->client);
	fake_http_stop(&f->server);
	buf_deinit(&f->script.last);
	arena_deinit(&f->arena);
}

static inline enum status send_to(struct fixture *f, const char *method, struct http_response *out)
{
	struct http_request r = { .method = str_of(method), .url = str_of(f->server.url), .idle_timeout_ms = 20000 };
	return http_send(f->client, &r, &f->arena, out, &f->why);
}

/* Answers the first request of the first connection, reads a second one there and closes; later connections work. */
static inline void serve_stale(int fd, unsigned nth, void *arg)
{
	struct script *s = arg;
	struct buf request;
	buf_init(&request, 1 << 20);
	while (fake_http_read(fd, &request)) {
		if (atomic_fetch_add(&s->requests, 1) == 1)
			break;
		fake_http_write(fd, s->answer);
	}
	buf_deinit(&request);
}

#endif
