/* Threads for long operations: copies, completions, deletions of many objects. They are separate from the workers, so that
 * these continue with lists, uploads and readiness; and one user may occupy at most half of them, so that
 * long jobs of others continue too. Jobs beyond the queue's limit are refused. */
#ifndef S3_LONG_JOBS_H
#define S3_LONG_JOBS_H

#include "base/attr.h"
#include "base/str.h"
#include <stdbool.h>

/* Part of what it works on, so that queueing allocates nothing. */
struct long_job {
	struct long_job *next;
	void (*run)(struct long_job *);
	struct str owner; /* whose share it uses; borrowed until run returns */
};

struct long_jobs;

/* No thread is started yet. NULL: no memory. */
struct long_jobs *long_jobs_new(void);
/* Queue a job. false: too many wait, or no thread could be started; it will not run.  Threads: any; does not block */
bool long_jobs_submit(struct long_jobs *l, struct long_job *job) MUST_CHECK;
/* Wait for the jobs that run, end the threads, release; nothing may be queued any more. Accepts NULL inside. */
void long_jobs_free(struct long_jobs **l);

#endif
