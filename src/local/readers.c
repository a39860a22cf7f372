/* The pool of read-only connections. See readers.h. */
#include "local/readers.h"

#include <assert.h>

void readers_init(struct readers *r, const char *path)
{
	*r = (struct readers){ .path = path };
	pthread_mutex_init(&r->lock, NULL);
	pthread_cond_init(&r->given, NULL);
}

void readers_deinit(struct readers *r)
{
	assert(r->n_idle == r->n_open);
	while (r->n_idle > 0)
		db_close(r->idle[--r->n_idle]);
	r->n_open = 0;
	pthread_cond_destroy(&r->given);
	pthread_mutex_destroy(&r->lock);
}

/* A slot whose connection has yet to be opened goes back to the unused ones when that fails. */
static void forget(struct readers *r)
{
	pthread_mutex_lock(&r->lock);
	r->n_open--;
	pthread_cond_signal(&r->given);
	pthread_mutex_unlock(&r->lock);
}

enum status readers_take(struct readers *r, struct db **out, struct fault *why)
{
	struct db fresh;

	pthread_mutex_lock(&r->lock);
	while (r->n_idle == 0 && r->n_open == READERS_MAX)
		pthread_cond_wait(&r->given, &r->lock);
	if (r->n_idle > 0) {
		*out = r->idle[--r->n_idle];
		pthread_mutex_unlock(&r->lock);
		return OK;
	}
	r->n_open++;
	pthread_mutex_unlock(&r->lock);

	enum status status = db_open(&fresh, r->path, DB_READ, why);
	if (status != OK) {
		forget(r);
		return status;
	}
	pthread_mutex_lock(&r->lock);
	struct db *slot = r->all;
	while (slot->sq != NULL)
		slot++;
	*slot = fresh;
	pthread_mutex_unlock(&r->lock);
	*out = slot;
	return OK;
}

void readers_give(struct readers *r, struct db *d)
{
	pthread_mutex_lock(&r->lock);
	r->idle[r->n_idle++] = d;
	pthread_cond_signal(&r->given);
	pthread_mutex_unlock(&r->lock);
}
