/* What a backup reads: a copy of the database of a data directory as it was after one commit, and the files that its rows name. A server
 * may use the directory meanwhile, and goes on: SQLite's write-ahead log lets the copy be read while others write, and the
 * hold (files/hold.h) keeps the files. One thread at a time, but for snapshot_open_file. */
#ifndef STORE_SNAPSHOT_H
#define STORE_SNAPSHOT_H

#include "base/buf.h"
#include "base/fault.h"

#include <stdbool.h>
#include <stdint.h>

#define SNAPSHOT_ETAG_MAX 40 /* 32 hexadecimal digits; "-" and the number of parts */

struct snapshot_options {
	const char *dir;  /* the data directory */
	const char *copy; /* path of the copy: a new file, 0600, which snapshot_free removes */
	bool secrets;     /* false: the copy has no secret, and a server that opens it makes new ones */
	/* Asked now and then while the database is copied and checked, which may take minutes: a failure ends it. NULL: nothing is */
	enum status (*proceed)(void *arg, struct fault *why);
	void *arg;
};

struct snapshot;

/* Take the hold and copy the database.
 * Errors  BAD_SETTING there is no database; SCHEMA_UNKNOWN it is of another version; DIR_LOCKED another backup runs; DATA_DAMAGED the
 *         database is damaged; DISK_FULL; STORAGE_FAILED; those of `proceed` and of hold_renew */
enum status snapshot_take(const struct snapshot_options *o, struct snapshot **out, struct fault *why) MUST_CHECK;
/* Close and remove the copy, and end the hold. Accepts NULL inside. */
void snapshot_free(struct snapshot **s);
/* The version of its tables, and a descriptor of the copy, which stays the snapshot's. */
int snapshot_schema(const struct snapshot *s);
int snapshot_database(const struct snapshot *s);
/* When its server was first started, in ms; the same of what was restored of it. It tells servers apart. */
uint64_t snapshot_source(const struct snapshot *s);
/* Keep the hold; cheap. Errors: hold_renew's */
enum status snapshot_renew(struct snapshot *s, struct fault *why) MUST_CHECK;

/* A file of the store. */
struct snapshot_file {
	uint64_t file; /* its number */
	uint64_t size;
	char etag[SNAPSHOT_ETAG_MAX + 1]; /* hex MD5 of the bytes, or of an object in parts, with "-" */
	bool is_marked; /* its image was marked as damaged by `tintype fsck --repair`: the object is missing, or is not what was stored */
};

/* The next file that a row names, by rising numbers.  more: false after the last
 * Errors  STORAGE_FAILED */
enum status snapshot_next(struct snapshot *s, struct snapshot_file *out, bool *more, struct fault *why) MUST_CHECK;
/* Open a file for reading. -1 with errno.  Threads: any */
int snapshot_open_file(const struct snapshot *s, uint64_t file);
/* The text of DIR/credentials, appended.  Errors: STORAGE_FAILED */
enum status snapshot_credentials(const struct snapshot *s, struct buf *out, struct fault *why) MUST_CHECK;

#endif
