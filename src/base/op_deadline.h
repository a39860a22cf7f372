/* The time by which a thread's current work must be done: the code that starts the work sets it (a
 * Lambda invocation has one), and code that waits for a remote service stays within it. It is
 * thread-local, because the ports between the two have no time parameter. */
#ifndef BASE_OP_DEADLINE_H
#define BASE_OP_DEADLINE_H

#include <stdbool.h>
#include <stdint.h>

/* For the calling thread alone. at_ms: of clock_mono_ms; 0: none, as before the first call. */
void op_deadline_set(int64_t at_ms);
/* The earlier of at_ms and the thread's deadline. */
int64_t op_deadline_clamp(int64_t at_ms);
bool op_deadline_passed(void);

#endif
