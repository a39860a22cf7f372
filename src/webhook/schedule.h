/* When a webhook is sent again, and what the status of an answer means for it. Pure; any thread.
 *
 * Ten attempts over 24 hours after the first one, as the specification proposes: at once, and then 5 s, 5 min, 30 min, 2 h, 5 h,
 * 10 h, 14 h, 20 h and 24 h after the first. What is kept between two attempts is the time that lies between them, not the time since
 * the first: a server that was stopped for a day does not make up for all its attempts at once.
 * Source: Standard Webhooks 1.0.0, "Deliverability and reliability". */
#ifndef WEBHOOK_SCHEDULE_H
#define WEBHOOK_SCHEDULE_H

#include <stdbool.h>
#include <stdint.h>

#define WEBHOOK_ATTEMPTS 10

/* How long to wait after the attempt with this number has failed, from 1 on: the schedule's time and up to a tenth more or less, so that
 * what failed together is not sent again together.
 * random   any number
 * false    it was the last one */
bool schedule_wait(unsigned attempt, uint32_t random, int64_t *wait_ms);

enum webhook_outcome {
	WEBHOOK_DELIVERED, /* 2xx */
	WEBHOOK_REFUSED,   /* to be sent again: every other status, redirects too, which are not followed */
	WEBHOOK_THROTTLED, /* likewise, and the receiver wants less: 429, 502, 503, 504 */
	WEBHOOK_GONE,      /* 410: nothing more is to be sent */
};
/* What the status of an answer means, 100 to 599. */
enum webhook_outcome schedule_judge(int status);

#endif
