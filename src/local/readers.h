/* A pool of read-only connections: acquire one, run a query or two, release it. Opened as they are
 * needed, kept with their statements; the most recently used goes first, so that its cache is warm
 * and idle ones stay small. Any thread; waits only when all are out. */
#ifndef LOCAL_READERS_H
#define LOCAL_READERS_H

#include "base/fault.h"
#include "local/db.h"
#include <pthread.h>

#define READERS_MAX 16

struct readers {
	pthread_mutex_t lock;
	pthread_cond_t given;
	const char *path;                /* borrowed from the engine */
	struct db all[READERS_MAX];
	struct db *idle[READERS_MAX];    /* a stack */
	size_t n_idle, n_open;
};

void readers_init(struct readers *r, const char *path);
/* All must have been given back. */
void readers_deinit(struct readers *r);
/* Errors  STORAGE_FAILED none could be opened */
enum status readers_take(struct readers *r, struct db **out, struct fault *why) MUST_CHECK;
void readers_give(struct readers *r, struct db *d);

#endif
