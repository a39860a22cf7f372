/* Inside postgres/: what an owner may use, checked and counted in the batch; for `apply`. */
#ifndef POSTGRES_OWNERS_H
#define POSTGRES_OWNERS_H

#include "postgres/batch.h"

/* The owner is there from now on. An issuer and a subject are recorded if none were.  now_ms: of its first slot */
void batch_name_owner(struct pg_batch *b, struct pg_owner *o, const struct image_row *who, int64_t now_ms);
/* Check that the owner may have one more slot, and count it as one of this minute's. Nothing for a row without an owner; what is used
 * follows by batch_move.
 * Errors  OWNER_BLOCKED; QUOTA_FULL; TOO_MANY; TOO_MUCH; then nothing has changed */
enum status batch_reserve(struct pg_batch *b, const struct image_row *row, struct fault *why) MUST_CHECK;
/* A row changes: what is counted of it by status, and what its owner uses. before, after: NULL of one that comes or goes.
 * Errors  TOO_MUCH; then nothing has changed */
enum status batch_move(struct pg_batch *b, const struct image_row *before, const struct image_row *after, struct fault *why) MUST_CHECK;

#endif
