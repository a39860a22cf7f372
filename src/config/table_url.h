/* The URL of a table in PostgreSQL, as in --table, and the part of it that may be shown: its password must not appear on command lines,
 * terminals, logs and pages. Pure. Source: PostgreSQL documentation, "Connection URIs". */
#ifndef CONFIG_TABLE_URL_H
#define CONFIG_TABLE_URL_H

#include "base/buf.h"

/* Whether it begins with postgres:// or postgresql://. */
bool table_url_is(struct str table);
/* Whether the URL has a password: after the user's name, or as a parameter. */
bool table_url_has_password(struct str url);
/* Append it without password and parameters: "postgres://user@host:5432/database". Other text is appended unchanged. */
void table_url_put(struct buf *b, struct str table);

#endif
