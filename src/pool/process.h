/* One tintype-render as a child: started, given a job, and ended. What it sends is not trusted: see render/protocol.h.
 * A process belongs to one thread at a time. */
#ifndef POOL_PROCESS_H
#define POOL_PROCESS_H

#include "port/renderer.h"

#include <sys/types.h>

#define PROCESS_WINDOW_BYTES ((size_t)4 << 20) /* all thumbnails of a job */

struct process {
	pid_t pid; /* 0: none runs */
	int pidfd; /* -1: the system has none */
	int socket;
	int picture, picture_read_only; /* a memfd for pictures that come as bytes, twice */
	unsigned char *window;          /* read-only */
	struct render_ready ready;
	unsigned jobs;
};

struct process_options {
	const char *program;
	uint64_t memory_bytes; /* its heap */
	bool sandbox;          /* false: without the system-call filter, for systems that refuse it */
	int64_t ready_ms;      /* how long it may take to say READY */
	int64_t job_ms;        /* processor time for one job; a process that is stopped has the same time in all */
	int64_t late_ms;       /* time for one job in all, on a machine that has much to do; at least job_ms */
};

enum process_outcome {
	PROCESS_ANSWERED,
	PROCESS_GONE,    /* the job did not reach it: it was dead before */
	PROCESS_DIED,    /* during the job */
	PROCESS_SLOW,    /* it used the time that a job may take */
	PROCESS_LATE,    /* it did not answer in time, for other reasons: it is stopped, or gets hardly any processor time */
	PROCESS_INVALID, /* what it sent is not an answer */
	PROCESS_OUTCOMES
};

/* Start it and wait for READY.
 * Errors  BAD_SETTING it ended because the system refuses the filter; STORAGE_FAILED all other reasons, with a cause; nothing is
 *         left running */
enum status process_start(struct process *p, const struct process_options *o, struct fault *why) MUST_CHECK;
/* Give it one job and wait for its answer. After anything but ANSWERED end it.
 * job  as renderer_run's; packet  the same for the process: number and size_bytes are set here */
enum process_outcome process_run(struct process *p, const struct process_options *o, const struct renderer_job *job,
	struct render_job *packet, struct render_answer *out);
/* Processor time since its start. */
int64_t process_used_ms(const struct process *p);
/* Kill it if it still runs, and wait for it: the status of waitpid. Safe on one that does not run: 0. */
int process_end(struct process *p);

#endif
