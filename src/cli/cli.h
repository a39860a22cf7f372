/* The command line as a client: upload, list, get, rm, logs. */
#ifndef CLI_CLI_H
#define CLI_CLI_H

#include "base/buf.h"

/* Run `tintype VERB ...`; argv[0] is the verb. Gives the exit status: 0 only if all succeeded, 1 when something failed,
 * 2 for wrong use, 130 after Ctrl-C. */
int cli_run(int argc, char **argv);
/* Whether cli_run has this verb. */
bool cli_knows(struct str verb);
/* Append a line for each verb, for the program's own help; for its manual page, a paragraph for each, and for each of their options. */
void cli_help(struct buf *b);
void cli_manual(struct buf *b);

#endif
