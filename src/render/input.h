/* The picture's bytes, read at any offset: from a descriptor by pread in pieces of 64 KiB, or from memory. One thread. */
#ifndef RENDER_INPUT_H
#define RENDER_INPUT_H

#include "base/str.h"

#define INPUT_WINDOW_BYTES ((size_t)64 << 10)

struct input {
	int fd;      /* -1: from memory */
	bool failed; /* the descriptor could not be read, or is shorter than size_bytes; nothing more is read then */
	uint64_t size_bytes;
	uint64_t start;    /* offset of what `window` holds */
	struct str window; /* from memory: all of it */
	unsigned char bytes[INPUT_WINDOW_BYTES];
};

/* fd: borrowed, readable at any offset. size_bytes: what there is to read. */
void input_init_fd(struct input *in, int fd, uint64_t size_bytes);
/* bytes: borrowed for as long as the input is used. */
void input_init_bytes(struct input *in, struct str bytes);
/* What is there from `offset` on: at least one byte unless the end is reached or reading failed. Borrowed until the next
 * call of this or of input_read. */
struct str input_at(struct input *in, uint64_t offset);
/* n bytes from `offset` on, in one piece. false: there are fewer. */
bool input_read(struct input *in, uint64_t offset, void *out, size_t n) MUST_CHECK;
/* Whether each of the bytes from..to is 00 or FF. What input_at gave stays valid. */
bool input_is_padding(struct input *in, uint64_t from, uint64_t to);

#endif
