/* Internal to postgres/: making a connection and setting it up. */
#ifndef POSTGRES_CONNECT_H
#define POSTGRES_CONNECT_H

#include "postgres/conn.h"

/* Connect to the first host that accepts writes, without pipeline mode. The caller sets the time limit of what follows.
 * Errors  STORAGE_FAILED */
enum status pg_open(struct pg_conn *c, struct fault *why) MUST_CHECK;
/* Connect, check the version of the tables, enter pipeline mode, and prepare the statements.
 * Errors  STORAGE_FAILED the database cannot be reached; SCHEMA_UNKNOWN */
enum status pg_connect(struct pg_conn *c, struct fault *why) MUST_CHECK;

#endif
