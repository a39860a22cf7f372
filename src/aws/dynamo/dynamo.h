/* The table on DynamoDB, in parts that share this struct. The parts are item (a row as an attribute map and
 * back), update (the expressions of a write), request (one call and its outcome), row (what all writes of rows
 * share), list (the sharded indexes, merged), cursor, schema (creating and describing the table), table, insert
 * and resolve (the operations of image_table), transact and usage (what owners use), users and recount
 * (user_table), api_keys, outbox, outbox_index and outbox_list (outbox), transfer and state (migrations).
 * All of it blocks; any thread. */
#ifndef AWS_DYNAMO_DYNAMO_H
#define AWS_DYNAMO_DYNAMO_H

#include "base/fault.h"
#include "aws/aws.h"

#include <jansson.h>
#include <pthread.h>
#include <stdatomic.h>

#define DYNAMO_SHARDS_MAX 64
/* The most memory of one call: its body, and the 1 MB that a Query returns, escaped. */
#define DYNAMO_SCRATCH_BYTES ((size_t)24 << 20)
#define DYNAMO_BODY_MAX ((size_t)1 << 20)

/* The sparse indexes, each with a partition attribute of its own name and a sort attribute. The partitions of the first two
 * are "feed#0", "due#0", "events#0" and so on, those of the third "OWNER#0" and so on. */
#define DYNAMO_FEED "feed" /* uploaded rows, by the time of their commit */
#define DYNAMO_FEED_ORDER "feedOrder"
#define DYNAMO_DUE "due" /* rows that will expire, and events that wait, by that time */
#define DYNAMO_DUE_ORDER "dueOrder"
#define DYNAMO_OWNED "owned" /* rows that have an owner, by the time of their slot */
#define DYNAMO_OWNED_ORDER "ownedOrder"
#define DYNAMO_TTL "ttl"       /* Number, seconds: DynamoDB may delete the row from then on */
#define DYNAMO_WRITE "writeId" /* id of the last write of the row: see table.c */

#define DYNAMO_INDEX_FOLLOWS_MS 5000 /* an index has what was written to the table so long ago */

struct own_event;
struct dynamo {
	struct image_table port;
	struct user_table users;
	struct api_key_table api_keys;
	struct outbox outbox;
	struct transfer transfer;
	struct aws_service *service;
	char *table;
	uint32_t shards;
	bool count_owners;          /* as in the options */
	struct owner_quota quota;   /* of owners without one of their own */
	struct object_store *store; /* may be NULL */
	int64_t timeout_ms;
	/* of a migration, see state.h */
	bool obeys_state;
	_Atomic int seen_phase;
	_Atomic int64_t phase_until_ms; /* it is read again then */
	_Atomic int64_t last_commit_ms;
	/* see outbox.h */
	_Atomic(const struct outbox_source *) outbox_source;
	pthread_mutex_t outbox_lock;
	struct own_event *own_events; /* under the lock, as their number */
	unsigned n_own_events;
	atomic_bool receiver_disabled; /* as it was found last */
};

/* Add a pending row; see table_insert. */
enum status dynamo_insert(struct dynamo *t, const struct image_row *row, struct fault *why) MUST_CHECK;
/* Make an owner who is not counted, if there is none yet: of the first slot's owner, issuer, subject and time. */
enum status dynamo_owner_add(struct dynamo *t, const struct image_row *first, struct fault *why) MUST_CHECK;
/* Operations of the ports: see port/image_table.h. */
enum status dynamo_resolve(
	struct image_table *port, const struct resolution *s, struct arena *a, struct image_row *now, struct fault *why) MUST_CHECK;
enum status dynamo_remove(struct image_table *port, struct str id, int64_t ended_by_ms, struct fault *why) MUST_CHECK;
enum status dynamo_list(
	struct image_table *port, const struct image_query *q, struct arena *a, struct image_page *out, struct fault *why) MUST_CHECK;
enum status dynamo_due(
	struct image_table *port, int64_t now_ms, uint32_t limit, struct arena *a, struct image_page *out, struct fault *why) MUST_CHECK;
/* What DescribeTable reports, which AWS updates about every six hours: uploaded rows; as pending all
 * that will expire, including the rejected. rejected and stored_bytes are 0: they are not counted. */
enum status dynamo_counts(struct image_table *port, struct image_counts *out, struct fault *why) MUST_CHECK;

/* user_table and api_key_table, on the same table. */
extern const struct api_key_table_ops dynamo_api_key_ops;
extern const struct user_table_ops dynamo_user_ops;
struct dynamo *dynamo_of_users(struct user_table *port);
struct dynamo_call;
/* Query the items of a partition of the index `owned` that has few, such as all owners, by their sort key: those after this one, at
 * most `limit`, in Items of the answer. */
enum status dynamo_owned_after(
	struct dynamo *t, const char *partition, struct str after, uint32_t limit, struct dynamo_call *c, struct fault *why) MUST_CHECK;
enum status dynamo_recount(
	struct user_table *port, struct str from_owner, bool repair, struct arena *a, struct user_recount *out, struct fault *why) MUST_CHECK;
/* Call `visit` with the item of every row of an owner, in no order, until it fails. */
enum status dynamo_each_owned(struct dynamo *t, struct str owner, enum status (*visit)(void *arg, const json_t *item, struct fault *),
	void *arg, struct fault *why) MUST_CHECK;

#endif
