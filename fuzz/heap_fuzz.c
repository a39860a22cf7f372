/* Any bytes as calls of the renderer's heap: four bytes a call, its kind, one of 16 blocks, and a size. What must hold: blocks lie inside
 * the heap, aligned and apart from each other, keep what is in them, are zero where that is asked for, and all of it is there again
 * when it was forgotten. */
#include "render/sandbox/heap.h"

#include <assert.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

#define SIZE ((size_t)1 << 17)
#define KEEP_BYTES ((size_t)1 << 16)
#define CALLS_MAX 100
#define BLOCKS 16

struct block {
	unsigned char *p; /* NULL: none */
	size_t n;
	unsigned char fill;
};

static struct heap heap;
static unsigned char *mapped;
static struct block blocks[BLOCKS];

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool is_filled(const struct block *b, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (b->p[i] != b->fill)
			return false;
	return true;
}

static void check_blocks(void)
{
	for (size_t i = 0; i < BLOCKS; i++) {
		const struct block *b = &blocks[i];
		assert(b->p == NULL || ((uintptr_t)b->p % 16 == 0 && b->p > mapped && b->p + b->n <= mapped + SIZE));
		assert(b->p == NULL || is_filled(b, b->n));
	}
}

/* The block is written to, so that one that overlaps it is noticed. */
static void set_block(struct block *b, void *p, size_t n, unsigned char fill)
{
	*b = (struct block){ p, p == NULL ? 0 : n, fill };
	if (b->n > 0)
		memset(p, fill, n);
}

static void call_heap(const uint8_t *call, unsigned char fill)
{
	struct block *b = &blocks[call[1] % BLOCKS];
	size_t n = ((size_t)call[2] << 8 | call[3]) * (call[0] & 0x80 ? 8 : 1);
	void *p;
	switch (call[0] % 5) {
	case 0:
	case 1:
		heap_release(&heap, b->p);
		p = call[0] % 5 == 0 ? heap_alloc(&heap, n) : heap_alloc_zeroed(&heap, n);
		*b = (struct block){ p, n, 0 };
		assert(p == NULL || call[0] % 5 == 0 || is_filled(b, n));
		set_block(b, p, n, fill);
		break;
	case 2:
		p = heap_resize(&heap, b->p, n);
		if (p == NULL)
			break; /* the block stays */
		b->p = p;
		assert(is_filled(b, b->n < n ? b->n : n));
		set_block(b, p, n, fill);
		break;
	case 3:
		heap_release(&heap, b->p);
		*b = (struct block){ 0 };
		break;
	default:
		memset(blocks, 0, sizeof blocks);
		heap_reset(&heap, 0, SIZE_MAX, KEEP_BYTES);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (mapped == NULL) {
		mapped = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		assert((void *)mapped != MAP_FAILED);
		heap_init(&heap, mapped, SIZE);
	}
	memset(blocks, 0, sizeof blocks);
	heap_reset(&heap, 0, SIZE_MAX, KEEP_BYTES);
	for (size_t i = 0; i + 4 <= size && i < CALLS_MAX * 4; i += 4) {
		call_heap(data + i, (unsigned char)(i / 4 + 1));
		if (i % 32 == 0)
			check_blocks();
	}
	check_blocks();
	return 0;
}
