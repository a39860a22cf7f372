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
	struct str url;           /* of libpq: postgres://user@host,host/database. Without an sslmode, of other machines: verify-full */
	struct str password;      /* "": as the URL, or libpq's own sources, say */
	int64_t timeout_ms;       /* of a statement, and of a call; 0: 10 s */
	uint64_t max_pending;     /* rows; 0: any number. With several processes some more may come to be */
	struct owner_quota quota; /* of owners without one of their own */
	bool fills;               /* another store's rows are moved here: no state of a migration refuses anything */
};

struct postgres;

/* Start the threads. They connect with the first calls, so that a server may start before its database.
 * Errors  BAD_SETTING the URL; STORAGE_FAILED; OUT_OF_MEMORY */
enum status postgres_new(const struct postgres_options *o, struct postgres **out, struct fault *why) MUST_CHECK;
/* End the threads after what waits, which is refused if the database cannot be reached. Nobody may call any more. */
void postgres_free(struct postgres **p);
struct image_table *postgres_table(struct postgres *p);
struct user_table *postgres_users(struct postgres *p);
struct api_key_table *postgres_api_keys(struct postgres *p);
struct outbox *postgres_outbox(struct postgres *p);
struct transfer *postgres_transfer(struct postgres *p);
/* Take a lease, or renew it, or with 0 give it back: of all processes of the database one has it, until it is over by the database's clock.
 * Held by a row rather than by a connection, it outlives a lost connection and passes through a pooler.
 * is_held  whether it is this process's now
 * Errors   STORAGE_FAILED */
enum status postgres_lease(struct postgres *p, struct str name, int64_t lease_ms, bool *is_held, struct fault *why) MUST_CHECK;

/* Make the tables, or bring those of an older version up to date. The role must be allowed to create tables.
 * Errors  SCHEMA_UNKNOWN they are of a newer version; BAD_SETTING the database is not in UTF-8; STORAGE_FAILED it cannot be reached, or
 *         refuses */
enum status postgres_create(const struct postgres_options *o, struct fault *why) MUST_CHECK;

/* What a database and this role in it are like. */
struct postgres_report {
	char version[64];         /* of the server, such as "15.18" */
	bool is_encrypted;        /* the connection, by TLS */
	bool is_superuser;        /* which no server needs to be */
	char missing_rights[256]; /* "images INSERT, users UPDATE"; "": it has all that it needs */
	int64_t clock_off_ms;     /* of the database's clock, from this machine's */
};
/* Connect once and see whether servers can use it.
 * out     what was learnt before a failure, too
 * Errors  BAD_SETTING the URL; SCHEMA_UNKNOWN there are no tables, or those of another version; STORAGE_FAILED */
enum status postgres_inspect(const struct postgres_options *o, struct postgres_report *out, struct fault *why) MUST_CHECK;

#endif
