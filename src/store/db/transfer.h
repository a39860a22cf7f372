/* The phase of a migration that a database is in, for those who obey it. Any thread. */
#ifndef STORE_DB_TRANSFER_H
#define STORE_DB_TRANSFER_H

#include "port/transfer.h"
#include "store/db/db.h"

/* Errors  STORAGE_FAILED */
enum status transfer_read_phase(struct db *d, enum transfer_phase *out, struct fault *why) MUST_CHECK;

#endif
