/* The table in PostgreSQL, as the settings name it. A program that is built without libpq has backends_no_postgres.c in its place, which
 * refuses such settings. */
#ifndef APP_BACKENDS_POSTGRES_H
#define APP_BACKENDS_POSTGRES_H

#include "app/backends.h"
#include "postgres/postgres.h"

/* Open the table, and name its ports in `out`; nothing is connected to yet.
 * fills   as of backends_open_to_fill
 * Errors  BAD_SETTING the URL, the password's file, or a program without PostgreSQL; OUT_OF_MEMORY; STORAGE_FAILED */
enum status backends_postgres_open(
	const struct settings *s, bool fills, struct postgres **p, struct backends *out, struct fault *why) MUST_CHECK;
/* Safe on NULL. */
void backends_postgres_free(struct postgres **p);
/* As backends.lead: of the sweep. */
bool backends_postgres_lead(struct postgres *p, int64_t lease_ms);
/* Make the tables, or bring them up to date.  Errors: as above; those of postgres_create */
enum status backends_postgres_create(const struct settings *s, struct fault *why) MUST_CHECK;
/* Connect once, for `tintype doctor`.  Errors: as above; those of postgres_inspect */
enum status backends_postgres_inspect(const struct settings *s, struct postgres_report *out, struct fault *why) MUST_CHECK;

#endif
