/* The table on PostgreSQL, for many servers of one database: rows of images and owners, API keys, events, and the state of a migration.
 * It is made of lanes, connections with a thread each (lane.h): one writes, in transactions of many changes (batch.h); two run single
 * statements (ask.h), of which one is for those that may take long. So a process has three connections. */
#ifndef POSTGRES_POSTGRES_H
#define POSTGRES_POSTGRES_H

#include "port/api_key_table.h"
#include "port/image_table.h"
#include "port/outbox.h"
#include "port/transfer.h"
#include "port/user_table.h"

struct postgres_options {
	struct str url;           /* libpq's connection string: postgres://user@host,host/database?sslmode=verify-full */
	struct str password;      /* "": as the URL, or libpq's own sources, say */
	int64_t timeout_ms;       /* of a statement, and of a call; 0: 10 s */
	uint64_t max_pending;     /* rows; 0: any number. With several processes some more may come to be */
	struct owner_quota quota; /* of owners without one of their own */
	bool fills;               /* another store's rows are moved here: no state of a migration refuses anything */
};

struct postgres;

/* Start the threads. They connect with the first calls, so that a server may start before its database.
 * Errors  STORAGE_FAILED; OUT_OF_MEMORY */
enum status postgres_new(const struct postgres_options *o, struct postgres **out, struct fault *why) MUST_CHECK;
/* End the threads after what waits, which is refused if the database cannot be reached. Nobody may call any more. */
void postgres_free(struct postgres **p);
struct image_table *postgres_table(struct postgres *p);

/* Make the tables, or bring those of an older version up to date. The role must be allowed to create tables.
 * Errors  SCHEMA_UNKNOWN they are of a newer version; BAD_SETTING the database is not in UTF-8; STORAGE_FAILED it cannot be reached, or
 *         refuses */
enum status postgres_create(const struct postgres_options *o, struct fault *why) MUST_CHECK;

#endif
