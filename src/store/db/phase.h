/* The phase of a migration that a database is in, for those who obey it: `tintype migrate` writes it from another process. Any thread. */
#ifndef STORE_DB_PHASE_H
#define STORE_DB_PHASE_H

#include "port/transfer.h"
#include "store/db/db.h"

/* Errors  STORAGE_FAILED */
enum status phase_read(struct db *d, enum transfer_phase *out, struct fault *why) MUST_CHECK;

#endif
