/* The pool of read-only connections. See read_pool.h. */
#include "store/db/read_pool.h"

#include <assert.h>

void read_pool_init(struct read_pool *r, const char *path)
{
	assert(path != NULL);
	*r = (struct read_pool){ .path = path };
	pthread_mutex_init(&r->lock, NULL);
	pthread_cond_init(&r->given, NULL);
	while (r->n_idle < READ_POOL_MAX) {
		r->idle[r->n_idle] = &r->all[r->n_idle];
		r->n_idle++;
	}
}

void read_pool_deinit(struct read_pool *r)
{
	assert(r->n_idle == READ_POOL_MAX);
	while (r->n_idle > 0)
		db_close(r->idle[--r->n_idle]);
	pthread_cond_destroy(&r->given);
	pthread_mutex_destroy(&r->lock);
}

enum status read_pool_acquire(struct read_pool *r, struct db **out, struct fault *why)
{
	pthread_mutex_lock(&r->lock);
	while (r->n_idle == 0)
		pthread_cond_wait(&r->given, &r->lock);
	struct db *d = r->idle[--r->n_idle];
	pthread_mutex_unlock(&r->lock);

	enum status status = d->sq != NULL ? OK : db_open(d, r->path, DB_READ, why);
	d->pool = r;
	if (status == OK)
		*out = d;
	else
		read_pool_release(&d);
	return status;
}

void read_pool_release(struct db **d)
{
	if (*d == NULL)
		return;
	struct read_pool *r = (*d)->pool;
	assert(r != NULL);
	for (size_t i = 0; i < QUERIES; i++)
		sqlite3_reset((*d)->statements[i]);
	pthread_mutex_lock(&r->lock);
	assert(r->n_idle < READ_POOL_MAX);
	r->idle[r->n_idle++] = *d;
	pthread_cond_signal(&r->given);
	pthread_mutex_unlock(&r->lock);
}
