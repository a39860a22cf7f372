/* The pool of read-only connections. See read_pool.h. */
#include "store/db/read_pool.h"

#include <assert.h>

void read_pool_init(struct read_pool *r, const char *path)
{
	*r = (struct read_pool){ .path = path };
	pthread_mutex_init(&r->lock, NULL);
	pthread_cond_init(&r->given, NULL);
}

void read_pool_deinit(struct read_pool *r)
{
	assert(r->n_idle == r->n_open);
	while (r->n_idle > 0)
		db_close(r->idle[--r->n_idle]);
	r->n_open = 0;
	pthread_cond_destroy(&r->given);
	pthread_mutex_destroy(&r->lock);
}

enum status read_pool_acquire(struct read_pool *r, struct db **out, struct fault *why)
{
	struct db fresh;

	pthread_mutex_lock(&r->lock);
	while (r->n_idle == 0 && r->n_open == READ_POOL_MAX)
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
		/* A slot whose connection has yet to be opened goes back to the unused ones. */
		pthread_mutex_lock(&r->lock);
		r->n_open--;
		pthread_cond_signal(&r->given);
		pthread_mutex_unlock(&r->lock);
		return status;
	}
	pthread_mutex_lock(&r->lock);
	struct db *slot = r->all;
	while (slot->sq != NULL)
		slot++;
	*slot = fresh;
	slot->pool = r;
	pthread_mutex_unlock(&r->lock);
	*out = slot;
	return OK;
}

void read_pool_release(struct db **d)
{
	if (*d == NULL)
		return;
	struct read_pool *r = (*d)->pool;
	for (size_t i = 0; i < QUERIES; i++)
		sqlite3_reset((*d)->statements[i]);
	pthread_mutex_lock(&r->lock);
	r->idle[r->n_idle++] = *d;
	pthread_cond_signal(&r->given);
	pthread_mutex_unlock(&r->lock);
}
