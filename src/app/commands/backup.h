/* `tintype backup` and `tintype restore`, of the embedded store. See backup/backup.h and doc/backup.md. */
#ifndef APP_COMMANDS_BACKUP_H
#define APP_COMMANDS_BACKUP_H

#include "config/settings_table.h"

/* argv[0] is the verb. Each gives the exit status: 0; 1 failed, or something is missing or damaged; 2 wrong use. */
int backup_main(int argc, char **argv);
int restore_main(int argc, char **argv);

/* For the help: their own flags, the settings that matter, and what there is to say. */
const struct flag_name *backup_flag(size_t i);
const struct flag_name *restore_flag(size_t i);
#define BACKUP_SETTINGS (SETTING_BIT(data_dir) | SETTING_BIT(region))
#define BACKUP_ABOUT \
	"DEST is a directory on this machine, or s3://BUCKET/PREFIX with the endpoint and the credentials of --store s3. What it has already is not " \
	"copied again; a backup that was cut off is continued by the next."
#define RESTORE_ABOUT \
	"SOURCE is what was DEST. The data directory must be new or empty. Everything is verified; if something is damaged it is named, and " \
	"nothing is restored."

#endif
