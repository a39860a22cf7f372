/* The table on a real PostgreSQL, which a test program starts once: a schema for each fixture, which is made faster than a database. */
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

/* The server of the program: started before the first fixture, and stopped by the program. */
extern struct postgres_server pg_server;
/* A database for each fixture, for a pooler that does not pass on which schema is searched. */
extern bool pg_fixture_databases;
/* So many schemas were made. */
extern unsigned pg_fixture_schemas;

/* Functions of a contract_maker, whose `own` is a pg_fixture. */
void pg_fixture_make(struct contract_fixture *w, uint64_t max_pending);
void pg_fixture_reopen(struct contract_fixture *w);
void pg_fixture_unmake(struct contract_fixture *w);

/* Run a statement on the fixture's database, by a connection of its own. */
void pg_fixture_query(struct contract_fixture *w, const char *sql);

#endif
