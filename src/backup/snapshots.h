/* What a destination has: its snapshots, and what they name. One thread at a time. */
#ifndef BACKUP_SNAPSHOTS_H
#define BACKUP_SNAPSHOTS_H

#include "backup/format.h"
#include "backup/target.h"

/* Append the names of all, "snapshots/TIME", and sort them: the last is the latest. */
enum status snapshots_list(struct target *t, struct names *out, struct fault *why) MUST_CHECK;
/* Its time, as in clock_amz_date. */
struct str snapshots_time(const struct name_entry *e);
/* Read a manifest.  name: as above; out: lives in `a`
 * Errors  NO_SUCH_KEY; DATA_DAMAGED; SCHEMA_UNKNOWN; those of the target */
enum status snapshots_read(struct target *t, struct str name, struct arena *a, struct manifest *out, struct fault *why) MUST_CHECK;
/* Read a list and verify it.  out: its lines, each with its line feed; lives in `a`
 * Errors  DATA_DAMAGED it is missing or is not what it was; those of the target */
enum status snapshots_read_list(struct target *t, struct str sha256, struct arena *a, struct str *out, struct fault *why) MUST_CHECK;

#endif
