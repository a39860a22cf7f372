/* A data directory that is made from a backup. While it is made, DIR/restore.incomplete exists and no server starts on it; its
 * removal, the last step, makes all of it visible at once. One thread, but for restoration_open_file. */
#ifndef STORE_RESTORATION_H
#define STORE_RESTORATION_H

#include "base/fault.h"
#include "base/str.h"

#include <stdint.h>

#define RESTORATION_NAME "restore.incomplete"

struct restoration;

/* Make the directory if it is not there, and lock it. What an earlier restoration that was cut off has left there is removed.
 * schema  of the backup
 * Errors  BAD_SETTING it has files of something else; SCHEMA_UNKNOWN; DIR_LOCKED; DISK_FULL; STORAGE_FAILED */
enum status restoration_begin(const char *dir, int schema, struct restoration **out, struct fault *why) MUST_CHECK;
/* Open the file of this number, or the database, for writing at any offset. -1 with errno. Closed by the caller.  Threads: any */
int restoration_open_file(struct restoration *r, uint64_t file);
int restoration_open_database(struct restoration *r);
/* Sync all and make it visible.
 * credentials  text of the file of this name; "": none, and the server makes one with new keys
 * Errors       DISK_FULL; STORAGE_FAILED */
enum status restoration_finish(struct restoration *r, struct str credentials, struct fault *why) MUST_CHECK;
/* Unlock. What is not finished stays as it is. Accepts NULL inside. */
void restoration_free(struct restoration **r);

#endif
