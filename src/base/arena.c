/* The arena: a list of chunks, the newest first. A small request lives in one chunk of 8 KiB;
 * chunks double up to 1 MiB, so that a large one costs few calls of the heap. What does not fit the
 * rest of the newest chunk gets a new one, and the rest is left: at most half is lost.
 *
 * Blocks are zeroed as they are handed out: of a chunk no more than what is used is touched.
 * In a sanitizer build there are no chunks: each block is an allocation of its own, of exactly the
 * bytes asked for. */
#include "base/arena.h"
#include "base/mem.h"

#include <stdalign.h>
#include <stdint.h>
#include <string.h>

#if defined __has_feature
#define FEATURE(name) __has_feature(name)
#else
#define FEATURE(name) 0
#endif

#if defined __SANITIZE_ADDRESS__ || FEATURE(address_sanitizer)
#define BLOCKS_APART true
#else
#define BLOCKS_APART false
#endif

#define CHUNK_FIRST ((size_t)8 << 10)
#define CHUNK_LAST ((size_t)1 << 20)
#define ALIGNMENT alignof(max_align_t)

struct arena_block {
	struct arena_block *older;
	size_t bytes;
	alignas(max_align_t) char content[];
};

void arena_init(struct arena *a, size_t cap_bytes)
{
	*a = (struct arena){ .cap_bytes = cap_bytes };
}

void arena_deinit(struct arena *a)
{
	while (a->head != NULL) {
		struct arena_block *older = a->head->older;
		mem_free(a->head);
		a->head = older;
	}
	*a = (struct arena){ 0 };
}

bool arena_ok(const struct arena *a)
{
	return !a->full;
}

static void *mark_full(struct arena *a)
{
	a->full = true;
	return NULL;
}

static struct arena_block *add_block(struct arena *a, size_t bytes)
{
	struct arena_block *block = mem_resize(NULL, sizeof *block + bytes, 1);
	if (block == NULL) {
		a->starved = true;
		return NULL;
	}
	block->older = a->head;
	block->bytes = bytes;
	a->head = block;
	return block;
}

/* A new chunk of twice the last one's size, and enough for n bytes. */
static bool refill(struct arena *a, size_t n)
{
	size_t bytes = a->head == NULL ? CHUNK_FIRST : a->head->bytes * 2;
	bytes = bytes > CHUNK_LAST ? CHUNK_LAST : bytes;
	struct arena_block *block = add_block(a, bytes < n ? n : bytes);
	if (block == NULL)
		return false;
	a->next = block->content;
	a->left = block->bytes;
	return true;
}

void *arena_alloc(struct arena *a, size_t n)
{
	assert(n == 0 || a != NULL);
	if (a->full || n > SIZE_MAX / 2)
		return mark_full(a);
	assert(a->used_bytes <= a->cap_bytes);
	size_t rounded = n == 0 ? ALIGNMENT : (n + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
	if (rounded > a->cap_bytes - a->used_bytes)
		return mark_full(a);
	if (BLOCKS_APART) {
		struct arena_block *block = add_block(a, n);
		if (block == NULL)
			return mark_full(a);
		a->used_bytes += rounded;
		return memset(block->content, 0, n);
	}
	if (rounded > a->left && !refill(a, rounded))
		return mark_full(a);
	char *p = a->next;
	a->next += rounded;
	a->left -= rounded;
	a->used_bytes += rounded;
	return memset(p, 0, rounded);
}

void *arena_array(struct arena *a, size_t n, size_t size)
{
	assert(n == 0 || a != NULL);
	size_t bytes;
	if (__builtin_mul_overflow(n, size, &bytes))
		return mark_full(a);
	return arena_alloc(a, bytes);
}
