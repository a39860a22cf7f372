/* Any bytes as a file. What must hold: the pieces in which they come change nothing; stripping twice is stripping once; the probe's
 * verdict, the size and the frames stay; the orientation too, but for WebP, which has none afterwards. */
#include "image/strip/strip.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define OUT_MAX ((size_t)1 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct output {
	char bytes[OUT_MAX];
	size_t n;
	struct strip_result result;
};

static void append(struct output *o, struct str piece)
{
	assert(piece.n <= OUT_MAX - o->n);
	memcpy(o->bytes + o->n, piece.p, piece.n);
	o->n += piece.n;
}

/* Each piece is on a heap block of its own size, which is gone when the next one comes.
 * seed   of the sizes; 0: one piece */
static void strip_all(struct str in, const struct strip_options *options, uint32_t seed, struct output *o)
{
	struct strip s;
	struct str piece;
	const struct strip_result *result;
	o->n = 0;
	strip_init(&s, options);
	while (in.n > 0) {
		size_t n = seed == 0 ? in.n : 1 + (seed >> 16) % (seed & 0x8000 ? 7 : 500);
		n = n < in.n ? n : in.n;
		char *copy = malloc(n);
		memcpy(copy, in.p, n);
		struct str next = { copy, n };
		while (strip_next(&s, &next, &piece))
			append(o, piece);
		assert(next.n == 0);
		free(copy);
		in = str_slice(in, n, in.n);
		seed = seed == 0 ? 0 : seed * 1664525 + 1013904223;
	}
	if (strip_end(&s, &piece))
		append(o, piece);
	enum status status = strip_result(&s, &result, NULL);
	assert(status == OK);
	o->result = *result;
	if (result->patch.n > 0) {
		assert(result->patch.at + result->patch.n <= o->n && (options == NULL || !options->append_only));
		memcpy(o->bytes + result->patch.at, result->patch.bytes, result->patch.n);
	}
	strip_deinit(&s);
}

static void check_verdict(struct str in, const struct output *o)
{
	struct probe before, after;
	enum probe_result was = probe_image(in, &before);
	enum probe_result is = probe_image((struct str){ o->bytes, o->n }, &after);
	assert(was == is && before.type == after.type && before.type == o->result.type);
	assert(before.width == after.width && before.height == after.height && before.frames == after.frames);
	assert(before.orientation == after.orientation || before.type == PROBE_WEBP);
	assert(was != PROBE_OK || !o->result.broken);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct output whole, pieces, twice;
	const struct strip_options options[] = { { 0 }, { .facts = true, .append_only = true } };
	struct str in = { (const char *)data, size };
	for (size_t i = 0; i < COUNT_OF(options); i++) {
		strip_all(in, &options[i], 0, &whole);
		assert(whole.result.received_bytes == size && whole.result.stored_bytes == whole.n);
		strip_all(in, &options[i], (uint32_t)size * 2654435761u | 1, &pieces);
		assert(str_equal((struct str){ whole.bytes, whole.n }, (struct str){ pieces.bytes, pieces.n }));
		assert(memcmp(&whole.result, &pieces.result, sizeof whole.result) == 0);
		strip_all((struct str){ whole.bytes, whole.n }, &options[i], 0, &twice);
		assert(str_equal((struct str){ whole.bytes, whole.n }, (struct str){ twice.bytes, twice.n }));
		check_verdict(in, &whole);
	}
	return 0;
}
