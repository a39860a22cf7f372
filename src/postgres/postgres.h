/* The table on PostgreSQL, for any number of servers that share a database: rows of images and owners, API keys, events, and the state of a
 * migration. A process has three connections, each with its own thread (lane.h): one writes, in transactions of many changes (batch.h);
 * two run single statements (ask.h), one of them those that may take long. */
#ifndef POSTGRES_POSTGRES_H
#define POSTGRES_POSTGRES_H

#include "port/api_key_table.h"
#include "port/image_table.h"
#include "port/outbox.h"
#include "port/transfer.h"
#include "port/user_table.h"

struct postgres_options {
	struct str url;           /* libpq's: postgres://user@host,host/database. sslmode defaults to verify-full for other machines */
	struct str password_file; /* read for each connection. "": the password of the URL or of libpq's own sources */
	int64_t timeout_ms;       /* of a statement, and of a call; 0: 10 s */
	uint64_t max_pending;     /* rows; 0: no limit. Several processes may exceed it slightly */
	struct owner_quota quota; /* of owners without one of their own */
	bool fills;               /* another store's rows are copied here: writes are allowed in every phase of a migration */
};

struct postgres;

/* Start the threads. They connect at the first calls, so that a server can start before its database.
 * Errors  BAD_SETTING the URL or the password's file; STORAGE_FAILED; OUT_OF_MEMORY */
enum status postgres_new(const struct postgres_options *o, struct postgres **out, struct fault *why) MUST_CHECK;
/* Run the waiting calls, or refuse them if the database cannot be reached, and end the threads. No other thread may use it any more. */
void postgres_free(struct postgres **p);
struct image_table *postgres_table(struct postgres *p);
struct user_table *postgres_users(struct postgres *p);
struct api_key_table *postgres_api_keys(struct postgres *p);
struct outbox *postgres_outbox(struct postgres *p);
struct transfer *postgres_transfer(struct postgres *p);
/* Acquire or renew a lease, or release it with a lease_ms of 0. One process at a time holds it, until it expires by the database's clock. It
 * is a row rather than a lock of the connection, so that it survives a lost connection and works through a pooler.
 * is_held  whether this process holds it now
 * Errors   STORAGE_FAILED */
enum status postgres_lease(struct postgres *p, struct str name, int64_t lease_ms, bool *is_held, struct fault *why) MUST_CHECK;

/* Create the tables, or update those of an older version. The role must be allowed to create tables.
 * Errors  SCHEMA_UNKNOWN the tables are of a newer version; BAD_SETTING the database's encoding is not UTF8; STORAGE_FAILED the database
 *         cannot be reached, or refuses */
enum status postgres_create(const struct postgres_options *o, struct fault *why) MUST_CHECK;

/* What postgres_inspect found about a database and the role. */
struct postgres_report {
	char version[64];         /* of the server, such as "15.18" */
	bool is_encrypted;        /* whether the connection uses TLS */
	bool is_superuser, owns;  /* the tables, as a member of their owner's role too; servers need neither */
	char missing_rights[256]; /* such as "images INSERT, users UPDATE"; "": none */
	int64_t clock_off_ms;     /* difference of the database's clock from this machine's */
};
/* Connect once and check whether servers can use the database.
 * out     after a failure too: what was found before it
 * Errors  BAD_SETTING the URL; SCHEMA_UNKNOWN there are no tables, or those of another version; STORAGE_FAILED */
enum status postgres_inspect(const struct postgres_options *o, struct postgres_report *out, struct fault *why) MUST_CHECK;

#endif
