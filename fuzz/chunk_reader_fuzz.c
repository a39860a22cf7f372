/* Chunked bodies of any bytes. The first byte is where the body is cut in two: a body that is read in two pieces must be
 * what it is in one. */
#include "http/chunk_reader.h"

#include "base/arena.h"
#include "base/buf.h"
#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static bool decode(struct chunk_reader *c, struct str in, struct buf *out)
{
	struct str piece;
	do {
		if (!chunk_reader_next(c, &in, &piece))
			return false;
		buf_put(out, piece);
	} while (piece.n > 0);
	return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	if (n == 0)
		return 0;
	struct str body = { (const char *)data + 1, n - 1 };
	struct arena a;
	arena_init(&a, 1 << 20);
	struct chunk_reader whole = { 0 }, halves = { 0 };
	struct buf one, two;
	buf_init_arena(&one, &a, n);
	buf_init_arena(&two, &a, n);
	size_t cut = data[0] < body.n ? data[0] : body.n;
	bool first = decode(&whole, body, &one), second = decode(&halves, str_slice(body, 0, cut), &two);
	if (second && halves.state != CHUNK_DONE)
		second = decode(&halves, str_slice(body, cut, body.n), &two);
	assert(first == second && whole.state == halves.state && str_equal(buf_str(&one), buf_str(&two)));
	assert(whole.extra_bytes <= CHUNK_EXTRA_MAX_BYTES + 1);
	arena_deinit(&a);
	return 0;
}
