/* Request heads of any bytes: the first byte is the size of the pieces. A head in pieces gives the same as a head in
 * one, and what is accepted has no byte that two readers could understand in two ways. */
#include "http/server/head_parser.h"

#include "base/arena.h"
#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static enum status find_head(struct head_search *search, struct str in, size_t step, size_t *size)
{
	enum status status = OK;
	*size = 0;
	for (size_t n = step; status == OK && *size == 0; n += step) {
		status = head_find(search, str_slice(in, 0, n), size, NULL);
		if (n >= in.n)
			break;
	}
	return status;
}

/* Every byte of an accepted head is in one of its pieces, or one of the few that part them. */
static void check_head(struct str raw, const struct head *h)
{
	size_t n = h->method.n + 1 + h->target.n + 1 + strlen("HTTP/1.1\r\n") + 2;
	assert(h->method.n > 0 && h->target.n > 0 && memchr(raw.p, '\0', raw.n) == NULL);
	for (size_t i = 0; i < h->n_headers; i++) {
		struct header f = h->headers[i];
		assert(f.name.n > 0 && f.name.p >= raw.p && f.value.p + f.value.n < raw.p + raw.n);
		assert(memchr(f.value.p, '\n', f.value.n) == NULL && memchr(f.value.p, '\r', f.value.n) == NULL);
		n += f.name.n + 1 + f.value.n + 2;
	}
	assert(n <= raw.n);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	if (n < 2)
		return 0;
	struct str in = { (const char *)data + 1, n - 1 };
	struct head_search whole = { 0 }, pieces = { 0 };
	size_t size, size_in_pieces;
	enum status status = find_head(&whole, in, in.n, &size), second = find_head(&pieces, in, (size_t)data[0] + 1, &size_in_pieces);
	assert(status == second && size == size_in_pieces);
	struct arena a;
	struct head head;
	arena_init(&a, 1 << 20);
	struct str raw = str_slice(in, 0, status == OK ? size : whole.lines > 0 ? whole.line : in.n);
	enum status parsed = size > 0 || status != OK ? head_parse(&a, raw, whole.lines, &head, NULL) : INVALID;
	if (status == OK && parsed == OK)
		check_head(raw, &head);
	arena_deinit(&a);
	return 0;
}
