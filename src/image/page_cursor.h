/* The cursor of a walk over pages. Each page is read into its own arena; the next cursor is copied here, since it outlives that arena. One
 * thread at a time. */
#ifndef IMAGE_PAGE_CURSOR_H
#define IMAGE_PAGE_CURSOR_H

#include "base/arena.h"
#include "base/fault.h"
#include "base/str.h"

#define PAGE_CURSOR_BYTES ((size_t)64 << 10)

struct page_cursor {
	struct str text; /* "" before the first page, and after the last */
	struct arena memory;
};
#define PAGE_CURSOR_START \
	{ \
		.text = STR("") \
	}

static inline void page_cursor_deinit(struct page_cursor *c)
{
	arena_deinit(&c->memory);
}

/* Move to the next page.
 * next    the next cursor of the page that was read; copied
 * Errors  OUT_OF_MEMORY; TOO_MUCH */
MUST_CHECK static inline enum status page_cursor_set(struct page_cursor *c, struct str next, struct fault *why)
{
	arena_deinit(&c->memory);
	arena_init(&c->memory, PAGE_CURSOR_BYTES);
	c->text = str_dup(&c->memory, next);
	return fault_check_arena(&c->memory, why);
}

#endif
