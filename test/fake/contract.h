/* The contract suites: one group of cmocka tests per port that every adapter of it must pass. A maker
 * builds a fresh, empty fixture for each test. An adapter that has not all three ports leaves the
 * others NULL and runs the suites of those it has; the bucket suite requires all three.
 *
 *     static const struct contract_maker maker = { "local", make, reopen, unmake };
 * bucket_catalog and part_store are tested next to a bucket store, whose bodies they use.
 *
 *     int main(void) { return contract_table(&maker) + contract_store(&maker) + contract_bucket(&maker); } */
#ifndef FAKE_CONTRACT_H
#define FAKE_CONTRACT_H

#include "port/bucket_catalog.h"
#include "port/bucket_store.h"
#include "port/image_table.h"
#include "port/admin_query.h"
#include "port/api_key_table.h"
#include "port/object_store.h"
#include "port/outbox.h"
#include "port/part_store.h"
#include "port/transfer.h"

struct contract_fixture {
	struct image_table *table;
	struct admin_query *admin_query; /* of the table's rows; for its own suite alone */
	struct user_table *users;        /* of the table's rows; with api_keys for their own suites alone */
	struct api_key_table *api_keys;
	struct outbox *outbox;     /* likewise */
	bool gives_at_once;        /* a shared one that gives an event to whichever process asks, not first to the one that has written it */
	struct transfer *transfer; /* likewise */
	struct object_store *store;
	struct bucket_store *bucket;
	struct bucket_catalog *catalog;
	struct part_store *parts;
	struct str bucket_name; /* the one of store; empty without a bucket store */
	/* Spoil what is recorded of an owner's use, for a recount to repair. */
	void (*spoil)(struct contract_fixture *w, struct str owner);
	void *own; /* the maker's */
};

struct contract_maker {
	const char *name;
	/* An empty fixture whose table accepts max_pending pending rows, and whose owners have no quota but their own. */
	void (*make)(struct contract_fixture *w, uint64_t max_pending);
	/* End the adapter and start it again on the same data; one without persistent data leaves *w unchanged. */
	void (*reopen)(struct contract_fixture *w);
	void (*unmake)(struct contract_fixture *w);
	bool no_limit;   /* its table accepts any number of pending rows: the tests of the limit do not apply */
	bool counts_lag; /* its counts are updated later: the test of exact counts does not apply */
};

/* How many pending rows every fixture must accept, except that of the test of the limit. */
#define CONTRACT_MAX_PENDING 100000

#endif
