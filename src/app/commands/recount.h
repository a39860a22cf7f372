/* `tintype recount`: count what owners use, and repair what is recorded. Where a server uses the data directory, that does it, when it
 * finds the file DIR/recount, which it removes when it is done. */
#ifndef APP_COMMANDS_RECOUNT_H
#define APP_COMMANDS_RECOUNT_H

#include <stdbool.h>

int recount_main(int argc, char **argv);
/* The server's part. Any thread; blocks on the disk. */
bool recount_is_requested(const char *dir);
void recount_request_remove(const char *dir);

#endif
