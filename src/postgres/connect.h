/* Internal to postgres/: making a connection and setting it up. */
#ifndef POSTGRES_CONNECT_H
#define POSTGRES_CONNECT_H

#include "base/buf.h"
#include "postgres/conn.h"

#define PG_PASSWORD_FILE_BYTES 4096
/* Read the password from the first line of a file.
 * out     initialised, with a maximum; gets the password. Free it with pg_wipe
 * Errors  BAD_SETTING the file cannot be read, other users may read it, or its first line is empty */
enum status pg_read_password(const char *path, struct buf *out, struct fault *why) MUST_CHECK;
/* For CLEANUP: wipe the bytes and free the buffer. */
void pg_wipe(struct buf *b);

/* Connect to the first host that accepts writes, with the password that its file has at that time, without pipeline mode.
 * timeout_ms  of each statement, and of all that follows until pg_limit is called; 0: none
 * Errors      STORAGE_FAILED */
enum status pg_open(struct pg_conn *c, int64_t timeout_ms, struct fault *why) MUST_CHECK;
/* Connect, check the version of the tables, enter pipeline mode, and prepare the statements.
 * Errors  STORAGE_FAILED the database cannot be reached; SCHEMA_UNKNOWN */
enum status pg_connect(struct pg_conn *c, struct fault *why) MUST_CHECK;

#endif
