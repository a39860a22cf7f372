/* The admin listener's door: /healthz, /readyz and /metrics, and the console for all else. */
#ifndef SERVE_ADMIN_H
#define SERVE_ADMIN_H

#include "serve/request_metrics.h"
#include "serve/serve.h"

struct admin {
	struct door door;
	const struct server_doors *doors;   /* ready, refresh, gate, console */
	struct request_metrics *metrics;
	bool needs_token;                   /* not on loopback */
};

/* Fill in the door; all is borrowed. */
void admin_init(struct admin *a, const struct server_doors *doors, struct request_metrics *metrics, bool needs_token);

#endif
