/* The heap, for what outlives a request: the only malloc outside an arena or a buf. Zeroed. */
#ifndef BASE_MEM_H
#define BASE_MEM_H

#include "base/str.h"

/* n * size zeroed bytes; NULL when memory fails or the product wraps. */
void *mem_new(size_t n, size_t size);
/* Grow or shrink to n * size bytes; new bytes are not zeroed. On NULL the old block stays. */
void *mem_resize(void *p, size_t n, size_t size);
/* NULL is allowed. */
void mem_free(void *p);
/* A NUL-terminated copy on the heap; NULL when memory fails. */
char *mem_dup_cstr(struct str s);

/* For tests: make the n-th allocation from now fail, once, whatever it is for: mem_new, mem_resize, an
 * arena that needs a chunk, a buffer that grows. n <= 0 disarms. Counts all threads together. Under
 * ASan every arena_alloc is an allocation; else only every new chunk is. */
void mem_fail_nth(int64_t n);

#endif
