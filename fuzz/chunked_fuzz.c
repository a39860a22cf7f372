/* Fuzz target of s3/wire/chunked: a body in one piece and byte by byte gives the same data and the same end, each event
 * uses input, and a chunk never gives more than its size. The first byte says whether the trailer is signed. */
#include "s3/wire/chunked.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

struct result {
	uint64_t hash, data, given;
	enum chunked_event last;
};

static void mix(struct result *r, struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		r->hash = (r->hash ^ (unsigned char)s.p[i]) * 0x100000001b3;
}

static bool take(struct chunked *c, struct str in, struct result *r)
{
	while (in.n > 0) {
		struct str data = { 0 };
		size_t before = in.n;
		enum chunked_event event = chunked_next(c, &in, &data);
		assert(event == CHUNKED_BAD || in.n < before);
		r->last = event != CHUNKED_MORE && event != CHUNKED_DATA ? event : r->last;
		if (event == CHUNKED_CHUNK)
			mix(r, c->signature);
		if (event == CHUNKED_CHUNK)
			r->given = c->size;
		r->data += data.n;
		assert(data.n <= r->given);
		r->given -= data.n;
		mix(r, data);
		if (event == CHUNKED_TRAILER) {
			mix(r, c->name);
			mix(r, c->value);
		}
		if (event == CHUNKED_BAD)
			return false;
	}
	return true;
}

static struct result run(struct str body, bool signed_trailer, size_t piece)
{
	struct result r = { 0 };
	struct chunked c;
	chunked_init(&c, signed_trailer);
	for (size_t at = 0; at < body.n; at += piece) {
		if (!take(&c, str_slice(body, at, at + piece), &r))
			break;
	}
	return r;
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	if (n < 2)
		return 0;
	struct str body = { (const char *)p + 1, n - 1 };
	struct result whole = run(body, p[0] & 1, body.n), bytes = run(body, p[0] & 1, 1), pieces = run(body, p[0] & 1, 1 + p[0] / 2);
	assert(whole.hash == bytes.hash && whole.data == bytes.data && whole.last == bytes.last);
	assert(whole.hash == pieces.hash && whole.data == pieces.data && whole.last == pieces.last);
	return 0;
}
