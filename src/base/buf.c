/* Growing bytes. Every append goes through reserve(), which is the only place that knows the
 * maximum, the heap and the arena: it leaves room for the bytes and the NUL after them, or marks
 * the buffer, after which nothing is appended any more.
 *
 * Memory doubles, so n appends cost O(n). A buffer that has no memory yet points at a byte that
 * is never written, so that p is always a C string. */
#include "base/buf.h"
#include "base/arena.h"
#include "base/mem.h"

#include <stdio.h>
#include <string.h>

#define CAP_FIRST 128
#define CAP_FIRST_HEAP 512 /* a response's head, in one piece of memory */

static char nothing[1];

void buf_init(struct buf *b, size_t max_bytes)
{
	*b = (struct buf){ .p = nothing, .max_bytes = max_bytes };
}

void buf_init_arena(struct buf *b, struct arena *a, size_t max_bytes)
{
	*b = (struct buf){ .p = nothing, .max_bytes = max_bytes, .arena = a };
}

void buf_init_fixed(struct buf *b, char *memory, size_t size)
{
	assert(b != NULL);
	assert(size == 0 || memory != NULL);
	assert(size > 0);
	memory[0] = '\0';
	*b = (struct buf){ .p = memory, .cap = size, .max_bytes = size - 1, .borrowed = true };
}

void buf_deinit(struct buf *b)
{
	if (b->cap > 0 && b->arena == NULL && !b->borrowed)
		mem_free(b->p);
	*b = (struct buf){ 0 };
}

void buf_clear(struct buf *b)
{
	assert(b != NULL);
	b->n = 0;
	b->bad = b->starved = false;
	if (b->cap > 0)
		b->p[0] = '\0';
}

void buf_reset(struct buf *b, size_t keep_bytes)
{
	assert(b->arena == NULL && !b->borrowed);
	size_t max_bytes = b->max_bytes;
	buf_clear(b);
	if (b->cap <= keep_bytes)
		return;
	buf_deinit(b);
	buf_init(b, max_bytes);
}

/* Memory of cap bytes with the old content; NULL when it fails. */
static char *grow_to(const struct buf *b, size_t cap)
{
	if (b->arena == NULL)
		return mem_resize(b->cap > 0 ? b->p : NULL, cap, 1);
	char *p = arena_alloc(b->arena, cap);
	if (p != NULL && b->n > 0)
		memcpy(p, b->p, b->n);
	return p;
}

/* Apart, so that what is there most often, room, costs no call. */
__attribute__((noinline)) static bool grow(struct buf *b, size_t n)
{
	assert(b->n <= b->max_bytes);
	if (b->bad || n > b->max_bytes - b->n) {
		b->bad = true;
		return false;
	}
	size_t need = b->n + n + 1, first = b->arena == NULL ? CAP_FIRST_HEAP : CAP_FIRST;
	size_t cap = b->cap < first ? first : b->cap;
	while (cap < need)
		cap = cap > SIZE_MAX / 2 ? need : cap * 2;
	if (cap > b->max_bytes && b->max_bytes < SIZE_MAX)
		cap = b->max_bytes + 1;
	char *p = grow_to(b, cap);
	if (p == NULL) {
		b->bad = true;
		b->starved = b->arena == NULL || b->arena->starved;
		return false;
	}
	assert(cap >= need && !b->borrowed);
	b->p = p;
	b->cap = cap;
	return true;
}

/* Room for n more bytes and a NUL. false: the buffer is marked. */
static bool reserve_bytes(struct buf *b, size_t n)
{
	return (!b->bad && n < b->cap - b->n) || grow(b, n); /* cap is at most max_bytes + 1 */
}

void buf_put(struct buf *b, struct str s)
{
	assert(b != NULL);
	if (s.n == 0 || !reserve_bytes(b, s.n))
		return;
	memcpy(b->p + b->n, s.p, s.n);
	b->n += s.n;
	b->p[b->n] = '\0';
}

void buf_put_pieces(struct buf *b, const struct str *pieces, size_t n)
{
	assert(b != NULL);
	assert(pieces != NULL);
	size_t whole = 0;
	for (size_t i = 0; i < n; i++)
		whole += pieces[i].n;
	if (!reserve_bytes(b, whole))
		return;
	for (size_t i = 0; i < n; i++) {
		if (pieces[i].n > 0)
			memcpy(b->p + b->n, pieces[i].p, pieces[i].n);
		b->n += pieces[i].n;
	}
	b->p[b->n] = '\0';
}

void buf_put_char(struct buf *b, char c)
{
	assert(b != NULL);
	if (!reserve_bytes(b, 1))
		return;
	b->p[b->n++] = c;
	b->p[b->n] = '\0';
}

void buf_put_u64(struct buf *b, uint64_t n)
{
	assert(b != NULL);
	char memory[DECIMAL_CHARS];
	buf_put(b, str_of_number(n, memory));
}

void buf_put_i64(struct buf *b, int64_t n)
{
	assert(b != NULL);
	if (n < 0)
		buf_put_char(b, '-');
	buf_put_u64(b, n < 0 ? -(uint64_t)n : (uint64_t)n);
}

void buf_vprintf(struct buf *b, const char *fmt, va_list args)
{
	assert(b != NULL);
	assert(fmt != NULL);
	va_list again;
	va_copy(again, args);
	/* Most often there is room already: then one pass does it. */
	size_t room = b->cap > 0 ? b->cap - b->n : 0;
	int n = vsnprintf(room > 0 ? b->p + b->n : NULL, room, fmt, args);
	bool fits = n >= 0 && reserve_bytes(b, (size_t)n);
	if (fits && (size_t)n >= room)
		vsnprintf(b->p + b->n, (size_t)n + 1, fmt, again);
	va_end(again);
	if (fits) {
		b->n += (size_t)n;
		return;
	}
	b->bad = true;
	if (b->cap > 0)
		b->p[b->n] = '\0'; /* what formatting may have left after the end is removed */
}

void buf_printf(struct buf *b, const char *fmt, ...)
{
	va_list args;
	va_start(args, fmt);
	buf_vprintf(b, fmt, args);
	va_end(args);
}

bool buf_ok(const struct buf *b)
{
	return !b->bad;
}

struct str buf_str(const struct buf *b)
{
	assert(b != NULL);
	return (struct str){ b->p, b->n };
}
