/* The image table in memory: rows in an array, scanned. Implements the whole contract of the port except
 * durability. Fails on demand (trap.h); every call of the port counts. Any thread. */
#ifndef FAKE_TABLE_H
#define FAKE_TABLE_H

#include "fake/fake_store.h"
#include "fake/trap.h"
#include "port/image_table.h"
#include "port/admin_query.h"
#include "port/user_table.h"

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

/* Who is charged for the rows of owners: fake_users. Called with the table's lock held, of rows that have an owner alone. */
struct fake_ledger {
	enum status (*reserve)(struct fake_ledger *, const struct image_row *row, struct fault *why);
	/* after: NULL when it was removed */
	void (*move)(struct fake_ledger *, const struct image_row *before, const struct image_row *after);
};
/* NULL: nobody is. */
void fake_table_charge(struct fake_table *t, struct fake_ledger *ledger);
/* Run `work` with the table's lock held. The two that follow are for it alone. */
enum status fake_table_locked(struct fake_table *t, enum status (*work)(void *arg), void *arg);
/* What an owner's rows use, but for derived_bytes. */
struct owner_usage fake_table_usage(const struct fake_table *t, struct str owner);
bool fake_table_has_owner(const struct fake_table *t, struct str owner);

#endif
