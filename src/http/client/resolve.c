/* Name resolution on a helper thread. The lookup is shared by the thread and the waiter; the one that is
 * last frees it. */
#include "http/client/resolve.h"

#include "base/mem.h"
#include "base/str.h"
#include "base/thread.h"

#include <netdb.h>
#include <stdio.h>

struct name_lookup {
	pthread_mutex_t lock;
	pthread_cond_t finished;
	char host[256], port[6];
	struct addrinfo *list;
	int error;
	bool done, abandoned;
};

static int wait_for_lookup(const char *host, const char *port, int flags, struct addrinfo **list)
{
	struct addrinfo hints = { .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV | flags };
	return getaddrinfo(host, port, &hints, list);
}

static void release_lookup(struct name_lookup *l)
{
	if (l->list != NULL)
		freeaddrinfo(l->list);
	pthread_cond_destroy(&l->finished);
	pthread_mutex_destroy(&l->lock);
	mem_free(l);
}

static void *run_lookup(void *arg)
{
	struct name_lookup *l = arg;
	struct addrinfo *list = NULL;
	int error = wait_for_lookup(l->host, l->port, AI_ADDRCONFIG, &list);
	pthread_mutex_lock(&l->lock);
	l->list = error == 0 ? list : NULL;
	l->error = error;
	l->done = true;
	bool abandoned = l->abandoned;
	pthread_cond_signal(&l->finished);
	pthread_mutex_unlock(&l->lock);
	if (abandoned)
		release_lookup(l);
	return NULL;
}

enum status resolve_host(const char *host, const char *port, int64_t deadline_ms, struct addrinfo **out, struct fault *why)
{
	assert(host != NULL && port != NULL);
	/* RFC 6761 6.3: localhost is the loopback, whatever a name server says; without a host getaddrinfo gives just that. */
	if (str_equal_nocase(str_of(host), STR("localhost")) && wait_for_lookup(NULL, port, 0, out) == 0)
		return OK;
	if (wait_for_lookup(host, port, AI_NUMERICHOST, out) == 0)
		return OK;
	struct name_lookup *l = mem_new(1, sizeof *l);
	if (l == NULL)
		return fault_no_memory(why);
	pthread_mutex_init(&l->lock, NULL);
	pthread_cond_init(&l->finished, NULL);
	(void)snprintf(l->host, sizeof l->host, "%s", host);
	(void)snprintf(l->port, sizeof l->port, "%s", port);
	if (!thread_start(NULL, run_lookup, l)) {
		release_lookup(l);
		return fault_no_memory(why);
	}
	pthread_mutex_lock(&l->lock);
	while (!l->done && thread_wait_until(&l->finished, &l->lock, deadline_ms))
		continue;
	bool done = l->done;
	l->abandoned = !done;
	pthread_mutex_unlock(&l->lock);
	if (!done)
		return fault_set(why, DEADLINE, "its name could not be resolved in time");
	int error = l->error;
	*out = l->list;
	l->list = NULL;
	release_lookup(l);
	if (error != 0)
		return fault_set(why, UPSTREAM_FAILED, "%s", gai_strerror(error));
	return OK;
}
