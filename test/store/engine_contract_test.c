/* The contracts of all ports on the embedded engine: with every body in a file, and with small ones in the database. */
#include "fake/contract_bucket.h"
#include "fake/contract_catalog.h"
#include "fake/contract_admin_query.h"
#include "fake/contract_api_keys.h"
#include "fake/contract_parts.h"
#include "fake/contract_store.h"
#include "fake/contract_table.h"
#include "fake/contract_outbox.h"
#include "fake/contract_transfer.h"
#include "fake/contract_users.h"
#include "store/fixture.h"

#include "base/mem.h"

#include <assert.h>
#include <stdio.h>

static uint64_t small_bytes;

static void show(struct contract_fixture *w);

/* While the engine does not run, which knows what it has written. */
static void spoil(struct contract_fixture *w, struct str owner)
{
	struct fixture *p = w->own;
	char sql[256];

	fixture_close(p);
	(void)snprintf(
		sql, sizeof sql, "UPDATE users SET bytes=bytes+1000, images=images+1, pending=0, reserved_bytes=0 WHERE owner='%.*s'", STRF(owner));
	fixture_run(p, sql);
	fixture_open(p);
	show(w);
}

static void show(struct contract_fixture *w)
{
	struct fixture *p = w->own;

	w->table = &engine_ports(p->engine)->table;
	w->admin_query = &engine_ports(p->engine)->admin_query;
	w->store = &engine_ports(p->engine)->store;
	w->bucket = &engine_ports(p->engine)->buckets;
	w->catalog = &engine_ports(p->engine)->catalog;
	w->parts = &engine_ports(p->engine)->parts;
	w->bucket_name = p->options.bucket;
	w->users = &engine_ports(p->engine)->users;
	w->api_keys = &engine_ports(p->engine)->api_keys;
	w->outbox = &engine_ports(p->engine)->outbox;
	w->transfer = &engine_ports(p->engine)->transfer;
	w->spoil = spoil;
}

static void make(struct contract_fixture *w, uint64_t max_pending)
{
	struct fixture *p = mem_new(1, sizeof *p);

	assert(p != NULL);
	fixture_init(p);
	p->options.max_pending = max_pending;
	p->options.small_bytes = small_bytes;
	fixture_open(p);
	w->own = p;
	show(w);
}

static void reopen(struct contract_fixture *w)
{
	struct fixture *p = w->own;

	fixture_close(p);
	fixture_open(p);
	show(w);
}

static void unmake(struct contract_fixture *w)
{
	fixture_deinit(w->own);
	mem_free(w->own);
}

int main(void)
{
	const struct contract_maker files = { "local, files", make, reopen, unmake };
	const struct contract_maker rows = { "local, rows", make, reopen, unmake };
	int failed;

	failed = contract_table(&files) + contract_table_owners(&files) + contract_users(&files) + contract_api_keys(&files) +
		contract_outbox(&files) + contract_transfer(&files) + contract_admin_query(&files) + contract_store(&files) +
		contract_bucket(&files) + contract_parts(&files);
	small_bytes = BUCKET_SMALL_BYTES;
	return failed + contract_store(&rows) + contract_bucket(&rows) + contract_catalog(&rows) + contract_parts(&rows);
}
