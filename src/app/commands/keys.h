/* `tintype keys`: the users of the embedded store. */
#ifndef APP_COMMANDS_KEYS_H
#define APP_COMMANDS_KEYS_H

#include "config/flags.h"

/* argv[0] is "keys". Gives the exit status, with a sentence on stderr where it is not 0. */
int keys_run(int argc, char **argv);
/* Its options. */
const struct flag_name *keys_flag(size_t i);
/* What --help says besides them. */
#define KEYS_ABOUT \
	"Users of the object store: each owns the buckets it creates and has access to no others. A running server applies changes at once; " \
	"keys are stored in DIR/credentials.\n" \
	"--bucket, --prefix and --allow together are one permission; give them again for another:\n\n" \
	"  tintype keys add backup --user alice --bucket photos --allow list,read --bucket logs --allow all"

#endif
