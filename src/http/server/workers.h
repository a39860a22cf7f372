/* The pool of threads for blocking work: syncs, commits. */
#ifndef HTTP_SERVER_WORKERS_H
#define HTTP_SERVER_WORKERS_H

#include "base/fault.h"
#include "base/str.h"

/* A piece of work; part of what it works on, so that queueing it allocates nothing. */
struct job {
	struct job *next;
	void (*run)(struct job *);
};

struct workers;

/* No thread is started yet.
 * threads   the most there will be, 1..1024
 * queue     the most jobs that wait
 * Errors    OUT_OF_MEMORY */
enum status workers_new(unsigned threads, size_t queue, struct workers **out, struct fault *why) MUST_CHECK;
/* Queue a job.  false: the queue is full, the pool is stopped, or no thread could be started; the job will not run.
 * Any thread; does not block. */
bool workers_submit(struct workers *w, struct job *job) MUST_CHECK;
/* Refuse new jobs, run the queued ones, end the threads. */
void workers_stop(struct workers *w);
/* workers_stop, and release. No job may be submitted any more. */
void workers_free(struct workers **w);

#endif
