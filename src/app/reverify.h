/* `tintype reverify [--strip] [--rate N]`: decode the images that were stored before images were decoded, see image/reverify.h. */
#ifndef APP_REVERIFY_H
#define APP_REVERIFY_H

#include "base/buf.h"
#include "config/settings_table.h"

/* argv[0] is the verb. With the embedded store a running server does it, and this shows how far it is; else it is done here. Gives the
 * exit status: 0 all images were dealt with, 1 some were not, 2 a setting is wrong; with a sentence on stderr where it is not 0. */
int reverify_main(int argc, char **argv);
/* What it takes besides settings, and which of these matter. */
void reverify_help(struct buf *b);

#endif
