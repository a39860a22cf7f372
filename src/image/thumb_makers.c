/* See thumb_makers.h. A maker takes the oldest task, has its thumbnail made, and answers all requests that wait for it by then. */
#include "image/thumb_makers.h"

#include "base/mem.h"
#include "base/thread.h"

#define MAKERS_MAX 16
#define TASKS_MAX 256 /* running, or waiting for a maker; a request for one more is refused */

struct queued_task {
	struct queued_task *next;
	bool is_taken; /* by a maker */
	struct thumbnail_wait *waits;
	struct thumb_task task;
};

struct thumb_makers {
	thumb_make *make;
	void *arg;
	pthread_t makers[MAKERS_MAX];
	unsigned n;
	pthread_mutex_t lock;
	pthread_cond_t work;
	/* under the lock */
	struct queued_task *tasks; /* oldest first */
	size_t n_tasks;
	bool stopping;
};

static void answer_waits(struct thumbnail_wait *first, enum status st, const struct fault *why)
{
	for (struct thumbnail_wait *w = first, *next; w != NULL; w = next) {
		next = w->next;
		if (st != OK)
			w->why = *why;
		w->done(w, st);
	}
}

/* The oldest task that no maker has taken, or NULL. */
static struct queued_task *take_task(struct thumb_makers *m)
{
	struct queued_task *task = m->tasks;
	while (task != NULL && task->is_taken)
		task = task->next;
	if (task != NULL)
		task->is_taken = true;
	return task;
}

static void end_task(struct thumb_makers *m, struct queued_task *task)
{
	struct queued_task **at = &m->tasks;
	while (*at != task)
		at = &(*at)->next;
	*at = task->next;
	m->n_tasks--;
}

static void *run_maker(void *arg)
{
	struct thumb_makers *m = arg;
	pthread_mutex_lock(&m->lock);
	while (!m->stopping) {
		struct queued_task *task = take_task(m);
		if (task == NULL) {
			pthread_cond_wait(&m->work, &m->lock);
			continue;
		}
		pthread_mutex_unlock(&m->lock);
		struct fault why = { 0 };
		enum status st = m->make(m->arg, &task->task, &why);
		pthread_mutex_lock(&m->lock);
		end_task(m, task);
		pthread_mutex_unlock(&m->lock);
		answer_waits(task->waits, st, &why);
		mem_free(task);
		pthread_mutex_lock(&m->lock);
	}
	pthread_mutex_unlock(&m->lock);
	return NULL;
}

static struct queued_task *find_task(const struct thumb_makers *m, const struct thumb_task *wanted)
{
	struct queued_task *at = m->tasks;
	while (at != NULL &&
		(at->task.preset != wanted->preset || at->task.format != wanted->format || !str_equal(str_of(at->task.id), str_of(wanted->id))))
		at = at->next;
	return at;
}

/* NULL: too many, or no memory. */
static struct queued_task *add_task(struct thumb_makers *m, const struct thumb_task *wanted)
{
	struct queued_task **at = &m->tasks, *task = m->stopping || m->n_tasks >= TASKS_MAX ? NULL : mem_new(1, sizeof *task);
	if (task == NULL)
		return NULL;
	task->task = *wanted;
	while (*at != NULL)
		at = &(*at)->next;
	*at = task;
	m->n_tasks++;
	pthread_cond_signal(&m->work);
	return task;
}

void thumb_makers_add(struct thumb_makers *m, const struct thumb_task *wanted, struct thumbnail_wait *w)
{
	assert(m != NULL && wanted != NULL && w != NULL && w->done != NULL);
	pthread_mutex_lock(&m->lock);
	struct queued_task *task = find_task(m, wanted);
	if (task == NULL)
		task = add_task(m, wanted);
	if (task != NULL) {
		w->next = task->waits;
		task->waits = w;
	}
	pthread_mutex_unlock(&m->lock);
	if (task == NULL)
		w->done(w, fault_set(&w->why, OVERLOADED, "Too many thumbnails are being made. Try again in a moment."));
}

enum status thumb_makers_start(unsigned n, thumb_make *make, void *arg, struct thumb_makers **out, struct fault *why)
{
	assert(n > 0 && make != NULL && out != NULL);
	struct thumb_makers *m = mem_new(1, sizeof *m);
	if (m == NULL)
		return fault_no_memory(why);
	m->make = make;
	m->arg = arg;
	pthread_mutex_init(&m->lock, NULL);
	pthread_cond_init(&m->work, NULL);
	for (; m->n < n && m->n < MAKERS_MAX; m->n++)
		if (!thread_start(&m->makers[m->n], run_maker, m)) {
			thumb_makers_stop(&m);
			return fault_set(why, INTERNAL, "The threads that make thumbnails could not be started.");
		}
	*out = m;
	return OK;
}

void thumb_makers_stop(struct thumb_makers **at)
{
	assert(at != NULL);
	struct thumb_makers *m = *at;
	if (m == NULL)
		return;
	struct fault why = { 0 };
	pthread_mutex_lock(&m->lock);
	m->stopping = true;
	pthread_cond_broadcast(&m->work);
	pthread_mutex_unlock(&m->lock);
	for (unsigned i = 0; i < m->n; i++)
		pthread_join(m->makers[i], NULL);
	for (struct queued_task *task = m->tasks, *next; task != NULL; task = next) {
		next = task->next;
		answer_waits(task->waits, fault_set(&why, OVERLOADED, "The server is stopping."), &why);
		mem_free(task);
	}
	pthread_cond_destroy(&m->work);
	pthread_mutex_destroy(&m->lock);
	mem_free(m);
	*at = NULL;
}
