/* The worker pool: one queue, one lock. A thread is started when a job comes and none is idle, up to
 * the limit, and then stays; so an idle server has none, and a busy one as many as it has ever
 * needed at once. Beyond the limit jobs wait in a queue with an end: what does not fit is refused
 * at once (503) rather than left to time out. */
#include "http/server/workers.h"
#include "base/mem.h"
#include "base/metrics.h"
#include "base/thread.h"

struct workers {
	pthread_mutex_t lock;
	pthread_cond_t work;
	struct job *first, *last;
	size_t queued, queue_max;
	unsigned idle, started, limit;
	bool ending;
	pthread_t threads[];
};

enum status workers_new(unsigned threads, size_t queue, struct workers **out, struct fault *why)
{
	assert(threads >= 1 && threads <= 1024);
	struct workers *w = mem_new(1, sizeof *w + threads * sizeof w->threads[0]);
	if (w == NULL)
		return fault_no_memory(why);
	pthread_mutex_init(&w->lock, NULL);
	pthread_cond_init(&w->work, NULL);
	w->limit = threads;
	w->queue_max = queue;
	*out = w;
	return OK;
}

/* The next job, or NULL when the pool is stopped. Under the lock. */
static struct job *await_job(struct workers *w)
{
	while (w->first == NULL && !w->ending) {
		w->idle++;
		pthread_cond_wait(&w->work, &w->lock);
		w->idle--;
	}
	struct job *job = w->first;
	if (job == NULL)
		return NULL;
	w->first = job->next;
	w->queued--;
	metric_add(M_WORK_QUEUED, -1);
	return job;
}

static void *work(void *arg)
{
	struct workers *w = arg;
	struct job *job;
	pthread_mutex_lock(&w->lock);
	while ((job = await_job(w)) != NULL) {
		pthread_mutex_unlock(&w->lock);
		metric_add(M_WORKERS_BUSY, 1);
		job->run(job);
		metric_add(M_WORKERS_BUSY, -1);
		pthread_mutex_lock(&w->lock);
	}
	pthread_mutex_unlock(&w->lock);
	return NULL;
}

static bool start_thread(struct workers *w)
{
	bool ok = thread_start(&w->threads[w->started], work, w);
	w->started += ok;
	return ok;
}

bool workers_submit(struct workers *w, struct job *job)
{
	assert(job->run != NULL);
	pthread_mutex_lock(&w->lock);
	/* Idle threads that are woken but have not run yet still count as idle: compare with the queue. */
	bool grow = w->idle <= w->queued && w->started < w->limit;
	bool ok = !w->ending && w->queued < w->queue_max && (!grow || start_thread(w) || w->started > 0);
	if (ok) {
		job->next = NULL;
		*(w->first == NULL ? &w->first : &w->last->next) = job;
		w->last = job;
		w->queued++;
		metric_add(M_WORK_QUEUED, 1);
	}
	pthread_mutex_unlock(&w->lock);
	if (ok)
		pthread_cond_signal(&w->work);
	return ok;
}

void workers_stop(struct workers *w)
{
	if (w == NULL)
		return;
	pthread_mutex_lock(&w->lock);
	w->ending = true;
	unsigned started = w->started;
	pthread_cond_broadcast(&w->work);
	pthread_mutex_unlock(&w->lock);
	for (unsigned i = 0; i < started; i++)
		pthread_join(w->threads[i], NULL);
	/* A reactor may still submit, and be refused. */
	pthread_mutex_lock(&w->lock);
	w->started = 0;
	pthread_mutex_unlock(&w->lock);
}

void workers_free(struct workers **w)
{
	if (w == NULL || *w == NULL)
		return;
	workers_stop(*w);
	pthread_mutex_destroy(&(*w)->lock);
	pthread_cond_destroy(&(*w)->work);
	mem_free(*w);
	*w = NULL;
}
