/* The server: three listeners, the reactors, the pool, from bind to drain.
 *
 * server_bind takes the addresses; server_run starts what has threads, waits for a signal, and
 * drains: no new connections, requests in flight finish (at most drain_timeout), what is left is
 * cut, the pool ends and what handlers have started, so that no connection is suspended any more, and only
 * then the reactors. A request that a worker or a handler has is never torn from it: its commit would be in
 * doubt. Runs on the main thread. */
#include "http/server/serve.h"
#include "base/clock.h"
#include "base/log/log.h"
#include "base/mem.h"
#include "http/server/server_request.h"
#include "http/server/fd_limits.h"
#include "http/server/signals.h"
#include "http/server/tls.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

enum { API, STORAGE, ADMIN, LISTENERS };

#define QUEUE_MIN ((size_t)1024)
#define QUEUE_PER_WORKER ((size_t)64)
#define DROP_MS 30000
#define REACTORS_MAX 16

struct server {
	const struct settings *settings;
	struct listener listeners[LISTENERS];
	struct traffic traffic;
	struct conn_timeouts timeouts;
	struct proxy_list proxies;
	struct reactor reactors[REACTORS_MAX + 1]; /* the first is the admin listener's, which a busy store must not delay */
	unsigned n_reactors;
	int signal_fd;
};

static const struct {
	const char *name, *setting;
	enum metric connections;
} listener_kinds[LISTENERS] = {
	[API] = { "api", "api", M_CONNECTIONS_API },
	[STORAGE] = { "storage", "storage", M_CONNECTIONS_STORAGE },
	[ADMIN] = { "admin", "admin", M_CONNECTIONS_ADMIN },
};

/* The names that this listener answers to. */
static enum status name_hosts(struct listener *l, const struct settings *s, size_t which, struct fault *why)
{
	host_names_init(&l->hosts);
	l->hosts.any_address = l->socket.is_wildcard;
	TRY(host_names_add(&l->hosts, str_of(l->socket.host), why));
	/* Delivery links lead to the store, or to the API where there is none. */
	bool delivers = which == (s->storage_listen[0] != '\0' ? STORAGE : API);
	struct str public_host = host_of_url(str_of(s->public_storage_url)), delivery_host = host_of_url(str_of(s->delivery_url));
	if (which == STORAGE && public_host.n > 0)
		TRY(host_names_add(&l->hosts, public_host, why));
	if (delivers && delivery_host.n > 0)
		TRY(host_names_add(&l->hosts, delivery_host, why));
	return host_names_add_list(&l->hosts, str_of(s->hosts), why);
}

static enum status bind_all(struct server *s, struct fault *why)
{
	const char *const texts[LISTENERS] = { s->settings->api_listen, s->settings->storage_listen, s->settings->admin_listen };
	TRY(request_metrics_new(&s->traffic.metrics, why));
	TRY(tls_open(s->settings->tls_cert, s->settings->tls_key, why));
	TRY(proxy_list_parse(&s->proxies, str_of(s->settings->trusted_proxies), why));
	for (size_t i = 0; i < LISTENERS; i++) {
		struct listener *l = &s->listeners[i];
		l->name = listener_kinds[i].name;
		l->connections = listener_kinds[i].connections;
		l->traffic = &s->traffic;
		if (i == STORAGE && texts[i][0] == '\0')
			continue;
		TRY(listen_open(listener_kinds[i].setting, texts[i], &l->socket, why));
		if (tls_is_on())
			listen_set_tls(&l->socket);
		TRY(name_hosts(l, s->settings, i, why));
	}
	return OK;
}

enum status server_bind(const struct settings *settings, struct server **out, struct serve_addresses *at, struct fault *why)
{
	assert(settings != NULL && out != NULL && at != NULL);
	struct server *s = mem_new(1, sizeof *s);
	if (s == NULL)
		return fault_no_memory(why);
	s->settings = settings;
	s->signal_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	s->traffic.idle_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	pthread_mutex_init(&s->traffic.started_lock, NULL);
	pthread_cond_init(&s->traffic.none_started, NULL);
	for (size_t i = 0; i < LISTENERS; i++)
		s->listeners[i].socket.fd = -1;
	enum status status = s->signal_fd < 0 || s->traffic.idle_fd < 0 ? fault_set(why, INTERNAL, "No descriptors left") : bind_all(s, why);
	if (status != OK) {
		server_free(&s);
		return status;
	}
	const struct listener *l = s->listeners;
	snprintf(at->api, sizeof at->api, "%s", l[API].socket.url);
	snprintf(at->storage, sizeof at->storage, "%s", l[STORAGE].socket.url);
	snprintf(at->admin, sizeof at->admin, "%s", l[ADMIN].socket.url);
	at->api_is_loopback = l[API].socket.is_loopback;
	at->storage_is_loopback = l[STORAGE].socket.is_loopback;
	at->admin_is_loopback = l[ADMIN].socket.is_loopback;
	at->storage_is_wildcard = l[STORAGE].socket.is_wildcard;
	at->api_is_wildcard = l[API].socket.is_wildcard;
	*out = s;
	return OK;
}

struct request_metrics *server_metrics(struct server *s)
{
	assert(s != NULL);
	return s->traffic.metrics;
}

static enum status start_shared(struct server *s, struct fault *why)
{
	assert(s->settings->reactors >= 1 && s->settings->reactors <= REACTORS_MAX);
	const struct settings *set = s->settings;
	s->timeouts = (struct conn_timeouts){
		.header_ms = (int64_t)set->header_timeout_s * 1000,
		.idle_ms = (int64_t)set->idle_timeout_s * 1000,
		.body_ms = (int64_t)set->body_timeout_s * 1000,
		.drop_ms = DROP_MS,
		.grace_ms = (int64_t)set->min_rate_grace_s * 1000,
		.min_rate = set->min_rate,
	};
	size_t queue = set->workers * QUEUE_PER_WORKER;
	TRY(workers_new((unsigned)set->workers, queue < QUEUE_MIN ? QUEUE_MIN : queue, &s->traffic.workers, why));
	for (; s->n_reactors < (unsigned)set->reactors + 1; s->n_reactors++)
		TRY(reactor_init(&s->reactors[s->n_reactors], &s->timeouts, why));
	return OK;
}

/* A client may have so many of the connections, unless the setting says otherwise. */
#define CLIENT_SHARE 4

static enum status start_listener(struct server *s, size_t which, struct handler *handler, unsigned most, struct fault *why)
{
	struct listener *l = &s->listeners[which];
	unsigned client_most = (unsigned)s->settings->max_client_connections;
	bool is_admin = which == ADMIN;
	l->handler = handler;
	l->most = most;
	l->proxies = &s->proxies;
	if (client_most == 0)
		client_most = (most + CLIENT_SHARE - 1) / CLIENT_SHARE;
	return acceptor_start_all(l, is_admin ? s->reactors : s->reactors + 1, is_admin ? 1 : s->n_reactors - 1, client_most, why);
}

static enum status start_listeners(struct server *s, const struct server_handlers *handlers, struct fault *why)
{
	unsigned most = (unsigned)s->settings->max_connections;
	struct fd_limits limits = fd_limits_raise(most);
	s->listeners[API].limits = s->listeners[STORAGE].limits = limits;
	s->listeners[API].other = &s->listeners[STORAGE];
	s->listeners[STORAGE].other = &s->listeners[API];
	if (most > limits.room)
		most = limits.room;
	TRY(start_listener(s, API, handlers->api, most, why));
	if (handlers->storage != NULL)
		TRY(start_listener(s, STORAGE, handlers->storage, most, why));
	TRY(start_listener(s, ADMIN, handlers->admin, limits.admin, why));
	for (unsigned i = 0; i < s->n_reactors; i++)
		TRY(reactor_start(&s->reactors[i], why));
	return OK;
}

static void order_all(struct server *s, int order)
{
	for (unsigned i = 0; i < s->n_reactors; i++)
		reactor_order(&s->reactors[i], order);
}

static void shut_listeners(struct server *s)
{
	for (size_t i = 0; i < LISTENERS; i++)
		listener_shut(&s->listeners[i]);
}

/* Wait until the eventfd is written, or for timeout_ms (-1: for ever). */
static void await_signal(int fd, int64_t timeout_ms)
{
	int64_t until_ms = clock_mono_ms() + timeout_ms, left_ms = timeout_ms;
	struct pollfd p = { .fd = fd, .events = POLLIN };
	while ((timeout_ms < 0 || left_ms >= 0) && poll(&p, 1, timeout_ms < 0 ? -1 : (int)left_ms) <= 0)
		left_ms = until_ms - clock_mono_ms();
}

/* Requests that wait for something are answered now. */
static void drain_handlers(struct server *s)
{
	for (size_t i = 0; i < LISTENERS; i++) {
		struct handler *h = s->listeners[i].handler;
		if (h != NULL && h->ops->on_drain != NULL)
			h->ops->on_drain(h);
	}
}

/* The pool first, and what handlers have started: then every connection belongs to its reactor. */
static void stop_listeners(struct server *s)
{
	shut_listeners(s);
	drain_handlers(s);
	workers_stop(s->traffic.workers);
	server_request_end_starts(&s->traffic);
	order_all(s, ORDER_END);
	for (unsigned i = 0; i < s->n_reactors; i++)
		reactor_join(&s->reactors[i]);
	for (unsigned i = 0; i < s->n_reactors; i++)
		reactor_deinit(&s->reactors[i]);
	for (size_t i = 0; i < LISTENERS; i++)
		listener_close(&s->listeners[i]);
	workers_free(&s->traffic.workers);
}

/* Until a signal; then let requests in flight finish, and cut those that take too long. */
static enum status run_listeners(struct server *s, const struct server_handlers *handlers, void (*started)(void *arg), struct fault *why)
{
	TRY(start_shared(s, why));
	TRY(start_listeners(s, handlers, why));
	if (started != NULL)
		started(handlers->arg);
	await_signal(s->signal_fd, -1);
	struct traffic *t = &s->traffic;
	LOG(SERVER_STOPPING, STR(""), LOG_I("inFlight", atomic_load(&t->in_flight)));
	shut_listeners(s);
	atomic_store(&t->draining, true);
	drain_handlers(s);
	if (atomic_load(&t->in_flight) > 0)
		await_signal(t->idle_fd, (int64_t)s->settings->drain_timeout_s * 1000);
	if (atomic_load(&t->in_flight) > 0)
		order_all(s, ORDER_CUT);
	return OK;
}

enum status server_run(struct server *s, const struct server_handlers *handlers, void (*started)(void *arg), struct fault *why)
{
	assert(handlers->api != NULL && handlers->admin != NULL);
	TRY(signals_catch(s->signal_fd, why));
	enum status status = run_listeners(s, handlers, started, why);
	stop_listeners(s);
	signals_release();
	return status;
}

void server_free(struct server **s)
{
	if (s == NULL || *s == NULL)
		return;
	for (size_t i = 0; i < LISTENERS; i++)
		listen_close(&(*s)->listeners[i].socket);
	if ((*s)->signal_fd >= 0)
		close((*s)->signal_fd);
	if ((*s)->traffic.idle_fd >= 0)
		close((*s)->traffic.idle_fd);
	tls_close();
	request_metrics_free(&(*s)->traffic.metrics);
	pthread_cond_destroy(&(*s)->traffic.none_started);
	pthread_mutex_destroy(&(*s)->traffic.started_lock);
	mem_free(*s);
	*s = NULL;
}
