/* One arena per request: memory that is freed all at once, with a fixed cap.
 *
 * Overflow (or a failing malloc) is sticky: from then on arena_alloc gives NULL and arena_ok is
 * false; the handler calls arena_ok once before it responds, and reports LIMIT. Blocks are aligned for any
 * type and zeroed. Under ASan each allocation is a malloc of its own, so that overruns are detected.
 * An arena belongs to one thread at a time. */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include "base/attr.h"
#include <stdbool.h>
#include <stddef.h>

struct arena_block;

struct arena {
	struct arena_block *head;
	char *next; /* free bytes of the newest block */
	size_t left;
	size_t used_bytes; /* handed out so far, each block rounded up to the alignment */
	size_t cap_bytes;
	bool full;
	bool starved; /* full because the heap allocation failed, not because of the cap: the server's fault, not the client's */
};

/* cap_bytes: the most that will ever be handed out; nothing is allocated yet. */
void arena_init(struct arena *a, size_t cap_bytes);
/* Free everything; safe on a zeroed arena, which may then be used again after arena_init. */
void arena_deinit(struct arena *a);
/* n bytes, zeroed, aligned for any type; n = 0 gives a valid pointer. NULL when full. */
void *arena_alloc(struct arena *a, size_t n);
/* n * size bytes with the product checked. */
void *arena_array(struct arena *a, size_t n, size_t size);
bool arena_ok(const struct arena *a);

#define ARENA_NEW(a, type) ((type *)arena_alloc((a), sizeof(type)))

#endif
