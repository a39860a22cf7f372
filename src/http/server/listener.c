/* One listener is one libmicrohttpd daemon: epoll reactors over a socket of our own.
 *
 * The buffer of a connection bounds its head (431 and 414 beyond it) and is what a piece of a body
 * fits in. 32 KiB is the most that libmicrohttpd takes from the heap, where a connection that is
 * merely open touches one page of it; larger ones are mapped, at two system calls each. Its own
 * time-outs are off: see deadline.c. */
#include "http/server/exchange.h"
#include "http/server/tls.h"

#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>

#define CONNECTION_BYTES ((size_t)32 << 10)
#define STACK_BYTES ((size_t)1 << 20)
#define FLAGS (MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG)

/* What libmicrohttpd grumbles about is of single connections (a client that went away), and no line of ours. */
static void hear(void *cls, const char *fmt, va_list args)
{
}

static struct MHD_Daemon *start(struct listener *l, unsigned reactors, unsigned connections)
{
	struct MHD_OptionItem more[4];
	size_t n = 0;
	/* A pool of one is refused: one thread is what there is without a pool. */
	if (reactors >= 2)
		more[n++] = (struct MHD_OptionItem){ MHD_OPTION_THREAD_POOL_SIZE, (intptr_t)reactors, NULL };
	if (l->socket.tls) {
		more[n++] = (struct MHD_OptionItem){ MHD_OPTION_HTTPS_PRIORITIES, 0, TLS_PRIORITIES };
		more[n++] = tls_option();
	}
	more[n] = (struct MHD_OptionItem){ MHD_OPTION_END, 0, NULL };
	return MHD_start_daemon(FLAGS | (l->socket.tls ? MHD_USE_TLS : 0), 0, exchange_may_open, l, exchange_on_request, l,
		MHD_OPTION_EXTERNAL_LOGGER, hear, NULL,
		MHD_OPTION_LISTEN_SOCKET, l->socket.fd,
		MHD_OPTION_CONNECTION_LIMIT, connections,
		MHD_OPTION_CONNECTION_MEMORY_LIMIT, CONNECTION_BYTES,
		MHD_OPTION_THREAD_STACK_SIZE, STACK_BYTES,
		MHD_OPTION_STRICT_FOR_CLIENT, 0,
		MHD_OPTION_SIGPIPE_HANDLED_BY_APP, 1,
		MHD_OPTION_URI_LOG_CALLBACK, exchange_on_target, l,
		MHD_OPTION_NOTIFY_COMPLETED, exchange_on_completed, l,
		MHD_OPTION_NOTIFY_CONNECTION, exchange_on_connection, l,
		MHD_OPTION_ARRAY, more,
		MHD_OPTION_END);
}

enum status listener_start(struct listener *l, unsigned reactors, unsigned connections, struct fault *why)
{
	sigset_t all, before;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);   /* signals are for the thread that waits for them */
	l->daemon = start(l, reactors, connections);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (l->daemon == NULL)
		return fault_set(why, INTERNAL, "The %s listener did not start", l->name);
	l->socket.fd = -1;   /* libmicrohttpd's, until listener_quiesce takes it back */
	return OK;
}

void listener_quiesce(struct listener *l)
{
	if (l->daemon != NULL && l->socket.fd < 0)
		l->socket.fd = MHD_quiesce_daemon(l->daemon);
}

void listener_stop(struct listener *l)
{
	if (l->daemon != NULL)
		MHD_stop_daemon(l->daemon);
	l->daemon = NULL;
	listen_close(&l->socket);
}
