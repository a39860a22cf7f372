/* Threads: started with every signal blocked, because signals are for the thread that waits for
 * them and must not interrupt a write; and waiting by the monotonic clock, which is not affected by steps of the wall clock. */
#ifndef BASE_THREAD_H
#define BASE_THREAD_H

#include "base/attr.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

/* Enough for the JSON parser's deepest recursion; address space that is not touched costs nothing. */
#define THREAD_STACK_BYTES ((size_t)1 << 20)

/* Start run(arg). out NULL: detached. false: the system has no thread left. */
bool thread_start(pthread_t *out, void *(*run)(void *), void *arg) MUST_CHECK;
/* Wait for a signal on `c`, at most until clock_mono_ms() is `until_ms`. The mutex is held. false: timed out. */
bool thread_wait_until(pthread_cond_t *c, pthread_mutex_t *held, int64_t until_ms);

/* A thread that runs at certain times until it is stopped. */
struct timed_thread {
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	bool stopping;
};

/* Start run(arg). false: the system cannot start a thread; then timed_thread_end must not be called. */
bool timed_thread_start(struct timed_thread *t, void *(*run)(void *), void *arg) MUST_CHECK;
/* On that thread: sleep until clock_mono_ms() is `until_ms`. false: timed_thread_end was called; returns at once. */
bool timed_thread_sleep(struct timed_thread *t, int64_t until_ms) MUST_CHECK;
/* On any thread: whether timed_thread_end was called. */
bool timed_thread_stopping(struct timed_thread *t);
/* On another thread: stop it, and wait until it has ended. */
void timed_thread_end(struct timed_thread *t);

#endif
