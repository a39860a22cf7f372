/* See input.h. One window of 64 KiB: the readers go forward, and look back a few bytes at most. */
#include "render/input.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

void input_init_fd(struct input *in, int fd, uint64_t size_bytes)
{
	assert(fd >= 0);
	in->fd = fd;
	in->size_bytes = size_bytes;
	in->failed = false;
	in->start = 0;
	in->window = (struct str){ (const char *)in->bytes, 0 };
}

void input_init_bytes(struct input *in, struct str bytes)
{
	in->fd = -1;
	in->size_bytes = bytes.n;
	in->failed = false;
	in->start = 0;
	in->window = bytes;
}

/* Bytes read: 0 at the end and when reading fails, which is noted. */
static size_t read_at(struct input *in, uint64_t offset, void *out, size_t n)
{
	ssize_t got;
	do
		got = pread(in->fd, out, n, (off_t)offset);
	while (got < 0 && errno == EINTR);
	if (got <= 0)
		in->failed = true;
	return got <= 0 ? 0 : (size_t)got;
}

struct str input_at(struct input *in, uint64_t offset)
{
	if (offset >= in->size_bytes || in->failed)
		return (struct str){ NULL, 0 };
	if (offset < in->start || offset - in->start >= in->window.n) {
		assert(in->fd >= 0);
		in->start = offset;
		in->window.n = read_at(in, offset, in->bytes, INPUT_WINDOW_BYTES);
		if (in->window.n > in->size_bytes - offset)
			in->window.n = in->size_bytes - offset;
	}
	return str_slice(in->window, (size_t)(offset - in->start), in->window.n);
}

bool input_read(struct input *in, uint64_t offset, void *out, size_t n)
{
	char *to = out;
	while (n > 0) {
		struct str piece = input_at(in, offset);
		if (piece.n == 0)
			return false;
		if (piece.n > n)
			piece.n = n;
		memcpy(to, piece.p, piece.n);
		to += piece.n;
		n -= piece.n;
		offset += piece.n;
	}
	return true;
}

bool input_is_padding(struct input *in, uint64_t from, uint64_t to)
{
	assert(from <= to && to <= in->size_bytes);
	unsigned char apart[4096];
	while (from < to) {
		size_t n = to - from < sizeof apart ? (size_t)(to - from) : sizeof apart;
		const unsigned char *p = apart;
		if (in->fd < 0)
			p = (const unsigned char *)in->window.p + from;
		else if ((n = read_at(in, from, apart, n)) == 0)
			return false;
		for (size_t i = 0; i < n; i++)
			if (p[i] != 0 && p[i] != 0xff)
				return false;
		from += n;
	}
	return true;
}
