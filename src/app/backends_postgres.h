/* The table in PostgreSQL that the settings name. A program that is built without libpq has backends_no_postgres.c instead of
 * backends_postgres.c, and refuses such settings. */
#ifndef APP_BACKENDS_POSTGRES_H
#define APP_BACKENDS_POSTGRES_H

#include "app/backends.h"
#include "postgres/postgres.h"

/* Open the table, and set its ports in `out`. Makes no connection yet.
 * fills   another store's rows are copied here, as with backends_open_to_fill
 * Errors  BAD_SETTING the URL, the password's file, or a program without PostgreSQL; OUT_OF_MEMORY; STORAGE_FAILED */
enum status backends_postgres_open(
	const struct settings *s, bool fills, struct postgres **p, struct backends *out, struct fault *why) MUST_CHECK;
/* Safe on NULL. */
void backends_postgres_free(struct postgres **p);
/* Acquire, renew or release the lease for the sweep, as `lead` of struct backends. */
bool backends_postgres_lead(struct postgres *p, int64_t lease_ms);
/* Create or update the tables.  Errors: as above; those of postgres_create */
enum status backends_postgres_create(const struct settings *s, struct fault *why) MUST_CHECK;
/* Connect once, for `tintype doctor`.  Errors: as above; those of postgres_inspect */
enum status backends_postgres_inspect(const struct settings *s, struct postgres_report *out, struct fault *why) MUST_CHECK;

#endif
