/* Free room on the data directory's file system, and the reserve below which bodies are refused.
 *
 * Space is reserved as bytes arrive, never for what was merely announced: for a body in memory until its commit, for one
 * in a file while it is written. A body that goes into the database may also use the free pages
 * that it has. Crossing the reserve is logged once in each direction.
 *
 * The ballast is a file that holds some room while the disk has plenty. It is given up where the disk is full, so
 * that the server can start and deletes can be committed, and made again once there is room for it and for new rows,
 * which may be below the reserve. Any thread. */
#ifndef STORE_FILES_SPACE_H
#define STORE_FILES_SPACE_H

#include "base/fault.h"
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define SPACE_BALLAST_NAME "ballast"
#define SPACE_BALLAST_BYTES ((uint64_t)4 << 20)

enum space_use { SPACE_FILE, SPACE_ROWS };

struct space {
	int fd; /* of the data directory */
	uint64_t reserve_bytes;
	_Atomic uint64_t promised_bytes;
	_Atomic uint64_t reusable_bytes; /* free pages of the database */
	_Atomic uint64_t owed_bytes;     /* of the ballast while there is none */
	_Atomic bool low;
};

/* Look whether there is a ballast, and give it up where the disk is so full that a start might fail. */
void space_open(struct space *s);
/* Update the gauge of free bytes, and log a crossing; without writes nothing else does. */
void space_measure(struct space *s);
/* Reserve `bytes` for a body.  Errors: DISK_FULL the rest would be below the reserve; STORAGE_FAILED */
enum status space_reserve(struct space *s, uint64_t bytes, enum space_use use, struct fault *why) MUST_CHECK;
/* Release what was reserved: it is written, or will not come. */
void space_release(struct space *s, uint64_t bytes);
/* Whether `bytes` would fit now; nothing is promised.  Errors: those of space_reserve */
enum status space_check(struct space *s, uint64_t bytes, enum space_use use, struct fault *why) MUST_CHECK;
/* Whether new rows may be made. Rows may use most of the reserve, but not the last of it, which
 * belongs to deletes, the gc and the log. */
bool space_for_rows(struct space *s);
/* How many free pages of this size the database may keep for its own use: a quarter of what is above the reserve. */
uint64_t space_spare_pages(struct space *s, uint64_t page_bytes);
/* Give up the ballast, if there is one. */
void space_drop_ballast(struct space *s);
/* Make the ballast if there is none and there is room for it. */
void space_renew_ballast(struct space *s);

#endif
