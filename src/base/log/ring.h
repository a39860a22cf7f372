/* The last lines of the log in memory: a bounded ring of whole lines, each with a number that counts up from
 * one. The console reads it, so that it works alike where the log has files and where it goes to stderr alone.
 * The oldest lines are overwritten by new ones; a number is never reused. Any thread; a reader copies the
 * ring under the lock and searches afterwards, so that the log's writer never waits for a search. */
#ifndef BASE_LOG_RING_H
#define BASE_LOG_RING_H

#include "base/arena.h"
#include "base/fault.h"
#include "base/log/line.h"

#include <pthread.h>

/* A query of the newest lines, in the order they were written.
 * tail     false: the last `limit` that match, before number `before` (0: of all)
 *          true: the first `limit` after number `after`, for a page that follows the log
 * text     found anywhere in the line, ASCII case aside; "": every line */
struct log_query {
	bool tail;
	uint64_t after, before;
	enum log_level least;
	struct str text;
	size_t limit; /* 1..LOG_FOUND_MAX */
};
#define LOG_FOUND_MAX 500
#define LOG_FOUND_BYTES ((size_t)512 << 10) /* no line is added beyond that */

struct log_found {
	struct log_seen {
		uint64_t n;      /* its number */
		struct str line; /* a JSON object, without the newline */
	} * lines;
	size_t n;
	uint64_t last;   /* the number to continue after, whether or not that line matched */
	uint64_t missed; /* of a tail: lines after `after` that are no longer in memory */
	bool more;       /* there are further ones: newer of a tail, else older */
};

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
