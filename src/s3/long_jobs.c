/* One queue, one lock. A thread runs the first job whose owner has not used up its share. See long_jobs.h. */
#include "s3/long_jobs.h"

#include "base/mem.h"
#include "base/thread.h"

#include <assert.h>

#define THREADS 16
#define PER_OWNER (THREADS / 2)
#define QUEUE_MAX 1024

struct long_jobs {
	pthread_mutex_t lock;
	pthread_cond_t work;
	struct long_job *first;
	size_t queued;
	unsigned started, idle;
	bool ending;
	struct str running[THREADS]; /* the owner of each thread's job; p NULL: none */
	pthread_t threads[THREADS];
};

struct long_jobs *long_jobs_new(void)
{
	struct long_jobs *l = mem_new(1, sizeof *l);

	if (l == NULL)
		return NULL;
	pthread_mutex_init(&l->lock, NULL);
	pthread_cond_init(&l->work, NULL);
	return l;
}

static bool has_share(const struct long_jobs *l, struct str owner)
{
	unsigned n = 0;

	for (unsigned i = 0; i < l->started; i++)
		n += l->running[i].p != NULL && str_equal(l->running[i], owner);
	return n < PER_OWNER;
}

/* Remove the first job that may run from the queue; NULL: there is none. Call with the lock held. */
static struct long_job *take_job(struct long_jobs *l)
{
	for (struct long_job **at = &l->first; *at != NULL; at = &(*at)->next) {
		struct long_job *job = *at;
		if (!has_share(l, job->owner))
			continue;
		*at = job->next;
		l->queued--;
		return job;
	}
	return NULL;
}

static void *run(void *arg)
{
	struct long_jobs *l = arg;

	pthread_mutex_lock(&l->lock);
	unsigned own = 0;
	while (!pthread_equal(l->threads[own], pthread_self()))
		own++;
	for (;;) {
		struct long_job *job = take_job(l);
		if (job == NULL && l->ending)
			break;
		if (job == NULL) {
			l->idle++;
			pthread_cond_wait(&l->work, &l->lock);
			l->idle--;
			continue;
		}
		l->running[own] = job->owner;
		pthread_mutex_unlock(&l->lock);
		job->run(job); /* the job, and its owner's text, may be gone now */
		pthread_mutex_lock(&l->lock);
		l->running[own] = (struct str){ 0 };
	}
	pthread_mutex_unlock(&l->lock);
	return NULL;
}

bool long_jobs_submit(struct long_jobs *l, struct long_job *job)
{
	assert(l != NULL);
	assert(job->owner.p != NULL && job->run != NULL);
	pthread_mutex_lock(&l->lock);
	bool grow = l->idle <= l->queued && l->started < THREADS;
	bool ok = !l->ending && l->queued < QUEUE_MAX;
	if (ok && grow && thread_start(&l->threads[l->started], run, l))
		l->started++;
	ok = ok && l->started > 0;
	if (ok) {
		struct long_job **last = &l->first;
		while (*last != NULL)
			last = &(*last)->next;
		job->next = NULL;
		*last = job;
		l->queued++;
		pthread_cond_signal(&l->work);
	}
	pthread_mutex_unlock(&l->lock);
	return ok;
}

void long_jobs_free(struct long_jobs **at)
{
	assert(at != NULL);
	struct long_jobs *l = *at;

	*at = NULL;
	if (l == NULL)
		return;
	pthread_mutex_lock(&l->lock);
	l->ending = true;
	unsigned started = l->started;
	pthread_cond_broadcast(&l->work);
	pthread_mutex_unlock(&l->lock);
	for (unsigned i = 0; i < started; i++)
		pthread_join(l->threads[i], NULL);
	pthread_cond_destroy(&l->work);
	pthread_mutex_destroy(&l->lock);
	mem_free(l);
}
