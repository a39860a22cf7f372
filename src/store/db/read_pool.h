/* A pool of read-only connections: acquire one, run a query or two, release it. Each is opened when it is first
 * needed and kept with its statements; the most recently used goes first, so that its cache is warm, few are open
 * and idle ones stay small. Any thread; waits only when all are out. */
#ifndef STORE_DB_READ_POOL_H
#define STORE_DB_READ_POOL_H

#include "base/fault.h"
#include "store/db/db.h"
#include <pthread.h>

#define READ_POOL_MAX 16

struct read_pool {
	pthread_mutex_t lock;
	pthread_cond_t given;
	const char *path; /* borrowed from the engine */
	struct db all[READ_POOL_MAX];
	struct db *idle[READ_POOL_MAX]; /* a stack; those that were never opened lie at its bottom */
	size_t n_idle;
};

void read_pool_init(struct read_pool *r, const char *path);
/* All must have been given back. */
void read_pool_deinit(struct read_pool *r);
/* Errors  STORAGE_FAILED none could be opened */
enum status read_pool_acquire(struct read_pool *r, struct db **out, struct fault *why) MUST_CHECK;
/* Reset what is still being read and give the connection back; for CLEANUP. Nothing when *d is NULL. */
void read_pool_release(struct db **d);

#endif
