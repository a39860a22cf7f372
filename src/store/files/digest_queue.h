/* The MD5 of bodies that are files. A body joins the queue before it waits for its sync, and the first that needs its digest afterwards
 * computes those of the others too, side by side (base/md5_lanes.h). */
#ifndef STORE_FILES_DIGEST_QUEUE_H
#define STORE_FILES_DIGEST_QUEUE_H

#include "base/md5_lanes.h"

#include <pthread.h>

struct queued_digest {
	struct md5_input input;
	int fd; /* read from its start; its offset does not matter and stays */
	uint64_t at;
	int error; /* why it could not be read */
	bool is_queued, is_done;
	struct queued_digest *next;
};

struct digest_queue {
	pthread_mutex_t lock;
	pthread_cond_t done;
	struct queued_digest *first, **last;
};

void digest_queue_init(struct digest_queue *q);
void digest_queue_deinit(struct digest_queue *q);

/* d: the caller's until digest_queue_wait; of `fd` nothing is written meanwhile */
void digest_queue_add(struct digest_queue *q, struct queued_digest *d, int fd);
/* Follows each digest_queue_add.  0, or the errno of why there is no digest
 * Threads  any; computes, or blocks while another thread does */
int digest_queue_wait(struct digest_queue *q, struct queued_digest *d, unsigned char md5[MD5_BYTES]) MUST_CHECK;

#endif
