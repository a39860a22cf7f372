/* The renderers of a server: a fixed number of tintype-render processes, and the jobs that wait for one. Uploads come before
 * thumbnails; one client has at most half of the processes, unless it is on this machine. A process that is killed, or that a
 * picture took down, is replaced; so is one after a picture that is not whole, since that is where decoders have their faults,
 * and, between two jobs, one that has worked for so long that the system would end it in the middle of one of the next. */
#ifndef POOL_POOL_H
#define POOL_POOL_H

#include "port/renderer.h"

struct pool_options {
	const char *program;   /* NULL: tintype-render next to this executable */
	bool heif;             /* HEIC and AVIF too: half of the processes and of the memory are tintype-render-more's */
	const char *more;      /* NULL: tintype-render-more next to this executable */
	unsigned workers;      /* 1..POOL_WORKERS_MAX; 0: one per core */
	uint64_t memory_bytes; /* of all together; at least POOL_MEMORY_MIN */
	bool sandbox;
	unsigned waiting_most; /* jobs that wait; beyond that they are refused */
	uint64_t max_pixels;   /* of a picture */
	int64_t job_ms;        /* processor time that one may take; 0: 10 s, which is the most */
	int64_t late_ms;       /* time in all; 0: 60 s, else at least job_ms */
	int64_t used_ms;       /* processor time of all jobs of one process, before it is replaced; 0: 30 s, which is the most */
};

#define POOL_WORKERS_MAX 64
#define POOL_MEMORY_MIN ((uint64_t)32 << 20)

struct pool;

/* Start one process, to see that it can be; the others when they are needed. From then on this process is not dumpable, so
 * that no other can read its memory.
 * Errors  BAD_SETTING the program is not there, the system refuses its filter, or a number is too small; OUT_OF_MEMORY; STORAGE_FAILED */
enum status pool_start(const struct pool_options *o, struct pool **out, struct fault *why) MUST_CHECK;
/* After all jobs. Accepts NULL inside. */
void pool_free(struct pool **p);
struct renderer *pool_renderer(struct pool *p);
/* How many processes there may be, and the enum render_layer that the last one started with. */
unsigned pool_workers(const struct pool *p);
uint32_t pool_layers(struct pool *p);
/* "filter, no network, no files", of these layers; "none". */
struct str pool_layers_text(uint32_t layers);
/* Errors  OVERLOADED no process could be started lately */
enum status pool_ready(struct pool *p, struct fault *why) MUST_CHECK;

#endif
