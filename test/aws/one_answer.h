/* A service that answers every request alike, and keeps the last one. */
#ifndef TEST_AWS_ONE_ANSWER_H
#define TEST_AWS_ONE_ANSWER_H

#include "fake/http_server.h"

#include "base/buf.h"
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

struct one_answer {
	struct fake_http server;
	const char *status, *body;
	struct buf last; /* the last request, head and body */
};

static void one_answer_serve(int fd, unsigned nth, void *arg)
{
	struct one_answer *a = arg;
	char answer[1024];
	struct buf request;
	(void)nth;
	buf_init(&request, 8 << 20);
	while (fake_http_read(fd, &request)) {
		buf_clear(&a->last);
		buf_put(&a->last, buf_str(&request));
		(void)snprintf(answer, sizeof answer, "HTTP/1.1 %s\r\nContent-Length: %zu\r\n\r\n%s", a->status, strlen(a->body), a->body);
		fake_http_write(fd, str_of(answer));
	}
	buf_deinit(&request);
	shutdown(fd, SHUT_RDWR);
}

static inline void one_answer_start(struct one_answer *a, const char *status, const char *body)
{
	*a = (struct one_answer){ .status = status, .body = body };
	buf_init(&a->last, 8 << 20);
	fake_http_start(&a->server, one_answer_serve, a);
}

static inline void one_answer_stop(struct one_answer *a)
{
	fake_http_stop(&a->server);
	buf_deinit(&a->last);
}

#endif
