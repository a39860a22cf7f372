/* The limit on connections per client. */
#ifndef HTTP_SERVER_CLIENT_LIMIT_H
#define HTTP_SERVER_CLIENT_LIMIT_H

#include "http/client_addr.h"

struct client_limit;
/* How many connections (or requests, through a proxy) each client has; IPv6 clients count by their /64.
 * most     of one client
 * Errors   OUT_OF_MEMORY
 * Threads  any */
enum status client_limit_new(unsigned most, struct client_limit **out, struct fault *why) MUST_CHECK;
/* Count one more.  false: the client has as many as it may, or there is no memory to count it; it is not counted */
bool client_limit_enter(struct client_limit *l, const struct client_addr *a) MUST_CHECK;
void client_limit_leave(struct client_limit *l, const struct client_addr *a);
void client_limit_free(struct client_limit **l);

#endif
