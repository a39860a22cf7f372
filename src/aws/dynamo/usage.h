/* What an owner uses on DynamoDB: an item "usage#OWNER" next to the images' rows, which are by UUID. It comes to be with the
 * owner's first slot. Its counters change in the same transaction as the rows that they count, which are marked as counted.
 *
 * A transaction costs twice what its writes cost alone, so owners are only counted where dynamo_table_options asks for it, and
 * those that have a quota of their own. Whether an owner is blocked is looked up for each slot.
 *
 * Conditions of DynamoDB do not calculate: the counters are kept as what a quota compares, claimedBytes (stored and reserved) and
 * claimedImages (stored and pending), and what of that is reservedBytes and pendingSlots. `changes` is one more with each write. */
#ifndef AWS_DYNAMO_USAGE_H
#define AWS_DYNAMO_USAGE_H

#include "aws/dynamo/update.h"
#include "aws/dynamo/request.h"
#include "port/user_table.h"

struct dynamo_usage {
	bool is_there;
	struct user_row user;  /* texts borrowed from the item; without a quota of its own that of all */
	struct str quota_text; /* of its own, as it is stored; "" */
	int64_t minute;        /* in which minute_slots were made */
	uint64_t minute_slots;
	uint64_t changes;
	int64_t changed_ms; /* the last one */
};

/* The item's key, and those of two more of each owner that has one: entries of the lists of all owners and of blocked ones. */
#define DYNAMO_USAGE "usage"
#define DYNAMO_USERS "users"
#define DYNAMO_BLOCKED "blocked"
/* Attributes of it that are not counters. */
#define DYNAMO_QUOTA "quota"        /* of its own: "bytes/images/pending/slots a minute" */
#define DYNAMO_IS_BLOCKED "blocked" /* 1; missing: it is not */
#define DYNAMO_DERIVED "derivedBytes"
struct str dynamo_quota_text(const struct owner_quota *q, struct arena *a);
struct str dynamo_owner_key(const char *kind, struct str owner, struct arena *a);

/* item  NULL: there is none */
void dynamo_usage_read(const struct dynamo *t, const json_t *item, struct dynamo_usage *out);
/* Whether slots of this owner are counted. */
bool dynamo_usage_counts(const struct dynamo *t, const struct dynamo_usage *u);
/* Whether the owner may have this slot.  Errors: OWNER_BLOCKED; QUOTA_FULL; TOO_MANY */
enum status dynamo_usage_check(const struct dynamo_usage *u, const struct image_row *row, struct fault *why) MUST_CHECK;

/* Append the members of a Put of the item of a new owner, on the condition that there is none.
 * row      the first slot; its owner, issuer, subject and time
 * counted  whether it counts */
void dynamo_usage_put_new(const struct image_row *row, bool counted, struct arena *a, struct buf *body);
/* Append the members of a Put of what puts the owner into a list: DYNAMO_USERS or DYNAMO_BLOCKED. */
void dynamo_owner_put_entry(const char *kind, struct str owner, struct arena *a, struct buf *body);
/* Add the owner to a list; nothing changes if it is in it already. */
enum status dynamo_owner_enter(struct dynamo *t, const char *kind, struct str owner, struct fault *why) MUST_CHECK;
/* Append the members of an Update that counts one more slot, on the condition that the owner is as it was seen but for its
 * counters, and that these allow it. */
void dynamo_usage_put_slot(const struct dynamo_usage *seen, const struct image_row *row, struct arena *a, struct buf *body);
/* Append the members of an Update that adds, on the condition that the item is there.
 * by  differences, of any sign */
void dynamo_usage_put_move(struct str owner, const struct owner_usage *by, struct arena *a, struct buf *body);

#endif
