/* A function called by API Gateway or a Function URL: an event in, the handler's response out. In every case
 * the response has the gateway's format, because anything else would be a 502 without an explanation. */
#ifndef LAMBDA_GATEWAY_H
#define LAMBDA_GATEWAY_H

#include "base/fault.h"
#include "lambda/invocation.h"
#include "http/handler.h"

struct gateway {
	struct handler *http_handler; /* of the API, behind that of delivery links; borrowed */
	const char *const *routes;    /* names of those that this function serves, see api/route.h; NULL-ended */
	bool delivers;                /* it serves delivery links too, /prod/i/... */
	struct str cdn_secret;        /* sent by the CDN in X-Tintype-Cdn; borrowed; "": there is no CDN */
};

/* A handler's run; arg is a struct gateway. Writes the request's log lines. */
enum status gateway_run(void *arg, const struct invocation *in, struct arena *a, struct buf *answer, struct fault *why) MUST_CHECK;

#endif
