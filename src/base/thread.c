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

static void destroy(struct timed_thread *t)
{
	pthread_cond_destroy(&t->wake);
	pthread_mutex_destroy(&t->lock);
}

bool timed_thread_start(struct timed_thread *t, void *(*run)(void *), void *arg)
{
	assert(t != NULL);
	t->stopping = false;
	pthread_mutex_init(&t->lock, NULL);
	pthread_cond_init(&t->wake, NULL);
	if (thread_start(&t->thread, run, arg))
		return true;
	destroy(t);
	return false;
}

bool timed_thread_sleep(struct timed_thread *t, int64_t until_ms)
{
	pthread_mutex_lock(&t->lock);
	while (!t->stopping && thread_wait_until(&t->wake, &t->lock, until_ms))
		continue;
	bool goes_on = !t->stopping;
	pthread_mutex_unlock(&t->lock);
	return goes_on;
}

bool timed_thread_stopping(struct timed_thread *t)
{
	pthread_mutex_lock(&t->lock);
	bool stopping = t->stopping;
	pthread_mutex_unlock(&t->lock);
	return stopping;
}

void timed_thread_end(struct timed_thread *t)
{
	pthread_mutex_lock(&t->lock);
	t->stopping = true;
	pthread_cond_signal(&t->wake);
	pthread_mutex_unlock(&t->lock);
	pthread_join(t->thread, NULL);
	destroy(t);
}
