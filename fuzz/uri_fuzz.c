/* Query strings, percent-encoding and base64: no input does harm, and what is accepted encodes back to
 * what was read. */
#include "base/arena.h"
#include "base/codec.h"
#include "http/message.h"

#include <assert.h>

#define ARENA_BYTES ((size_t)1 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void check_query(struct arena *a, struct str raw)
{
	struct query q;
	if (query_parse(a, raw, &q, NULL) != OK)
		return;
	for (size_t i = 0; i < q.n; i++) {
		assert(q.pairs[i].name.n <= q.pairs[i].raw_name.n && q.pairs[i].value.n <= q.pairs[i].raw_value.n);
		assert(query_find(&q, q.pairs[i].name) <= &q.pairs[i]);
	}
}

static void check_uri(struct arena *a, struct str s)
{
	struct str decoded, again;
	struct buf b;
	if (!uri_decode(a, s, false, &decoded))
		return;
	buf_init_arena(&b, a, ARENA_BYTES);
	uri_encode(&b, decoded, true);
	if (buf_ok(&b) && uri_decode(a, buf_str(&b), true, &again))
		assert(str_equal(decoded, again));
}

/* Base64 has one text for each bytes: what is accepted is what encoding gives. */
static void check_base64(struct arena *a, struct str s)
{
	struct str decoded;
	struct buf b;
	buf_init_arena(&b, a, ARENA_BYTES);
	if (base64_decode(a, s, &decoded)) {
		base64_encode(&b, decoded);
		assert(!buf_ok(&b) || str_equal(buf_str(&b), s));
	}
	buf_clear(&b);
	if (base64url_decode(a, s, &decoded)) {
		base64url_encode(&b, decoded);
		assert(!buf_ok(&b) || str_equal(buf_str(&b), s));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct str s = { (const char *)data, n };
	struct arena a;
	arena_init(&a, ARENA_BYTES);
	check_query(&a, s);
	check_uri(&a, s);
	check_base64(&a, s);
	arena_deinit(&a);
	return 0;
}
