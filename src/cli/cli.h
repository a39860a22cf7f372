/* The command line as a client: upload, list, get, rm, logs. */
#ifndef CLI_CLI_H
#define CLI_CLI_H

#include "config/command.h"

/* Run `tintype VERB ...`; argv[0] is the verb. Gives the exit status: 0 only if all succeeded, 1 when something failed,
 * 2 for wrong use, 130 after Ctrl-C, 143 after SIGTERM. */
int cli_run(int argc, char **argv);
/* Whether cli_run has this verb. */
bool cli_knows(struct str verb);
/* The verbs, for the program's own help; NULL past the last. */
const struct command_row *cli_command(size_t i);

#endif
