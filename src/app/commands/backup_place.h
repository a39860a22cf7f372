/* Where `tintype backup` writes to, from the word on the command line: a directory, or s3://BUCKET/PREFIX. */
#ifndef APP_COMMANDS_BACKUP_PLACE_H
#define APP_COMMANDS_BACKUP_PLACE_H

#include "app/aws_adapters.h"
#include "backup/target.h"
#include "config/settings.h"

struct backup_place {
	struct aws_adapters aws;
	struct target *target;
};

/* Errors  BAD_SETTING; those of dir_target_open and s3_target_open. To be closed in any case */
enum status backup_place_open(
	struct backup_place *p, const struct settings *s, const char *word, enum target_mode mode, struct fault *why) MUST_CHECK;
/* Check that a backup is not to be restored into the directory that it is in.  Errors: BAD_SETTING */
enum status backup_place_check_restore(const char *word, const char *data_dir, struct fault *why) MUST_CHECK;
/* Safe on a zeroed one. */
void backup_place_close(struct backup_place *p);
/* Path of a file for the copy of the database: in that directory, or for a bucket in the data directory, where the next backup removes it
 * after one that was killed. false: it is too long */
bool backup_place_scratch(const struct backup_place *p, const char *word, const char *dir, char *out, size_t size);

#endif
