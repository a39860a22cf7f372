/* The image table in memory: rows in an array, scanned. Implements the whole contract of the port except
 * durability. Fails on demand (trap.h); every call of the port counts. Any thread. */
#ifndef FAKE_TABLE_H
#define FAKE_TABLE_H

#include "fake/fake_store.h"
#include "fake/trap.h"
#include "port/image_table.h"
#include "port/admin_query.h"

struct fake_table;
struct fake_table *fake_table_new(uint64_t max_pending);
void fake_table_free(struct fake_table **t);
struct image_table *fake_table_port(struct fake_table *t);
/* The same rows, looked over; its calls count and fail as the table's own. */
struct admin_query *fake_table_admin_query(struct fake_table *t);
/* Have it say that starting a write blocks. */
void fake_table_make_wait(struct fake_table *t);

/* The n-th call from now on (1: the next) fails and changes nothing. */
void fake_table_fail_nth(struct fake_table *t, uint64_t n, enum fault_code code);
/* ... does its work, then fails. */
void fake_table_lose_nth(struct fake_table *t, uint64_t n, enum fault_code code);
/* ... finds that `meet` ran just before it. */
void fake_table_meet_nth(struct fake_table *t, uint64_t n, void (*meet)(void *arg), void *arg);
uint64_t fake_table_calls(struct fake_table *t);

/* Behave as an engine that holds the objects too: remove takes the object along, both or none, without
 * a call of the store's port. NULL: it does not. */
void fake_table_hold(struct fake_table *t, struct fake_store *store);

#endif
