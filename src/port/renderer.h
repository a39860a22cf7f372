/* Port: what decodes pictures that nobody trusts. An adapter gives each job to a process that can do nothing else, so that a
 * picture which takes a decoder over, or crashes it, harms nothing but its own answer. Blocks for the time of a decode: workers only.
 * Any thread; the renderer outlives all calls. */
#ifndef PORT_RENDERER_H
#define PORT_RENDERER_H

#include "base/arena.h"
#include "base/fault.h"
#include "http/client_addr.h"
#include "render/protocol.h"

struct renderer_job {
	enum render_kind kind;
	unsigned ops;                       /* of enum render_op */
	int fd;                             /* of the picture, readable at any offset; borrowed. -1: it is `bytes` */
	uint64_t size_bytes;                /* with fd */
	struct str bytes;                   /* without fd; borrowed */
	const struct render_preset *preset; /* with RENDER_THUMB */
	size_t presets;                     /* at most RENDER_PRESETS_MAX */
	struct client_addr caller;          /* who may not take all workers; all zero: no one in particular */
	bool is_upload;                     /* comes before what is not */
	struct str request_id;              /* for the log */
};

struct renderer_result {
	struct render_answer answer;
	struct str thumb[RENDER_PRESETS_MAX]; /* the bytes, in the arena; n = 0: none */
};

struct renderer;

struct renderer_ops {
	enum status (*run)(struct renderer *, const struct renderer_job *, struct arena *, struct renderer_result *out, struct fault *);
};
struct renderer {
	const struct renderer_ops *ops;
	uint64_t memory_most; /* bytes that decoding one picture may take */
};

/* Decode, and make what is asked for. A picture that kills its decoder twice is answered as RENDER_UNREADABLE, one that takes too long
 * as RENDER_TOO_MUCH_TIME.
 * Errors  OVERLOADED too many jobs wait, no process can be started, or none came to an end in time; DEADLINE the thread's time is over
 *         (op_deadline.h); TOO_MUCH the arena is full */
MUST_CHECK static inline enum status renderer_run(
	struct renderer *r, const struct renderer_job *job, struct arena *a, struct renderer_result *out, struct fault *why)
{
	assert(job->ops != 0 && job->presets <= RENDER_PRESETS_MAX && (job->fd >= 0 || job->bytes.n > 0));
	return r->ops->run(r, job, a, out, why);
}

#endif
