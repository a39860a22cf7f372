/* Threads that make thumbnails, and the tasks that they take. Requests for a thumbnail that is being made wait for it together, without
 * a thread. How one is made is left to thumbnails.c. */
#ifndef IMAGE_THUMB_MAKERS_H
#define IMAGE_THUMB_MAKERS_H

#include "http/client_addr.h"
#include "port/image_table.h"
#include "port/renderer.h"

/* One request for a thumbnail that is not there. The caller's storage, until done is called. */
struct thumbnail_wait {
	void (*done)(struct thumbnail_wait *, enum status); /* once, on any thread; must not block */
	struct fault why;                                   /* written before a done that is not OK */
	struct thumbnail_wait *next;
};

/* One thumbnail to make. */
struct thumb_task {
	struct client_addr caller; /* the first one; all zero: none */
	size_t preset;
	enum render_format format;
	char id[UUID_CHARS + 1];
};

/* Runs on a maker; blocks. */
typedef enum status thumb_make(void *arg, const struct thumb_task *task, struct fault *why);

struct thumb_makers;
/* n    at least 1; of more than 16 that many
 * arg  of make; borrowed, outlives the makers
 * Errors  OUT_OF_MEMORY; INTERNAL no thread */
enum status thumb_makers_start(unsigned n, thumb_make *make, void *arg, struct thumb_makers **out, struct fault *why) MUST_CHECK;
/* What waits is answered first, with OVERLOADED. Accepts NULL inside. */
void thumb_makers_stop(struct thumb_makers **m);
/* Add the task, or wait for the one that makes the same. May call done before it returns.
 * Errors (of done)  OVERLOADED; those of make
 * Threads  any; does not wait */
void thumb_makers_add(struct thumb_makers *m, const struct thumb_task *task, struct thumbnail_wait *w);

#endif
