/* The same work on many things, some of them at a time. */
#ifndef BACKUP_PARALLEL_H
#define BACKUP_PARALLEL_H

#include "base/fault.h"

#include <stddef.h>

#define PARALLEL_THREADS 4

struct parallel {
	size_t n;
	/* Called before each; by one thread at a time. May be NULL. */
	enum status (*before)(void *arg, struct fault *why);
	enum status (*one)(void *arg, size_t i, struct fault *why);
	void *arg;
};

/* Do `one` for 0..n-1 on this thread and some others, and wait for all. After a failure no further one is begun; the first is
 * reported. */
enum status parallel_run(const struct parallel *p, struct fault *why) MUST_CHECK;

#endif
