/* What a function answers to a batch of a queue: the messages that failed, which are then delivered again, and finally go to the
 * dead-letter queue. An event that came without a queue and fails is a failed invocation, which Lambda repeats.
 * Source: AWS Lambda developer guide, "Implementing partial batch responses". */
#ifndef LAMBDA_BATCH_ANSWER_H
#define LAMBDA_BATCH_ANSWER_H

#include "base/buf.h"
#include "base/fault.h"

struct batch_answer {
	struct buf *out;
	struct str last_failed; /* the message that was listed last */
	struct fault first;     /* code NONE: nothing failed */
};

void batch_answer_open(struct batch_answer *b, struct buf *out);
/* message_id  "": it came without a queue. One that fails several times in succession is listed once */
void batch_answer_fail(struct batch_answer *b, struct str message_id, const struct fault *failed);
/* Errors  without a queue, the first failure */
enum status batch_answer_close(struct batch_answer *b, bool from_queue, struct fault *why) MUST_CHECK;

#endif
