/* See parallel.h. */
#include "backup/parallel.h"

#include "base/thread.h"

struct parallel_state {
	const struct parallel *p;
	pthread_mutex_t lock;
	/* under the lock */
	size_t next;
	enum status status;
	struct fault failure;
};

static void note_failure(struct parallel_state *s, enum status status, const struct fault *why)
{
	if (s->status != OK)
		return;
	s->status = status;
	s->failure = *why;
}

/* false: there is no more to do. */
static bool take_next(struct parallel_state *s, size_t *i)
{
	struct fault why = { 0 };
	pthread_mutex_lock(&s->lock);
	if (s->status == OK && s->next < s->p->n && s->p->before != NULL) {
		enum status status = s->p->before(s->p->arg, &why);
		if (status != OK)
			note_failure(s, status, &why);
	}
	bool more = s->status == OK && s->next < s->p->n;
	if (more)
		*i = s->next++;
	pthread_mutex_unlock(&s->lock);
	return more;
}

static void *run_thread(void *arg)
{
	struct parallel_state *s = arg;
	size_t i;
	while (take_next(s, &i)) {
		struct fault why = { 0 };
		enum status status = s->p->one(s->p->arg, i, &why);
		if (status == OK)
			continue;
		pthread_mutex_lock(&s->lock);
		note_failure(s, status, &why);
		pthread_mutex_unlock(&s->lock);
	}
	return NULL;
}

/* Where no thread can be started, those that there are do it. */
enum status parallel_run(const struct parallel *p, struct fault *why)
{
	assert(p != NULL && p->one != NULL);
	struct parallel_state s = { .p = p };
	pthread_t threads[PARALLEL_THREADS - 1];
	size_t started = 0;
	pthread_mutex_init(&s.lock, NULL);
	while (started < COUNT_OF(threads) && started + 1 < p->n && thread_start(&threads[started], run_thread, &s))
		started++;
	(void)run_thread(&s);
	while (started > 0)
		pthread_join(threads[--started], NULL);
	pthread_mutex_destroy(&s.lock);
	if (s.status != OK)
		*why = s.failure;
	return s.status;
}
