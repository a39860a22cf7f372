/* Where backups lie: a directory, or a prefix of a bucket. Names are relative, their parts separated by "/", as in format.h.
 * What is put is whole under its name or not there at all. put and get: any thread; the rest: one. */
#ifndef BACKUP_TARGET_H
#define BACKUP_TARGET_H

#include "backup/format.h"
#include "backup/names.h"
#include "base/arena.h"
#include "base/fault.h"

#include <stdatomic.h>

struct object_store;

struct target;

struct target_ops {
	/* Replace or make. It may appear later, with target_flush at the latest. */
	enum status (*put)(struct target *t, struct str name, struct str bytes, struct fault *why);
	/* Have all that was put under its name, and durable. */
	enum status (*flush)(struct target *t, struct fault *why);
	enum status (*get)(struct target *t, struct str name, uint64_t max_bytes, struct arena *a, struct str *out, struct fault *why);
	/* Append the names below a folder, at any depth, in any order; a folder that is not there has none. */
	enum status (*list)(struct target *t, struct str folder, struct names *out, struct fault *why);
	/* The next folder of objects/ after `after` ("": the first), "objects/FOLDER"; "" after the last. out: may be `after` */
	enum status (*next_folder)(struct target *t, const char *after, char out[BACKUP_NAME_MAX], struct fault *why);
	enum status (*remove)(struct target *t, struct str name, struct fault *why);
	/* Keep the lock that TARGET_WRITE has; cheap, and may do nothing unless `now`.  Errors: DEADLINE another may have it */
	enum status (*renew)(struct target *t, bool now, struct fault *why);
	void (*close)(struct target *t); /* and free */
};

struct target {
	const struct target_ops *ops;
	_Atomic uint64_t written; /* bytes that were put */
};

/* TARGET_WRITE locks it, for one backup at a time, and makes it when there is nothing; TARGET_READ needs a backup. */
enum target_mode { TARGET_READ, TARGET_WRITE };

/* Errors  BAD_SETTING there is something else, or with TARGET_READ nothing; DIR_LOCKED another backup to it runs; DISK_FULL;
 *         STORAGE_FAILED; each with a sentence for the terminal */
enum status dir_target_open(const char *path, enum target_mode mode, struct target **out, struct fault *why) MUST_CHECK;
/* store, prefix: borrowed until target_free; prefix without "/" at its end; "": the whole bucket
 * Errors  as above; UPSTREAM_FAILED */
enum status s3_target_open(
	struct object_store *store, struct str prefix, enum target_mode mode, struct target **out, struct fault *why) MUST_CHECK;
/* Remove what is not complete, and unlock. Accepts NULL inside. */
void target_free(struct target **t);

/* Errors  DISK_FULL; STORAGE_FAILED; UPSTREAM_FAILED */
enum status target_put(struct target *t, struct str name, struct str bytes, struct fault *why) MUST_CHECK;
/* Errors  NO_SUCH_KEY; DATA_DAMAGED it has more than max_bytes; STORAGE_FAILED; UPSTREAM_FAILED */
enum status target_get(
	struct target *t, struct str name, uint64_t max_bytes, struct arena *a, struct str *out, struct fault *why) MUST_CHECK;
/* The same of what has this SHA-256.  Errors: DATA_DAMAGED too where it has another, or is not there */
enum status target_get_verified(struct target *t, struct str name, struct str sha256, uint64_t max_bytes, struct arena *a, struct str *out,
	struct fault *why) MUST_CHECK;

#endif
