/* struct buf: growing bytes with a fixed maximum and a sticky error.
 *
 * Append freely and ask buf_ok once: past the maximum, or when memory fails, the buffer is marked
 * and later appends do nothing. A buffer is on the heap (buf_init, then buf_deinit) or in an arena
 * (buf_init_arena, nothing to free; growth leaves the old bytes to the arena). Always followed by a
 * NUL that does not count, so that buf.p may be given to C functions. One thread at a time. */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include "base/str.h"

#include <stdarg.h>

struct buf {
	char *p;
	size_t n;
	size_t cap;
	size_t max_bytes;
	struct arena *arena; /* NULL: heap */
	bool bad;
	bool starved;  /* bad because the heap allocation failed, not because of the maximum */
	bool borrowed; /* p is the caller's memory: never grown, never freed */
};

/* On the heap; in an arena. Nothing is allocated yet.
 * max_bytes  of the content, without the NUL */
void buf_init(struct buf *b, size_t max_bytes);
void buf_init_arena(struct buf *b, struct arena *a, size_t max_bytes);
/* Over `size` bytes of the caller's (at least 1, for the NUL); never grows, nothing to free. */
void buf_init_fixed(struct buf *b, char *memory, size_t size);
/* Free a heap buffer and zero it; safe on a zeroed one. */
void buf_deinit(struct buf *b);
/* Clear the content and the error, keep the memory. */
void buf_clear(struct buf *b);
/* The same of a heap buffer, and give back what a burst has taken beyond keep_bytes. */
void buf_reset(struct buf *b, size_t keep_bytes);
/* Append; past the maximum, or without memory, nothing of it and the buffer is marked. */
void buf_put(struct buf *b, struct str s);
void buf_put_char(struct buf *b, char c);
/* The pieces one after the other, all or nothing. */
void buf_put_pieces(struct buf *b, const struct str *pieces, size_t n);
#define BUF_PUT(b, ...) buf_put_pieces(b, (const struct str[]){ __VA_ARGS__ }, COUNT_OF(((const struct str[]){ __VA_ARGS__ })))
/* In decimal, faster than buf_printf. */
void buf_put_u64(struct buf *b, uint64_t n);
void buf_put_i64(struct buf *b, int64_t n);
void buf_printf(struct buf *b, const char *fmt, ...) PRINTF(2, 3);
void buf_vprintf(struct buf *b, const char *fmt, va_list args) PRINTF(2, 0);
bool buf_ok(const struct buf *b);
/* The content, borrowed until the next append. */
struct str buf_str(const struct buf *b);

#endif
