/* Internal to postgres/: libpq's functions, called as libpq.clear() for PQclear(). The library is loaded when a table in PostgreSQL is opened and
 * not when the program starts: what it needs (Kerberos, LDAP, GnuTLS) takes 3 MB, which a server whose table is SQLite does without. It is
 * never unloaded. Only the types and constants of libpq-fe.h are used directly. */
#ifndef POSTGRES_LIBPQ_H
#define POSTGRES_LIBPQ_H

#include "base/fault.h"

#include <libpq-fe.h>

struct libpq {
#define FUNCTION(name) __typeof__(PQ##name) *name;
#include "postgres/libpq.def"
#undef FUNCTION
};

/* Of libpq_load; NULL until then. */
extern struct libpq libpq;

/* Load the library, once.
 * Errors   BAD_SETTING it is not there, or older than PostgreSQL 14, with the dynamic linker's message as the cause; again at each call
 * Threads  any; before any other use of libpq */
enum status libpq_load(struct fault *why) MUST_CHECK;

#endif
