/* The table on a real PostgreSQL, which a test program starts once. Each fixture has its own schema, which is created faster than a database. */
#ifndef TEST_POSTGRES_FIXTURE_H
#define TEST_POSTGRES_FIXTURE_H

#include "fake/contract.h"
#include "fake/postgres_server.h"
#include "postgres/postgres.h"

struct pg_fixture {
	struct postgres *postgres;
	struct postgres_options options;
	char url[POSTGRES_URL_MAX];
};

/* The PostgreSQL server: the test program starts it before the first fixture, and stops it. */
extern struct postgres_server pg_server;
/* Whether each fixture has its own database instead, for a pooler that does not pass on the search path. */
extern bool pg_fixture_databases;
/* The number of schemas that were created. */
extern unsigned pg_fixture_schemas;

/* Functions of a contract_maker, whose `own` is a pg_fixture. */
void pg_fixture_make(struct contract_fixture *w, uint64_t max_pending);
void pg_fixture_reopen(struct contract_fixture *w);
void pg_fixture_unmake(struct contract_fixture *w);

/* Run a statement on the fixture's database, on a separate connection. */
void pg_fixture_query(struct contract_fixture *w, const char *sql);

#endif
