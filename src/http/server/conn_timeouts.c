/* See conn_timeouts.h. */
#include "http/server/conn_timeouts.h"

#define LATER_MS 60000

static bool is_slow(const struct conn_timeouts *r, const struct conn_progress *seen)
{
	if (seen->for_ms <= r->grace_ms)
		return false;
	uint64_t over_ms = (uint64_t)(seen->for_ms - r->grace_ms);
	return seen->bytes / r->min_rate < over_ms / 1000 + (over_ms % 1000 > 0);
}

bool conn_timeouts_expired(const struct conn_timeouts *r, const struct conn_progress *seen)
{
	switch (seen->state) {
	case CONN_HANDSHAKE:
		return seen->for_ms > r->header_ms;
	case CONN_HEAD:
		return seen->for_ms > r->idle_ms || seen->head_ms > r->header_ms;
	case CONN_BODY:
		return seen->for_ms > r->body_ms;
	case CONN_DROP:
	case CONN_LINGER:
		return seen->for_ms > r->drop_ms;
	case CONN_OBJECT:
	case CONN_RESPONSE:
		return is_slow(r, seen);
	case CONN_WORK:
		return false;
	}
	return false;
}

static int64_t at_least_0(int64_t ms)
{
	return ms > 0 ? ms : 0;
}

int64_t conn_timeouts_left_ms(const struct conn_timeouts *r, const struct conn_progress *seen)
{
	switch (seen->state) {
	case CONN_HANDSHAKE:
		return at_least_0(r->header_ms - seen->for_ms);
	case CONN_HEAD: {
		int64_t idle_ms = at_least_0(r->idle_ms - seen->for_ms), head_ms = at_least_0(r->header_ms - seen->head_ms);
		return seen->head_ms > 0 && head_ms < idle_ms ? head_ms : idle_ms;
	}
	case CONN_BODY:
		return at_least_0(r->body_ms - seen->for_ms);
	case CONN_DROP:
	case CONN_LINGER:
		return at_least_0(r->drop_ms - seen->for_ms);
	case CONN_OBJECT:
	case CONN_RESPONSE:
		return at_least_0(r->grace_ms + (int64_t)(seen->bytes / r->min_rate) * 1000 - seen->for_ms);
	case CONN_WORK:
		break;
	}
	return LATER_MS;
}
