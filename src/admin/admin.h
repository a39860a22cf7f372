/* The admin listener's handler: /healthz, /readyz and /metrics, and the console for all other paths. */
#ifndef ADMIN_ADMIN_H
#define ADMIN_ADMIN_H

#include "admin/admin_auth.h"
#include "http/handler.h"
#include "http/server/request_metrics.h"

/* All borrowed. */
struct admin_options {
	enum status (*ready)(void *arg, struct fault *why); /* OK, or why not; NULL: always */
	void (*refresh)(void *arg);                         /* update gauges before /metrics; NULL: nothing to do */
	void *arg;
	struct admin_auth auth;
	struct handler *console; /* of all other paths; NULL: none */
	struct request_metrics *metrics;
	void (*note)(void *arg, struct buf *b); /* append lines that /readyz shows after "ready"; NULL: none */
	bool needs_token;                       /* not on loopback */
};

struct admin {
	struct handler handler;
	struct admin_options options;
};

/* Fill in the handler. */
void admin_init(struct admin *a, const struct admin_options *o);

#endif
