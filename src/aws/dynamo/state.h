/* What the parts of the table on DynamoDB ask of a migration's state, which is an item "migration" of the table. */
#ifndef AWS_DYNAMO_STATE_H
#define AWS_DYNAMO_STATE_H

#include "aws/dynamo/dynamo.h"

struct dynamo *dynamo_of_transfer(struct transfer *port);

#define DYNAMO_STATE_SEEN_MS 2000 /* for so long a state that was read is obeyed before it is read again */
/* Until a state is obeyed everywhere: a process may have read the one before a moment ago, and what it began then takes some time. */
#define DYNAMO_STATE_SETTLE_MS 15000

/* Whether new slots and changes, or uploads, are accepted; always, unless the table's options say that the state is obeyed.
 * Errors  READ_ONLY; those of a read */
enum status dynamo_check_change(struct dynamo *t, struct fault *why) MUST_CHECK;
enum status dynamo_check_upload(struct dynamo *t, struct fault *why) MUST_CHECK;

/* Operations of the port transfer, whose others are in transfer.c. */
enum status dynamo_get_state(struct transfer *port, struct arena *a, struct transfer_state *out, struct fault *why) MUST_CHECK;
enum status dynamo_set_state(
	struct transfer *port, const struct transfer_state *was, const struct transfer_state *s, struct fault *why) MUST_CHECK;
extern const struct transfer_ops dynamo_transfer_ops;

#endif
