/* The hold on removals. While a backup reads the files of a data directory, DIR/backup.lease exists, and the publisher removes no file
 * whose row is gone: rows of a copy of the database that was made meanwhile still name it. The lease ends ten minutes after it was
 * last renewed, so that a backup that was killed does not hold removals for ever. */
#ifndef STORE_FILES_HOLD_H
#define STORE_FILES_HOLD_H

#include "base/fault.h"

#include <stdbool.h>

#define HOLD_NAME "backup.lease"
#define HOLD_LEASE_S 600

/* Whether a backup holds removals now. Call it after listing the files to be removed: a backup that starts later copies the database later,
 * without their rows.  Threads: any; one fstatat */
bool hold_is_on(int dir_fd) MUST_CHECK;

struct hold {
	int dir_fd, fd; /* dir_fd is borrowed */
};

/* Take it, for one program at a time. On a file system that is mounted read-only nothing is taken: no server removes files there.
 * dir_fd  of the data directory, open until hold_release
 * Errors  DIR_LOCKED another backup of the directory runs; STORAGE_FAILED */
enum status hold_take(struct hold *h, int dir_fd, struct fault *why) MUST_CHECK;
/* Renew it where the last time was a while ago.
 * Errors  DEADLINE it has ended in the meantime, so files may be gone; STORAGE_FAILED */
enum status hold_renew(struct hold *h, struct fault *why) MUST_CHECK;
/* End it. Safe where hold_take failed or was not called, if fd is -1. */
void hold_release(struct hold *h);

#endif
