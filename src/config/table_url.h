/* The address of a table in PostgreSQL, as --table has it, and what of it may be shown: a password in it is kept off command lines,
 * terminals, logs and pages. Pure. Source: PostgreSQL manual, "Connection URIs". */
#ifndef CONFIG_TABLE_URL_H
#define CONFIG_TABLE_URL_H

#include "base/buf.h"

/* Whether it begins with postgres:// or postgresql://. */
bool table_url_is(struct str table);
/* Whether the URL has a password: after the user's name, or as a parameter. */
bool table_url_has_password(struct str url);
/* Append it without password and parameters: "postgres://user@host:5432/database". What is no such URL is appended as it is. */
void table_url_put(struct buf *b, struct str table);

#endif
