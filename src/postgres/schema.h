/* The tables in PostgreSQL, and their version. */
#ifndef POSTGRES_SCHEMA_H
#define POSTGRES_SCHEMA_H

#include "postgres/conn.h"

#define PG_SCHEMA_VERSION 1

/* Create the tables, or update those of an older version to this one, in one transaction.
 * c       not in pipeline mode
 * Errors  SCHEMA_UNKNOWN the tables are of a newer version; BAD_SETTING the database's encoding is not UTF8; STORAGE_FAILED */
enum status schema_create(struct pg_conn *c, struct fault *why) MUST_CHECK;
/* Check that the tables are of this version.  Errors: SCHEMA_UNKNOWN, whose text says what to do; STORAGE_FAILED */
enum status schema_check(struct pg_conn *c, struct fault *why) MUST_CHECK;

#endif
