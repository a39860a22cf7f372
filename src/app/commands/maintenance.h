/* The commands that work on the backends without serving. */
#ifndef APP_COMMANDS_MAINTENANCE_H
#define APP_COMMANDS_MAINTENANCE_H

#include "base/fault.h"
#include "config/settings.h"

#include <stdbool.h>

/* argv[0] is the verb. Each gives the exit status, with a sentence on stderr where it is not 0. */

/* `tintype sweep`: one complete sweep, including the listing of all objects; prints what it did. */
int maintain_sweep(int argc, char **argv);
/* `tintype compact`: give the free pages of the database back to the disk. */
int maintain_compact(int argc, char **argv);
/* `tintype table create`: make the DynamoDB table, or the tables in PostgreSQL. */
int maintain_table(int argc, char **argv);

/* Shared by these commands. Make SIGINT and SIGTERM ask the command to stop. */
void maintain_catch_signals(void);
/* Whether one of them was received; the argument is not used. */
bool maintain_stopping(void *arg);
/* With the embedded store: whether there is one in the data directory. Opening the backend would create what is missing.
 * Errors  BAD_SETTING */
enum status maintain_need_database(const struct settings *s, struct fault *why) MUST_CHECK;
/* The exit status of a command that ended with this status. Prints a sentence on stderr if it is not OK, or if stdout could not be written. */
int maintain_end(const char *verb, enum status status, const struct fault *why);

#endif
