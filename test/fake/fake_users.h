/* The owners of the rows of a fake table, in memory: it charges them for each row. Implements the whole contract of the port except
 * durability. Fails on demand (trap.h); every call of the port counts, but not what the table does. Any thread. */
#ifndef FAKE_USERS_H
#define FAKE_USERS_H

#include "fake/fake_table.h"
#include "port/user_table.h"

struct fake_users;
/* rows   borrowed, outlives this; from now on it asks this before it writes
 * quota  of every owner that has none of its own */
struct fake_users *fake_users_new(struct fake_table *rows, const struct owner_quota *quota);
/* Before the table's own. Accepts NULL inside. */
void fake_users_free(struct fake_users **u);
struct user_table *fake_users_port(struct fake_users *u);

/* The n-th call from now on (1: the next) fails and changes nothing. */
void fake_users_fail_nth(struct fake_users *u, uint64_t n, enum fault_code code);
/* Spoil what is recorded of an owner, for a recount to repair. */
void fake_users_spoil(struct fake_users *u, struct str owner);

#endif
