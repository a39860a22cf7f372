/* See address_limit.h. */
#include "api/address_limit.h"

enum status address_limit_take(
	struct rate_limit *limit, const struct client_addr *client, const char *what, int64_t now_ms, struct fault *why)
{
	assert(client != NULL && what != NULL);
	struct client_addr key = client_addr_key(client);
	int64_t wait_ms = 0;
	if (limit == NULL || client_addr_is_loopback(client))
		return OK;
	if (rate_limit_take_or_wait(limit, (struct str){ (const char *)key.bytes, sizeof key.bytes }, now_ms, &wait_ms))
		return OK;
	enum status st = fault_set(why, TOO_MANY, "Too many %s from this address; try again in %u second%s.", what, fault_wait_s(wait_ms),
		plural_s(fault_wait_s(wait_ms)));
	fault_retry_after(why, wait_ms);
	return st;
}
