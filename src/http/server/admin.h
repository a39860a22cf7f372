/* The admin listener's handler: /healthz, /readyz and /metrics, and the console for all else. */
#ifndef HTTP_SERVER_ADMIN_H
#define HTTP_SERVER_ADMIN_H

#include "http/server/request_metrics.h"
#include "http/server/serve.h"

struct admin {
	struct handler handler;
	const struct server_handlers *handlers;   /* ready, refresh, gate, console */
	struct request_metrics *metrics;
	bool needs_token;                   /* not on loopback */
};

/* Fill in the handler; all is borrowed. */
void admin_init(struct admin *a, const struct server_handlers *handlers, struct request_metrics *metrics, bool needs_token);

#endif
