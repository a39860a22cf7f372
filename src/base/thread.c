/* Starting threads and timed waits. See thread.h. */
#include "base/thread.h"

#include <errno.h>
#include <signal.h>
#include <time.h>

bool thread_start(pthread_t *out, void *(*run)(void *), void *arg)
{
	pthread_t thread;
	pthread_attr_t attr;
	sigset_t all, before;
	assert(run != NULL);
	if (pthread_attr_init(&attr) != 0)
		return false;
	pthread_attr_setstacksize(&attr, THREAD_STACK_BYTES);
	pthread_attr_setdetachstate(&attr, out == NULL ? PTHREAD_CREATE_DETACHED : PTHREAD_CREATE_JOINABLE);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	int error = pthread_create(&thread, &attr, run, arg);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_attr_destroy(&attr);
	if (error == 0 && out != NULL)
		*out = thread;
	return error == 0;
}

bool thread_wait_until(pthread_cond_t *c, pthread_mutex_t *held, int64_t until_ms)
{
	assert(until_ms >= 0);
	struct timespec until = { until_ms / 1000, until_ms % 1000 * 1000000 };
	return pthread_cond_clockwait(c, held, CLOCK_MONOTONIC, &until) != ETIMEDOUT;
}
