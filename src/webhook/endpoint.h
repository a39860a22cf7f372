/* Where webhooks go: the receiver's URL, what it may be, and which addresses its name may have. Any thread. */
#ifndef WEBHOOK_ENDPOINT_H
#define WEBHOOK_ENDPOINT_H

#include "base/fault.h"
#include "port/outbox.h"

#define WEBHOOK_OWN_PORTS_MAX 3

struct sockaddr;

struct webhook_endpoint {
	bool is_private;                           /* it may be http, on any port, and in the operator's own network */
	uint16_t own_ports[WEBHOOK_OWN_PORTS_MAX]; /* that this server listens on; 0: none */
};

/* Check the URL: http or https, a host, no user, no fragment; https on port 443 and no address of a network of one's own unless the
 * endpoint is private. Pure.
 * Errors  BAD_SETTING, with a sentence that names the setting and never the URL, which may have a secret in it */
enum status endpoint_check_url(const struct webhook_endpoint *e, struct str url, struct fault *why) MUST_CHECK;
/* http_address_fn of a struct webhook_endpoint: refuse addresses of address_guard.h, unless it is private, and always this machine at
 * one of the server's own ports, where its own requests would cause further ones.
 * Errors  ADDRESS_REFUSED */
enum status endpoint_check_address(void *endpoint, const struct sockaddr *at, struct fault *why) MUST_CHECK;
/* Read names of events with commas between them. Pure.
 * kinds   a set of 1 << enum outbox_kind
 * Errors  BAD_SETTING */
enum status endpoint_parse_kinds(struct str names, unsigned *kinds, struct fault *why) MUST_CHECK;

#endif
