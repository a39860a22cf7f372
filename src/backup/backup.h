/* Backups of a data directory that may be in use: what is in them is in format.h, where they go in target.h. */
#ifndef BACKUP_BACKUP_H
#define BACKUP_BACKUP_H

#include "backup/format.h"
#include "backup/target.h"
#include "base/fault.h"

/* Progress reports of a run. NULL: nothing is reported. Any thread, one at a time. */
struct backup_watch {
	bool (*stopping)(void *arg);                  /* whether to end early */
	void (*damaged)(void *arg, const char *text); /* something cannot be read, or is not what it should be; the run goes on */
	void (*progress)(void *arg, uint64_t objects, uint64_t bytes);
	void *arg;
};

struct backup_options {
	const char *dir;       /* the data directory */
	const char *scratch;   /* path of the copy of the database, while it is read */
	struct target *target; /* opened with TARGET_WRITE */
	bool secrets;
	struct backup_watch watch;
};

struct backup_result {
	char name[BACKUP_TIME_CHARS + 1]; /* of the snapshot */
	uint64_t objects, object_bytes;   /* in it */
	uint64_t new_objects;             /* of these, what the destination did not have */
	uint64_t written_bytes;
	uint64_t missing;
	uint64_t damaged; /* new objects that differ from what was stored; they are in it. Not counted: those of images marked as damaged */
	uint64_t marked;  /* cannot be read either, but their images are already marked as damaged, also in the snapshot */
};

/* Make a snapshot. What the destination has already is not written again. A run that is cut off leaves the earlier snapshots as they were,
 * and the next one goes on with what it has written. Bodies that cannot be read are counted in `missing` or `marked`, and the snapshot is made
 * without them.
 * Errors  BAD_SETTING the target has snapshots of another server; those of snapshot_take and of the target; DEADLINE it was stopped, or stood still for too long; OUT_OF_MEMORY */
enum status backup_run(const struct backup_options *o, struct backup_result *out, struct fault *why) MUST_CHECK;
/* Remove all but the last `keep` snapshots, and what no snapshot names. Where one of them is damaged, only snapshots are removed.
 * keep     at least 1
 * removed  snapshots; written in any case
 * Errors  those of the target; DATA_DAMAGED */
enum status backup_prune(struct target *t, uint64_t keep, uint64_t *removed, struct fault *why) MUST_CHECK;

struct restore_options {
	struct target *target;
	const char *snapshot; /* its name; NULL: the last */
	const char *dir;      /* a new data directory; NULL: only read and verify all */
	bool partial;         /* restore what is whole, though something is damaged */
	struct backup_watch watch;
};

struct restore_result {
	char name[BACKUP_TIME_CHARS + 1];
	bool secrets;
	uint64_t objects, object_bytes;
	uint64_t missing; /* in the snapshot from the start */
	uint64_t damaged;
};

/* Restore a snapshot, or verify it.
 * Errors  BAD_SETTING no such snapshot, the directory is not empty; DATA_DAMAGED, each damaged object was reported; SCHEMA_UNKNOWN; those of
 *         the target; DISK_FULL; STORAGE_FAILED */
enum status restore_run(const struct restore_options *o, struct restore_result *out, struct fault *why) MUST_CHECK;

#endif
