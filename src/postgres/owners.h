/* Internal to postgres/: quotas and usage of owners, checked and counted in the batch. Functions for `apply`. */
#ifndef POSTGRES_OWNERS_H
#define POSTGRES_OWNERS_H

#include "postgres/batch.h"

/* Create the owner's row if there is none, and record the issuer and the subject if none were recorded.  now_ms: time of the first slot */
void batch_name_owner(struct pg_batch *b, struct pg_owner *o, const struct image_row *who, int64_t now_ms);
/* Check that the owner may have one more slot, and count it for the current minute; batch_move counts the usage. Does nothing for a row
 * without an owner.
 * Errors  OWNER_BLOCKED; QUOTA_FULL; TOO_MANY; TOO_MUCH; then nothing has changed */
enum status batch_reserve(struct pg_batch *b, const struct image_row *row, struct fault *why) MUST_CHECK;
/* Update the counts by status and the owner's usage for a change of a row.
 * before  NULL: the row is new
 * after   NULL: the row is removed
 * Errors  TOO_MUCH; then nothing has changed */
enum status batch_move(struct pg_batch *b, const struct image_row *before, const struct image_row *after, struct fault *why) MUST_CHECK;

#endif
