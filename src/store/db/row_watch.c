/* See row_watch.h. */
#include "store/db/row_watch.h"

#include <assert.h>
#include <string.h>

void row_watch_init(struct row_watch *w)
{
	*w = (struct row_watch){ 0 };
	pthread_mutex_init(&w->lock, NULL);
}

void row_watch_deinit(struct row_watch *w)
{
	pthread_mutex_destroy(&w->lock);
}

void row_watch_set(struct row_watch *w, void (*changed)(void *arg, struct str key), void *arg)
{
	pthread_mutex_lock(&w->lock);
	w->changed = changed;
	w->arg = arg;
	pthread_mutex_unlock(&w->lock);
}

void row_watch_begin(struct row_watch *w)
{
	w->n = 0;
	w->too_many = false;
}

void row_watch_note(struct row_watch *w, struct str key)
{
	assert(key.n > 0 && w->n <= ROW_WATCH_MAX);
	w->too_many = w->too_many || w->n == ROW_WATCH_MAX || key.n > ROW_WATCH_KEY_BYTES;
	if (w->too_many)
		return;
	memcpy(w->keys[w->n].bytes, key.p, key.n);
	w->keys[w->n++].n = key.n;
}

void row_watch_tell(struct row_watch *w)
{
	if (w->n == 0 && !w->too_many)
		return;
	pthread_mutex_lock(&w->lock);
	if (w->changed != NULL && w->too_many)
		w->changed(w->arg, STR(""));
	else if (w->changed != NULL)
		for (size_t i = 0; i < w->n; i++)
			w->changed(w->arg, (struct str){ w->keys[i].bytes, w->keys[i].n });
	pthread_mutex_unlock(&w->lock);
}
