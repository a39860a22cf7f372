/* See memory.h. What the C library allocates before the heap is mapped comes from a small one that is part of the program.
 * Compiled with -fno-builtin: else the compiler takes what is here for what it replaces. */
#include "render/sandbox/memory.h"
#include "render/sandbox/heap.h"

#include <errno.h>
#include <stdalign.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>

#define EARLY_BYTES ((size_t)64 << 10)
#define WARM_BYTES ((size_t)8 << 20) /* kept between jobs: a fresh page costs 3 us, returning it and back more */

static alignas(16) char early[EARLY_BYTES];
static struct heap heap = { .base = early, .size_bytes = EARLY_BYTES, .last = SIZE_MAX };
static size_t kept_top, kept_last;
static bool ran_out;

bool memory_map(size_t ceiling_bytes)
{
	void *bytes = mmap(NULL, ceiling_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (bytes == MAP_FAILED)
		return false;
	heap_init(&heap, bytes, ceiling_bytes);
	memory_mark();
	return true;
}

void memory_mark(void)
{
	kept_top = heap.top;
	kept_last = heap.last;
}

bool memory_ran_out(void)
{
	return ran_out;
}

void memory_reset(void)
{
	ran_out = false;
	heap_reset(&heap, kept_top, kept_last, WARM_BYTES);
}

/* All that glibc asks of a replacement, see "Replacing malloc" in its manual; these are their prototypes. */

static void *or_no_memory(void *p)
{
	if (p == NULL) {
		errno = ENOMEM;
		ran_out = true;
	}
	return p;
}

void *malloc(size_t n)
{
	return or_no_memory(heap_alloc(&heap, n));
}

void *calloc(size_t n, size_t size)
{
	size_t bytes;
	return or_no_memory(__builtin_mul_overflow(n, size, &bytes) ? NULL : heap_alloc_zeroed(&heap, bytes));
}

void *realloc(void *p, size_t n)
{
	return or_no_memory(heap_resize(&heap, p, n));
}

void free(void *p)
{
	heap_release(&heap, p);
}

void *aligned_alloc(size_t alignment, size_t n)
{
	return or_no_memory(alignment <= 16 ? heap_alloc(&heap, n) : NULL);
}

void *memalign(size_t alignment, size_t n);
void *memalign(size_t alignment, size_t n)
{
	return aligned_alloc(alignment, n);
}

int posix_memalign(void **out, size_t alignment, size_t n)
{
	void *p = aligned_alloc(alignment, n);
	if (p == NULL)
		return ENOMEM;
	*out = p;
	return 0;
}

void *valloc(size_t n)
{
	return or_no_memory(NULL);
}

void *pvalloc(size_t n);
void *pvalloc(size_t n)
{
	return or_no_memory(NULL);
}

size_t malloc_usable_size(void *p);
size_t malloc_usable_size(void *p)
{
	return 0;
}
