/* The memory of tintype-render: one mapping that is made at the start, so that no allocation is a system call, with a
 * ceiling that no library can pass. Blocks lie one after another; a block that is freed is used again once all after it are
 * freed too, which is how the codecs free theirs. heap_reset forgets all that a job left. One thread. */
#ifndef RENDER_SANDBOX_HEAP_H
#define RENDER_SANDBOX_HEAP_H

#include "base/attr.h"
#include <stdbool.h>

struct heap {
	char *base;        /* aligned to 16 */
	size_t size_bytes; /* the ceiling */
	size_t top;        /* bytes in use */
	size_t touched;    /* all bytes from here on are zero */
	size_t last;       /* offset of the newest block's head; SIZE_MAX: there is none */
};

/* bytes: zeroed memory, aligned to 16, borrowed for as long as the heap is used. */
void heap_init(struct heap *h, void *bytes, size_t size_bytes);
/* n bytes, aligned to 16; NULL: beyond the ceiling. */
void *heap_alloc(struct heap *h, size_t n);
/* The same, zeroed. */
void *heap_alloc_zeroed(struct heap *h, size_t n);
/* NULL: beyond the ceiling, and p stays valid. p: NULL, or a block of any heap. */
void *heap_resize(struct heap *h, void *p, size_t n);
/* p: NULL, or a block; one of another heap is left alone. */
void heap_release(struct heap *h, void *p);
/* Forget the blocks made since h->top and h->last had these values, and give the pages above `keep_bytes` from there on back to
 * the system (only for a heap that is a private mapping of whole pages). */
void heap_reset(struct heap *h, size_t top, size_t last, size_t keep_bytes);

#endif
