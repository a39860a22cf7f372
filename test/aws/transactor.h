/* What dynalite lacks of DynamoDB, in front of it: TransactWriteItems, done under a lock that all calls take, with
 * ClientRequestToken and CancellationReasons; and faults: conflicts, throttling, and answers that are lost after the write.
 * Its threads are its own; `fault` is called under the lock. */
#ifndef TEST_AWS_TRANSACTOR_H
#define TEST_AWS_TRANSACTOR_H

#include "aws/emulator.h"
#include "base/str.h"
#include "fake/http_server.h"

#include <jansson.h>

enum transactor_fault { FAULT_NONE, FAULT_CONFLICT, FAULT_THROTTLE, FAULT_LOST, FAULT_CUT };

struct transactor {
	struct fake_http server;
	const struct emulator *engine;
	pthread_mutex_t lock;
	json_t *tokens;   /* of the transactions that were done: the whole body of each */
	bool forgetful;   /* it knows no tokens, as after ten minutes */
	unsigned n;       /* calls so far */
	unsigned repeats; /* transactions that were recognised by their token */
	unsigned done;    /* transactions that were done */
	/* What happens to a call; NULL: nothing. FAULT_CUT: the connection, before anything is done; FAULT_LOST: after it. */
	enum transactor_fault (*fault)(struct transactor *, struct str action);
};

void transactor_start(struct transactor *x, const struct emulator *engine);
void transactor_stop(struct transactor *x);

#endif
