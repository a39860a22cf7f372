/* The MD5 of bodies that are files. A body is added to the queue before its file is synced. The first thread that needs a digest after its
 * sync also computes those of other queued bodies, in parallel (base/md5_lanes.h). */
#ifndef STORE_FILES_DIGEST_QUEUE_H
#define STORE_FILES_DIGEST_QUEUE_H

#include "base/md5_lanes.h"

#include <pthread.h>

struct queued_digest {
	struct md5_input input;
	int fd; /* read from the start of the file; the offset is neither used nor changed */
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

/* Add a body.
 * d   the caller's storage; must stay valid until digest_queue_wait has returned
 * fd  must not be written to until then */
void digest_queue_add(struct digest_queue *q, struct queued_digest *d, int fd);
/* Wait for the digest; must be called once after each digest_queue_add. Returns 0, or an errno if there is no digest.
 * Threads  any; computes the digest, or blocks while another thread does */
int digest_queue_wait(struct digest_queue *q, struct queued_digest *d, unsigned char md5[MD5_BYTES]) MUST_CHECK;

#endif
