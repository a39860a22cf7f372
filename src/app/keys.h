/* `tintype keys`: the users of the embedded store. */
#ifndef APP_KEYS_H
#define APP_KEYS_H

#include "base/buf.h"

/* argv[0] is "keys". Gives the exit status, with a sentence on stderr where it is not 0. */
int keys_run(int argc, char **argv);
/* Append what --help says after the usage. */
void keys_help(struct buf *b);

#endif
