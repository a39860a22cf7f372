/* See bearer.h. */
#include "http/bearer.h"

#include "base/clock.h"

struct str bearer_secret(const struct request *r)
{
	struct str value = str_trim(request_header(r, STR("Authorization")));
	return str_starts_with_nocase(value, STR("Bearer ")) ? str_trim(str_slice(value, 7, value.n)) : STR("");
}

enum status bearer_count(struct rate_limit *wrong, const struct request *r, enum status refused, struct fault *why)
{
	assert(r != NULL && refused != OK);
	struct client_addr client = client_addr_key(&r->client);
	struct str name = { (const char *)client.bytes, sizeof client.bytes };
	int64_t wait_ms = 0;
	if (wrong == NULL || rate_limit_take_or_wait(wrong, name, clock_mono_ms(), &wait_ms))
		return refused;
	enum status st =
		fault_set(why, TOO_MANY_TRIES, "Too many wrong keys or tokens from this address; send the right one, or try again in %u second%s.",
			fault_wait_s(wait_ms), plural_s(fault_wait_s(wait_ms)));
	fault_retry_after(why, wait_ms);
	return st;
}

enum status bearer_refuse(struct rate_limit *wrong, const struct request *r, const char *text, struct fault *why)
{
	assert(text != NULL);
	return bearer_count(wrong, r, fault_set(why, KEY_WRONG, "%s", text), why);
}
