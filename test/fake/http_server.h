/* A scripted HTTP server for tests: a thread per connection, each run by the test's own function,
 * which may respond correctly, wrongly, late, partially or not at all. On 127.0.0.1 and a free port.
 * The functions run outside the test's thread, so they must not use cmocka's asserts. */
#ifndef FAKE_HTTP_SERVER_H
#define FAKE_HTTP_SERVER_H

#include "base/buf.h"
#include <pthread.h>
#include <stdatomic.h>

#define FAKE_CONNECTIONS_MAX 4096

/* Serve one connection; nth counts from 0. The socket is closed afterwards. */
typedef void fake_serve_fn(int fd, unsigned nth, void *arg);

struct fake_http {
	int fd;
	char url[64]; /* http://127.0.0.1:PORT */
	unsigned port;
	fake_serve_fn *serve;
	void *arg;
	pthread_t accepter;
	pthread_mutex_t lock;
	struct fake_connection {
		struct fake_http *server;
		pthread_t thread;
		int fd;
		unsigned nth;
	} * connections;
	atomic_uint n; /* connections accepted so far */
};

void fake_http_start(struct fake_http *s, fake_serve_fn *serve, void *arg);
/* Stop accepting, cut what is open, wait for all threads. */
void fake_http_stop(struct fake_http *s);
/* Replace *request (on the heap, made with buf_init) by one whole request, head and counted body. false: the client ended. */
bool fake_http_read(int fd, struct buf *request);
/* Write all of it; a client that has disconnected is not an error. */
void fake_http_write(int fd, struct str bytes);
/* A whole response with Content-Length; status as "200 OK"; headers as "A: b\r\n" or "". */
void fake_http_answer(int fd, const char *status, const char *headers, struct str body);

#endif
