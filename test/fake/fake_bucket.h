/* The bucket store in memory, over a fake table and a fake store, of which it has one bucket. Files
 * that are opened are memfds. Its catalog can tell of the bucket, and nothing else. Fails on demand (trap.h);
 * begin, write, view, finish, start_finish, open and the catalog's info count. Any thread. */
#ifndef FAKE_BUCKET_H
#define FAKE_BUCKET_H

#include "fake/fake_store.h"
#include "fake/fake_table.h"
#include "port/bucket_catalog.h"
#include "port/bucket_store.h"

struct fake_bucket;
/* Table and store are borrowed; the table is told to hold the store (fake_table_hold). name: static. */
struct fake_bucket *fake_bucket_new(struct fake_table *t, struct fake_store *s, struct str name);
/* Bodies that were begun and neither finished nor abandoned are a bug (assert). */
void fake_bucket_free(struct fake_bucket **b);
struct bucket_store *fake_bucket_port(struct fake_bucket *b);
struct bucket_catalog *fake_bucket_catalog(struct fake_bucket *b);

/* The n-th call from now on (1: the next) fails and changes nothing; a failed write makes finish fail too. */
void fake_bucket_fail_nth(struct fake_bucket *b, uint64_t n, enum fault_code code);
/* ... does its work, then fails. */
void fake_bucket_lose_nth(struct fake_bucket *b, uint64_t n, enum fault_code code);
/* ... finds that `meet` ran just before it. */
void fake_bucket_meet_nth(struct fake_bucket *b, uint64_t n, void (*meet)(void *arg), void *arg);
uint64_t fake_bucket_calls(struct fake_bucket *b);
/* Bodies that are begun and not ended. */
size_t fake_bucket_open_bodies(struct fake_bucket *b);

#endif
