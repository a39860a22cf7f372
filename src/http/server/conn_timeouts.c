/* See conn_timeouts.h. */
#include "http/server/conn_timeouts.h"
#include "base/attr.h"

#define LATER_MS 60000

/* Below 0: past. */
static int64_t time_left_ms(const struct conn_timeouts *r, const struct conn_progress *seen)
{
	assert(r->min_rate > 0);
	switch (seen->state) {
	case CONN_HANDSHAKE:
		return r->header_ms - seen->for_ms;
	case CONN_HEAD: {
		int64_t idle_ms = r->idle_ms - seen->for_ms, head_ms = r->header_ms - seen->head_ms;
		return seen->head_ms > 0 && head_ms < idle_ms ? head_ms : idle_ms;
	}
	case CONN_BODY:
		return r->body_ms - seen->for_ms;
	case CONN_DROP:
	case CONN_LINGER:
		return r->drop_ms - seen->for_ms;
	case CONN_OBJECT:
	case CONN_RESPONSE:
		return r->grace_ms + (int64_t)(seen->bytes / r->min_rate) * 1000 - seen->for_ms;
	case CONN_WORK:
		break;
	}
	return LATER_MS;
}

bool conn_timeouts_expired(const struct conn_timeouts *r, const struct conn_progress *seen)
{
	return time_left_ms(r, seen) < 0;
}

int64_t conn_timeouts_left_ms(const struct conn_timeouts *r, const struct conn_progress *seen)
{
	int64_t ms = time_left_ms(r, seen);
	return ms > 0 ? ms : 0;
}
