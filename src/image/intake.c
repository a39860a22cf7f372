#include "image/intake.h"

#include "base/codec.h"
#include "image/kept_metadata.h"

#include <assert.h>
#include <string.h>

#define GATHER_BYTES 4096

void intake_begin(struct image_intake *i, bool strips, unsigned keep, bool wants_md5)
{
	const struct strip_options options = { .facts = keep != 0 };
	assert(i != NULL);
	*i = (struct image_intake){ .strips = strips, .keep = keep, .wants_md5 = wants_md5 };
	hash_init(&i->sha256, HASH_SHA256);
	hash_init(&i->md5, HASH_MD5);
	if (strips)
		strip_init(&i->strip, &options);
}

/* Small slices are joined, so that an image of many blocks is not as many writes. */
struct gathered {
	char bytes[GATHER_BYTES];
	size_t n;
};

static enum status write_gathered(struct gathered *g, struct incoming *in, struct fault *why)
{
	size_t n = g->n;
	g->n = 0;
	return n == 0 ? OK : bucket_write(in, g->bytes, n, why);
}

static enum status gather(struct gathered *g, struct incoming *in, struct str out, struct fault *why)
{
	if (out.n > sizeof g->bytes - g->n)
		TRY(write_gathered(g, in, why));
	if (out.n > sizeof g->bytes)
		return bucket_write(in, out.p, out.n, why);
	memcpy(g->bytes + g->n, out.p, out.n);
	g->n += out.n;
	return OK;
}

enum status intake_write(struct image_intake *i, struct incoming *in, struct str piece, struct fault *why)
{
	struct str out;
	struct gathered g;
	assert(i != NULL && in != NULL);
	hash_update(&i->sha256, piece.p, piece.n);
	if (i->wants_md5)
		hash_update(&i->md5, piece.p, piece.n);
	i->received += piece.n;
	if (!i->strips)
		return bucket_write(in, piece.p, piece.n, why);
	g.n = 0;
	while (strip_next(&i->strip, &piece, &out))
		TRY(gather(&g, in, out, why));
	return write_gathered(&g, in, why);
}

static enum status end_strip(struct image_intake *i, struct incoming *in, struct arena *a, struct received_bytes *out, struct fault *why)
{
	struct str last;
	const struct strip_result *result;
	if (strip_end(&i->strip, &last))
		TRY(bucket_write(in, last.p, last.n, why));
	TRY(strip_result(&i->strip, &result, why));
	assert(result->received_bytes == i->received);
	out->stripped = result->type != PROBE_UNKNOWN;
	out->removed = result->removed;
	out->kept_metadata = kept_metadata(i->keep, &result->facts, a);
	return result->patch.n == 0 ? OK : bucket_patch(in, result->patch.at, result->patch.bytes, result->patch.n, why);
}

enum status intake_end(struct image_intake *i, struct incoming *in, struct arena *a, struct received_bytes *out, struct fault *why)
{
	unsigned char sum[SHA256_BYTES];
	char hex[2 * SHA256_BYTES + 1];
	assert(in != NULL && a != NULL && out != NULL);
	if (i->strips)
		TRY(end_strip(i, in, a, out, why));
	hash_final(&i->sha256, sum);
	if (i->wants_md5)
		hash_final(&i->md5, i->received_md5);
	hex_encode(sum, SHA256_BYTES, hex);
	out->received_size = i->received;
	out->received_sha256 = str_dup(a, str_of(hex));
	return fault_check_arena(a, why);
}

void intake_drop(struct image_intake *i)
{
	assert(i != NULL);
	strip_deinit(&i->strip);
}
