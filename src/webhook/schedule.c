/* See schedule.h. */
#include "webhook/schedule.h"

#include "base/attr.h"

#define SECOND_MS INT64_C(1000)
#define MINUTE_MS (60 * SECOND_MS)
#define HOUR_MS (60 * MINUTE_MS)
#define JITTER_PARTS 10 /* a tenth, both ways */

/* After the first attempt. */
static const int64_t offsets_ms[WEBHOOK_ATTEMPTS] = { 0, 5 * SECOND_MS, 5 * MINUTE_MS, 30 * MINUTE_MS, 2 * HOUR_MS, 5 * HOUR_MS,
	10 * HOUR_MS, 14 * HOUR_MS, 20 * HOUR_MS, 24 * HOUR_MS };

bool schedule_wait(unsigned attempt, uint32_t random, int64_t *wait_ms)
{
	assert(attempt >= 1 && wait_ms != NULL);
	if (attempt >= WEBHOOK_ATTEMPTS)
		return false;
	int64_t gap_ms = offsets_ms[attempt] - offsets_ms[attempt - 1], spread_ms = gap_ms / JITTER_PARTS;
	*wait_ms = gap_ms - spread_ms + random % (2 * spread_ms + 1);
	return true;
}

enum webhook_outcome schedule_judge(int status)
{
	assert(status >= 100 && status <= 599);
	if (status >= 200 && status <= 299)
		return WEBHOOK_DELIVERED;
	if (status == 410)
		return WEBHOOK_GONE;
	return status == 429 || (status >= 502 && status <= 504) ? WEBHOOK_THROTTLED : WEBHOOK_REFUSED;
}
