/* See object_digest.h. */
#include "port/object_digest.h"

#include "base/codec.h"

#include <stdio.h>
#include <string.h>

#define MD5_CHARS ((size_t)2 * MD5_BYTES)

static bool is_md5(struct str etag)
{
	unsigned char bytes[MD5_BYTES];
	return etag.n == MD5_CHARS && hex_decode(etag, bytes, sizeof bytes);
}

/* "<MD5>-N", of as many parts as are known. */
static bool is_md5_of_parts(const struct object_digests *r)
{
	uint64_t n = 0;
	return r->parts != NULL && r->etag.n > MD5_CHARS + 1 && r->etag.p[MD5_CHARS] == '-' && is_md5(str_slice(r->etag, 0, MD5_CHARS)) &&
		str_to_u64(str_slice(r->etag, MD5_CHARS + 1, r->etag.n), &n) && n == r->n_parts;
}

enum object_digest_kind object_digest_choose(const struct object_digests *r)
{
	bool summed = r->checksum.kind != CHECKSUM_NONE && !r->checksum.composite && r->checksum.value.n > 0;
	if (r->sha256.n > 0)
		return DIGEST_SHA256;
	if (summed && r->checksum.kind == CHECKSUM_SHA256)
		return DIGEST_CHECKSUM;
	if (is_md5(r->etag))
		return DIGEST_MD5;
	if (is_md5_of_parts(r))
		return DIGEST_MD5_OF_PARTS;
	return summed ? DIGEST_CHECKSUM : DIGEST_NOTHING;
}

void object_digest_begin(struct object_digest *d, const struct object_digests *recorded)
{
	assert(d != NULL && recorded != NULL);
	*d = (struct object_digest){ .recorded = recorded, .kind = object_digest_choose(recorded) };
	if (d->kind == DIGEST_CHECKSUM)
		checksum_init(&d->checksum, recorded->checksum.kind);
	else if (d->kind != DIGEST_NOTHING)
		hash_init(&d->hash, d->kind == DIGEST_SHA256 ? HASH_SHA256 : HASH_MD5);
}

/* Begin the next part after the one that is whole. false: there is none. */
static bool begin_part(struct object_digest *d)
{
	unsigned char sum[MD5_BYTES];
	if (d->parts_done > 0) {
		hash_final(&d->part, sum);
		hash_update(&d->hash, sum, sizeof sum);
	}
	if (d->parts_done == d->recorded->n_parts)
		return false;
	d->part_left = d->recorded->parts[d->parts_done++].size;
	hash_init(&d->part, HASH_MD5);
	return true;
}

static void add_to_parts(struct object_digest *d, const char *p, size_t n)
{
	while (n > 0 && !d->differs) {
		while (d->part_left == 0 && !d->differs)
			d->differs = !begin_part(d);
		size_t some = n < d->part_left ? n : (size_t)d->part_left;
		hash_update(&d->part, p, d->differs ? 0 : some);
		d->part_left -= some;
		p += some;
		n -= some;
	}
}

/* Parts without bytes may be left. */
static void end_parts(struct object_digest *d)
{
	while (!d->differs && d->part_left == 0 && begin_part(d))
		continue;
	d->differs = d->differs || d->part_left > 0;
}

void object_digest_add(struct object_digest *d, const void *p, size_t n)
{
	assert(d->recorded != NULL && (n == 0 || p != NULL));
	switch (d->kind) {
	case DIGEST_NOTHING:
		return;
	case DIGEST_CHECKSUM:
		checksum_update(&d->checksum, p, n);
		return;
	case DIGEST_SHA256:
	case DIGEST_MD5:
		hash_update(&d->hash, p, n);
		return;
	case DIGEST_MD5_OF_PARTS:
		add_to_parts(d, p, n);
		return;
	}
}

static bool is_hex_of(struct str text, const unsigned char *sum, size_t n)
{
	char hex[2 * SHA256_BYTES + 1];
	hex_encode(sum, n, hex);
	return str_equal_nocase(str_slice(text, 0, 2 * n), (struct str){ hex, 2 * n });
}

static bool is_base64_of(struct str text, const unsigned char *sum, size_t n)
{
	char memory[CHECKSUM_TEXT_MAX + 1];
	struct buf b;
	buf_init_fixed(&b, memory, sizeof memory);
	base64_encode(&b, (struct str){ (const char *)sum, n });
	return str_equal(text, buf_str(&b));
}

bool object_digest_end(struct object_digest *d)
{
	unsigned char sum[SHA256_BYTES];
	assert(d->recorded != NULL);
	const struct object_digests *r = d->recorded;
	bool same = true;
	if (d->kind == DIGEST_MD5_OF_PARTS)
		end_parts(d);
	if (d->kind == DIGEST_CHECKSUM) {
		checksum_final(&d->checksum, sum);
		same = is_base64_of(r->checksum.value, sum, checksum_info(r->checksum.kind)->bytes);
	} else if (d->kind != DIGEST_NOTHING) {
		hash_final(&d->hash, sum);
		same = !d->differs && (d->kind == DIGEST_SHA256 ? is_hex_of(r->sha256, sum, SHA256_BYTES) : is_hex_of(r->etag, sum, MD5_BYTES));
	}
	d->recorded = NULL;
	return same;
}
