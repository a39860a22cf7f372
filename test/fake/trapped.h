/* The embedded engine in a directory of its own, whose ports can fail their n-th call (trap.h). It is used in place of
 * an in-memory fake: what the S3 protocol requires of buckets, listings, conditions and parts is so much that
 * a fake would be a second engine, with faults of its own.
 *
 * Calls of bucket_store (all but abandon), bucket_catalog and part_store count together, those of the table on
 * their own. start_finish is done when it returns, so that tests need not wait. Any thread. */
#ifndef FAKE_TRAPPED_H
#define FAKE_TRAPPED_H

#include "port/bucket_catalog.h"
#include "port/bucket_store.h"
#include "port/part_store.h"

struct trapped;
/* bucket: of the images. The test ends here when the engine does not open. */
struct trapped *trapped_new(struct str bucket, uint64_t max_pending);
/* Bodies that were started and neither finished nor abandoned are a bug (assert). */
void trapped_free(struct trapped **t);

struct bucket_store *trapped_buckets(struct trapped *t);
struct bucket_catalog *trapped_catalog(struct trapped *t);
struct part_store *trapped_parts(struct trapped *t);
struct image_table *trapped_table(struct trapped *t);
struct object_store *trapped_store(struct trapped *t); /* not trapped */

/* The n-th call from now on (1: the next; 0: none) fails and changes nothing; a failed write makes finish fail too. */
void trapped_fail_nth(struct trapped *t, uint64_t n, enum fault_code code);
void trapped_table_fail_nth(struct trapped *t, uint64_t n, enum fault_code code);
/* ... does its work, then fails. */
void trapped_lose_nth(struct trapped *t, uint64_t n, enum fault_code code);
/* ... finds that `meet` ran just before it. */
void trapped_meet_nth(struct trapped *t, uint64_t n, void (*meet)(void *arg), void *arg);
uint64_t trapped_calls(struct trapped *t);
/* Bodies that were started and not finished. */
size_t trapped_open_bodies(struct trapped *t);
/* How many objects the bucket of the images holds, up to 1000. */
size_t trapped_count(struct trapped *t);

#endif
