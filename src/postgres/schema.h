/* The tables in PostgreSQL, and their version. */
#ifndef POSTGRES_SCHEMA_H
#define POSTGRES_SCHEMA_H

#include "base/fault.h"

#include <libpq-fe.h>

#define PG_SCHEMA_VERSION 1

/* Make the tables, or bring those of an older version up to this one, in one transaction.
 * pg      a connection that is not in pipeline mode
 * Errors  SCHEMA_UNKNOWN they are of a newer version; BAD_SETTING the database is not in UTF-8; STORAGE_FAILED */
enum status schema_create(PGconn *pg, struct fault *why) MUST_CHECK;
/* Whether the tables are of this version.  Errors: SCHEMA_UNKNOWN, with what to do; STORAGE_FAILED */
enum status schema_check(PGconn *pg, struct fault *why) MUST_CHECK;

/* The fault of a PQexec that failed. */
enum status pg_exec_failed(PGconn *pg, struct fault *why);

#endif
