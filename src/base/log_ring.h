/* The last lines of the log in memory: a bounded ring of whole lines, each with a number that counts up from
 * one. The console reads it, so that it works alike where the log has files and where it goes to stderr alone.
 * The oldest lines are overwritten by new ones; a number is never reused. Any thread; a reader copies the
 * ring under the lock and searches afterwards, so that the log's writer never waits for a search. */
#ifndef BASE_LOG_RING_H
#define BASE_LOG_RING_H

#include "base/arena.h"
#include "base/fault.h"
#include "base/log.h"

#include <pthread.h>

struct log_ring {
	pthread_mutex_t lock;
	char *memory;
	size_t size_bytes;
	size_t start, used;   /* where the oldest line begins, and how many bytes are lines */
	uint64_t first, next; /* numbers of the oldest line and of the coming one */
};

/* size_bytes of 0, or memory that fails, make a ring that keeps nothing. */
void log_ring_init(struct log_ring *r, size_t size_bytes);
void log_ring_deinit(struct log_ring *r);
/* Add whole lines; one that is longer than the ring is counted and not kept. */
void log_ring_append(struct log_ring *r, struct str lines);
/* See log_recent. */
enum status log_ring_find(
	struct log_ring *r, const struct log_query *q, struct arena *a, struct log_found *out, struct fault *why) MUST_CHECK;

#endif
