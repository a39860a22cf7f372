/* The server: three listeners, their reactors, a worker pool, deadlines, metrics, and shutdown by
 * signal. Independent of what the handlers serve. */
#ifndef HTTP_SERVER_SERVE_H
#define HTTP_SERVER_SERVE_H

#include "base/fault.h"
#include "config/settings.h"
#include "http/handler.h"
#include "http/server/request_metrics.h"

/* Addresses that the listeners are bound to, as "http://127.0.0.1:8080". */
struct serve_addresses {
	char api[128], storage[128], admin[128]; /* storage "": there is no such listener */
	bool api_is_loopback, storage_is_loopback, admin_is_loopback;
	bool api_is_wildcard, storage_is_wildcard; /* 0.0.0.0 or [::]: not usable in a URL */
};

struct server;
/* Bind the listen addresses without accepting yet, so that URLs are known and a port in use is reported early. With an empty
 * storage_listen there is no such listener: the store is remote.
 * Errors  ADDRESS_TAKEN; BAD_SETTING */
enum status server_bind(const struct settings *s, struct server **out, struct serve_addresses *at, struct fault *why) MUST_CHECK;

/* The request metrics; live as long as the server. */
struct request_metrics *server_metrics(struct server *s);

struct server_handlers {
	struct handler *api;
	struct handler *storage; /* NULL without that listener */
	struct handler *admin;
	void *arg; /* of server_run's `started` */
};
/* Accept, until SIGTERM or SIGINT; then finish what is in flight and return.
 * started   called once when all listeners accept */
enum status server_run(struct server *s, const struct server_handlers *d, void (*started)(void *arg), struct fault *why) MUST_CHECK;
void server_free(struct server **s);

#endif
