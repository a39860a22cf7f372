/* See heap.h. Before each block is a head of 16 bytes: its size, and where the block before it is. */
#include "render/sandbox/heap.h"

#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

#define ALIGNMENT ((size_t)16)
#define PAGE_BYTES ((size_t)64 << 10) /* the largest page size of the supported systems */
#define NO_BLOCK SIZE_MAX

struct heap_head {
	size_t bytes; /* a multiple of ALIGNMENT; the lowest bit: freed */
	size_t before;
};

_Static_assert(sizeof(struct heap_head) == ALIGNMENT, "blocks are aligned by their heads");

static struct heap_head *head_at(const struct heap *h, size_t at)
{
	return (struct heap_head *)(void *)(h->base + at);
}

static struct heap_head *head_of(void *p)
{
	return (struct heap_head *)p - 1;
}

static bool owns(const struct heap *h, const void *p)
{
	return (const char *)p > h->base && (const char *)p <= h->base + h->size_bytes;
}

static size_t round_up(size_t n, size_t to)
{
	return (n + to - 1) / to * to;
}

void heap_init(struct heap *h, void *bytes, size_t size_bytes)
{
	assert(((uintptr_t)bytes & (ALIGNMENT - 1)) == 0);
	*h = (struct heap){ .base = bytes, .size_bytes = size_bytes, .last = NO_BLOCK };
}

static void note_touched(struct heap *h)
{
	if (h->top > h->touched)
		h->touched = h->top;
}

void *heap_alloc(struct heap *h, size_t n)
{
	if (n > h->size_bytes)
		return NULL;
	size_t bytes = round_up(n == 0 ? 1 : n, ALIGNMENT);
	if (bytes + sizeof(struct heap_head) > h->size_bytes - h->top)
		return NULL;
	struct heap_head *head = head_at(h, h->top);
	*head = (struct heap_head){ bytes, h->last };
	h->last = h->top;
	h->top += sizeof *head + bytes;
	note_touched(h);
	return head + 1;
}

void *heap_alloc_zeroed(struct heap *h, size_t n)
{
	size_t touched = h->touched;
	char *p = heap_alloc(h, n);
	if (p == NULL)
		return NULL;
	size_t at = (size_t)(p - h->base);
	if (at < touched)
		memset(p, 0, touched - at < n ? touched - at : n);
	return p;
}

void heap_release(struct heap *h, void *p)
{
	if (p == NULL || !owns(h, p))
		return;
	assert((head_of(p)->bytes & 1) == 0);
	head_of(p)->bytes |= 1;
	while (h->last != NO_BLOCK && (head_at(h, h->last)->bytes & 1) != 0) {
		h->top = h->last;
		h->last = head_at(h, h->last)->before;
	}
}

void *heap_resize(struct heap *h, void *p, size_t n)
{
	if (p == NULL)
		return heap_alloc(h, n);
	struct heap_head *head = head_of(p);
	size_t bytes = round_up(n == 0 ? 1 : n, ALIGNMENT), at = (size_t)((char *)p - h->base);
	if (n <= head->bytes)
		return p;
	if (owns(h, p) && at - sizeof *head == h->last && n <= h->size_bytes && bytes <= h->size_bytes - at) {
		head->bytes = bytes;
		h->top = at + bytes;
		note_touched(h);
		return p;
	}
	void *larger = heap_alloc(h, n);
	if (larger != NULL) {
		memcpy(larger, p, head->bytes);
		heap_release(h, p);
	}
	return larger;
}

void heap_reset(struct heap *h, size_t top, size_t last, size_t keep_bytes)
{
	assert(top <= h->top && (last == NO_BLOCK || last < top));
	h->top = top;
	h->last = last;
	size_t keep = round_up(top + keep_bytes, PAGE_BYTES);
	if (h->touched > keep && madvise(h->base + keep, round_up(h->touched, PAGE_BYTES) - keep, MADV_DONTNEED) == 0)
		h->touched = keep;
}
