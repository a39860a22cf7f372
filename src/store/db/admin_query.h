/* inspection on SQLite: a page walks the rows from the newest down on a reader's connection, and gives that
 * back within a bounded number of rows, so that no one else waits for it. */
#ifndef STORE_DB_ADMIN_QUERY_H
#define STORE_DB_ADMIN_QUERY_H

#include "port/admin_query.h"

extern const struct admin_query_ops sqlite_admin_query_ops;

#endif
