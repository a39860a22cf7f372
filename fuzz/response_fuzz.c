/* Response heads and chunked bodies of any bytes. The first byte says where the body is cut in two,
 * and a body decoded in two pieces must be what it is in one. */
#include "http/client/response.h"

#include "base/arena.h"
#include "base/buf.h"
#include <assert.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static enum status decode(struct response_chunks *c, struct str in, struct buf *out)
{
	struct str piece;
	do {
		TRY(response_next_chunk(c, &in, &piece, NULL));
		buf_put(out, piece);
	} while (piece.n > 0);
	return OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	if (n == 0)
		return 0;
	struct str all = { (const char *)data + 1, n - 1 }, body = all;
	struct arena a;
	struct http_response r;
	arena_init(&a, 1 << 20);
	size_t head = response_head_size(all);
	if (head > 0 && response_parse_head(&a, str_slice(all, 0, head), &r, NULL) == OK) {
		assert(r.status >= 100 && r.status <= 599 && r.n_headers <= RESPONSE_HEADERS_MAX && !(r.chunked && r.has_length));
		body = str_slice(all, head, all.n);
	}
	struct response_chunks whole = { 0 }, halves = { 0 };
	struct buf one, two;
	buf_init_arena(&one, &a, n);
	buf_init_arena(&two, &a, n);
	size_t cut = data[0] < body.n ? data[0] : body.n;
	enum status first = decode(&whole, body, &one), second = decode(&halves, str_slice(body, 0, cut), &two);
	if (second == OK && halves.state != CHUNK_DONE)
		second = decode(&halves, str_slice(body, cut, body.n), &two);
	assert(first == second && whole.state == halves.state && str_equal(buf_str(&one), buf_str(&two)));
	arena_deinit(&a);
	return 0;
}
