/* `tintype reverify [--strip] [--rate N]`: decode the images that were stored before images were decoded, see image/maintenance/reverify.h. */
#ifndef APP_COMMANDS_REVERIFY_H
#define APP_COMMANDS_REVERIFY_H

#include "config/settings_table.h"

/* argv[0] is the verb. With the embedded store a running server does it, and this shows how far it is; else it is done here. Gives the
 * exit status: 0 all images were dealt with, 1 some were not, 2 a setting is wrong; with a sentence on stderr where it is not 0. */
int reverify_main(int argc, char **argv);
/* Its own options, and the settings that matter to it. */
const struct flag_name *reverify_flag(size_t i);
#define REVERIFY_SETTINGS \
	(SETTING_BIT(data_dir) | SETTING_BIT(store) | SETTING_BIT(table) | SETTING_BIT(bucket) | SETTING_BIT(region) | \
		SETTING_BIT(table_name) | SETTING_BIT(list_shards) | SETTING_BIT(max_pixels) | SETTING_BIT(keep_metadata) | \
		SETTING_BIT(render_memory) | SETTING_BIT(render_sandbox) | SETTING_BIT(reserve_bytes))

#endif
