/* `tintype fsck [--repair] [--jobs N] [--json]`: check everything that is stored, see image/maintenance/fsck.h. */
#ifndef APP_COMMANDS_FSCK_H
#define APP_COMMANDS_FSCK_H

#include "config/settings_table.h"

/* argv[0] is the verb. Reads beside a running server; with --repair that server repairs, or this program where none runs. Gives the exit
 * status: 0 nothing was found, 1 something was, 2 not everything could be examined, with a sentence on stderr. */
int fsck_main(int argc, char **argv);
/* Its own options, what its help says, and the settings that matter to it. */
const struct flag_name *fsck_flag(size_t i);
#define FSCK_ABOUT \
	"Each finding is a line, and the last line counts. What a repair does about each kind is in doc/backup.md.\n" \
	"Exit status: 0 nothing was found, 1 something was, also if it was repaired, 2 it could not be done."
#define FSCK_SETTINGS \
	(SETTING_BIT(data_dir) | SETTING_BIT(store) | SETTING_BIT(table) | SETTING_BIT(bucket) | SETTING_BIT(region) | \
		SETTING_BIT(table_name) | SETTING_BIT(list_shards) | SETTING_BIT(max_size) | SETTING_BIT(orphan_ttl_s) | SETTING_BIT(cdn_url) | \
		SETTING_BIT(verify) | SETTING_BIT(thumbnails) | SETTING_BIT(render_memory) | SETTING_BIT(render_sandbox) | \
		SETTING_BIT(reserve_bytes))

#endif
