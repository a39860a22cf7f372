/* A handler of toys, for tests of the listeners.
 *
 *   /fast      answered in on_head, by a reactor           /run       answered by a worker
 *   /echo      counts the body, answered by a worker       /refuse    403 in on_head, whatever the body
 *   /limit     413 from on_body, beyond 1000 bytes         /file?n=N  N bytes from a file
 *   /big?n=N   N bytes from memory                         /hold      a worker waits until /release was asked
 *   /head      HEAD with a length and no body              /balance   how often each call of the handler was made
 *   /nothing   204                                         /start     answered in run_async
 *   /later     started; another thread wakes it            /pending   started; toy_finish_pending wakes it, or /release
 *   /client    the address of the client                   /checked   as /echo, after a check on a worker
 *   /denied    403 by the check */
#ifndef FAKE_TOY_HANDLER_H
#define FAKE_TOY_HANDLER_H

#include "http/handler.h"

extern const struct handler_ops toy_handler_ops;

/* How often each was called: promised counts HANDLER_RUN, HANDLER_READ_BODY and HANDLER_RUN_ASYNC, by check too, finished run and run_async,
 * cancelled on_abort, and cut those of them with body_cut. */
struct toy_balance {
	int begun, promised, finished, cancelled, refused, cut;
};
void toy_balance(struct toy_balance *out);
/* Wait until n requests of /pending are started and not woken. */
void toy_await_pending(size_t n);
/* Answer and wake them all, on this thread. */
void toy_finish_pending(void);
/* Whether /release was asked. */
bool toy_is_released(void);

#endif
