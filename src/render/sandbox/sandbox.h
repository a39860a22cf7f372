/* What tintype-render gives up before it sees a picture: a decoder that a picture has taken over finds no file, no network,
 * no other process and no system call but the few that a job takes. Linux. One thread, once. */
#ifndef RENDER_SANDBOX_SANDBOX_H
#define RENDER_SANDBOX_SANDBOX_H

#include "render/protocol.h"

/* Limits of resources, and neither core dumps nor tracing. Descriptors other than `socket` and `window` are closed (stderr too
 * unless it is kept). false: a limit cannot be set. */
bool sandbox_limit(bool keep_stderr) MUST_CHECK;
/* Namespaces of its own and an empty root, where the system lets an unprivileged process have them. Gives the layers. */
uint32_t sandbox_isolate(void);
/* From now on a system call that is not in the list ends the process (SIGSYS): recvmsg and sendto on the socket, pread64,
 * close, madvise, exit and exit_group; in tintype-render-more also those for memory that is not executable, and for threads.
 * false: the kernel refuses the filter. */
bool sandbox_filter(void) MUST_CHECK;

#endif
