/* How much one client address may request: anonymous slots, and requests at all. IPv6 clients count by their /64, and
 * clients on loopback, which are this machine's own or a proxy that is not named as one, not at all. Memory is fixed. Callers
 * that are identified have quotas instead (port/user_table.h). */
#ifndef API_ADDRESS_LIMIT_H
#define API_ADDRESS_LIMIT_H

#include "base/fault.h"
#include "base/rate_limit.h"
#include "http/client_addr.h"

#define ADDRESS_REQUESTS_BURST_S 10 /* so many seconds' requests may come at once */

/* Count one more of the address.
 * limit   a token bucket; NULL: there is no limit
 * what    for the sentence: "upload slots"
 * Errors  TOO_MANY, with when to try again
 * Threads any */
enum status address_limit_take(
	struct rate_limit *limit, const struct client_addr *client, const char *what, int64_t now_ms, struct fault *why) MUST_CHECK;

#endif
