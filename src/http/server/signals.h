/* SIGTERM and SIGINT: the first asks the server to finish, the second ends the process at once. */
#ifndef HTTP_SERVER_SIGNALS_H
#define HTTP_SERVER_SIGNALS_H

#include "base/fault.h"

/* Catch both, and ignore SIGPIPE. Only one at a time.
 * fd       an eventfd that is written when the first comes
 * Errors   INTERNAL */
enum status signals_catch(int fd, struct fault *why) MUST_CHECK;
/* Put back what was before. */
void signals_release(void);

#endif
