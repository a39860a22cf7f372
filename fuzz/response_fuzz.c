/* Response heads of any bytes. */
#include "http/client/response.h"

#include "base/arena.h"
#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct str all = { (const char *)data, n };
	struct arena a;
	struct http_response r;
	arena_init(&a, 1 << 20);
	size_t head = response_head_size(all);
	if (head > 0 && response_parse_head(&a, str_slice(all, 0, head), &r, NULL) == OK)
		assert(r.status >= 100 && r.status <= 599 && r.n_headers <= RESPONSE_HEADERS_MAX && !(r.chunked && r.has_length));
	arena_deinit(&a);
	return 0;
}
